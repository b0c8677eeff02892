//! Somebody asked to reset the password of an address. The address is sealed, and null once the request is handled.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::PasswordResetRequestId;
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(
    schema_name = "identity",
    table_name = "password_reset_requests",
    model_attrs(derive(Serialize, Deserialize))
)]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PasswordResetRequestId,
    pub email_secret: Option<Secret<Vec<u8>>>,
    pub handled_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
