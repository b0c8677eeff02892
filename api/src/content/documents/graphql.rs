//! Documents as a client sees them.

use std::sync::Arc;

use async_graphql::parser::types::Field;
use async_graphql::{Context, ContextSelectionSet, Json, Object, Positioned};
use chrono::{DateTime, Utc};
use entity::content::{document, document_content};
use entity::enums::{DocumentFormat, DocumentKind, DocumentStatus, DocumentVisibility};
use entity::ids::{DocumentId, SpaceId, UserId};
use futures_util::future::BoxFuture;

use super::filter::{DocumentFilter, DocumentOrder, List};
use super::rules;
use super::store::{self, Above, Below, Contents, CountBelow, InSpaces};
use crate::content::tags::{self, Tag};
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::lean::Lean;
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::request::{Request, RequestContext};
use crate::platform::written::Writing;
use crate::tenancy::spaces::Space;

/// A document.
#[derive(Clone, Debug)]
pub struct Document(pub Arc<document::Model>);

impl Node for Document {
    fn at_hand(
        &self,
        ctx: &ContextSelectionSet<'_>,
        name: &str,
        field: &Positioned<Field>,
        writing: &mut Writing,
    ) -> bool {
        match name {
            "id" => writing.plain(self.0.id),
            "title" => writing.text(self.0.title.as_str()),
            "slug" => writing.text(self.0.slug.as_deref()),
            "description" => writing.text(self.0.description.as_deref()),
            "kind" => writing.choice(self.0.kind),
            "status" => writing.choice(self.0.status),
            "visibility" => writing.choice(self.0.visibility),
            "createdAt" => writing.time(self.0.created_at),
            "updatedAt" => writing.time(self.0.updated_at),
            "wordCount" => writing.number(self.0.word_count),
            "version" => writing.number(self.0.version),
            "owner" => return User::write_known(ctx, self.0.owner_id, field, writing),
            "tags" => return tags::write_known(ctx, &self.0, field, writing),
            _ => return false,
        }
        true
    }

    fn ahead<'a>(
        ctx: &ContextSelectionSet<'a>,
        objects: &[&Self],
        field: &Positioned<Field>,
    ) -> Option<BoxFuture<'a, ()>> {
        match field.node.name.node.as_str() {
            "owner" => Some(User::load_ahead(ctx.request(), objects.iter().map(|object| object.0.owner_id))),
            "tags" => tags::load_ahead(ctx, objects.iter().map(|object| &object.0), field),
            _ => None,
        }
    }
}

impl From<document::Model> for Document {
    fn from(row: document::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Document {
    /// The document, if the viewer may read it.
    pub async fn find(request: &Request, id: DocumentId) -> Result<Option<Self>> {
        Ok(request.find::<document::Entity>(id).await?.map(Self))
    }
}

/// A document or a note: a light row with its properties; its content is read apart.
#[Object]
impl Document {
    /// The id of the document.
    pub async fn id(&self) -> DocumentId {
        self.0.id
    }

    /// Its title, 1 to 500 characters.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Where it stands in its life.
    async fn status(&self) -> DocumentStatus {
        self.0.status
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its content or properties last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// Who owns it; null once that account is gone.
    async fn owner(&self, ctx: &Context<'_>) -> Result<Option<Lean<User>>> {
        Ok(User::find_through(ctx.request(), self.0.owner_id).await?.map(Lean))
    }

    /// Its tags, by name.
    async fn tags(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Tag>> {
        tags::of_document(ctx.request(), Arc::clone(&self.0), Page::new(first, after, last, before)?).await
    }

    /// Its content. Read only when asked for.
    async fn content(&self, ctx: &Context<'_>) -> Result<DocumentContent> {
        let request = ctx.request();
        request.take_content_bytes(u64::from(self.0.size_bytes.unsigned_abs()))?;
        let row = request.load::<Contents>(self.0.id).await?;
        Ok(DocumentContent { document: Arc::clone(&self.0), row })
    }

    /// A document, or a note.
    async fn kind(&self) -> DocumentKind {
        self.0.kind
    }

    /// What the truth of its content is: Markdown text or blocks.
    async fn format(&self) -> DocumentFormat {
        self.0.format
    }

    /// Who may read it.
    async fn visibility(&self) -> DocumentVisibility {
        self.0.visibility
    }

    /// Its name in addresses; null for none.
    async fn slug(&self) -> Option<&str> {
        self.0.slug.as_deref()
    }

    /// What it is about, up to 2,000 characters; null for nothing.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The language it is written in, such as "en" or "en-US"; null when nobody said.
    async fn language_code(&self) -> Option<&str> {
        self.0.language_code.as_deref()
    }

    /// Whether new documents may be started from it.
    async fn is_template(&self) -> bool {
        self.0.is_template
    }

    /// Where it came from, such as "import"; null for what was written here.
    async fn source(&self) -> Option<&str> {
        self.0.source.as_deref()
    }

    /// Its id in the system it came from; null for none.
    async fn external_id(&self) -> Option<&str> {
        self.0.external_id.as_deref()
    }

    /// Whatever its users keep with it: an object of their own shape.
    async fn metadata(&self) -> Json<&serde_json::Value> {
        Json(&self.0.metadata)
    }

    /// How many words it has.
    async fn word_count(&self) -> i32 {
        self.0.word_count
    }

    /// How long its content is, in characters.
    async fn content_length(&self) -> i32 {
        self.0.content_length
    }

    /// How large its content is, in bytes of UTF-8.
    async fn size_bytes(&self) -> i32 {
        self.0.size_bytes
    }

    /// The SHA-256 of its content, in hexadecimal: equal content has an equal hash. Null as long as it has none.
    async fn content_hash(&self) -> Option<String> {
        let hash = self.0.content_hash.as_ref()?;
        Some(hash.iter().map(|byte| format!("{byte:02x}")).collect())
    }

    /// Where it stands among its siblings: texts that sort in the order of the list.
    async fn position(&self) -> &str {
        &self.0.position
    }

    /// Counts its changes; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was published; null for a draft.
    async fn published_at(&self) -> Option<DateTime<Utc>> {
        self.0.published_at
    }

    /// When it was archived; null while it is not.
    async fn archived_at(&self) -> Option<DateTime<Utc>> {
        self.0.archived_at
    }

    /// When it went into the trash; null while it is not there.
    async fn trashed_at(&self) -> Option<DateTime<Utc>> {
        self.0.deleted_at
    }

    /// The space it lives in. Null when you may read the document but not see the space.
    async fn space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        Space::find(ctx.request(), self.0.space_id).await
    }

    /// The document it stands below. Null at the top, and when you may not read that one.
    async fn parent(&self, ctx: &Context<'_>) -> Result<Option<Document>> {
        match self.0.parent_id {
            Some(id) => Document::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Who last changed it; null once that account is gone.
    async fn updated_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.updated_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The documents directly below it that you may read.
    #[expect(clippy::too_many_arguments, reason = "the arguments of a connection")]
    async fn children(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only documents that meet this.")] filter: Option<Box<DocumentFilter>>,
        #[graphql(desc = "The order of the list.", default_with = "DocumentOrder::PositionAsc")]
        order_by: DocumentOrder,
    ) -> Result<Connection<Document>> {
        let page = Page::new(first, after, last, before)?;
        // Boxed, like its filter, because the future of every other field of a document takes as much room as this one.
        Box::pin(below(ctx.request(), self.0.id, List::new(page, filter, order_by)?)).await
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<document::Entity>(&self.0).actions()
    }
}

/// The content of a document.
pub struct DocumentContent {
    document: Arc<document::Model>,
    row: Option<Arc<document_content::Model>>,
}

/// The content of a document, apart from its properties because it can be large: up to 10 MB.
#[Object]
impl DocumentContent {
    /// The Markdown source, byte for byte as it was written.
    async fn text(&self) -> &str {
        self.row.as_ref().map_or("", |row| row.source.as_str())
    }

    /// The version of the document that was written with this content. It is above the `version` that you read of the
    /// document when the content changed in between.
    async fn version(&self) -> i32 {
        self.row.as_ref().map_or(self.document.version, |row| row.version)
    }

    /// When the content was last written.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.row.as_ref().map_or(self.document.updated_at, |row| row.updated_at)
    }
}

async fn list(request: &Request, above: Above, list: List) -> Result<Connection<Document>> {
    let (order, filter) = (list.order, Arc::clone(&list.filter));
    let slice = match rules::reads_whole_space(&request.viewer(), above, &list) {
        Some(page) => request.load::<InSpaces>(page).await?,
        None => request.load::<Below>((above, list)).await?,
    };
    let count = count_by(move |request| Box::pin(request.load::<CountBelow>((above, Arc::clone(&filter)))));
    Ok(Connection::new(slice, |row: &Arc<document::Model>| store::place(order, row), Document, count))
}

/// The documents of a space.
pub async fn of_space(request: &Request, id: SpaceId, query: List) -> Result<Connection<Document>> {
    list(request, Above::Space(id), query).await
}

/// The documents that a person owns.
pub async fn of_owner(request: &Request, id: UserId, query: List) -> Result<Connection<Document>> {
    list(request, Above::Owner(id), query).await
}

/// The documents directly below a document.
pub async fn below(request: &Request, id: DocumentId, query: List) -> Result<Connection<Document>> {
    list(request, Above::Document(id), query).await
}
