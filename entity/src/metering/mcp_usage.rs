//! A call of a tool and how it ended. It is never changed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::McpCallStatus;
use crate::ids::{ApiKeyId, ApprovalId, DecisionId, McpCallId, McpServerId, OrganizationId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "metering", table_name = "mcp_usage", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: McpCallId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub created_at: DateTimeUtc,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub user_id: Option<UserId>,
    pub api_key_id: Option<ApiKeyId>,
    pub server_id: Option<McpServerId>,
    pub server_name: String,
    pub tool_name: String,
    pub model: Option<String>,
    pub request_id: Uuid,
    pub parent_request_id: Option<Uuid>,
    pub decision_id: Option<DecisionId>,
    pub approval_id: Option<ApprovalId>,
    pub status: McpCallStatus,
    pub error_code: Option<String>,
    pub error_message: Option<String>,
    pub latency_ms: Option<i32>,
    pub input_bytes: i32,
    pub output_bytes: Option<i32>,
    pub findings: Json,
}

impl ActiveModelBehavior for ActiveModel {}
