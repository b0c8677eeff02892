//! E-mail addresses: proved by a link that was sent to them.

mod graphql;
mod rules;
mod store;

pub use graphql::AddressMutation;
pub use rules::{confirmation, link_invalid, send_verification};
