//! What is told when documents change: titles and who may read them for the streams, never content.

use async_graphql::Enum;
use entity::content::document;
use entity::enums::DocumentVisibility;
use entity::ids::OrganizationId;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// What happened to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DocumentChangeKind {
    /// It was created.
    Created,
    /// Its content or properties changed.
    Updated,
    /// It stands elsewhere in the tree.
    Moved,
    /// It was published.
    Published,
    /// It is a draft again.
    Unpublished,
    /// It was put aside.
    Archived,
    /// It came back from the archive.
    Unarchived,
    /// It is in the trash.
    Trashed,
    /// It came back from the trash.
    Restored,
    /// It is gone for good.
    Deleted,
    /// Its tags changed.
    Tagged,
    /// You can no longer see it. Nothing more follows about it.
    AccessLost,
}

impl DocumentChangeKind {
    /// The name of the event in the outbox and the streams.
    pub fn event_type(self) -> &'static str {
        match self {
            Self::Created => "document.created",
            Self::Updated => "document.updated",
            Self::Moved => "document.moved",
            Self::Published => "document.published",
            Self::Unpublished => "document.unpublished",
            Self::Archived => "document.archived",
            Self::Unarchived => "document.unarchived",
            Self::Trashed => "document.trashed",
            Self::Restored => "document.restored",
            Self::Deleted => "document.deleted",
            Self::Tagged => "document.tagged",
            Self::AccessLost => "document.access_lost",
        }
    }

    /// The kind behind an event's name; none for events of other things.
    pub fn of(event_type: &str) -> Option<Self> {
        use async_graphql::resolver_utils::EnumType;
        Self::items().iter().map(|item| item.value).find(|kind| kind.event_type() == event_type)
    }
}

/// A change of one document.
pub struct DocumentEvent<'a> {
    kind: DocumentChangeKind,
    document: &'a document::Model,
    visibility_before: DocumentVisibility,
}

impl<'a> DocumentEvent<'a> {
    /// A change after which the same people may read it.
    pub fn of(kind: DocumentChangeKind, document: &'a document::Model) -> Self {
        Self { kind, document, visibility_before: document.visibility }
    }

    /// A change of a document that was open so far before.
    pub fn after(before: DocumentVisibility, kind: DocumentChangeKind, document: &'a document::Model) -> Self {
        Self { kind, document, visibility_before: before }
    }
}

impl Event for DocumentEvent<'_> {
    fn stream(&self) -> Stream {
        Stream::Documents
    }

    fn event_type(&self) -> &'static str {
        self.kind.event_type()
    }

    fn subject(&self) -> Subject {
        Subject {
            resource_type: "document",
            resource_id: self.document.id.uuid(),
            organization_id: self.document.organization_id.map(OrganizationId::uuid),
            space_id: Some(self.document.space_id.uuid()),
            project_id: None,
        }
    }

    fn payload(&self) -> Value {
        json!({
            "title": self.document.title,
            "owner_id": self.document.owner_id.uuid(),
            "visibility": self.document.visibility,
            "visibility_before": self.visibility_before,
            "version": self.document.version,
        })
    }
}
