//! Somebody asks to call a tool once, with just these arguments.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::ApprovalState;
use crate::ids::{ApiKeyId, ApprovalId, DecisionId, McpServerId, OrganizationId, PolicyId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "approvals", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApprovalId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    /// None for a tool of Trellis itself.
    pub server_id: Option<McpServerId>,
    pub server_name: String,
    pub tool_name: String,
    pub decision_id: Option<DecisionId>,
    pub requested_by: UserId,
    pub api_key_id: Option<ApiKeyId>,
    pub arguments_hash: Vec<u8>,
    pub redacted_arguments: Json,
    pub pin: Vec<u8>,
    pub policy_id: Option<PolicyId>,
    pub policy_version: Option<i32>,
    pub state: ApprovalState,
    pub message: Option<String>,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTimeUtc>,
    pub decision_reason: Option<String>,
    pub consumed_at: Option<DateTimeUtc>,
    pub expires_at: DateTimeUtc,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
