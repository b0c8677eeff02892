//! Asking for an approval, once a call was decided to need one.

use chrono::TimeDelta;
use entity::enums::ProjectRole;
use entity::governance::approval;
use entity::ids::{ApprovalId, ProjectId};
use serde_json::Value;

use super::binding::{Call, asking_policy};
use super::events::ApprovalEvent;
use super::store::{self, NewRow};
use super::{letters, rules};
use crate::governance::GovernanceErrorCode as Code;
use crate::governance::decision::Effect;
use crate::governance::decisions::{self, Asked, Decided, Tool, Use, redacted_arguments};
use crate::governance::mcp_servers::{self, CallableTool};
use crate::platform::authorization::{Action, within_scopes};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::{Committed, settle};

/// How many calls of one person wait for an answer in a project at most: each is a letter to many.
pub const MOST_PENDING: i64 = 20;

/// A call that needs an approval, and what is told to who answers.
pub struct Asking<'a> {
    pub id: Option<ApprovalId>,
    pub decided: &'a Decided,
    pub tool: &'a CallableTool,
    pub arguments: &'a Value,
    pub message: Option<String>,
}

/// Asks for the approval of a call that was decided to need one, and tells those who may answer.
///
/// # Errors
/// A rejection with `ALREADY_REQUESTED` while the same call waits for an answer, and with `TOO_MANY` while as many others
/// wait as may.
pub async fn ask(request: &Request, asking: Asking<'_>) -> Result<Committed<approval::Model>> {
    let Asking { id, decided, tool, arguments, message } = asking;
    let message = checks::optional_text("message", message, 2_000, Code::TextInvalid)?;
    let pin = tool.pin.as_ref().ok_or_else(|| Error::internal("a tool without a pin was not denied"))?;
    let call = Call { server_id: tool.server_id, tool_name: &tool.tool_name, arguments, pin };
    let mut write = request.begin_write().await?;
    if write.viewer().project_role(tool.project_id).is_none() {
        return Err(Error::NotFound);
    }
    let requested_by = write.viewer().user_id().ok_or(Error::Unauthenticated)?;
    let project = store::project(&write, tool.project_id).await?;
    if store::count_others(&write, requested_by, project.id, &call).await? >= MOST_PENDING {
        let message = format!("{MOST_PENDING} of your calls wait for an answer already. Withdraw some, or wait.");
        return Err(reject("", Code::TooMany, message));
    }
    let authority = write.as_system("who may make a call may ask for leave to");
    let row = NewRow {
        id,
        server_id: tool.server_id,
        tool_name: tool.tool_name.clone(),
        decision_id: decided.id,
        requested_by,
        api_key_id: rules::key_of(write.viewer()),
        arguments_hash: call.arguments_hash(),
        redacted_arguments: redacted_arguments(arguments, &decided.decision.findings).0,
        pin: pin.0.to_vec(),
        policy: asking_policy(&decided.decision),
        message,
        expires_at: request.now() + TimeDelta::minutes(decided.standing.approval_minutes().into()),
    };
    let approval = store::insert(&write, &authority, row).await?;
    let asker = store::name_of(&write, approval.requested_by).await?;
    for decider in store::deciders(&write, &approval).await? {
        write.send(letters::asking(&decider, &asker, &project, &tool.server_name, &approval));
    }
    write.record(&ApprovalEvent::of(&approval));
    write.commit(approval).await
}

/// The same, where a request for the same call that waits already will do. None where as many others wait as may.
pub async fn ask_once(request: &Request, asking: Asking<'_>) -> Result<Option<Committed<approval::Model>>> {
    let pin = asking.tool.pin.ok_or_else(|| Error::internal("a tool without a pin was not denied"))?;
    let (tool, arguments) = (asking.tool, asking.arguments);
    match settle(ask(request, asking).await) {
        Err(Error::Rejected(reasons)) if reasons.iter().all(|reason| reason.code == ALREADY) => {
            let call = Call { server_id: tool.server_id, tool_name: &tool.tool_name, arguments, pin: &pin };
            let waiting = store::waiting(request, &call).await?;
            // It was answered in the meantime: whoever calls again is told so.
            let outcome = waiting.ok_or(Error::Conflict)?;
            Ok(Some(Committed { outcome, cursor: None }))
        }
        Err(Error::Rejected(reasons)) if reasons.iter().all(|reason| reason.code == TOO_MANY) => Ok(None),
        asked => asked.map(Some),
    }
}

/// The name of the refusal of a second request for the same call.
const ALREADY: &str = "ALREADY_REQUESTED";
/// The name of the refusal where too many wait.
const TOO_MANY: &str = "TOO_MANY";

/// What somebody asks for by themselves, without having made the call.
pub struct NewApproval {
    pub id: Option<ApprovalId>,
    pub project_id: ProjectId,
    pub server: String,
    pub tool: String,
    pub model: Option<String>,
    pub arguments: Value,
    pub message: Option<String>,
}

/// Decides about the call, and asks for its approval if it needs one.
pub async fn request_approval(request: &Request, new: NewApproval) -> Result<Committed<approval::Model>> {
    request.user_id()?;
    match request.viewer().project_role(new.project_id) {
        None => return Err(Error::NotFound),
        Some(ProjectRole::Viewer) => return Err(Error::Forbidden),
        Some(ProjectRole::Developer | ProjectRole::Admin) => {}
    }
    if !within_scopes::<approval::Entity>(&request.viewer()).contains(Action::Withdraw) {
        return Err(Error::Forbidden);
    }
    let tool = mcp_servers::callable(request, new.project_id, &new.server, &new.tool).await?;
    let asked = Asked {
        project_id: new.project_id,
        what: Use::Tool { server: new.server, tool: new.tool, model: new.model },
        tool: tool.as_ref().map(|tool| Tool { server_id: tool.server_id, gates: tool.gates }),
        arguments: Some(&new.arguments),
        approval_id: None,
    };
    let decided = decisions::decide(request, asked).await?;
    match (decided.decision.outcome, &tool) {
        (Effect::RequireApproval, Some(tool)) => {
            let asking =
                Asking { id: new.id, decided: &decided, tool, arguments: &new.arguments, message: new.message };
            ask(request, asking).await
        }
        (Effect::Allow, _) => Err(reject("", Code::NotNeeded, "This call needs no approval.")),
        (Effect::Deny | Effect::RequireApproval, _) => {
            Err(reject("", Code::Denied, "This call is denied, and no approval changes that."))
        }
    }
}
