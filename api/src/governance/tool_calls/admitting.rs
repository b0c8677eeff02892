//! What a call consumes before it is made: its id and the key it may be repeated under, room in its limits, and the
//! approval that lets it through.

use entity::ids::{ApiKeyId, ApprovalId, McpCallId, UserId};
use entity::metering::mcp_usage;

use super::callee::Callee;
use super::refusal::{McpCallErrorCode as Code, Refusal};
use crate::governance::approvals::{self, Call, Unfit};
use crate::governance::decision::{CountedBy, Reason};
use crate::governance::decisions::Decided;
use crate::metering::limits::{self, Admission, Reached, Refused, Subjects, Usage};
use crate::metering::mcp_usage::{self as usage, Claim};
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::write::{Committed, settle};

/// What came of claiming a call.
pub enum Claimed {
    /// It is to be made, under this id.
    New(McpCallId),
    /// It was asked before, under the same id or idempotency key, whatever came of it.
    Before(McpCallId),
}

/// Takes the id that the caller chose, and the request's idempotency key. One stands for one call, also for one that is
/// refused: whoever asks with it again is told what came of the first. Where there is neither, nothing is written.
pub async fn claim(request: &Request, chosen: Option<McpCallId>) -> Result<Claimed> {
    let id = checks::new_id(request, chosen, Code::IdTaken)?;
    if chosen.is_none() && request.idempotency.is_none() {
        return Ok(Claimed::New(id));
    }
    let write = match request.begin_write().await {
        Err(done @ Error::AlreadyDone(_)) => {
            let Committed { outcome, .. } = settle(Err::<Committed<McpCallId>, _>(done))?;
            return Ok(Claimed::Before(outcome));
        }
        begun => begun?,
    };
    let user = write.viewer().user_id().ok_or(Error::Unauthenticated)?;
    let claim = match chosen {
        Some(chosen) => usage::claim(&write, chosen, user).await?,
        None => Claim::Ours,
    };
    match claim {
        Claim::Ours => {
            write.commit(id).await?;
            Ok(Claimed::New(id))
        }
        Claim::Before => Ok(Claimed::Before(id)),
        Claim::Others => Err(checks::id_taken(Code::IdTaken)),
    }
}

/// Takes room in every limit that the decision names, and records the decision with where they stand.
pub async fn admit(
    request: &Request,
    decided: &Decided,
    tool: &Callee,
) -> Result<std::result::Result<Admission, Refusal>> {
    let subjects = Subjects {
        decision: decided.id,
        organization: tool.organization_id(),
        project: Some(tool.project_id()),
        user: decided.input.user_id.map(UserId),
        key: decided.input.key_id.map(ApiKeyId),
        server: tool.server_id(),
        tool: tool.tool_id(),
    };
    match limits::admit(request, &decided.decision.limits, &subjects, Usage::request()).await {
        Ok(admission) => {
            decided.record(request, admission.standings.clone()).await?;
            Ok(Ok(admission))
        }
        Err(Refused::Reached(reached)) => {
            let refusal = Refusal::limited(&reached, may_see(request, tool, &reached));
            let limited = decided.clone().limited_by(reached.standing.limit.policy_id);
            limited.record(request, vec![reached.standing]).await?;
            Ok(Err(refusal))
        }
        Err(Refused::Failed(error)) => Err(error),
    }
}

/// Whether the caller may know how much others use: who administers, and everybody of what counts themselves alone.
fn may_see(request: &Request, tool: &Callee, reached: &Reached) -> bool {
    let viewer = request.viewer();
    match reached.standing.limit.limit.counted_by {
        CountedBy::User | CountedBy::Key => true,
        CountedBy::Organization => viewer.administers(tool.organization_id()),
        CountedBy::Project | CountedBy::Server | CountedBy::Tool => {
            viewer.project_role(tool.project_id()) == Some(entity::enums::ProjectRole::Admin)
        }
    }
}

/// The approval that lets the call through; none where it needs none.
pub fn approval_of(decided: &Decided) -> Option<ApprovalId> {
    match decided.decision.reason {
        Reason::Approved(approval) => Some(ApprovalId(approval)),
        _ => None,
    }
}

/// Uses up the approval that the decision stands on. Of calls at the same time, one gets it.
pub async fn consume(
    request: &Request,
    row: &mcp_usage::Model,
    decided: &Decided,
    call: &Call<'_>,
) -> Result<std::result::Result<(), Unfit>> {
    let Some(approval) = approval_of(decided) else { return Ok(Ok(())) };
    let mut write = request.begin_write().await?;
    if let Err(unfit) = approvals::consume(&mut write, approval, call, &decided.decision).await? {
        return Ok(Err(unfit));
    }
    write.commit(row.id).await?;
    Ok(Ok(()))
}
