//! Creating and changing documents: the one way content gets in, whoever writes.

use chrono::{DateTime, Utc};
use entity::content::{document, document_content};
use entity::enums::{DocumentFormat, DocumentKind, DocumentStatus, DocumentVisibility, RenderFormat};
use entity::ids::{DocumentId, SpaceId};
use entity::tenancy::space;
use sea_orm::ActiveValue::Set;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::events::{DocumentChangeKind, DocumentEvent};
use super::tree::{self, Place};
use super::{input, store};
use crate::content::ContentErrorCode as Code;
use crate::content::tags;
use crate::platform::authorization::{Action, Granted};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};

/// What a new document is made from.
#[derive(Clone, Debug, Default)]
pub struct NewDocument {
    pub id: Option<DocumentId>,
    pub parent_id: Option<DocumentId>,
    /// Its place among its siblings, for whoever places many at once. None is after the last.
    pub position: Option<String>,
    pub kind: Option<DocumentKind>,
    pub title: String,
    pub content: String,
    pub description: Option<String>,
    pub slug: Option<String>,
    pub status: Option<DocumentStatus>,
    pub visibility: Option<DocumentVisibility>,
    pub language_code: Option<String>,
    pub is_template: bool,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub metadata: Option<Value>,
    pub tags: Vec<String>,
    /// When it was first written, for what comes from elsewhere. None is now.
    pub created_at: Option<DateTime<Utc>>,
}

/// What may be changed; none leaves it as it is, an empty text removes it.
#[derive(Clone, Debug, Default)]
pub struct DocumentChanges {
    pub title: Option<String>,
    pub content: Option<String>,
    pub description: Option<String>,
    pub slug: Option<String>,
    pub visibility: Option<DocumentVisibility>,
    pub language_code: Option<String>,
    pub is_template: Option<bool>,
    pub source: Option<String>,
    pub external_id: Option<String>,
    pub metadata: Option<Value>,
}

/// Creates a document in a space.
pub async fn create(request: &Request, space_id: SpaceId, new: NewDocument) -> Result<Committed<document::Model>> {
    let new = input::check_new(new)?;
    let mut write = request.begin_write().await?;
    let document = insert(&mut write, space_id, new).await?;
    write.commit(document).await
}

/// Adds a checked document within an open write.
async fn insert(write: &mut Write<'_>, space_id: SpaceId, new: NewDocument) -> Result<document::Model> {
    let request = write.request();
    let owner = request.user_id()?;
    let space = write.granted_parent::<space::Entity>(space_id, Action::CreateDocuments).await?;
    tree::check_new_child(write, new.parent_id, space.id).await?;
    let visibility = new.visibility.unwrap_or(match space.organization_id {
        Some(_) => space.settings.default_document_visibility,
        None => DocumentVisibility::Private,
    });
    check_visibility(visibility, space.organization_id.is_some())?;
    let position = match new.position {
        Some(position) => position,
        None => tree::position(write, space.id, new.parent_id, Place::Last, None).await?,
    };
    let now = request.now();
    let status = new.status.unwrap_or(DocumentStatus::Draft);
    let measures = Measures::of(&new.content);
    let row = document::ActiveModel {
        id: Set(new.id.unwrap_or_else(|| DocumentId(request.new_id()))),
        organization_id: Set(space.organization_id),
        space_id: Set(space.id),
        parent_id: Set(new.parent_id),
        owner_id: Set(owner),
        created_by: Set(Some(owner)),
        updated_by: Set(Some(owner)),
        kind: Set(new.kind.unwrap_or(DocumentKind::Document)),
        format: Set(DocumentFormat::Markdown),
        title: Set(new.title),
        slug: Set(new.slug),
        description: Set(new.description),
        status: Set(status),
        visibility: Set(visibility),
        language_code: Set(new.language_code),
        is_template: Set(new.is_template),
        source: Set(new.source),
        external_id: Set(new.external_id),
        metadata: Set(new.metadata.unwrap_or_else(|| serde_json::json!({}))),
        render_format: Set(RenderFormat::Html),
        position: Set(position),
        word_count: Set(measures.words),
        content_length: Set(measures.characters),
        size_bytes: Set(measures.bytes),
        content_hash: Set(Some(measures.hash)),
        version: Set(1),
        published_at: Set((status == DocumentStatus::Published).then_some(now)),
        archived_at: Set((status == DocumentStatus::Archived).then_some(now)),
        created_at: Set(new.created_at.unwrap_or(now)),
        updated_at: Set(now),
        ..Default::default()
    };
    let document = write.insert(&space, row).await.map_err(store::refused)?;
    let content = document_content::ActiveModel {
        document_id: Set(document.id),
        organization_id: Set(document.organization_id),
        space_id: Set(document.space_id),
        text: Set(new.content.clone()),
        source: Set(new.content),
        created_at: Set(now),
        updated_at: Set(now),
    };
    write.insert_many(&space, vec![content]).await.map_err(store::refused)?;
    tags::put(write, &space, &document, &new.tags).await?;
    write.record(&DocumentEvent { kind: DocumentChangeKind::Created, document: &document });
    Ok(document)
}

/// Changes a document. A stale `expected_version` changes nothing.
pub async fn update(
    request: &Request,
    id: DocumentId,
    expected_version: Option<i32>,
    changes: DocumentChanges,
) -> Result<Committed<document::Model>> {
    let changes = input::check_changes(changes)?;
    let mut write = request.begin_write().await?;
    let document = write.granted::<document::Entity>(id, Action::Edit).await?;
    if expected_version.is_some_and(|expected| expected != document.version) {
        return Err(reject("expectedVersion", Code::Conflict, "The document changed since you read it."));
    }
    let updated = apply(&write, &document, changes).await?;
    write.record(&DocumentEvent { kind: DocumentChangeKind::Updated, document: &updated });
    write.commit(updated).await
}

async fn apply(
    write: &Write<'_>,
    document: &Granted<document::Entity>,
    changes: DocumentChanges,
) -> Result<document::Model> {
    let mut row = store::changed(write, document);
    let or_none = |text: String| Some(text).filter(|text| !text.is_empty());
    if let Some(title) = changes.title {
        row.title = Set(title);
    }
    if let Some(description) = changes.description {
        row.description = Set(or_none(description));
    }
    if let Some(slug) = changes.slug {
        row.slug = Set(or_none(slug));
    }
    if let Some(code) = changes.language_code {
        row.language_code = Set(or_none(code));
    }
    if let Some(is_template) = changes.is_template {
        row.is_template = Set(is_template);
    }
    if let Some(source) = changes.source {
        row.source = Set(or_none(source));
    }
    if let Some(external_id) = changes.external_id {
        row.external_id = Set(or_none(external_id));
    }
    if let Some(metadata) = changes.metadata {
        row.metadata = Set(metadata);
    }
    if let Some(visibility) = changes.visibility.filter(|visibility| *visibility != document.visibility) {
        check_share(write, document, visibility)?;
        row.visibility = Set(visibility);
    }
    if let Some(content) = changes.content {
        let measures = Measures::of(&content);
        row.word_count = Set(measures.words);
        row.content_length = Set(measures.characters);
        row.size_bytes = Set(measures.bytes);
        row.content_hash = Set(Some(measures.hash));
        let content = document_content::ActiveModel {
            document_id: Set(document.id),
            text: Set(content.clone()),
            source: Set(content),
            updated_at: Set(write.request().now()),
            ..Default::default()
        };
        write.update_below(document, content).await.map_err(store::refused)?;
    }
    write.update(document, row).await.map_err(store::refused)
}

/// Changing who may read a document takes the right to share it; only its owner may hide it from everyone else.
fn check_share(write: &Write<'_>, document: &Granted<document::Entity>, visibility: DocumentVisibility) -> Result<()> {
    let is_owner = write.viewer().user_id() == Some(document.owner_id);
    if !write.permitted::<document::Entity>(document).contains(Action::Share)
        || (visibility == DocumentVisibility::Private && !is_owner)
    {
        return Err(Error::Forbidden);
    }
    check_visibility(visibility, document.organization_id.is_some())
}

fn check_visibility(visibility: DocumentVisibility, in_organization: bool) -> Result<()> {
    if visibility == DocumentVisibility::Organization && !in_organization {
        return Err(reject("visibility", Code::PersonalSpace, "A personal space has no organization to share with."));
    }
    Ok(())
}

/// What is counted of a content.
struct Measures {
    words: i32,
    characters: i32,
    bytes: i32,
    hash: Vec<u8>,
}

impl Measures {
    fn of(content: &str) -> Self {
        let whole = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        Self {
            words: whole(content.split_whitespace().count()),
            characters: whole(content.chars().count()),
            bytes: whole(content.len()),
            hash: content_hash(content),
        }
    }
}

/// The SHA-256 of a content.
pub fn content_hash(content: &str) -> Vec<u8> {
    Sha256::digest(content.as_bytes()).to_vec()
}
