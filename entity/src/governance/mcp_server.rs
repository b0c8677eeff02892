//! A server of tools that a project registered. How it is reached stands in its versions.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{McpHealth, McpServerStatus};
use crate::ids::{McpServerId, McpServerVersionId, OrganizationId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "mcp_servers", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: McpServerId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub registered_by: Option<UserId>,
    pub name: String,
    pub description: Option<String>,
    pub status: McpServerStatus,
    pub submitted_by: Option<UserId>,
    pub submitted_at: Option<DateTimeUtc>,
    pub approved_by: Option<UserId>,
    pub approved_at: Option<DateTimeUtc>,
    pub rejection_reason: Option<String>,
    pub health: McpHealth,
    pub health_checked_at: Option<DateTimeUtc>,
    pub health_error: Option<String>,
    pub is_enabled: bool,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
    pub current_version_id: Option<McpServerVersionId>,
    pub approved_version_id: Option<McpServerVersionId>,
}

impl ActiveModelBehavior for ActiveModel {}
