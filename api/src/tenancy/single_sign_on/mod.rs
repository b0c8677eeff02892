//! Single sign-on: the identity provider of an organization and the domains of its people's addresses. Where it is
//! enforced, a member reaches the organization only in a session that this provider opened with a verified address of one
//! of the domains; in any other it does not exist for them. The grants see to that, so every transport does.
//!
//! A provider that breaks does not lock an organization for good: an owner with a second factor can end the enforcement
//! from any session, after a recent proof; nothing else of the organization is reached in that way, and all owners are
//! told. Whoever enforces it must be such an owner, and be in a session that will not be shut out.
//!
//! Members are let in by themselves only where the provider is the organization's own, which the operator's settings say.

mod graphql;
mod rules;
mod store;

pub use graphql::{SingleSignOn, SingleSignOnMutation};
pub use rules::{join, providers_needed};
