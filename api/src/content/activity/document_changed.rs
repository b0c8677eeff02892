//! The changes of one document.

use std::sync::Arc;

use async_graphql::{Context, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entity::content::document;
use entity::ids::{DocumentId, UserId};
use futures_util::stream::Stream;

use super::{takes_everything, with_tenants};
use crate::content::documents::{Document, DocumentChangeKind};
use crate::identity::users::User;
use crate::platform::errors::Result;
use crate::platform::events::{FeedEvent, Topic};
use crate::platform::live::{Told, follow, tell};
use crate::platform::request::{Request, RequestContext};

/// A change of a document.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct DocumentChange {
    /// The place of this change in the feed; subscribe again `after` it and miss nothing.
    cursor: String,
    /// What happened.
    kind: DocumentChangeKind,
    /// The document it happened to.
    document_id: DocumentId,
    /// The document as it is now. Null when it is gone or you may no longer read it.
    document: Option<Document>,
    /// When it happened.
    at: DateTime<Utc>,
    #[graphql(skip)]
    actor: Option<UserId>,
}

/// A change of a document.
#[async_graphql::ComplexObject]
impl DocumentChange {
    /// Who did it. Null when a program did, or when you may no longer see the document.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.actor.filter(|_| self.document.is_some()) {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }
}

impl DocumentChange {
    pub fn of(
        request: &Request,
        event: &FeedEvent,
        id: DocumentId,
        kind: DocumentChangeKind,
        document: Option<Document>,
    ) -> Self {
        Self {
            cursor: request.platform.feed.cursor(event.position),
            kind,
            document_id: id,
            document,
            at: event.timestamp,
            actor: event.actor_id.filter(|_| event.actor_type == "user").map(UserId),
        }
    }
}

async fn tell_of(request: Arc<Request>, event: Arc<FeedEvent>, id: DocumentId) -> Result<Told<DocumentChange>> {
    let document = Document::find(&request, id).await?;
    let told = match DocumentChangeKind::of(&event.event_type) {
        Some(kind) => kind,
        // Something happened to its space or organization.
        None if document.is_some() => return Ok(Told::Nothing),
        None if takes_everything(&event) => DocumentChangeKind::Deleted,
        None => DocumentChangeKind::AccessLost,
    };
    Ok(match (document, told) {
        (Some(document), kind) => Told::Next(DocumentChange::of(&request, &event, id, kind, Some(document))),
        (None, kind @ (DocumentChangeKind::Deleted | DocumentChangeKind::Trashed)) => {
            Told::Last(DocumentChange::of(&request, &event, id, kind, None))
        }
        (None, _) => Told::Last(DocumentChange::of(&request, &event, id, DocumentChangeKind::AccessLost, None)),
    })
}

/// Live views of documents.
#[derive(Default)]
pub struct DocumentSubscription;

#[Subscription]
impl DocumentSubscription {
    /// The changes of one document that you may read, in the order they happened. When you lose access you are told once, and nothing follows.
    async fn document_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The document.")] id: DocumentId,
        #[graphql(desc = "Also everything since this cursor: of an earlier change, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<DocumentChange>>> {
        let request = ctx.shared_request();
        let document = request.get::<document::Entity>(id).await?;
        let topics = with_tenants(Topic::Resource(id.uuid()), Some(document.space_id), document.organization_id);
        let events = follow(&request, &topics, after).await?;
        Ok(tell(request, events, move |request, event| tell_of(request, event, id)))
    }
}
