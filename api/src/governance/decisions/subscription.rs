//! Decisions as they are made.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use entity::enums::DecisionOutcome;
use entity::ids::ProjectId;
use entity::tenancy::project;
use futures_util::stream::{self, Stream};
use futures_util::{FutureExt, StreamExt};

use super::events::{self, DECIDED};
use super::graphql::Decision;
use crate::platform::errors::Result;
use crate::platform::events::{FeedEvent, Position, Topic};
use crate::platform::live::{Told, follow, tell_each};
use crate::platform::request::{Request, RequestContext};

/// Why a follower of decisions is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum DecisionMadeKind {
    /// A decision was made.
    Made,
    /// You can no longer see the project. Nothing more follows.
    AccessLost,
}

/// A decision that was made.
#[derive(SimpleObject)]
pub struct DecisionMade {
    /// The place in the feed; subscribe again `after` it and miss nothing. Decisions that were recorded together may then
    /// come again, unless it is that of the last of them.
    cursor: String,
    /// Why you are told.
    kind: DecisionMadeKind,
    /// The decision; null when access was lost.
    decision: Option<Decision>,
}

async fn told(
    request: Arc<Request>,
    event: Arc<FeedEvent>,
    project: ProjectId,
    outcome: Option<DecisionOutcome>,
) -> Result<Vec<Told<DecisionMade>>> {
    let cursor = |position| request.platform.feed.cursor(position);
    if request.find::<project::Entity>(project).await?.is_none() {
        let (cursor, kind) = (cursor(event.position), DecisionMadeKind::AccessLost);
        return Ok(vec![Told::Last(DecisionMade { cursor, kind, decision: None })]);
    }
    if event.event_type != DECIDED {
        return Ok(Vec::new());
    }
    let ids = events::told(&event)?.into_iter().filter(|told| outcome.is_none_or(|wanted| wanted == told.outcome));
    let found = futures_util::future::try_join_all(ids.map(|told| Decision::find(&request, told.id))).await?;
    let seen: Vec<Decision> = found.into_iter().flatten().collect();
    let last = seen.len().saturating_sub(1);
    let told = seen.into_iter().enumerate().map(|(place, decision)| {
        // Who resumes among decisions that were recorded together is told of all of them again.
        let position = if place == last { event.position } else { Position(event.position.0 - 1) };
        let (cursor, kind) = (cursor(position), DecisionMadeKind::Made);
        Told::Next(DecisionMade { cursor, kind, decision: Some(decision) })
    });
    Ok(told.collect())
}

/// The live view of decisions.
#[derive(Default)]
pub struct DecisionSubscription;

#[Subscription]
impl DecisionSubscription {
    /// Each recorded decision of a project that you may read. Who no longer sees the project is told once, and nothing follows.
    async fn decision_made(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ProjectId,
        #[graphql(desc = "Only decisions with this outcome.")] outcome: Option<DecisionOutcome>,
        #[graphql(desc = "Also everything since this cursor: of an earlier decision, or a commitCursor.")]
        after: Option<String>,
    ) -> Result<impl Stream<Item = Result<DecisionMade>>> {
        let request = ctx.shared_request();
        request.get::<project::Entity>(project_id).await?;
        let events = follow(&request, &[Topic::Resource(project_id.uuid())], after).await?;
        Ok(tell_each(request, events, move |request, event| {
            let told = told(request, event, project_id, outcome).boxed();
            stream::once(told).flat_map(|told| match told {
                Ok(told) => stream::iter(told.into_iter().map(Ok).collect::<Vec<_>>()),
                Err(error) => stream::iter(vec![Err(error)]),
            })
        }))
    }
}
