//! How lists of servers may be narrowed.

use async_graphql::InputObject;
use entity::enums::{McpHealth, McpServerStatus, McpTransport, ToolDrift};

use crate::platform::errors::Result;
use crate::platform::filters::{TextFilter, TimeFilter, check_choices};

/// Which MCP servers a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct McpServerFilter {
    /// With one of these statuses; up to 4.
    pub statuses: Option<Vec<McpServerStatus>>,
    /// With one of these states of health; up to 4.
    pub health: Option<Vec<McpHealth>>,
    /// Reached at present in one of these ways; up to 3.
    pub transports: Option<Vec<McpTransport>>,
    /// True: those that are switched on. False: those that are not.
    pub is_enabled: Option<bool>,
    /// True: those that wait for an owner or admin of the organization, because they were submitted and nobody decided yet,
    /// or because they are approved and a tool of theirs went back to review. False: all others.
    pub needs_review: Option<bool>,
    /// Has a tool that differs in one of these ways from what was approved; up to 7.
    pub drifts: Option<Vec<ToolDrift>>,
    /// With this name.
    pub name: Option<TextFilter>,
    /// Registered at this time.
    pub created_at: Option<TimeFilter>,
    /// Last changed at this time.
    pub updated_at: Option<TimeFilter>,
}

impl McpServerFilter {
    /// Refuses what cannot be meant, and what the database cannot compare with.
    pub fn check(self) -> Result<Self> {
        check_choices("statuses", self.statuses.as_deref(), 4)?;
        check_choices("health", self.health.as_deref(), 4)?;
        check_choices("transports", self.transports.as_deref(), 3)?;
        check_choices("drifts", self.drifts.as_deref(), 7)?;
        self.name.as_ref().map_or(Ok(()), |name| name.check("name"))?;
        self.created_at.as_ref().map_or(Ok(()), |time| time.check("createdAt"))?;
        self.updated_at.as_ref().map_or(Ok(()), |time| time.check("updatedAt"))?;
        Ok(self)
    }
}
