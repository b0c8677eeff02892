//! A call as it goes on.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use entity::enums::ProjectRole;
use entity::ids::{McpCallId, ProjectId};
use futures_util::stream::Stream;

use super::calling::check_caller;
use crate::metering::mcp_usage::{ENDED, McpCall, PROGRESSED, Told as Progressed};
use crate::platform::errors::{Error, Result};
use crate::platform::events::{FeedEvent, Topic};
use crate::platform::live::{Told, follow, tell};
use crate::platform::request::{Request, RequestContext};

/// Why a follower of a call is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum McpToolCallProgressKind {
    /// The server said how far it has come.
    Progressed,
    /// It is over. Nothing more follows.
    Ended,
    /// You can no longer see the project. Nothing more follows.
    AccessLost,
}

/// How far a call has come.
#[derive(SimpleObject)]
pub struct McpToolCallProgress {
    /// The place in the feed; subscribe again `after` it and miss nothing.
    cursor: String,
    /// Why you are told.
    kind: McpToolCallProgressKind,
    /// How much is done, in whatever the server counts; null where it did not say.
    done: Option<f64>,
    /// How much there is to do; null where the server does not know.
    total: Option<f64>,
    /// What it is doing, up to 500 characters; null where it does not say.
    message: Option<String>,
    /// The call as it is recorded; null before it is over. Its result is given to who called, and not kept.
    tool_call: Option<McpCall>,
}

async fn told(
    request: Arc<Request>,
    event: Arc<FeedEvent>,
    project: ProjectId,
    call: McpCallId,
) -> Result<Told<McpToolCallProgress>> {
    let progress = |kind| McpToolCallProgress {
        cursor: request.platform.feed.cursor(event.position),
        kind,
        done: None,
        total: None,
        message: None,
        tool_call: None,
    };
    let viewer = request.viewer();
    let Some(role) = viewer.project_role(project) else {
        return Ok(Told::Last(progress(McpToolCallProgressKind::AccessLost)));
    };
    let kind = match event.event_type.as_str() {
        PROGRESSED => McpToolCallProgressKind::Progressed,
        ENDED => McpToolCallProgressKind::Ended,
        _ => return Ok(Told::Nothing),
    };
    let said = Progressed::read(&event)?;
    let is_own = said.user.is_some() && said.user == viewer.user_id();
    if said.project != project || !(is_own || role == ProjectRole::Admin) {
        return Ok(Told::Nothing);
    }
    let Progressed { done, total, message, .. } = said;
    let progress = McpToolCallProgress { done, total, message, ..progress(kind) };
    Ok(match kind {
        McpToolCallProgressKind::Ended => {
            let tool_call = McpCall::find(&request, call).await?;
            Told::Last(McpToolCallProgress { tool_call, ..progress })
        }
        McpToolCallProgressKind::Progressed | McpToolCallProgressKind::AccessLost => Told::Next(progress),
    })
}

/// The live view of calls.
#[derive(Default)]
pub struct ToolCallSubscription;

#[Subscription]
impl ToolCallSubscription {
    /// How far a call of a tool has come, at most twice a second, until it is over. Subscribe with the id that the call is going to be made with. For developers and admins of the project: their own calls, and for admins those of everybody.
    async fn mcp_tool_call_progress(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] project_id: ProjectId,
        #[graphql(desc = "The id of the call.")] id: McpCallId,
        #[graphql(desc = "Also everything since this cursor, of an earlier progress.")] after: Option<String>,
    ) -> Result<impl Stream<Item = Result<McpToolCallProgress>>> {
        let request = ctx.shared_request();
        request.viewer().project_role(project_id).ok_or(Error::NotFound)?;
        check_caller(&request, project_id)?;
        let events = follow(&request, &[Topic::Resource(id.uuid())], after).await?;
        Ok(tell(request, events, move |request, event| told(request, event, project_id, id)))
    }
}
