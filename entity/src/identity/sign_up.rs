//! Somebody signed up and has yet to follow the link in a letter; known by the SHA-256 of its token.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::SignUpId;
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "identity", table_name = "sign_ups", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SignUpId,
    pub account_secret: Option<Secret<Vec<u8>>>,
    pub token_hash: Option<Secret<Vec<u8>>>,
    pub expires_at: DateTimeUtc,
    pub handled_at: Option<DateTimeUtc>,
    pub used_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
