//! A decision with its trace. It is never changed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{DecisionAction, DecisionOutcome};
use crate::ids::{ApiKeyId, DecisionId, McpServerId, OrganizationId, PolicyId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "decisions", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DecisionId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub created_at: DateTimeUtc,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub user_id: Option<UserId>,
    pub api_key_id: Option<ApiKeyId>,
    pub server_id: Option<McpServerId>,
    pub tool_name: Option<String>,
    pub model: Option<String>,
    pub action: DecisionAction,
    pub outcome: DecisionOutcome,
    pub would_be: Option<DecisionOutcome>,
    pub reason: String,
    pub winner_id: Option<PolicyId>,
    pub policy_set_version: i64,
    pub input_hash: Vec<u8>,
    pub input: Json,
    pub is_replayable: bool,
    pub trace: Json,
    pub duration_us: Option<i32>,
    pub request_id: Option<Uuid>,
}

impl ActiveModelBehavior for ActiveModel {}
