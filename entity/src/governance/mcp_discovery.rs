//! One real connection to a server of tools, and what it said.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{McpDiscoveryOccasion, McpDiscoveryStatus, McpEra};
use crate::ids::{McpDiscoveryId, McpServerId, McpServerVersionId, OrganizationId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "mcp_discoveries", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: McpDiscoveryId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: McpServerId,
    pub version_id: McpServerVersionId,
    pub status: McpDiscoveryStatus,
    pub era: Option<McpEra>,
    pub protocol_version: Option<String>,
    pub server_info: Option<Json>,
    pub server_capabilities: Option<Json>,
    pub client_capabilities: Json,
    pub instructions: Option<String>,
    pub tools: Option<Json>,
    pub tool_count: Option<i32>,
    pub duration_ms: Option<i32>,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub started_by: Option<UserId>,
    pub created_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
    pub occasion: McpDiscoveryOccasion,
}

impl ActiveModelBehavior for ActiveModel {}
