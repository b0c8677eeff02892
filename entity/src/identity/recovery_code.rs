//! A one-time code that replaces a lost second factor, known by its hash.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::user;
use crate::ids::{RecoveryCodeId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "recovery_codes", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: RecoveryCodeId,
    pub user_id: UserId,
    pub code_hash: Secret<Vec<u8>>,
    pub used_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "user_id", to = "id")]
    pub user: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
