//! Secrets of a project: what tools are given that nobody may see. They are set and changed, and never read back; other
//! domains write `${secrets.NAME}` where a value is to stand, and `resolve` puts it there, right before it is used.
//! Each is sealed in an envelope of its own (`platform::envelopes`), bound to its row.

mod events;
mod graphql;
mod references;
mod resolving;
mod rules;
mod store;

pub use graphql::{Secret, SecretMutation, of_project};
pub use references::{Malformed, names};
pub use resolving::{Unresolved, missing, resolve};
pub use store::COLUMNS;
