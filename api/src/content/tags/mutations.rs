//! The mutations of tags.

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use entity::ids::{DocumentId, SpaceId, TagId};

use super::graphql::Tag;
use super::rules::{self, NewTag, TagChanges};
use crate::content::ContentErrorCode;
use crate::content::documents::Document;
use crate::payload;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// A new tag.
#[derive(InputObject)]
struct TagCreateInput {
    /// An id of your making (a UUIDv7 in its `tag_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<TagId>,
    /// The space it belongs to.
    space_id: SpaceId,
    /// Its name, 1 to 50 characters, unique in the space whatever its case.
    name: String,
    /// Its color, as #rrggbb. Default: #3b82f6.
    color: Option<String>,
    /// What it is for, up to 2,000 characters.
    description: Option<String>,
}

/// Changes of a tag. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct TagUpdateInput {
    /// The tag.
    id: TagId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new name.
    name: Option<String>,
    /// Its new color, as #rrggbb.
    color: Option<String>,
    /// What it is for, up to 2,000 characters; null for none.
    description: MaybeUndefined<String>,
}

/// A tag to delete.
#[derive(InputObject)]
struct TagDeleteInput {
    /// The tag.
    id: TagId,
}

/// Tags to put on a document or take off it.
#[derive(InputObject)]
struct DocumentTagInput {
    /// The document.
    id: DocumentId,
    /// The names of the tags, up to 50.
    tags: Vec<String>,
}

payload! {
    /// What creating or changing a tag ended with.
    TagPayload {
        /// The tag as it is now, also after a CONFLICT; null when it was refused for another reason.
        tag: Tag, ContentErrorCode
    }
}

payload! {
    /// What changing the tags of a document ended with.
    DocumentTagPayload {
        /// The document as it is now; null when it was refused.
        document: Document, ContentErrorCode
    }
}

payload! {
    /// What deleting a tag ended with.
    TagDeletePayload {
        /// The id of the tag that is gone; null when it was refused.
        deleted_id: TagId, ContentErrorCode
    }
}

/// Changes of tags.
#[derive(Default)]
pub struct TagMutation;

#[Object]
impl TagMutation {
    /// Creates a tag in a space.
    async fn tag_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new tag.")] input: TagCreateInput,
    ) -> Result<TagPayload> {
        let new = NewTag { id: input.id, name: input.name, color: input.color, description: input.description };
        let result = rules::create_tag(ctx.request(), input.space_id, new).await;
        Ok(Outcome::of(result)?.map(Tag::from).into())
    }

    /// Changes a tag.
    async fn tag_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: TagUpdateInput,
    ) -> Result<TagPayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes =
            TagChanges { name: input.name, color: input.color, description: checks::text_change(input.description) };
        let result = rules::update_tag(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(Tag::from);
        if outcome.refused_as(ContentErrorCode::Conflict) {
            outcome.object = Tag::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Deletes a tag. Documents that carry it lose it.
    async fn tag_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tag.")] input: TagDeleteInput,
    ) -> Result<TagDeletePayload> {
        let outcome = Outcome::of(rules::delete_tag(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }

    /// Puts tags on a document, by name. Those that the space does not have yet are made.
    async fn document_tag(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document and the tags.")] input: DocumentTagInput,
    ) -> Result<DocumentTagPayload> {
        let result = rules::tag_document(ctx.request(), input.id, input.tags).await;
        Ok(Outcome::of(result)?.map(Document::from).into())
    }

    /// Takes tags off a document, by name.
    async fn document_untag(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document and the tags.")] input: DocumentTagInput,
    ) -> Result<DocumentTagPayload> {
        let result = rules::untag_document(ctx.request(), input.id, input.tags).await;
        Ok(Outcome::of(result)?.map(Document::from).into())
    }
}
