//! The whole answer to a request that carried an `Idempotency-Key`, for its retries.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "platform", table_name = "idempotency_answers", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub viewer_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    pub fingerprint: Vec<u8>,
    pub status: i32,
    pub body: Vec<u8>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
