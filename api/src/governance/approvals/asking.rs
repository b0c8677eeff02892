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
use crate::governance::decisions::{self, Asked, Decided, Use, redacted_arguments};
use crate::governance::own_tools;
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
    pub call: Call<'a>,
    pub message: Option<String>,
}

/// Asks for the approval of a call that was decided to need one, and tells those who may answer.
///
/// # Errors
/// A rejection with `ALREADY_REQUESTED` while the same call waits for an answer, and with `TOO_MANY` while as many others
/// wait as may.
pub async fn ask(request: &Request, asking: Asking<'_>) -> Result<Committed<approval::Model>> {
    let Asking { id, decided, call, message } = asking;
    let message = checks::optional_text("message", message, 2_000, Code::TextInvalid)?;
    let project_id = decided.standing.project_id;
    let mut write = request.begin_write().await?;
    if write.viewer().project_role(project_id).is_none() {
        return Err(Error::NotFound);
    }
    let requested_by = write.viewer().user_id().ok_or(Error::Unauthenticated)?;
    let project = store::project(&write, project_id).await?;
    if store::count_others(&write, requested_by, project.id, &call).await? >= MOST_PENDING {
        let message = format!("{MOST_PENDING} of your calls wait for an answer already. Withdraw some, or wait.");
        return Err(reject("", Code::TooMany, message));
    }
    let authority = write.as_system("who may make a call may ask for leave to");
    let row = NewRow {
        id,
        project_id,
        server_id: call.server_id,
        server_name: call.server_name.to_owned(),
        tool_name: call.tool_name.to_owned(),
        decision_id: decided.id,
        requested_by,
        api_key_id: rules::key_of(write.viewer()),
        arguments_hash: call.arguments_hash(),
        redacted_arguments: redacted_arguments(call.arguments, &decided.decision.findings).0,
        pin: call.pin.0.to_vec(),
        policy: asking_policy(&decided.decision),
        message,
        expires_at: request.now() + TimeDelta::minutes(decided.standing.approval_minutes().into()),
    };
    let approval = store::insert(&write, &authority, row).await?;
    let asker = store::name_of(&write, approval.requested_by).await?;
    for decider in store::deciders(&write, &approval).await? {
        write.send(letters::asking(&decider, &asker, &project, &approval));
    }
    write.record(&ApprovalEvent::of(&approval));
    write.commit(approval).await
}

/// The same, where a request for the same call that waits already will do. None where as many others wait as may.
pub async fn ask_once(request: &Request, asking: Asking<'_>) -> Result<Option<Committed<approval::Model>>> {
    let (call, project) = (asking.call, asking.decided.standing.project_id);
    match settle(ask(request, asking).await) {
        Err(Error::Rejected(reasons)) if reasons.iter().all(|reason| reason.is(Code::AlreadyRequested)) => {
            let waiting = store::waiting(request, project, &call).await?;
            // It was answered in the meantime: whoever calls again is told so.
            let outcome = waiting.ok_or(Error::Conflict)?;
            Ok(Some(Committed { outcome, cursor: None }))
        }
        Err(Error::Rejected(reasons)) if reasons.iter().all(|reason| reason.is(Code::TooMany)) => Ok(None),
        asked => asked.map(Some),
    }
}

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
    let known = own_tools::known(request, new.project_id, &new.server, &new.tool).await?;
    let asked = Asked {
        project_id: new.project_id,
        what: Use::Tool { server: new.server.clone(), tool: new.tool.clone(), model: new.model },
        tool: known.map(|known| known.tool),
        arguments: Some(&new.arguments),
        approval_id: None,
    };
    let decided = decisions::decide(request, asked).await?;
    match (decided.decision.outcome, known) {
        (Effect::RequireApproval, Some(known)) => {
            let pin = known.pin.ok_or_else(|| Error::internal("a tool without a pin was not denied"))?;
            let call = Call {
                server_id: known.tool.server_id,
                server_name: &new.server,
                tool_name: &new.tool,
                arguments: &new.arguments,
                pin: &pin,
            };
            ask(request, Asking { id: new.id, decided: &decided, call, message: new.message }).await
        }
        (Effect::Allow, _) => Err(reject("", Code::NotNeeded, "This call needs no approval.")),
        (Effect::Deny | Effect::RequireApproval, _) => {
            Err(reject("", Code::Denied, "This call is denied, and no approval changes that."))
        }
    }
}
