//! A secret of a project: sealed with a key of its own, which is sealed with the key of the environment.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{OrganizationId, ProjectId, SecretId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "secrets", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SecretId,
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub name: String,
    pub sealed_secret: Secret<Vec<u8>>,
    pub wrapped_secret_key: Secret<Vec<u8>>,
    pub wrapping_version: i64,
    pub created_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
