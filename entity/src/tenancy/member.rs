//! A user's membership of an organization. `permissions` holds overrides of the role.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::organization;
use crate::enums::{MemberRole, MemberStatus};
use crate::identity::user;
use crate::ids::{MemberId, OrganizationId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "members", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MemberId,
    pub organization_id: OrganizationId,
    pub user_id: UserId,
    pub role: MemberRole,
    pub permissions: Json,
    pub status: MemberStatus,
    pub invited_by: Option<UserId>,
    pub invited_at: Option<DateTimeUtc>,
    pub accepted_at: Option<DateTimeUtc>,
    pub joined_at: Option<DateTimeUtc>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "organization_id", to = "id")]
    pub organization: BelongsTo<organization::Entity>,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
