//! How often the grants of a user, or of everyone in an organization, have changed. Triggers count.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "platform", table_name = "grant_versions", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub subject_id: Uuid,
    pub version: i64,
}

impl ActiveModelBehavior for ActiveModel {}
