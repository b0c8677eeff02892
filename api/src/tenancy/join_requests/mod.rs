//! Asking to join: a private space that is listed shows its name to the members of its organization, and they may ask its
//! managers to let them in. A private space that is not listed does not exist for whoever is not in it.

mod graphql;
mod rules;
mod store;

pub use graphql::{JoinRequest, JoinRequestMutation, SpaceListing, listed_in, of_space};
