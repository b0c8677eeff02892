//! How lists of approvals may be narrowed.

use async_graphql::InputObject;
use entity::enums::ApprovalState;
use entity::ids::UserId;

use crate::platform::errors::{Error, Result};

/// Which requests for approval a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct ApprovalFilter {
    /// In one of these states; up to 6.
    pub states: Option<Vec<ApprovalState>>,
    /// Asked for by this person, or a key of theirs.
    pub requested_by_id: Option<UserId>,
}

impl ApprovalFilter {
    pub fn check(self) -> Result<Self> {
        if self.states.as_ref().is_some_and(|states| states.len() > 6) {
            return Err(Error::bad_input("states", "Give at most 6 states."));
        }
        Ok(self)
    }
}
