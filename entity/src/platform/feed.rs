//! How far the feed has come: a single row, whose id is 1.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "platform", table_name = "feed", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i16,
    pub last_position: i64,
    pub published_position: i64,
}

impl ActiveModelBehavior for ActiveModel {}
