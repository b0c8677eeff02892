//! An invitation to an organization, known by the SHA-256 of its token.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::organization;
use crate::enums::MemberRole;
use crate::ids::{InvitationId, OrganizationId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "invitations", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: InvitationId,
    pub organization_id: OrganizationId,
    /// None for a link.
    pub email: Option<String>,
    pub role: MemberRole,
    pub token_hash: Secret<Vec<u8>>,
    pub invited_by: Option<UserId>,
    pub accepted_by: Option<UserId>,
    pub last_sent_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub accepted_at: Option<DateTimeUtc>,
    pub declined_at: Option<DateTimeUtc>,
    pub revoked_at: Option<DateTimeUtc>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "organization_id", to = "id")]
    pub organization: BelongsTo<organization::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
