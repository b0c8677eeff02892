//! Plans: what organizations and people have subscribed to, and what that leaves room for. Who has never subscribed has
//! the free plan. A subscription has a row once it is first needed; its id is then its owner's, so that it is
//! known before.
//! Invariant: whatever is limited is counted under a lock of the subscription, so that two at once do not both take the
//! last place.

pub mod billing;
mod graphql;
mod rules;
mod standing;
mod store;

pub use graphql::{PlanMutation, PlanSubscription};
pub use rules::{Counted, Owner, check_content, check_room};
pub use standing::Payment;
