//! A call: whose use it counts as, and how much.

use entity::ids::{ApiKeyId, DecisionId, McpServerId, McpToolId, OrganizationId, ProjectId, UserId};
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::governance::decision::{CountedBy, Measure};

/// Whose use a call is. A limit that is counted for somebody who has no part in it does not apply.
#[derive(Clone, Copy, Debug)]
pub struct Subjects {
    /// The decision that the call is made by: its reservations are known by it.
    pub decision: DecisionId,
    pub organization: OrganizationId,
    pub project: Option<ProjectId>,
    pub user: Option<UserId>,
    pub key: Option<ApiKeyId>,
    pub server: Option<McpServerId>,
    pub tool: Option<McpToolId>,
}

impl Subjects {
    pub fn of(&self, counted_by: CountedBy) -> Option<Uuid> {
        match counted_by {
            CountedBy::Organization => Some(self.organization.uuid()),
            CountedBy::Project => self.project.map(ProjectId::uuid),
            CountedBy::User => self.user.map(UserId::uuid),
            CountedBy::Key => self.key.map(ApiKeyId::uuid),
            CountedBy::Server => self.server.map(McpServerId::uuid),
            CountedBy::Tool => self.tool.map(McpToolId::uuid),
        }
    }

    /// The project that a budget of such a subject belongs to, whatever its policy is of.
    pub fn project_of(&self, counted_by: CountedBy) -> Option<ProjectId> {
        match counted_by {
            CountedBy::Organization | CountedBy::User => None,
            CountedBy::Project | CountedBy::Key | CountedBy::Server | CountedBy::Tool => self.project,
        }
    }
}

/// How much is used, of each measure.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub requests: u32,
    pub tokens: u64,
    /// In US dollars.
    pub cost_usd: Decimal,
}

impl Usage {
    /// One request that uses nothing else.
    pub fn request() -> Self {
        Self { requests: 1, ..Self::default() }
    }

    pub fn of(&self, measure: Measure) -> Decimal {
        match measure {
            Measure::Requests => self.requests.into(),
            Measure::Tokens => self.tokens.into(),
            Measure::CostUsd => self.cost_usd,
        }
    }
}
