//! What is told when the tags of a space change.

use async_graphql::Enum;
use entity::content::tag;
use entity::enums::TagReach;
use entity::ids::OrganizationId;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// What happened to a tag.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum TagChangeKind {
    /// It was created.
    Created,
    /// Its name, color or description changed.
    Updated,
    /// It is gone, and no document carries it any more.
    Deleted,
}

impl TagChangeKind {
    /// The kind behind an event's name; none for events of other things.
    pub fn of(event_type: &str) -> Option<Self> {
        use async_graphql::resolver_utils::EnumType;
        Self::items().iter().map(|item| item.value).find(|kind| kind.event_type() == event_type)
    }

    fn event_type(self) -> &'static str {
        match self {
            Self::Created => "tag.created",
            Self::Updated => "tag.updated",
            Self::Deleted => "tag.deleted",
        }
    }
}

/// A change of one tag.
pub struct TagEvent<'a> {
    pub kind: TagChangeKind,
    pub tag: &'a tag::Model,
}

impl Event for TagEvent<'_> {
    fn stream(&self) -> Stream {
        Stream::Documents
    }

    fn event_type(&self) -> &'static str {
        self.kind.event_type()
    }

    fn subject(&self) -> Subject {
        Subject {
            resource_type: "tag",
            resource_id: self.tag.id.uuid(),
            organization_id: self.tag.organization_id.map(OrganizationId::uuid),
            space_id: Some(self.tag.space_id.uuid()),
            project_id: None,
        }
    }

    fn payload(&self) -> Value {
        json!({
            "name": self.tag.name,
            "is_shared": self.tag.is_explicit || self.tag.reach >= TagReach::Readers,
            "private_owner_ids": self.tag.private_owner_ids,
        })
    }
}
