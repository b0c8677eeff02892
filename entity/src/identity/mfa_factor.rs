//! A second factor. The secret is encrypted; the last step used stands against replay.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::user;
use crate::enums::MfaFactorKind;
use crate::ids::{MfaFactorId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "mfa_factors", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: MfaFactorId,
    pub user_id: UserId,
    pub kind: MfaFactorKind,
    pub name: String,
    pub secret: Secret<Vec<u8>>,
    pub last_used_step: Option<i64>,
    pub last_used_at: Option<DateTimeUtc>,
    pub confirmed_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
