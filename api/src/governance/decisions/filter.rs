//! How lists of decisions may be narrowed.

use async_graphql::InputObject;
use entity::enums::DecisionOutcome;
use entity::ids::{PolicyId, UserId};

use crate::platform::errors::{Error, Result};
use crate::platform::filters::TimeFilter;

/// Which decisions a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct DecisionFilter {
    /// One of these was decided; up to 3.
    pub outcomes: Option<Vec<DecisionOutcome>>,
    /// About this person, or a key of theirs.
    pub user_id: Option<UserId>,
    /// Because of this policy.
    pub winner_id: Option<PolicyId>,
    /// At this time.
    pub created_at: Option<TimeFilter>,
}

impl DecisionFilter {
    pub fn check(self) -> Result<Self> {
        if self.outcomes.as_ref().is_some_and(|outcomes| outcomes.len() > 3) {
            return Err(Error::bad_input("outcomes", "Give at most 3 outcomes."));
        }
        if let Some(time) = &self.created_at {
            time.check("createdAt")?;
        }
        Ok(self)
    }
}
