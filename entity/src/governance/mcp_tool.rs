//! A tool of a server: as it was found last and as it was approved.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{RiskLevel, ToolDrift};
use crate::ids::{McpServerId, McpToolId, OrganizationId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "mcp_tools", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: McpToolId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: McpServerId,
    pub name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub input_schema: Json,
    pub output_schema: Option<Json>,
    pub annotations: Option<Json>,
    pub found_pin: Vec<u8>,
    pub approved_pin: Option<Vec<u8>>,
    pub approved_tool: Option<Json>,
    pub drift: Option<ToolDrift>,
    pub risk_level: RiskLevel,
    pub risk_reasons: Json,
    pub risk_override: Option<RiskLevel>,
    pub risk_override_reason: Option<String>,
    pub risk_override_by: Option<UserId>,
    pub risk_override_expires_at: Option<DateTimeUtc>,
    pub is_enabled: bool,
    pub is_present: bool,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
