//! A project: where an organization keeps API keys, tool servers, policies and budgets.

use async_graphql::{ComplexObject, SimpleObject};
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::organization;
use crate::enums::ProjectStatus;
use crate::ids::{OrganizationId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "projects", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub settings: ProjectSettings,
    pub quotas: ProjectQuotas,
    pub status: ProjectStatus,
    pub created_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
    #[sea_orm(belongs_to, from = "organization_id", to = "id")]
    pub organization: BelongsTo<organization::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}

/// How assistants and tools behave in a project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectSettings {
    /// The models that may be used.
    pub allowed_models: Vec<String>,
    /// The model that is used unless a request names another.
    pub default_model: String,
    /// Whether a new tool server may be used without approval. The organization's own rule comes first.
    pub mcp_auto_approve: bool,
    /// Whether its tool servers may stand at private addresses and be reached without TLS, where the operator of this server allows it.
    pub mcp_private_addresses: bool,
}

impl Default for ProjectSettings {
    fn default() -> Self {
        let models = ["claude-3-opus", "claude-3-sonnet", "claude-3-haiku"];
        Self {
            allowed_models: models.map(str::to_owned).to_vec(),
            default_model: "claude-3-sonnet".to_owned(),
            mcp_auto_approve: false,
            mcp_private_addresses: false,
        }
    }
}

/// How much a project may use. Null means no limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[graphql(complex)]
#[serde(rename_all = "camelCase", default)]
pub struct ProjectQuotas {
    #[graphql(skip)]
    pub max_tokens_per_day: Option<i64>,
    /// Cost in a day, in UTC, in United States dollars; null for no limit. Uses of models cost; a call of an MCP tool
    /// never does.
    pub max_cost_per_day_usd: Option<f64>,
    /// Requests in a minute; null for no limit.
    pub max_requests_per_minute: Option<i32>,
    /// People and teams with a role in the project; null for no limit.
    pub max_members: Option<i32>,
    /// Documents and notes in the spaces attached to it, the trash included; null for no limit.
    pub max_documents: Option<i32>,
    #[graphql(skip)]
    pub max_content_bytes: Option<i64>,
}

#[ComplexObject]
impl ProjectQuotas {
    /// Tokens in a day, in UTC: a whole number, which may be above what an Int holds; null for no limit. Uses of models
    /// consume them; a call of an MCP tool never does.
    async fn max_tokens_per_day(&self) -> Option<f64> {
        // At most 10^12; whole numbers are exact up to 2^53.
        self.max_tokens_per_day.map(|tokens| tokens as f64)
    }

    /// Bytes of UTF-8 that the content of those documents takes: a whole number, which may be above what an Int holds;
    /// null for no limit.
    async fn max_content_bytes(&self) -> Option<f64> {
        self.max_content_bytes.map(|bytes| bytes as f64)
    }
}

impl Default for ProjectQuotas {
    fn default() -> Self {
        Self {
            max_tokens_per_day: None,
            max_cost_per_day_usd: None,
            max_requests_per_minute: Some(100),
            max_members: None,
            max_documents: None,
            max_content_bytes: None,
        }
    }
}
