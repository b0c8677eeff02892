//! The role of a user or of a team, never both, in a space. The database fills in `organization_id`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::space;
use crate::enums::SpaceRole;
use crate::ids::{OrganizationId, SpaceId, SpaceMemberId, TeamId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "space_members", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SpaceMemberId,
    pub space_id: SpaceId,
    pub organization_id: Option<OrganizationId>,
    pub user_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub role: SpaceRole,
    pub added_by: Option<UserId>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "space_id", to = "id")]
    pub space: BelongsTo<space::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
