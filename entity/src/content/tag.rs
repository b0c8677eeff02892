//! A tag of a space. A trigger keeps `usage_count`: the documents outside the trash that carry the tag.
//! The database fills in `organization_id`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ids::{OrganizationId, SpaceId, TagId};
use crate::tenancy::space;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "content", table_name = "tags", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TagId,
    pub organization_id: Option<OrganizationId>,
    pub space_id: SpaceId,
    pub name: String,
    pub slug: String,
    pub color: String,
    pub description: Option<String>,
    pub usage_count: i32,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "space_id", to = "id")]
    pub space: BelongsTo<space::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
