//! How lists of approvals may be narrowed.

use async_graphql::InputObject;
use entity::enums::ApprovalState;
use entity::ids::{McpServerId, UserId};

use crate::platform::errors::Result;
use crate::platform::filters::{TimeFilter, check_choices, check_name};

/// Which requests for approval a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct ApprovalFilter {
    /// In one of these states; up to 6.
    pub states: Option<Vec<ApprovalState>>,
    /// True: those that you may answer now, which are pending and were asked for by somebody else in a project that you
    /// administer. False: all others.
    pub viewer_can_decide: Option<bool>,
    /// Asked for by this person, or a key of theirs.
    pub requested_by_id: Option<UserId>,
    /// To call a tool of this server.
    pub server_id: Option<McpServerId>,
    /// To call a tool with this name, of whatever server.
    pub tool_name: Option<String>,
    /// Asked at this time.
    pub created_at: Option<TimeFilter>,
}

impl ApprovalFilter {
    /// Refuses what cannot be meant, and what the database cannot compare with.
    pub fn check(self) -> Result<Self> {
        check_choices("states", self.states.as_deref(), 6)?;
        check_name("toolName", self.tool_name.as_deref(), "No tool has such a name.")?;
        self.created_at.as_ref().map_or(Ok(()), |time| time.check("createdAt"))?;
        Ok(self)
    }
}
