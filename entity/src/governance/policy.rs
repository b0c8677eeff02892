//! A policy as it is now. What each version said stands in its versions.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{PolicyMode, PolicyStatus, PolicyType};
use crate::ids::{McpServerId, OrganizationId, PolicyId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "policies", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyId,
    pub organization_id: OrganizationId,
    pub project_id: Option<ProjectId>,
    pub server_id: Option<McpServerId>,
    pub name: String,
    pub description: Option<String>,
    pub r#type: PolicyType,
    pub rules: Json,
    pub applies_to: Json,
    pub priority: i32,
    pub status: PolicyStatus,
    pub mode: PolicyMode,
    pub created_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
