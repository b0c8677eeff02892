//! What a call consumes before it is made: room in its limits, the approval that lets it through, and the key under which
//! it may be repeated.

use entity::ids::{ApiKeyId, ApprovalId, McpCallId, UserId};

use super::refusal::Refusal;
use crate::governance::approvals::{self, Call, Unfit};
use crate::governance::decision::Reason;
use crate::governance::decisions::Decided;
use crate::governance::mcp_servers::CallableTool;
use crate::metering::limits::{self, Admission, Refused, Subjects, Usage};
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::write::{Committed, settle};

/// Takes room in every limit that the decision names, and records the decision with where they stand.
pub async fn admit(
    request: &Request,
    decided: &Decided,
    tool: &CallableTool,
) -> Result<std::result::Result<Admission, Refusal>> {
    let subjects = Subjects {
        decision: decided.id,
        organization: tool.organization_id,
        project: Some(tool.project_id),
        user: decided.input.user_id.map(UserId),
        key: decided.input.key_id.map(ApiKeyId),
        server: Some(tool.server_id),
        tool: Some(tool.tool_id),
    };
    match limits::admit(request, &decided.decision.limits, &subjects, Usage::request()).await {
        Ok(admission) => {
            decided.record(request, admission.standings.clone()).await?;
            Ok(Ok(admission))
        }
        Err(Refused::Reached(reached)) => {
            let refusal = Refusal::limited(&reached);
            let limited = decided.clone().limited_by(reached.standing.limit.policy_id);
            limited.record(request, vec![reached.standing]).await?;
            Ok(Err(refusal))
        }
        Err(Refused::Failed(error)) => Err(error),
    }
}

/// What came of consuming.
pub enum Consumed {
    Done,
    Unfit(Unfit),
    /// The call was made before, under the same key.
    Repeated(McpCallId),
}

/// Uses up the approval that the decision stands on, and claims the request's idempotency key, in one transaction. Where
/// there is neither, nothing is written.
pub async fn consume(request: &Request, id: McpCallId, decided: &Decided, call: &Call<'_>) -> Result<Consumed> {
    let approval = match decided.decision.reason {
        Reason::Approved(approval) => Some(ApprovalId(approval)),
        _ => None,
    };
    if approval.is_none() && request.idempotency.is_none() {
        return Ok(Consumed::Done);
    }
    let mut write = match request.begin_write().await {
        Err(done @ Error::AlreadyDone(_)) => return repeated(done),
        begun => begun?,
    };
    if let Some(approval) = approval
        && let Err(unfit) = approvals::consume(&mut write, approval, call, &decided.decision).await?
    {
        return Ok(Consumed::Unfit(unfit));
    }
    write.commit(id).await?;
    Ok(Consumed::Done)
}

/// The call that was made under the key. What else was done under it asked for an approval, and made no call.
fn repeated(done: Error) -> Result<Consumed> {
    let Committed { outcome, .. } = settle(Err::<Committed<McpCallId>, _>(done))?;
    Ok(Consumed::Repeated(outcome))
}
