//! A link sent by mail, known by the SHA-256 of its token. `email` is the new address when one is being changed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::user;
use crate::enums::VerificationPurpose;
use crate::ids::{UserId, VerificationTokenId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "verification_tokens", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: VerificationTokenId,
    pub user_id: UserId,
    pub purpose: VerificationPurpose,
    pub token_hash: Secret<Vec<u8>>,
    pub email: Option<String>,
    pub expires_at: DateTimeUtc,
    pub used_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
