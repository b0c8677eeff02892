//! Signing in through an identity provider: with a real one, and with everything that could be wrong about it.

mod bearers;
mod github;
mod journeys;
mod linking;
mod sign_in;
