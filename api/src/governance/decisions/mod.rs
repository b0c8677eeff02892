//! Decisions: what may happen, decided from the policies that hold at this moment and recorded with the reasons.
//! `decide` is for whoever is about to do it; `Standing` is for lists and explanations, which leave no trace.
//! Invariant: no decision is made from policies that were replaced before it began: PostgreSQL confirms their version.

mod asking;
mod deciding;
mod events;
mod explaining;
mod explanation;
mod filter;
mod graphql;
mod limits;
mod recorded;
mod recording;
mod redaction;
mod rules;
mod standing;
mod store;
mod subscription;
mod trace;
mod why_not;
mod why_not_steps;

pub use deciding::{Asked, Decided, Tool, Use, decide, weigh};
pub use explaining::ExplanationQuery;
pub use filter::DecisionFilter;
pub use graphql::{Decision, of_organization, of_project};
pub use limits::limits_of_project;
pub use recorded::MOST_NAME_CHARS;
pub use recording::Made;
pub use redaction::redacted_arguments;
pub use standing::{PolicySet, Standing, policies_of};
pub use subscription::DecisionSubscription;
pub use trace::{ReasonKind, TracedLimit};
