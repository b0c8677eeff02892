//! A tag on a document of the same space. The database fills in `organization_id` and `space_id`.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::{document, tag};
use crate::ids::{DocumentId, OrganizationId, SpaceId, TagId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "content", table_name = "document_tags", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub document_id: DocumentId,
    #[sea_orm(primary_key, auto_increment = false)]
    pub tag_id: TagId,
    pub organization_id: Option<OrganizationId>,
    pub space_id: SpaceId,
    pub created_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "document_id", to = "id")]
    pub document: BelongsTo<document::Entity>,
    #[sea_orm(belongs_to, from = "tag_id", to = "id")]
    pub tag: BelongsTo<tag::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
