//! Live views of one server, or of all servers of a project. Each event is authorized anew; who loses access is told once.

use std::sync::Arc;

use async_graphql::{ComplexObject, Context, Enum, SimpleObject, Subscription};
use chrono::{DateTime, Utc};
use entity::governance::mcp_server;
use entity::ids::{McpServerId, ProjectId, UserId};
use entity::tenancy::project;
use futures_util::stream::Stream;

use super::graphql::McpServer;
use crate::identity::users::User;
use crate::platform::errors::Result;
use crate::platform::events::{FeedEvent, Topic};
use crate::platform::live::{Told, follow, tell};
use crate::platform::request::{Request, RequestContext};

/// What happened to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum McpServerChangeKind {
    /// It was registered.
    Registered,
    /// What is said of it changed, or it was switched on or off.
    Updated,
    /// It is reached in another way, and goes back to review.
    VersionCreated,
    /// It is being connected to.
    DiscoveryStarted,
    /// It answered; its tools were listed and scanned.
    Discovered,
    /// It did not answer, or not as it should.
    DiscoveryFailed,
    /// Some of its tools are not as they were approved, and are not used until they are approved again.
    ToolsDrifted,
    /// A tool was switched on or off, or somebody said how risky it is.
    ToolUpdated,
    /// A tool that had changed was approved.
    ToolApproved,
    /// It was submitted for approval.
    Submitted,
    /// It was approved.
    Approved,
    /// It was rejected.
    Rejected,
    /// It was taken out of use.
    Deprecated,
    /// It is gone. Nothing more follows about it.
    Deleted,
    /// You can no longer see it. Nothing more follows about it.
    AccessLost,
}

impl McpServerChangeKind {
    /// The kind behind an event's name; none for events of other things.
    fn of(event_type: &str) -> Option<Self> {
        Some(match event_type.strip_prefix("mcp_server.")? {
            "registered" => Self::Registered,
            "updated" => Self::Updated,
            "version_created" => Self::VersionCreated,
            "discovery_started" => Self::DiscoveryStarted,
            "discovered" => Self::Discovered,
            "discovery_failed" => Self::DiscoveryFailed,
            "tools_drifted" => Self::ToolsDrifted,
            "tool_updated" => Self::ToolUpdated,
            "tool_approved" => Self::ToolApproved,
            "submitted" => Self::Submitted,
            "approved" => Self::Approved,
            "rejected" => Self::Rejected,
            "deprecated" => Self::Deprecated,
            "deleted" => Self::Deleted,
            _ => return None,
        })
    }
}

/// A change of a server.
#[derive(SimpleObject)]
#[graphql(complex)]
pub struct McpServerChange {
    /// The place of this change in the feed; subscribe again `after` it and miss nothing.
    cursor: String,
    /// What happened.
    kind: McpServerChangeKind,
    /// The server it happened to; null where you can no longer see the project.
    mcp_server_id: Option<McpServerId>,
    /// The server as it is now. Null when it is gone or you may no longer see it.
    mcp_server: Option<McpServer>,
    /// When it happened.
    at: DateTime<Utc>,
    #[graphql(skip)]
    actor: Option<UserId>,
}

/// A change of a server.
#[ComplexObject]
impl McpServerChange {
    /// Who did it. Null when a program did, or when you may no longer see the server.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.actor.filter(|_| self.mcp_server.is_some()) {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }
}

impl McpServerChange {
    fn of(
        request: &Request,
        event: &FeedEvent,
        kind: McpServerChangeKind,
        id: Option<McpServerId>,
        server: Option<McpServer>,
    ) -> Self {
        Self {
            cursor: request.platform.feed.cursor(event.position),
            kind,
            mcp_server_id: id,
            mcp_server: server,
            at: event.timestamp,
            actor: event.actor_id.filter(|_| event.actor_type == "user").map(UserId),
        }
    }
}

/// Whether the project or organization is gone, and every server in it.
fn takes_everything(event: &FeedEvent) -> bool {
    matches!(event.event_type.as_str(), "project.deleted" | "organization.deleted")
}

async fn tell_of_server(
    request: Arc<Request>,
    event: Arc<FeedEvent>,
    id: McpServerId,
) -> Result<Told<McpServerChange>> {
    let server = McpServer::find(&request, id).await?;
    let kind = McpServerChangeKind::of(&event.event_type);
    let change = |kind, server| McpServerChange::of(&request, &event, kind, Some(id), server);
    Ok(match (server, kind) {
        (Some(server), Some(kind)) => Told::Next(change(kind, Some(server))),
        (Some(_), None) => Told::Nothing,
        (None, Some(McpServerChangeKind::Deleted)) => Told::Last(change(McpServerChangeKind::Deleted, None)),
        (None, _) if takes_everything(&event) => Told::Last(change(McpServerChangeKind::Deleted, None)),
        (None, _) => Told::Last(change(McpServerChangeKind::AccessLost, None)),
    })
}

async fn tell_of_project(request: Arc<Request>, event: Arc<FeedEvent>, id: ProjectId) -> Result<Told<McpServerChange>> {
    if request.find::<project::Entity>(id).await?.is_none() {
        let is_gone = takes_everything(&event);
        let kind = if is_gone { McpServerChangeKind::Deleted } else { McpServerChangeKind::AccessLost };
        return Ok(Told::Last(McpServerChange::of(&request, &event, kind, None, None)));
    }
    let Some(kind) = McpServerChangeKind::of(&event.event_type) else { return Ok(Told::Nothing) };
    let server_id = McpServerId(event.resource_id);
    let server = McpServer::find(&request, server_id).await?;
    Ok(match (server, kind) {
        (None, kind) if kind != McpServerChangeKind::Deleted => Told::Nothing,
        (server, kind) => Told::Next(McpServerChange::of(&request, &event, kind, Some(server_id), server)),
    })
}

/// Live views of servers.
#[derive(Default)]
pub struct McpSubscription;

#[Subscription]
impl McpSubscription {
    /// The changes of one server that you may see, in the order they happened. When you lose access you are told once, and nothing follows.
    async fn mcp_server_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] id: McpServerId,
        #[graphql(desc = "Also everything since this cursor: of an earlier change, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<McpServerChange>>> {
        let request = ctx.shared_request();
        let server = request.get::<mcp_server::Entity>(id).await?;
        let topics = [id.uuid(), server.project_id.uuid(), server.organization_id.uuid()].map(Topic::Resource);
        let events = follow(&request, &topics, after).await?;
        Ok(tell(request, events, move |request, event| tell_of_server(request, event, id)))
    }

    /// The changes of all servers of a project that you may see, in the order they happened. When you lose access you are told once, and nothing follows.
    async fn project_mcp_servers_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ProjectId,
        #[graphql(desc = "Also everything since this cursor: of an earlier change, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<McpServerChange>>> {
        let request = ctx.shared_request();
        let project = request.get::<project::Entity>(project_id).await?;
        let topics = [Topic::Project(project_id.uuid()), Topic::Resource(project.organization_id.uuid())];
        let events = follow(&request, &topics, after).await?;
        Ok(tell(request, events, move |request, event| tell_of_project(request, event, project_id)))
    }
}
