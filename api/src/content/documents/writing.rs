//! Creating and changing documents: the one way content gets in, whoever writes.

use chrono::{DateTime, Utc};
use entity::content::{document, document_content};
use entity::enums::{DocumentFormat, DocumentKind, DocumentStatus, DocumentVisibility, RenderFormat};
use entity::ids::{DocumentId, SpaceId};
use entity::tenancy::space;
use sea_orm::ActiveModelTrait;
use sea_orm::ActiveValue::Set;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::events::{DocumentChangeKind, DocumentEvent};
use super::tree::{self, Place};
use super::{input, store};
use crate::content::ContentErrorCode as Code;
use crate::content::{check_version, tags};
use crate::platform::authorization::{Action, Granted};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};
use crate::tenancy::plans;
use crate::tenancy::quotas::{self, Entering};

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
    let above = tree::check_new_child(write, new.parent_id, space.id).await?;
    let is_above_private = above.as_ref().is_some_and(|above| above.visibility == DocumentVisibility::Private);
    let visibility = new.visibility.unwrap_or(match space.organization_id {
        Some(_) if !is_above_private => space.settings.default_document_visibility,
        _ => DocumentVisibility::Private,
    });
    check_visibility(visibility, space.organization_id.is_some())?;
    tree::check_openness("parentId", above.as_deref(), visibility)?;
    let position = match new.position {
        Some(position) => position,
        None => tree::position(write, space.id, new.parent_id, Place::Last, None).await?,
    };
    let now = request.now();
    let status = new.status.unwrap_or(DocumentStatus::Draft);
    let measures = Measures::of(&new.content);
    if space.project_id.is_some() {
        let entering = Entering { documents: 1, content_bytes: measures.bytes.into() };
        quotas::check_content(write, space.id, "spaceId", entering).await?;
    }
    if measures.bytes > 0 {
        plans::check_content(write, space.id, space.organization_id, "spaceId", measures.bytes.into()).await?;
    }
    let row = document::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
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
    let mut document = write.insert(&space, row).await.map_err(store::refused)?;
    let content = document_content::ActiveModel {
        document_id: Set(document.id),
        organization_id: Set(document.organization_id),
        space_id: Set(document.space_id),
        source: Set(new.content),
        version: Set(document.version),
        created_at: Set(now),
        updated_at: Set(now),
    };
    write.insert_many(&space, vec![content]).await.map_err(store::refused)?;
    document.tag_ids = tags::put(write, &space, &document, &new.tags).await?;
    write.record(&DocumentEvent::of(DocumentChangeKind::Created, &document));
    Ok(document)
}

/// Changes a document. A stale `expected_version` changes nothing, and neither does what is there already.
pub async fn update(
    request: &Request,
    id: DocumentId,
    expected_version: Option<i32>,
    changes: DocumentChanges,
) -> Result<Committed<document::Model>> {
    let changes = input::check_changes(changes)?;
    // Who may read a document has to agree with what stands above and below it.
    let (mut write, document) = if changes.visibility.is_some() {
        tree::write_in_tree(request, id, Action::Edit).await?
    } else {
        let write = request.begin_write().await?;
        let document = write.granted::<document::Entity>(id, Action::Edit).await?;
        (write, document)
    };
    check_version(expected_version, document.version)?;
    let Some(updated) = apply(&mut write, &document, changes).await? else {
        return write.commit(document.into_row()).await;
    };
    write.record(&DocumentEvent::after(document.visibility, DocumentChangeKind::Updated, &updated));
    write.commit(updated).await
}

/// The document with the changes, if they change anything.
async fn apply(
    write: &mut Write<'_>,
    document: &Granted<document::Entity>,
    changes: DocumentChanges,
) -> Result<Option<document::Model>> {
    let mut row = <document::ActiveModel as Default>::default();
    if let Some(title) = changes.title.filter(|title| *title != document.title) {
        row.title = Set(title);
    }
    if let Some(description) = replaced(changes.description, &document.description) {
        row.description = Set(description);
    }
    if let Some(slug) = replaced(changes.slug, &document.slug) {
        row.slug = Set(slug);
    }
    if let Some(code) = replaced(changes.language_code, &document.language_code) {
        row.language_code = Set(code);
    }
    if let Some(is_template) = changes.is_template.filter(|is_template| *is_template != document.is_template) {
        row.is_template = Set(is_template);
    }
    if let Some(source) = replaced(changes.source, &document.source) {
        row.source = Set(source);
    }
    if let Some(external_id) = replaced(changes.external_id, &document.external_id) {
        row.external_id = Set(external_id);
    }
    if let Some(metadata) = changes.metadata.filter(|metadata| *metadata != document.metadata) {
        row.metadata = Set(metadata);
    }
    if let Some(visibility) = changes.visibility.filter(|visibility| *visibility != document.visibility) {
        check_share(write, document, visibility)?;
        tree::prepare_visibility(write, document, visibility).await?;
        row.visibility = Set(visibility);
    }
    if let Some(content) = changes.content {
        let measures = Measures::of(&content);
        if document.content_hash.as_ref() != Some(&measures.hash) {
            let more_bytes = i64::from(measures.bytes) - i64::from(document.size_bytes);
            if document.organization_id.is_some() && more_bytes > 0 {
                let entering = Entering { documents: 0, content_bytes: more_bytes };
                quotas::check_content(write, document.space_id, "content", entering).await?;
            }
            if more_bytes > 0 {
                let (space, organization) = (document.space_id, document.organization_id);
                plans::check_content(write, space, organization, "content", more_bytes).await?;
            }
            row.word_count = Set(measures.words);
            row.content_length = Set(measures.characters);
            row.size_bytes = Set(measures.bytes);
            row.content_hash = Set(Some(measures.hash));
            let content = document_content::ActiveModel {
                document_id: Set(document.id),
                source: Set(content),
                version: Set(document.version + 1),
                updated_at: Set(write.request().now()),
                ..Default::default()
            };
            write.update_below(document, content).await.map_err(store::refused)?;
        }
    }
    if !row.is_changed() {
        return Ok(None);
    }
    let row = store::marked(write, document, row);
    write.update(document, row).await.map_err(store::refused).map(Some)
}

/// The new value of a text that may be absent, if it is another one. An empty text removes what was there.
fn replaced(given: Option<String>, held: &Option<String>) -> Option<Option<String>> {
    let given = given.map(|text| Some(text).filter(|text| !text.is_empty()))?;
    (given != *held).then_some(given)
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
