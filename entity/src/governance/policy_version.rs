//! What a version of a policy said. It is never changed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{PolicyMode, PolicyStatus, PolicyType};
use crate::ids::{OrganizationId, PolicyId, PolicyVersionId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "policy_versions", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicyVersionId,
    pub organization_id: OrganizationId,
    pub project_id: Option<ProjectId>,
    pub policy_id: PolicyId,
    pub number: i32,
    pub name: String,
    pub r#type: PolicyType,
    pub rules: Json,
    pub applies_to: Json,
    pub priority: i32,
    pub status: PolicyStatus,
    pub mode: PolicyMode,
    pub created_by: Option<UserId>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
