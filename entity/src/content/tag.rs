//! A tag of a space. A trigger keeps `usage_count`: the documents outside the trash that carry the tag.
//! `reach` says who may read those documents, `private_owner_ids` who owns the private ones; triggers keep both. `is_explicit` is what somebody made for the space. The database fills in `organization_id`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::TagReach;
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
    pub is_explicit: bool,
    pub reach: TagReach,
    pub private_owner_ids: Vec<Uuid>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "space_id", to = "id")]
    pub space: BelongsTo<space::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
