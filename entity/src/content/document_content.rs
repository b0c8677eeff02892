//! A document's wide content, apart from it so that no list reads it. `source` is the truth of a Markdown document, byte for byte;
//! `version` is the document's with which it was written. The database fills in `organization_id` and `space_id`, and keeps the search vector.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::document;
use crate::ids::{DocumentId, OrganizationId, SpaceId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "content", table_name = "document_contents", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub document_id: DocumentId,
    pub organization_id: Option<OrganizationId>,
    pub space_id: SpaceId,
    pub source: String,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "document_id", to = "id")]
    pub document: BelongsTo<document::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
