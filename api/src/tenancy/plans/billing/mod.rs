//! What the provider of payments tells, in the manner of Stripe: signed, each event once, in any order.
//! Invariant: an event changes nothing that a newer one has told, and is recorded in the transaction of its change.

mod event;
mod rules;
mod signature;
mod store;
mod webhook;

pub use webhook::routes;
