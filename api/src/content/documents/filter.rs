//! How lists of documents may be narrowed and sorted.

use std::sync::Arc;

use async_graphql::{Enum, InputObject};
use entity::enums::{DocumentKind, DocumentStatus, DocumentVisibility};
use entity::ids::{DocumentId, TagId, UserId};

use crate::platform::errors::{Error, Result};
use crate::platform::filters::{IntFilter, KeyFilter, TextFilter, TimeFilter};
use crate::platform::pagination::Page;

macro_rules! choice {
    ($(#[$doc:meta])* $name:ident of $value:ty) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
        pub struct $name {
            /// Exactly this.
            pub eq: Option<$value>,
            /// One of these.
            #[graphql(name = "in")]
            pub one_of: Option<Vec<$value>>,
            /// None of these.
            pub not_in: Option<Vec<$value>>,
        }
    };
}

choice! {
    /// Compares the kind of a document.
    DocumentKindFilter of DocumentKind
}
choice! {
    /// Compares where a document stands in its life.
    DocumentStatusFilter of DocumentStatus
}
choice! {
    /// Compares who may read a document.
    DocumentVisibilityFilter of DocumentVisibility
}

/// Which documents a list holds. Everything that is given must be met.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, InputObject)]
pub struct DocumentFilter {
    /// By kind.
    pub kind: Option<DocumentKindFilter>,
    /// By where it stands in its life. Without this, archived documents are left out.
    pub status: Option<DocumentStatusFilter>,
    /// By who may read it.
    pub visibility: Option<DocumentVisibilityFilter>,
    /// By title.
    pub title: Option<TextFilter>,
    /// By language code, such as "en" or "en-US".
    pub language_code: Option<KeyFilter>,
    /// By where it came from.
    pub source: Option<KeyFilter>,
    /// By its id in the system it came from.
    pub external_id: Option<KeyFilter>,
    /// Owned by this person.
    pub owner_id: Option<UserId>,
    /// Directly below this document.
    pub parent_id: Option<DocumentId>,
    /// At the top of the tree, or not.
    pub is_root: Option<bool>,
    /// A template, or not.
    pub is_template: Option<bool>,
    /// Carries this tag.
    pub tag_id: Option<TagId>,
    /// Carries the tag with this slug.
    pub tag: Option<String>,
    /// By number of words.
    pub word_count: Option<IntFilter>,
    /// By when it was created.
    pub created_at: Option<TimeFilter>,
    /// By when it last changed.
    pub updated_at: Option<TimeFilter>,
    /// In the trash, or not; only at the top of a filter. Default: not. The trash shows only what you may restore.
    pub trashed: Option<bool>,
    /// All of these.
    pub and: Option<Vec<DocumentFilter>>,
    /// At least one of these.
    pub or: Option<Vec<DocumentFilter>>,
    /// Not this; it cannot be empty.
    pub not: Option<Box<DocumentFilter>>,
}

/// Parts of one filter at most: itself, and every filter in and, or and not.
const MOST_PARTS: usize = 50;

impl DocumentFilter {
    fn below(&self) -> impl Iterator<Item = &Self> {
        self.and.iter().flatten().chain(self.or.iter().flatten()).chain(self.not.as_deref())
    }

    fn parts(&self) -> usize {
        1 + self.below().map(Self::parts).sum::<usize>()
    }

    /// Whether the filter speaks of status anywhere, so that archived documents are not left out by default.
    pub fn mentions_status(&self) -> bool {
        self.status.is_some() || self.below().any(Self::mentions_status)
    }

    /// Refuses what cannot be meant, and what the database cannot compare with.
    fn check(&self) -> Result<()> {
        if self.not.as_deref().is_some_and(|part| *part == Self::default()) {
            return Err(Error::bad_input("filter.not", "Say what is not wanted: everything meets an empty filter."));
        }
        if let Some(title) = &self.title {
            title.check("filter.title")?;
        }
        let keys = [
            ("filter.languageCode", &self.language_code),
            ("filter.source", &self.source),
            ("filter.externalId", &self.external_id),
        ];
        for (field, key) in keys {
            key.as_ref().map_or(Ok(()), |key| key.check(field))?;
        }
        for (field, time) in [("filter.createdAt", &self.created_at), ("filter.updatedAt", &self.updated_at)] {
            time.as_ref().map_or(Ok(()), |time| time.check(field))?;
        }
        if self.tag.as_ref().is_some_and(|slug| slug.contains('\0')) {
            return Err(Error::bad_input("filter.tag", "No text holds a NUL character."));
        }
        for part in self.below() {
            if part.trashed.is_some() {
                let message = "A list is of the trash or not: say so at the top of the filter.";
                return Err(Error::bad_input("filter.trashed", message));
            }
            part.check()?;
        }
        Ok(())
    }
}

/// The order of a list of documents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum)]
pub enum DocumentOrder {
    /// The last changed first.
    #[default]
    UpdatedAtDesc,
    /// The last changed last.
    UpdatedAtAsc,
    /// The newest first.
    CreatedAtDesc,
    /// The oldest first.
    CreatedAtAsc,
    /// By title, from A.
    TitleAsc,
    /// By title, from Z.
    TitleDesc,
    /// As people put them: the order among siblings.
    PositionAsc,
}

/// One list: its page, filter and order. Equal lists below many parents are loaded together.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List {
    pub page: Page,
    pub filter: Arc<DocumentFilter>,
    pub order: DocumentOrder,
}

impl List {
    /// Refuses a filter of more parts than a query can hold, and one that cannot be meant.
    pub fn new(page: Page, filter: Option<Box<DocumentFilter>>, order: DocumentOrder) -> Result<Self> {
        let filter = filter.unwrap_or_default();
        let parts = filter.parts();
        if parts > MOST_PARTS {
            return Err(Error::bad_input("filter", format!("The filter has {parts} parts; at most {MOST_PARTS} fit.")));
        }
        filter.check()?;
        Ok(Self { page, filter: Arc::from(filter), order })
    }
}
