//! How lists of calls may be narrowed.

use async_graphql::InputObject;
use entity::enums::McpCallStatus;
use entity::ids::{ApiKeyId, McpServerId, UserId};

use crate::platform::errors::{Error, Result};
use crate::platform::filters::{TimeFilter, check_name};

/// Which calls a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct McpCallFilter {
    /// Ended in one of these ways; up to 5.
    pub statuses: Option<Vec<McpCallStatus>>,
    /// Of tools of this server.
    pub server_id: Option<McpServerId>,
    /// Of tools with this name.
    pub tool_name: Option<String>,
    /// By this person, or a key of theirs.
    pub user_id: Option<UserId>,
    /// With this API key.
    pub api_key_id: Option<ApiKeyId>,
    /// Begun at this time.
    pub created_at: Option<TimeFilter>,
}

impl McpCallFilter {
    pub fn check(self) -> Result<Self> {
        if self.statuses.as_ref().is_some_and(|statuses| statuses.len() > 5) {
            return Err(Error::bad_input("statuses", "Give at most 5 statuses."));
        }
        check_name("toolName", self.tool_name.as_deref(), "No tool has such a name.")?;
        if let Some(time) = &self.created_at {
            time.check("createdAt")?;
        }
        Ok(self)
    }
}
