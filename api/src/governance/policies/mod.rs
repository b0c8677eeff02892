//! Policies: what an organization, a project or the users of one server may do with tools and models. A policy begins as
//! a draft, may be tried in a simulation or in monitor mode, and every edit of it is a version that is kept.
//! Invariant: what is stored was validated, and what is stored and cannot be read any more denies.

pub mod applying;
pub mod cedar;
mod events;
mod filter;
mod graphql;
pub mod input;
mod mutations;
mod roles;
mod rules;
mod says;
mod store;

pub use filter::PolicyFilter;
pub use graphql::{Policy, of_organization, of_project};
pub use mutations::{PolicyMutation, PolicyScopeInput};
pub use roles::PolicyRole;
pub use rules::check_text;
pub use store::{Written, as_decided, defaults_of, parse_rules};
