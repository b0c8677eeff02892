//! Who people are: signing up, in and out, what a session is good for, and who knows whom.

mod people;
mod profile;
mod sessions;
mod sign_up;
