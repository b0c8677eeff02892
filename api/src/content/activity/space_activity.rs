//! What happens in a space, to its documents and tags and to the space itself.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject, Subscription, Union};
use chrono::{DateTime, Utc};
use entity::content::document;
use entity::enums::DocumentVisibility;
use entity::ids::{DocumentId, SpaceId, TagId, UserId};
use entity::tenancy::space;
use futures_util::stream::Stream;
use serde::Deserialize;
use uuid::Uuid;

use super::document_changed::DocumentChange;
use super::{takes_everything, with_tenants};
use crate::content::documents::{Document, DocumentChangeKind};
use crate::content::tags::{Tag, TagChangeKind};
use crate::identity::users::User;
use crate::platform::authorization::{Action, within_scopes};
use crate::platform::errors::Result;
use crate::platform::events::{FeedEvent, Topic};
use crate::platform::live::{Told, follow, tell};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::spaces::Space;

/// What happened to a space.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SpaceChangeKind {
    /// Its properties changed.
    Updated,
    /// Its members or their roles changed.
    MembersChanged,
    /// It was archived: from now on it can only be read.
    Archived,
    /// It came back from the archive.
    Unarchived,
    /// It is gone.
    Deleted,
    /// You can no longer see it. Nothing more follows about it.
    AccessLost,
}

impl SpaceChangeKind {
    /// The kind behind an event's name; none for events of other things.
    fn of(event_type: &str) -> Option<Self> {
        match event_type {
            "space.updated" => Some(Self::Updated),
            "space.members_changed" => Some(Self::MembersChanged),
            "space.archived" => Some(Self::Archived),
            "space.unarchived" => Some(Self::Unarchived),
            _ => None,
        }
    }
}

/// A change of a space itself.
#[derive(SimpleObject)]
#[graphql(complex)]
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
    #[graphql(skip)]
    actor: Option<UserId>,
}

/// A change of a space itself.
#[async_graphql::ComplexObject]
impl SpaceChange {
    /// Who did it. Null when a program did, or when you may no longer see the space.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.actor.filter(|_| self.space.is_some()) {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }
}

/// A change of a tag.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct TagChange {
    /// The place of this change in the feed; subscribe again `after` it and miss nothing.
    cursor: String,
    /// What happened.
    kind: TagChangeKind,
    /// The tag it happened to.
    tag_id: TagId,
    /// The tag as it is now. Null when it is gone.
    tag: Option<Tag>,
    /// When it happened.
    at: DateTime<Utc>,
    #[graphql(skip)]
    actor: Option<UserId>,
}

/// A change of a tag.
#[async_graphql::ComplexObject]
impl TagChange {
    /// Who did it. Null when a program did.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.actor {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }
}

/// Something that happened in a space.
#[derive(Union)]
pub enum SpaceActivity {
    Document(DocumentChange),
    Tag(TagChange),
    Space(SpaceChange),
}

/// What is said of a document with its event.
#[derive(Deserialize)]
struct DocumentThen {
    owner_id: Uuid,
    visibility: DocumentVisibility,
    visibility_before: DocumentVisibility,
}

/// What is said of a tag with its event.
#[derive(Deserialize)]
struct TagThen {
    is_shared: bool,
    private_owner_ids: Vec<Uuid>,
}

fn actor(event: &FeedEvent) -> Option<UserId> {
    event.actor_id.filter(|_| event.actor_type == "user").map(UserId)
}

async fn tell_of(request: Arc<Request>, event: Arc<FeedEvent>, id: SpaceId) -> Result<Told<SpaceActivity>> {
    let space_change = |kind, space| {
        SpaceActivity::Space(SpaceChange {
            cursor: request.platform.feed.cursor(event.position),
            kind,
            space_id: id,
            space,
            at: event.timestamp,
            actor: actor(&event),
        })
    };
    let Some(space) = Space::find(&request, id).await? else {
        let is_gone = takes_everything(&event);
        let kind = if is_gone { SpaceChangeKind::Deleted } else { SpaceChangeKind::AccessLost };
        return Ok(Told::Last(space_change(kind, None)));
    };
    if let Some(kind) = DocumentChangeKind::of(&event.event_type) {
        return tell_of_document(&request, &event, id, kind).await;
    }
    if let Some(kind) = TagChangeKind::of(&event.event_type) {
        return tell_of_tag(&request, &event, id, kind).await;
    }
    Ok(match SpaceChangeKind::of(&event.event_type) {
        Some(kind) => Told::Next(space_change(kind, Some(space))),
        None => Told::Nothing,
    })
}

/// A document that the viewer may not read is passed over in silence, unless it could until now.
async fn tell_of_document(
    request: &Request,
    event: &FeedEvent,
    space: SpaceId,
    kind: DocumentChangeKind,
) -> Result<Told<SpaceActivity>> {
    let id = DocumentId(event.resource_id);
    let told =
        |kind, document| Told::Next(SpaceActivity::Document(DocumentChange::of(request, event, id, kind, document)));
    let document = Document::find(request, id).await?;
    if document.is_some() {
        return Ok(told(kind, document));
    }
    // An event from before these things were said tells nothing.
    let (Ok(then), true) = (DocumentThen::deserialize(&event.payload), reads_content(request, space)) else {
        return Ok(Told::Nothing);
    };
    let is_own = request.viewer().user_id().map(UserId::uuid) == Some(then.owner_id);
    let is_shared = then.visibility != DocumentVisibility::Private;
    let was_shared = then.visibility_before != DocumentVisibility::Private;
    Ok(match kind {
        DocumentChangeKind::Deleted | DocumentChangeKind::Trashed if is_shared || is_own => told(kind, None),
        _ if was_shared && !is_shared => told(DocumentChangeKind::AccessLost, None),
        _ => Told::Nothing,
    })
}

/// Whether the viewer may hear of what is gone from the space.
fn reads_content(request: &Request, space: SpaceId) -> bool {
    let viewer = request.viewer();
    viewer.space_role(space).is_some() && within_scopes::<document::Entity>(&viewer).contains(Action::Read)
}

async fn tell_of_tag(
    request: &Request,
    event: &FeedEvent,
    space: SpaceId,
    kind: TagChangeKind,
) -> Result<Told<SpaceActivity>> {
    let id = TagId(event.resource_id);
    let tag = Tag::find(request, id).await?;
    if tag.is_none() {
        let (Ok(then), true) = (TagThen::deserialize(&event.payload), reads_content(request, space)) else {
            return Ok(Told::Nothing);
        };
        let is_own = request.viewer().user_id().is_some_and(|user| then.private_owner_ids.contains(&user.uuid()));
        if kind != TagChangeKind::Deleted || !(then.is_shared || is_own) {
            return Ok(Told::Nothing);
        }
    }
    let (cursor, at) = (request.platform.feed.cursor(event.position), event.timestamp);
    Ok(Told::Next(SpaceActivity::Tag(TagChange { cursor, kind, tag_id: id, tag, at, actor: actor(event) })))
}

/// Live views of spaces.
#[derive(Default)]
pub struct SpaceSubscription;

#[Subscription]
impl SpaceSubscription {
    /// What happens in a space, to its tags and to the documents in it that you may read, in the order it happened. When
    /// you lose access to a document or to the space you are told once.
    async fn space_activity(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] space_id: SpaceId,
        #[graphql(desc = "Also everything since this cursor: of an earlier event, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<SpaceActivity>>> {
        let request = ctx.shared_request();
        let space = request.get::<space::Entity>(space_id).await?;
        let topics = with_tenants(Topic::Space(space_id.uuid()), None, space.organization_id);
        let events = follow(&request, &topics, after).await?;
        Ok(tell(request, events, move |request, event| tell_of(request, event, space_id)))
    }
}
