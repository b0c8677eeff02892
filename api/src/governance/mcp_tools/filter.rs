//! How lists of tools may be narrowed.

use async_graphql::InputObject;
use entity::enums::{RiskLevel, ToolDrift};
use entity::ids::McpServerId;

use crate::platform::errors::Result;
use crate::platform::filters::{TextFilter, TimeFilter, check_choices};

/// Which tools a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct McpToolFilter {
    /// Of this server.
    pub server_id: Option<McpServerId>,
    /// Of one of these levels of risk, as riskLevel says; up to 4.
    pub risk_levels: Option<Vec<RiskLevel>>,
    /// True: those that are switched on. False: those that are not.
    pub is_enabled: Option<bool>,
    /// True: those that their server offered when it was last connected to. False: those that it did not.
    pub is_present: Option<bool>,
    /// True: those that wait for an owner or admin of the organization, because their server is approved and they went back
    /// to review. False: all others.
    pub needs_review: Option<bool>,
    /// Differs in one of these ways from what was approved; up to 7.
    pub drifts: Option<Vec<ToolDrift>>,
    /// With this name.
    pub name: Option<TextFilter>,
    /// First found at this time.
    pub created_at: Option<TimeFilter>,
    /// Last changed at this time.
    pub updated_at: Option<TimeFilter>,
}

impl McpToolFilter {
    /// Refuses what cannot be meant, and what the database cannot compare with.
    pub fn check(self) -> Result<Self> {
        check_choices("riskLevels", self.risk_levels.as_deref(), 4)?;
        check_choices("drifts", self.drifts.as_deref(), 7)?;
        self.name.as_ref().map_or(Ok(()), |name| name.check("name"))?;
        self.created_at.as_ref().map_or(Ok(()), |time| time.check("createdAt"))?;
        self.updated_at.as_ref().map_or(Ok(()), |time| time.check("updatedAt"))?;
        Ok(self)
    }
}
