//! A document or a note, without its content: the light row that lists read.
//! `position` is a fractional index among siblings, ordered byte by byte. The database fills in `organization_id`,
//! and keeps in `tag_ids` what `document_tags` holds.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{DocumentFormat, DocumentKind, DocumentStatus, DocumentVisibility, RenderFormat};
use crate::identity::user;
use crate::ids::{DocumentId, OrganizationId, SpaceId, UserId};
use crate::tenancy::space;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "content", table_name = "documents", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: DocumentId,
    pub organization_id: Option<OrganizationId>,
    pub space_id: SpaceId,
    pub parent_id: Option<DocumentId>,
    pub owner_id: UserId,
    pub created_by: Option<UserId>,
    pub updated_by: Option<UserId>,
    pub kind: DocumentKind,
    pub format: DocumentFormat,
    pub title: String,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub status: DocumentStatus,
    pub visibility: DocumentVisibility,
    pub language_code: Option<String>,
    pub is_template: bool,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub metadata: Json,
    pub file_type: Option<String>,
    pub file_size_bytes: Option<i64>,
    pub render_format: RenderFormat,
    pub position: String,
    pub word_count: i32,
    pub content_length: i32,
    pub size_bytes: i32,
    pub content_hash: Option<Vec<u8>>,
    pub version: i32,
    pub published_at: Option<DateTimeUtc>,
    pub archived_at: Option<DateTimeUtc>,
    pub last_accessed_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
    pub tag_ids: Vec<Uuid>,
    #[sea_orm(belongs_to, from = "space_id", to = "id")]
    pub space: BelongsTo<space::Entity>,
    #[sea_orm(belongs_to, from = "owner_id", to = "id")]
    pub owner: BelongsTo<user::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
