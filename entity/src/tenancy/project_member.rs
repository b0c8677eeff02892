//! The role of a user or of a team, never both, in a project. The database fills in `organization_id`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::project;
use crate::enums::ProjectRole;
use crate::ids::{OrganizationId, ProjectId, ProjectMemberId, TeamId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "project_members", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ProjectMemberId,
    pub project_id: ProjectId,
    pub organization_id: OrganizationId,
    pub user_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub role: ProjectRole,
    pub added_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "project_id", to = "id")]
    pub project: BelongsTo<project::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
