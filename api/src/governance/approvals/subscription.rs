//! Requests for approval as they come and are answered.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use entity::ids::{ApprovalId, ProjectId};
use entity::tenancy::project;
use futures_util::stream::Stream;

use super::graphql::Approval;
use crate::platform::errors::Result;
use crate::platform::events::{FeedEvent, Topic};
use crate::platform::live::{Told, follow, tell};
use crate::platform::request::{Request, RequestContext};

/// What happened to a request for approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ApprovalChangeKind {
    /// Somebody asked.
    Requested,
    /// It was approved.
    Approved,
    /// It was denied.
    Denied,
    /// Its time is over.
    Expired,
    /// The call was made.
    Consumed,
    /// It was taken back.
    Withdrawn,
    /// You can no longer see the project. Nothing more follows.
    AccessLost,
}

impl ApprovalChangeKind {
    fn of(event_type: &str) -> Option<Self> {
        match event_type {
            "approval.requested" => Some(Self::Requested),
            "approval.approved" => Some(Self::Approved),
            "approval.denied" => Some(Self::Denied),
            "approval.expired" => Some(Self::Expired),
            "approval.consumed" => Some(Self::Consumed),
            "approval.withdrawn" => Some(Self::Withdrawn),
            _ => None,
        }
    }
}

/// A change of a request for approval.
#[derive(SimpleObject)]
pub struct ApprovalChanged {
    /// The place in the feed; subscribe again `after` it and miss nothing.
    cursor: String,
    /// What happened.
    kind: ApprovalChangeKind,
    /// The request as it is now; null when access was lost.
    approval: Option<Approval>,
}

async fn told(request: Arc<Request>, event: Arc<FeedEvent>, project: ProjectId) -> Result<Told<ApprovalChanged>> {
    let changed =
        |kind, approval| ApprovalChanged { cursor: request.platform.feed.cursor(event.position), kind, approval };
    if request.find::<project::Entity>(project).await?.is_none() {
        return Ok(Told::Last(changed(ApprovalChangeKind::AccessLost, None)));
    }
    let Some(kind) = ApprovalChangeKind::of(&event.event_type) else { return Ok(Told::Nothing) };
    let approval = Approval::find(&request, ApprovalId(event.resource_id)).await?;
    Ok(approval.map_or(Told::Nothing, |approval| Told::Next(changed(kind, Some(approval)))))
}

/// The live view of approvals.
#[derive(Default)]
pub struct ApprovalSubscription;

#[Subscription]
impl ApprovalSubscription {
    /// Each change of a request for approval in a project that you may see: your own, and all of them for admins of the project. Who no longer sees the project is told once, and nothing follows.
    async fn approval_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ProjectId,
        #[graphql(desc = "Also everything since this cursor: of an earlier change, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<ApprovalChanged>>> {
        let request = ctx.shared_request();
        request.get::<project::Entity>(project_id).await?;
        let events = follow(&request, &[Topic::Project(project_id.uuid())], after).await?;
        Ok(tell(request, events, move |request, event| told(request, event, project_id)))
    }
}
