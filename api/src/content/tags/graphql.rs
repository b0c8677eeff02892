//! Tags as a client sees them.

use std::collections::HashSet;
use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{Context, ContextSelectionSet, Object, Positioned};
use chrono::{DateTime, Utc};
use entity::content::{document, tag};
use entity::ids::{SpaceId, TagId};
use futures_util::future::{BoxFuture, try_join_all};

use super::store::{self, BelowSpaces, CountBelowSpaces};
use crate::platform::authorization::{Action, RowById};
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, count_by, write_nodes};
use crate::platform::request::{Request, RequestContext};
use crate::platform::written::Writing;
use crate::tenancy::spaces::Space;

/// A tag.
#[derive(Clone, Debug)]
pub struct Tag(Arc<tag::Model>);

impl Node for Tag {
    fn at_hand(
        &self,
        _ctx: &ContextSelectionSet<'_>,
        name: &str,
        _field: &Positioned<Field>,
        writing: &mut Writing,
    ) -> bool {
        match name {
            "id" => writing.plain(self.0.id),
            "name" => writing.text(self.0.name.as_str()),
            "slug" => writing.text(self.0.slug.as_str()),
            "color" => writing.text(self.0.color.as_str()),
            _ => return false,
        }
        true
    }
}

impl From<tag::Model> for Tag {
    fn from(row: tag::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Tag {
    /// The tag, if the viewer may see it.
    pub async fn find(request: &Request, id: TagId) -> Result<Option<Self>> {
        Ok(request.find::<tag::Entity>(id).await?.map(Self))
    }
}

/// A tag of a space, which its documents can carry.
#[Object]
impl Tag {
    /// The id of the tag.
    pub async fn id(&self) -> TagId {
        self.0.id
    }

    /// Its name, 1 to 50 characters, unique in the space whatever its case.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name in addresses and filters.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// Its color, as #rrggbb.
    async fn color(&self) -> &str {
        &self.0.color
    }

    /// What it is for; null when nobody said.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Counts its changes; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// The space it belongs to. Null when you may see the tag on a document but not the space.
    async fn space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        Space::find(ctx.request(), self.0.space_id).await
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<tag::Entity>(&self.0).actions()
    }
}

/// The tags of a space that the viewer sees: those made for it, and those on documents that the viewer may read.
pub async fn of_space(request: &Request, id: SpaceId, page: Page) -> Result<Connection<Tag>> {
    Connection::of::<BelowSpaces, CountBelowSpaces, _>(request, id, page, store::place, Tag::from).await
}

/// Tags by id, for documents that the viewer may read. Whether it may read the tag is not asked: a document shows its tags.
type ShownTags = RowById<tag::Entity>;

fn carried_ids(document: &document::Model) -> impl Iterator<Item = TagId> {
    document.tag_ids.iter().copied().map(TagId)
}

/// Loads the tags of many documents, which are known then.
pub fn load_ahead<'a, 'b>(
    ctx: &ContextSelectionSet<'a>,
    documents: impl Iterator<Item = &'b Arc<document::Model>>,
    field: &Positioned<Field>,
) -> Option<BoxFuture<'a, ()>> {
    // What names no page is left to the resolver, which refuses it.
    Page::of_field(ctx, field)?;
    let ids: HashSet<TagId> = documents.flat_map(|document| carried_ids(document)).collect();
    Some(Box::pin(ctx.request().load_ahead::<ShownTags>(ids.into_iter().collect())))
}

/// Writes what `of_document` gives, if that is known and has everything at hand that is asked for.
pub fn write_known(
    ctx: &ContextSelectionSet<'_>,
    document: &document::Model,
    field: &Positioned<Field>,
    writing: &mut Writing,
) -> bool {
    let Some(page) = Page::of_field(ctx, field) else { return false };
    let Some(found) = ctx.request().all_known::<ShownTags>(carried_ids(document)) else { return false };
    let slice = store::page_of_carried(document, &page, found);
    let tags: Vec<Tag> = slice.rows.into_iter().map(Tag).collect();
    write_nodes(ctx, tags.iter(), field, writing)
}

/// The tags of a document that the viewer may read.
pub async fn of_document(request: &Request, document: Arc<document::Model>, page: Page) -> Result<Connection<Tag>> {
    let found = try_join_all(carried_ids(&document).map(|id| request.load::<ShownTags>(id))).await?;
    let slice = store::page_of_carried(&document, &page, found);
    let number = i64::try_from(document.tag_ids.len()).unwrap_or(i64::MAX);
    let count = count_by(move |_| Box::pin(async move { Ok(number) }));
    Ok(Connection::new(slice, |row: &Arc<tag::Model>| store::place(row), Tag, count))
}
