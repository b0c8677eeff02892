//! How lists of keys may be narrowed.

use async_graphql::InputObject;
use entity::ids::UserId;

use super::state::ApiKeyState;
use crate::platform::authorization::Scope;
use crate::platform::errors::{Error, Result};
use crate::platform::filters::{TextFilter, TimeFilter};

/// Which API keys a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct ApiKeyFilter {
    /// In one of these states; up to 4.
    pub states: Option<Vec<ApiKeyState>>,
    /// With this name.
    pub name: Option<TextFilter>,
    /// With this scope.
    pub scope: Option<Scope>,
    /// Created by this person.
    pub created_by: Option<UserId>,
    /// Last used at this time. A key that was never used is left out.
    pub last_used_at: Option<TimeFilter>,
    /// Ends by itself at this time. A key without an end is left out.
    pub expires_at: Option<TimeFilter>,
}

impl ApiKeyFilter {
    /// Refuses what the database cannot hold.
    pub fn check(self) -> Result<Self> {
        if self.states.as_ref().is_some_and(|states| states.len() > 4) {
            return Err(Error::bad_input("filter", "Give at most 4 states."));
        }
        if let Some(name) = &self.name {
            name.check("filter")?;
        }
        for time in [&self.last_used_at, &self.expires_at].into_iter().flatten() {
            time.check("filter")?;
        }
        Ok(self)
    }
}
