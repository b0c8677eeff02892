//! What one rule of a scan found at one place.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{McpFindingId, McpScanId, McpServerId, OrganizationId, ProjectId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "mcp_findings", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: McpFindingId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: McpServerId,
    pub scan_id: McpScanId,
    pub rule: String,
    pub is_hard: bool,
    pub place: String,
    pub excerpt: String,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
