//! Invitations to an organization, by mail or by link, each good once. The token is known by its SHA-256 alone: by mail it
//! goes to the address and to nobody else, so whoever has it and an account of that address is the one who was meant.
//! Invariant: an invitation is good only as long as who made it may still give the role.

mod graphql;
mod letter;
mod received;
mod rules;
mod store;

pub use graphql::{Invitation, InvitationMutation, InvitationQuery, of_organization};
pub use received::{ReceivedInvitation, of_viewer};
