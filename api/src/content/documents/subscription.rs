//! Live views of documents: one document, or everything in a space. Each event is authorized anew for its viewer.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject, Subscription, Union};
use chrono::{DateTime, Utc};
use entity::content::document;
use entity::ids::{DocumentId, SpaceId, UserId};
use entity::tenancy::space;
use futures_util::stream::Stream;

use super::events::DocumentChangeKind;
use super::graphql::Document;
use crate::identity::users::User;
use crate::platform::errors::Result;
use crate::platform::events::{FeedEvent, Topic};
use crate::platform::live::{Told, follow, tell};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::spaces::Space;

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

/// What happened to a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SpaceChangeKind {
    /// Its properties changed.
    Updated,
    /// Its members or their roles changed.
    MembersChanged,
    /// It is gone.
    Deleted,
    /// You can no longer see it. Nothing more follows about it.
    AccessLost,
}

/// A change of a space itself.
#[derive(SimpleObject)]
pub struct SpaceChange {
    /// The place of this change in the feed; subscribe again `after` it and miss nothing.
    cursor: String,
    /// What happened.
    kind: SpaceChangeKind,
    /// The space it happened to.
    space_id: SpaceId,
    /// The space as it is now. Null when it is gone or you may no longer see it.
    space: Option<Space>,
    /// When it happened.
    at: DateTime<Utc>,
}

/// Something that happened in a space.
#[derive(Union)]
pub enum SpaceActivity {
    Document(DocumentChange),
    Space(SpaceChange),
}

fn change(
    request: &Request,
    event: &FeedEvent,
    kind: DocumentChangeKind,
    document: Option<Document>,
) -> DocumentChange {
    let cursor = request.platform.feed.cursor(event.position);
    let actor = event.actor_id.filter(|_| event.actor_type == "user").map(UserId);
    DocumentChange { cursor, kind, document_id: DocumentId(event.resource_id), document, at: event.timestamp, actor }
}

/// One document: a viewer who can no longer read it is told so once.
async fn tell_of_document(request: Arc<Request>, event: Arc<FeedEvent>) -> Result<Told<DocumentChange>> {
    let Some(kind) = DocumentChangeKind::of(&event.event_type) else {
        return Ok(Told::Nothing);
    };
    let document = Document::find(&request, DocumentId(event.resource_id)).await?;
    Ok(match (document, kind) {
        (Some(document), _) => Told::Next(change(&request, &event, kind, Some(document))),
        (None, DocumentChangeKind::Deleted | DocumentChangeKind::Trashed) => {
            Told::Last(change(&request, &event, kind, None))
        }
        (None, _) => Told::Last(change(&request, &event, DocumentChangeKind::AccessLost, None)),
    })
}

/// A space: documents the viewer may not read are passed over in silence.
async fn tell_of_space(request: Arc<Request>, event: Arc<FeedEvent>, id: SpaceId) -> Result<Told<SpaceActivity>> {
    let space_change = |kind, space| {
        SpaceActivity::Space(SpaceChange {
            cursor: request.platform.feed.cursor(event.position),
            kind,
            space_id: id,
            space,
            at: event.timestamp,
        })
    };
    let Some(space) = Space::find(&request, id).await? else {
        let kind = match event.event_type.as_str() {
            "space.deleted" => SpaceChangeKind::Deleted,
            _ => SpaceChangeKind::AccessLost,
        };
        return Ok(Told::Last(space_change(kind, None)));
    };
    if let Some(kind) = DocumentChangeKind::of(&event.event_type) {
        return tell_of_document_in(&request, &event, id, kind).await;
    }
    Ok(match event.event_type.as_str() {
        "space.updated" => Told::Next(space_change(SpaceChangeKind::Updated, Some(space))),
        "space.members_changed" => Told::Next(space_change(SpaceChangeKind::MembersChanged, Some(space))),
        _ => Told::Nothing,
    })
}

async fn tell_of_document_in(
    request: &Request,
    event: &FeedEvent,
    id: SpaceId,
    kind: DocumentChangeKind,
) -> Result<Told<SpaceActivity>> {
    let document = Document::find(request, DocumentId(event.resource_id)).await?;
    if document.is_some() {
        return Ok(Told::Next(SpaceActivity::Document(change(request, event, kind, document))));
    }
    // It is gone; whoever could read it until then is told.
    let is_gone = matches!(kind, DocumentChangeKind::Deleted | DocumentChangeKind::Trashed);
    let was_shared = event.payload.get("visibility").and_then(|visibility| visibility.as_str()) != Some("private");
    let was_own = event.actor_id.map(UserId) == request.viewer().user_id();
    if is_gone && request.viewer().space_role(id).is_some() && (was_shared || was_own) {
        return Ok(Told::Next(SpaceActivity::Document(change(request, event, kind, None))));
    }
    Ok(Told::Nothing)
}

/// Live views of documents and spaces.
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
        request.get::<document::Entity>(id).await?;
        let events = follow(&request, Topic::Resource(id.uuid()), after).await?;
        Ok(tell(request, events, tell_of_document))
    }

    /// What happens in a space and to the documents in it that you may read, in the order it happened.
    async fn space_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] space_id: SpaceId,
        #[graphql(desc = "Also everything since this cursor: of an earlier event, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<SpaceActivity>>> {
        let request = ctx.shared_request();
        request.get::<space::Entity>(space_id).await?;
        let events = follow(&request, Topic::Space(space_id.uuid()), after).await?;
        Ok(tell(request, events, move |request, event| tell_of_space(request, event, space_id)))
    }
}
