//! Calls of tools: decided about, approved where a policy asks for it, and made. Trellis' own tools are called here; those
//! of registered servers are not called yet.

use std::borrow::Cow;
use std::time::{Duration, Instant};

use async_graphql::Enum;
use entity::enums::ProjectRole;
use entity::governance::approval;
use entity::ids::{ApprovalId, DecisionId, ProjectId};
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::governance::approvals::{self, Asking, Call};
use crate::governance::decision::{Effect, Reason};
use crate::governance::decisions::{self, Asked, Decided, Use};
use crate::governance::own_tools::{self, Known, OwnTool};
use crate::platform::authorization::Scope;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp;
use crate::platform::request::Request;

/// The id of a call.
pub type McpCallId = Uuid;

/// A call to make.
pub struct NewCall {
    pub id: Option<McpCallId>,
    pub project_id: ProjectId,
    pub server: String,
    pub tool: String,
    pub model: Option<String>,
    pub arguments: Map<String, Value>,
    pub approval_id: Option<ApprovalId>,
    pub parent_request_id: Option<Uuid>,
}

/// How a call ended.
pub enum Ended {
    Answered(Answer),
    Refused(Refusal),
    Repeated(McpCallId),
}

/// What a tool answered.
pub struct Answer {
    pub id: McpCallId,
    pub decision_id: DecisionId,
    pub result: mcp::ToolResult,
    pub duration: Duration,
}

/// Why a call was not made, or gave nothing.
pub struct Refusal {
    pub id: McpCallId,
    pub code: McpCallErrorCode,
    pub field: Cow<'static, str>,
    pub message: String,
    pub problems: Vec<(String, String)>,
    pub decision_id: Option<DecisionId>,
    pub approval: Option<approval::Model>,
    pub retry_after: Option<Duration>,
}

/// Why a call was not made, or gave nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum McpCallErrorCode {
    /// There is no such tool.
    UnknownTool,
    /// The arguments do not fit the tool.
    ArgumentsInvalid,
    /// Policies deny it.
    Denied,
    /// Somebody has to approve it first.
    ApprovalRequired,
    /// The approval is not for this call.
    ApprovalUnfit,
    /// A rate leaves no room for it now.
    RateLimited,
    /// A budget is used up.
    BudgetExceeded,
    /// The server does not answer.
    ServerUnavailable,
    /// The tool took too long.
    TimedOut,
    /// The result is larger than may be taken.
    ResultTooLarge,
    /// The result is not what the tool says it gives.
    ResultInvalid,
    /// Policies keep the result back.
    ResultBlocked,
    /// The server failed.
    ServerFailed,
    /// A secret that the server needs is not there.
    SecretMissing,
    /// A call with this id was made already.
    AlreadyCalled,
}

/// Makes a call, if policies let it through.
///
/// # Errors
/// `NotFound` for who has no role in the project, `Forbidden` for who may not call tools in it.
pub async fn call(request: &Request, new: NewCall, progress: impl FnMut(mcp::Progress) + Send) -> Result<Ended> {
    drop(progress);
    request.user_id()?;
    match request.viewer().project_role(new.project_id) {
        None => return Err(Error::NotFound),
        Some(ProjectRole::Viewer) => return Err(Error::Forbidden),
        Some(ProjectRole::Developer | ProjectRole::Admin) => {}
    }
    if request.viewer().key().is_some_and(|key| !key.scopes.contains(Scope::ToolsCall)) {
        return Err(Error::Forbidden);
    }
    let id = new.id.unwrap_or_else(|| request.new_id());
    let refused = |code, message: &str, decided: Option<&Decided>| {
        let (message, decision_id) = (message.to_owned(), decided.map(|decided| decided.id));
        let (field, problems, approval, retry_after) = ("".into(), Vec::new(), None, None);
        Refusal { id, code, field, message, problems, decision_id, approval, retry_after }
    };
    let Some(known) = own_tools::known(request, new.project_id, &new.server, &new.tool).await? else {
        return Ok(Ended::Refused(refused(McpCallErrorCode::UnknownTool, "There is no such tool.", None)));
    };
    let Some(pin) = known.pin else {
        return Ok(Ended::Refused(refused(McpCallErrorCode::Denied, "Nobody approved this tool.", None)));
    };
    let arguments = Value::Object(new.arguments);
    let call = Call {
        server_id: known.tool.server_id,
        server_name: &new.server,
        tool_name: &new.tool,
        arguments: &arguments,
        pin: &pin,
    };
    if let Some(approval) = new.approval_id
        && let Err(unfit) = approvals::held(request, approval, &call).await?
    {
        let refusal = refused(McpCallErrorCode::ApprovalUnfit, unfit.message(), None);
        return Ok(Ended::Refused(Refusal { field: "approvalId".into(), ..refusal }));
    }
    let decided = decide(request, new.project_id, &call, new.model, known, new.approval_id).await?;
    match decided.decision.outcome {
        Effect::Allow => {}
        Effect::Deny => {
            let message = "Policies deny this call.";
            return Ok(Ended::Refused(refused(McpCallErrorCode::Denied, message, Some(&decided))));
        }
        Effect::RequireApproval => {
            let message = "Somebody has to approve this call first.";
            let refusal = refused(McpCallErrorCode::ApprovalRequired, message, Some(&decided));
            let asking = Asking { id: None, decided: &decided, call, message: None };
            let approval = match approvals::ask(request, asking).await {
                Ok(asked) => Some(asked.outcome),
                // The same call waits for an answer already.
                Err(Error::Rejected(_)) => None,
                Err(error) => return Err(error),
            };
            return Ok(Ended::Refused(Refusal { approval, ..refusal }));
        }
    }
    if let Reason::Approved(approval) = decided.decision.reason {
        let mut write = request.begin_write().await?;
        let used = approvals::consume(&mut write, approval.into(), &call, &decided.decision).await?;
        write.commit(()).await?;
        if let Err(unfit) = used {
            let refusal = refused(McpCallErrorCode::ApprovalUnfit, unfit.message(), Some(&decided));
            return Ok(Ended::Refused(Refusal { field: "approvalId".into(), ..refusal }));
        }
    }
    let own = own_tools::find(&new.tool).filter(|_| new.server == own_tools::SERVER);
    let (Some(own), Value::Object(arguments)) = (own, arguments) else {
        let message = "The tools of registered servers cannot be called yet.";
        return Ok(Ended::Refused(refused(McpCallErrorCode::ServerUnavailable, message, Some(&decided))));
    };
    make(request, id, own, arguments, decided.id).await
}

async fn make(
    request: &Request,
    id: McpCallId,
    own: &OwnTool,
    arguments: Map<String, Value>,
    decision_id: DecisionId,
) -> Result<Ended> {
    let begun = Instant::now();
    let result = own_tools::run(request, own, arguments).await?;
    Ok(Ended::Answered(Answer { id, decision_id, result, duration: begun.elapsed() }))
}

async fn decide(
    request: &Request,
    project_id: ProjectId,
    call: &Call<'_>,
    model: Option<String>,
    known: Known,
    approval_id: Option<ApprovalId>,
) -> Result<Decided> {
    let what = Use::Tool { server: call.server_name.to_owned(), tool: call.tool_name.to_owned(), model };
    let asked = Asked { project_id, what, tool: Some(known.tool), arguments: Some(call.arguments), approval_id };
    decisions::decide(request, asked).await
}
