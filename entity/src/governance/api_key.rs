//! A key of a project or of a person, known by the SHA-256 of its text.

use ipnetwork::IpNetwork;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{ApiKeyId, OrganizationId, ProjectId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "api_keys", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ApiKeyId,
    pub user_id: Option<UserId>,
    pub organization_id: Option<OrganizationId>,
    pub project_id: Option<ProjectId>,
    pub created_by: UserId,
    pub name: String,
    pub description: Option<String>,
    pub key_prefix: String,
    pub key_hash: Secret<Vec<u8>>,
    pub scopes: Vec<String>,
    pub allowed_networks: Vec<IpNetwork>,
    pub last_used_at: Option<DateTimeUtc>,
    pub last_used_ip: Option<IpNetwork>,
    pub usage_count: i64,
    pub expires_at: Option<DateTimeUtc>,
    pub rotated_into_id: Option<ApiKeyId>,
    pub grace_ends_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
    pub revoked_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub provider: Option<String>,
    pub provider_domain: Option<String>,
}

impl ActiveModelBehavior for ActiveModel {}
