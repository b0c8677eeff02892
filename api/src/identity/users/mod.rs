//! People: the account to its owner, a name and a face to those who work with them.

mod graphql;
mod rules;
mod store;

pub use graphql::{User, UserMutation, ViewerObject, ViewerQuery};
pub use store::{NewUser, by_email, insert, lock, name_of, refused};
