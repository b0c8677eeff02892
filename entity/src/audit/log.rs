//! An entry of the audit log. `action` is `<table>.<create|update|delete>`; `changes` is `{field: {old, new}}`.

use ipnetwork::IpNetwork;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::ActorType;
use crate::ids::{AuditLogId, OrganizationId, ProjectId, SpaceId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "audit", table_name = "logs", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: AuditLogId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub created_at: DateTimeUtc,
    pub actor_type: ActorType,
    pub actor_id: Option<Uuid>,
    pub actor_ip: Option<IpNetwork>,
    pub actor_user_agent: Option<String>,
    pub organization_id: Option<OrganizationId>,
    pub project_id: Option<ProjectId>,
    pub space_id: Option<SpaceId>,
    /// Whose the entry is when it is no organization's.
    pub user_id: Option<UserId>,
    pub action: String,
    pub resource_schema: String,
    pub resource_type: String,
    pub resource_id: Option<Uuid>,
    pub changes: Option<Json>,
    pub metadata: Json,
    pub request_id: Option<Uuid>,
    pub sensitive: bool,
    pub retention_days: Option<i32>,
}

impl ActiveModelBehavior for ActiveModel {}
