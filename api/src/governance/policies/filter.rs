//! How lists of policies may be narrowed.

use async_graphql::InputObject;
use entity::enums::{PolicyMode, PolicyStatus, PolicyType};
use entity::ids::McpServerId;

use crate::governance::decision::Level;
use crate::platform::errors::Result;
use crate::platform::filters::{TextFilter, TimeFilter, check_choices};

/// Which policies a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct PolicyFilter {
    /// With rules of one of these kinds; up to 4.
    pub types: Option<Vec<PolicyType>>,
    /// With one of these statuses; up to 3.
    pub statuses: Option<Vec<PolicyStatus>>,
    /// In this mode: with an effect while they are in use, or only recorded.
    pub mode: Option<PolicyMode>,
    /// Of this level. An organization's own are all of it; a project lists its own and those of its servers.
    pub level: Option<Level>,
    /// For the tools of this server alone.
    pub server_id: Option<McpServerId>,
    /// With this name.
    pub name: Option<TextFilter>,
    /// First written at this time.
    pub created_at: Option<TimeFilter>,
    /// Last changed at this time.
    pub updated_at: Option<TimeFilter>,
}

impl PolicyFilter {
    /// Refuses what cannot be meant, and what the database cannot compare with.
    pub fn check(self) -> Result<Self> {
        check_choices("types", self.types.as_deref(), 4)?;
        check_choices("statuses", self.statuses.as_deref(), 3)?;
        self.name.as_ref().map_or(Ok(()), |name| name.check("name"))?;
        self.created_at.as_ref().map_or(Ok(()), |time| time.check("createdAt"))?;
        self.updated_at.as_ref().map_or(Ok(()), |time| time.check("updatedAt"))?;
        Ok(self)
    }
}
