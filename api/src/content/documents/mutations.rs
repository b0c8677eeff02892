//! The mutations of documents: decode, call a rule, wrap.

use async_graphql::{Context, InputObject, Json, MaybeUndefined, Object};
use entity::content::document;
use entity::enums::{DocumentKind, DocumentStatus, DocumentVisibility};
use entity::ids::{DocumentId, SpaceId};

use serde_json::{Map, Value};

use super::graphql::Document;
use super::rules::{self, Transition};
use super::tree::{self, Place};
use super::writing::{self, DocumentChanges, NewDocument};
use crate::content::ContentErrorCode;
use crate::payload;
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::platform::write::Committed;

/// A new document or note.
#[derive(InputObject)]
struct DocumentCreateInput {
    /// An id of your making (a UUIDv7 in its `doc_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<DocumentId>,
    /// The space it goes into.
    space_id: SpaceId,
    /// The document of the same space it goes below. Default: the top.
    parent_id: Option<DocumentId>,
    /// A document, or a note. Default: DOCUMENT.
    kind: Option<DocumentKind>,
    /// Its title, 1 to 500 characters.
    title: String,
    /// Its Markdown source, up to 10 MB; kept byte for byte.
    #[graphql(default)]
    content: String,
    /// What it is about, up to 2,000 characters.
    description: Option<String>,
    /// Its name in addresses: lower-case letters, digits and single hyphens, up to 500.
    slug: Option<String>,
    /// Where it starts in its life. Default: DRAFT.
    status: Option<DocumentStatus>,
    /// Who may read it. Default: what the space says; PRIVATE in a personal space and below a PRIVATE document, where
    /// nothing else can stand.
    visibility: Option<DocumentVisibility>,
    /// The language it is written in, such as "en" or "en-US".
    language_code: Option<String>,
    /// Whether new documents may be started from it.
    #[graphql(default)]
    is_template: bool,
    /// Where it came from, up to 100 characters.
    source: Option<String>,
    /// Its id in the system it came from, up to 1,000 characters: unique for that source among what the space shares,
    /// and among your own private documents.
    external_id: Option<String>,
    /// An object of your own shape, up to 64 KB.
    metadata: Option<Json<Value>>,
    /// The names of its tags, up to 50. Those that the space does not have yet are made.
    #[graphql(default)]
    tags: Vec<String>,
}

/// Changes of a document. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct DocumentUpdateInput {
    /// The document.
    id: DocumentId,
    /// The version you read; a stale one is refused as CONFLICT. Left out, the last writer wins.
    expected_version: Option<i32>,
    /// Its new title, 1 to 500 characters.
    title: Option<String>,
    /// Its new Markdown source, up to 10 MB.
    content: Option<String>,
    /// What it is about, up to 2,000 characters.
    description: MaybeUndefined<String>,
    /// Its name in addresses.
    slug: MaybeUndefined<String>,
    /// Who may read it. Takes the right to SHARE; only the owner can make it PRIVATE, and only when others may read
    /// nothing below it.
    visibility: Option<DocumentVisibility>,
    /// The language it is written in.
    language_code: MaybeUndefined<String>,
    /// Whether new documents may be started from it.
    is_template: Option<bool>,
    /// Where it came from.
    source: MaybeUndefined<String>,
    /// Its id in the system it came from.
    external_id: MaybeUndefined<String>,
    /// An object of your own shape, up to 64 KB; replaces the old one. Null for an empty one.
    metadata: MaybeUndefined<Json<Value>>,
}

/// A new place for a document. Without `beforeId` or `afterId` it goes to the end of its siblings.
#[derive(InputObject)]
struct DocumentMoveInput {
    /// The document.
    id: DocumentId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The document of the same space it goes below; null or left out: the top.
    parent_id: Option<DocumentId>,
    /// The sibling it goes before.
    before_id: Option<DocumentId>,
    /// The sibling it goes after.
    after_id: Option<DocumentId>,
    /// To the beginning of its siblings.
    #[graphql(default)]
    first: bool,
}

impl DocumentMoveInput {
    fn place(&self) -> Result<Place> {
        match (self.before_id, self.after_id, self.first) {
            (None, None, false) => Ok(Place::Last),
            (None, None, true) => Ok(Place::First),
            (Some(id), None, false) => Ok(Place::Before(id)),
            (None, Some(id), false) => Ok(Place::After(id)),
            _ => Err(Error::bad_input("input.beforeId", "Give one of beforeId, afterId and first.")),
        }
    }
}

/// A document to act on.
#[derive(InputObject)]
struct DocumentActionInput {
    /// The document.
    id: DocumentId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
}

payload! {
    /// What creating a document ended with.
    DocumentCreatePayload {
        /// The new document; null when it was refused.
        document: Document, ContentErrorCode
    }
}

payload! {
    /// What changing a document ended with.
    DocumentUpdatePayload {
        /// The document as it is now, also after a CONFLICT; null when it was refused for another reason.
        document: Document, ContentErrorCode
    }
}

payload! {
    /// What acting on a document ended with.
    DocumentActionPayload {
        /// The document as it is now, also after a CONFLICT; null when it was refused for another reason.
        document: Document, ContentErrorCode
    }
}

payload! {
    /// What deleting a document ended with.
    DocumentDeletePayload {
        /// The id of the document that is gone; null when it was refused.
        deleted_id: DocumentId, ContentErrorCode
    }
}

async fn acted(
    request: &Request,
    id: DocumentId,
    result: Result<Committed<document::Model>>,
) -> Result<DocumentActionPayload> {
    Ok(present(request, id, result).await?.into())
}

/// What a change of a document ended with; after a conflict with the document as it is now.
async fn present(
    request: &Request,
    id: DocumentId,
    result: Result<Committed<document::Model>>,
) -> Result<Outcome<Document, ContentErrorCode>> {
    let mut outcome = Outcome::of(result)?.map(Document::from);
    if outcome.refused_as(ContentErrorCode::Conflict) {
        outcome.object = Document::find(request, id).await?;
    }
    Ok(outcome)
}

/// Changes of documents.
#[derive(Default)]
pub struct DocumentMutation;

#[Object]
impl DocumentMutation {
    /// Creates a document or a note in a space.
    async fn document_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new document.")] input: DocumentCreateInput,
    ) -> Result<DocumentCreatePayload> {
        let new = NewDocument {
            id: input.id,
            parent_id: input.parent_id,
            position: None,
            kind: input.kind,
            title: input.title,
            content: input.content,
            description: input.description,
            slug: input.slug,
            status: input.status,
            visibility: input.visibility,
            language_code: input.language_code,
            is_template: input.is_template,
            source: input.source,
            external_id: input.external_id,
            metadata: input.metadata.map(|metadata| metadata.0),
            tags: input.tags,
            created_at: None,
        };
        let result = writing::create(ctx.request(), input.space_id, new).await;
        Ok(Outcome::of(result)?.map(Document::from).into())
    }

    /// Changes a document's content and properties.
    async fn document_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: DocumentUpdateInput,
    ) -> Result<DocumentUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = DocumentChanges {
            title: input.title,
            content: input.content,
            description: checks::text_change(input.description),
            slug: checks::text_change(input.slug),
            visibility: input.visibility,
            language_code: checks::text_change(input.language_code),
            is_template: input.is_template,
            source: checks::text_change(input.source),
            external_id: checks::text_change(input.external_id),
            metadata: Option::<Option<Json<Value>>>::from(input.metadata)
                .map(|metadata| metadata.map_or_else(|| Value::Object(Map::new()), |metadata| metadata.0)),
        };
        let result = writing::update(request, id, input.expected_version, changes).await;
        Ok(present(request, id, result).await?.into())
    }

    /// Moves a document within the tree of its space, or among its siblings.
    async fn document_move(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new place.")] input: DocumentMoveInput,
    ) -> Result<DocumentActionPayload> {
        let place = input.place()?;
        let (request, id) = (ctx.request(), input.id);
        let result = tree::move_document(request, id, input.expected_version, input.parent_id, place).await;
        acted(request, id, result).await
    }

    /// Publishes a draft.
    async fn document_publish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DocumentActionInput,
    ) -> Result<DocumentActionPayload> {
        let (request, id) = (ctx.request(), input.id);
        acted(request, id, rules::change_status(request, id, input.expected_version, Transition::Publish).await).await
    }

    /// Makes a published document a draft again.
    async fn document_unpublish(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DocumentActionInput,
    ) -> Result<DocumentActionPayload> {
        let (request, id) = (ctx.request(), input.id);
        acted(request, id, rules::change_status(request, id, input.expected_version, Transition::Unpublish).await).await
    }

    /// Puts a document aside: lists leave it out unless they ask for it.
    async fn document_archive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DocumentActionInput,
    ) -> Result<DocumentActionPayload> {
        let (request, id) = (ctx.request(), input.id);
        acted(request, id, rules::change_status(request, id, input.expected_version, Transition::Archive).await).await
    }

    /// Brings a document back from the archive.
    async fn document_unarchive(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DocumentActionInput,
    ) -> Result<DocumentActionPayload> {
        let (request, id) = (ctx.request(), input.id);
        acted(request, id, rules::change_status(request, id, input.expected_version, Transition::Unarchive).await).await
    }

    /// Puts a document into the trash, with everything below it that you see.
    async fn document_trash(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DocumentActionInput,
    ) -> Result<DocumentActionPayload> {
        let (request, id) = (ctx.request(), input.id);
        acted(request, id, tree::trash(request, id, input.expected_version).await).await
    }

    /// Takes a document out of the trash, with what went there together with it. It comes back at the top of the tree
    /// where it can no longer stand below its parent.
    async fn document_restore(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DocumentActionInput,
    ) -> Result<DocumentActionPayload> {
        let (request, id) = (ctx.request(), input.id);
        acted(request, id, tree::restore(request, id, input.expected_version).await).await
    }

    /// Deletes a document in the trash for good. What stood below it moves up.
    async fn document_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] input: DocumentActionInput,
    ) -> Result<DocumentDeletePayload> {
        let outcome = Outcome::of(tree::delete(ctx.request(), input.id, input.expected_version).await)?;
        Ok(outcome.into())
    }
}
