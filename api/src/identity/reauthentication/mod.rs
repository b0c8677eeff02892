//! Proving again who is signed in, before what cannot be undone.

mod graphql;
mod rules;

pub use graphql::ReauthenticationMutation;
