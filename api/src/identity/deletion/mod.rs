//! Deleting an account: the person goes, what others rely on stays. The row remains without anything personal in it, as
//! the owner of documents in other people's spaces and as the actor of the audit log.

mod graphql;
mod rules;
mod store;

pub use graphql::{AccountDeletion, DeletionMutation};
