//! How a server of tools is reached. A version is never changed.

use std::collections::BTreeMap;

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::McpTransport;
use crate::ids::{McpServerId, McpServerVersionId, OrganizationId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "mcp_server_versions", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: McpServerVersionId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: McpServerId,
    pub number: i32,
    pub label: Option<String>,
    pub transport_type: McpTransport,
    pub transport_config: TransportConfig,
    pub environment: Environment,
    pub manifest: Option<Json>,
    pub manifest_url: Option<String>,
    pub created_by: Option<UserId>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// Where a server is. Headers hold secrets as references only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(untagged)]
pub enum TransportConfig {
    Command { command: String, arguments: Vec<String> },
    Remote { url: String, headers: BTreeMap<String, String> },
}

/// The environment that a command starts with, with secrets as references only.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
pub struct Environment(pub BTreeMap<String, String>);
