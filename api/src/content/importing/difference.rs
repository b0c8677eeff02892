//! What a file says that its document does not have yet.

use entity::content::document;
use entity::enums::DocumentStatus;
use entity::ids::DocumentId;
use serde_json::Value;

use super::page::Page;
use super::scan::Entry;
use crate::content::documents::{DocumentChanges, Transition};
use crate::content::tags::slug_of;

/// What to change so that a document is what its file says.
#[derive(Debug, Default)]
pub struct Difference {
    /// Properties other than the content.
    pub properties: Option<DocumentChanges>,
    pub content: bool,
    pub tags_to_add: Vec<String>,
    pub tags_to_remove: Vec<String>,
    pub status: Option<DocumentStatus>,
    /// The document it should stand below.
    pub parent: Option<Option<DocumentId>>,
}

impl Difference {
    pub fn of(entry: &Entry, parent: Option<DocumentId>, document: &document::Model, tags: &[String]) -> Self {
        let Page { front, .. } = &entry.page;
        let (tags_to_add, tags_to_remove) = front.tags.as_ref().map(|said| tag_changes(said, tags)).unwrap_or_default();
        Self {
            properties: properties(entry, document),
            content: document.content_hash.as_ref() != Some(&entry.content_hash),
            tags_to_add,
            tags_to_remove,
            status: front.status.filter(|status| *status != document.status),
            parent: (document.parent_id != parent).then_some(parent),
        }
    }

    pub fn is_nothing(&self) -> bool {
        !self.changes_document() && self.parent.is_none()
    }

    /// Whether more than the place in the tree changes.
    pub fn changes_document(&self) -> bool {
        self.properties.is_some()
            || self.content
            || !self.tags_to_add.is_empty()
            || !self.tags_to_remove.is_empty()
            || self.status.is_some()
    }
}

/// The title that a document gets from its file.
pub fn title_of(entry: &Entry) -> String {
    entry.page.title.as_ref().unwrap_or(&entry.name).chars().take(500).collect()
}

fn properties(entry: &Entry, document: &document::Model) -> Option<DocumentChanges> {
    let front = &entry.page.front;
    let other = |said: &Option<String>, held: &Option<String>| said.clone().filter(|_| said != held);
    let mut metadata = document.metadata.clone();
    if let Value::Object(held) = &mut metadata {
        held.extend(front.metadata.clone());
    }
    let changes = DocumentChanges {
        title: Some(title_of(entry)).filter(|title| *title != document.title),
        description: other(&front.description, &document.description),
        slug: other(&front.slug, &document.slug),
        language_code: other(&front.language_code, &document.language_code),
        visibility: front.visibility.filter(|visibility| *visibility != document.visibility),
        metadata: Some(metadata).filter(|metadata| *metadata != document.metadata),
        ..DocumentChanges::default()
    };
    let is_something = changes.title.is_some()
        || changes.description.is_some()
        || changes.slug.is_some()
        || changes.language_code.is_some()
        || changes.visibility.is_some()
        || changes.metadata.is_some();
    is_something.then_some(changes)
}

/// The tags to add and those to remove. Tags are the same when their names are, whatever the case; and where the document
/// has none of the name, when names would have the same slug.
fn tag_changes(said: &[String], held: &[String]) -> (Vec<String>, Vec<String>) {
    let same_name = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    let is_held = |said: &str| held.iter().any(|held| same_name(said, held));
    let same = |said: &str, held: &str| same_name(said, held) || (!is_held(said) && slug_of(said) == slug_of(held));
    let add = said.iter().filter(|said| !held.iter().any(|held| same(said, held)));
    let remove = held.iter().filter(|held| !said.iter().any(|said| same(said, held)));
    (add.cloned().collect(), remove.cloned().collect())
}

/// The next step from one status to another; the way out of the archive may take two.
pub fn step(from: DocumentStatus, to: DocumentStatus) -> Option<Transition> {
    match (from, to) {
        (DocumentStatus::Draft, DocumentStatus::Published) => Some(Transition::Publish),
        (DocumentStatus::Published, DocumentStatus::Draft) => Some(Transition::Unpublish),
        (DocumentStatus::Archived, DocumentStatus::Draft | DocumentStatus::Published) => Some(Transition::Unarchive),
        (DocumentStatus::Draft | DocumentStatus::Published, DocumentStatus::Archived) => Some(Transition::Archive),
        _ => None,
    }
}
