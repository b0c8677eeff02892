//! Members: who belongs to an organization, and with which role. Spaces and projects ask here whom they may add. Who is
//! to become a member is invited and agrees: nothing else shows a person to an organization.
//! Invariant: an active owner always remains. Whatever takes an owner away locks the organization first,
//! so that of two such writes the second sees what the first left.

mod grantee;
mod graphql;
mod rules;
mod store;

pub use grantee::{Grantee, Person};
pub use graphql::{Member, MemberMutation, of_organization};
pub use rules::{add_founder, check_giving, check_holder, find_holder};
pub use store::{NewMembership, acquaintance, insert, of_person};
