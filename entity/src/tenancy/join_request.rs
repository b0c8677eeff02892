//! A request to join a space, by a member of its organization. The database fills in `organization_id`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::space;
use crate::enums::JoinRequestState;
use crate::ids::{JoinRequestId, OrganizationId, SpaceId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "join_requests", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: JoinRequestId,
    pub space_id: SpaceId,
    pub organization_id: OrganizationId,
    pub user_id: UserId,
    pub message: Option<String>,
    pub state: JoinRequestState,
    pub decided_by: Option<UserId>,
    pub decided_at: Option<DateTimeUtc>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "space_id", to = "id")]
    pub space: BelongsTo<space::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
