//! A user's membership of a team. The database fills in `organization_id`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::team;
use crate::identity::user;
use crate::ids::{OrganizationId, TeamId, TeamMemberId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "team_members", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TeamMemberId,
    pub team_id: TeamId,
    pub organization_id: OrganizationId,
    pub user_id: UserId,
    pub added_by: Option<UserId>,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "team_id", to = "id")]
    pub team: BelongsTo<team::Entity>,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
