//! Submitting, approving, rejecting and deprecating a server.

use entity::enums::{McpServerStatus, ScanVerdict};
use entity::governance::mcp_server;
use entity::ids::{McpServerId, McpServerVersionId, UserId};
use entity::tenancy::{organization, project};
use sea_orm::ConnectionTrait;

use super::super::events::{Happened, McpServerEvent};
use super::super::rules::{begin_change, can_be_submitted};
use super::super::{letter, store};
use super::graphql::McpApprovalBlocker as Blocker;
use crate::governance::McpErrorCode as Code;
use crate::governance::{mcp_discoveries, mcp_scans, mcp_tools};
use crate::platform::authorization::{Action, Granted};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};

/// Asks for the approval of a server. Where neither organization nor project wants a person for it, it is approved at once.
pub async fn submit_server(request: &Request, id: McpServerId) -> Result<Committed<mcp_server::Model>> {
    let mut write = request.begin_write().await?;
    let (server, project) = begin_change(&write, id, Action::Submit, None).await?;
    if !can_be_submitted(server.status) {
        return Err(wrong_state(&server));
    }
    let organization = organization_of(&write, &server).await?;
    let submitted = store::set_submitted(&write, &server).await?;
    write.record(&McpServerEvent::new(Happened::Submitted, &submitted));
    let needs_person = organization.settings.require_mcp_approval || !project.settings.mcp_auto_approve;
    let blocked = refusal(&found(write.connection(), &submitted).await?);
    if !needs_person && blocked.is_none() {
        let server = write.granted::<mcp_server::Entity>(id, Action::Submit).await?;
        let approved = approve(&mut write, &server, None).await?;
        return write.commit(approved).await;
    }
    let submitter = submitted.submitted_by;
    let mut recipients = store::approvers(&write, server.organization_id).await?;
    if organization.settings.require_other_mcp_approver {
        recipients.retain(|recipient| Some(recipient.user_id) != submitter);
    }
    for recipient in recipients {
        let letter = letter::submitted(request, &recipient.email, &submitted, &project);
        write.send(letter);
    }
    write.commit(submitted).await
}

/// Lets the tools of a server be used, each pinned as it was found.
pub async fn approve_server(
    request: &Request,
    id: McpServerId,
    expected_version: Option<i32>,
) -> Result<Committed<mcp_server::Model>> {
    let mut write = request.begin_write().await?;
    let (server, project) = begin_change(&write, id, Action::Decide, expected_version).await?;
    if server.status != McpServerStatus::Pending {
        return Err(wrong_state(&server));
    }
    let approver = write.viewer().user_id();
    let organization = organization_of(&write, &server).await?;
    if organization.settings.require_other_mcp_approver && server.submitted_by == approver {
        let message = "You submitted this server: the organization asks that somebody else approves it.";
        return Err(reject("", Code::OwnSubmission, message));
    }
    if let Some(error) = refusal(&found(write.connection(), &server).await?) {
        return Err(error);
    }
    let approved = approve(&mut write, &server, approver).await?;
    tell_submitter(&mut write, &approved, &project, true).await?;
    write.commit(approved).await
}

async fn approve(
    write: &mut Write<'_>,
    server: &Granted<mcp_server::Entity>,
    by: Option<UserId>,
) -> Result<mcp_server::Model> {
    mcp_tools::pin_all(write, server).await?;
    let approved = store::set_approved(write, server, by).await?;
    write.record(&McpServerEvent::new(Happened::Approved, &approved));
    Ok(approved)
}

/// Says no to a server that was submitted, and why.
pub async fn reject_server(request: &Request, id: McpServerId, reason: &str) -> Result<Committed<mcp_server::Model>> {
    let reason = checked_reason(reason)?;
    let mut write = request.begin_write().await?;
    let (server, project) = begin_change(&write, id, Action::Decide, None).await?;
    if server.status != McpServerStatus::Pending {
        return Err(wrong_state(&server));
    }
    if server.submitted_at.is_none() {
        return Err(not_submitted());
    }
    let rejected = store::set_rejected(&write, &server, reason).await?;
    write.record(&McpServerEvent::new(Happened::Rejected, &rejected));
    tell_submitter(&mut write, &rejected, &project, false).await?;
    write.commit(rejected).await
}

/// Takes a server out of use for good. Another version of it may be approved again.
pub async fn deprecate_server(request: &Request, id: McpServerId) -> Result<Committed<mcp_server::Model>> {
    let mut write = request.begin_write().await?;
    let (server, _) = begin_change(&write, id, Action::Decide, None).await?;
    if server.status != McpServerStatus::Approved {
        return Err(wrong_state(&server));
    }
    let deprecated = store::set_deprecated(&write, &server).await?;
    write.record(&McpServerEvent::new(Happened::Deprecated, &deprecated));
    write.commit(deprecated).await
}

fn checked_reason(text: &str) -> Result<String> {
    let reason = checks::limited_text("reason", text.trim(), 2_000, Code::TextInvalid)?;
    if reason.is_empty() { Err(reject("reason", Code::ReasonRequired, "Say why.")) } else { Ok(reason) }
}

async fn organization_of(write: &Write<'_>, server: &mcp_server::Model) -> Result<Granted<organization::Entity>> {
    write.granted_parent::<organization::Entity>(server.organization_id, Action::Read).await
}

async fn tell_submitter(
    write: &mut Write<'_>,
    server: &mcp_server::Model,
    project: &project::Model,
    is_approved: bool,
) -> Result<()> {
    let submitter = server.submitted_by.filter(|submitter| Some(*submitter) != write.viewer().user_id());
    let Some(submitter) = submitter else { return Ok(()) };
    if let Some(recipient) = store::address(write, submitter).await? {
        let request = write.request();
        let letter = match is_approved {
            true => letter::approved(request, &recipient.email, server, project),
            false => letter::rejected(request, &recipient.email, server, project),
        };
        write.send(letter);
    }
    Ok(())
}

/// What is known of the present version of a server when somebody decides about it.
#[derive(Clone, Copy, Debug)]
struct Found {
    is_submitted: bool,
    is_discovered: bool,
    verdict: Option<ScanVerdict>,
    has_poisoned_tool: bool,
}

impl Found {
    fn blockers(&self) -> Vec<Blocker> {
        let has_passed = matches!(self.verdict, Some(ScanVerdict::Passed | ScanVerdict::Review));
        let blockers = [
            (!self.is_submitted, Blocker::NotSubmitted),
            (!self.is_discovered, Blocker::NotDiscovered),
            (!has_passed, Blocker::ScanFailed),
            (self.has_poisoned_tool, Blocker::Poisoned),
        ];
        blockers.into_iter().filter_map(|(blocks, blocker)| blocks.then_some(blocker)).collect()
    }
}

async fn found(connection: &impl ConnectionTrait, server: &mcp_server::Model) -> Result<Found> {
    let version: Option<McpServerVersionId> = server.current_version_id;
    let (is_discovered, verdict) = match version {
        Some(version) => (
            mcp_discoveries::has_succeeded(connection, version).await?,
            mcp_scans::verdict_of_version(connection, version).await?,
        ),
        None => (false, None),
    };
    let has_poisoned_tool = mcp_tools::has_poisoned(connection, server.id).await?;
    Ok(Found { is_submitted: server.submitted_at.is_some(), is_discovered, verdict, has_poisoned_tool })
}

/// What stands between a server and its approval, for whoever may see it.
pub async fn blockers(request: &Request, server: &mcp_server::Model) -> Result<Vec<Blocker>> {
    if server.status != McpServerStatus::Pending {
        return Ok(Vec::new());
    }
    Ok(found(&request.connection(), server).await?.blockers())
}

fn refusal(found: &Found) -> Option<Error> {
    let (code, message) = match found.blockers().first()? {
        Blocker::NotSubmitted => return Some(not_submitted()),
        Blocker::NotDiscovered => {
            (Code::NotDiscovered, "Nobody has connected to this version of the server yet, so its tools are not known.")
        }
        Blocker::ScanFailed => {
            (Code::ScanFailed, "The scan of this version found what nobody approves. See its findings.")
        }
        Blocker::Poisoned => (Code::Poisoned, "One of its tools was changed in a way that nobody approves."),
    };
    Some(reject("", code, message))
}

fn not_submitted() -> Error {
    reject("", Code::NotSubmitted, "Nobody has submitted this version of the server for approval.")
}

fn wrong_state(server: &mcp_server::Model) -> Error {
    reject("", Code::WrongState, format!("The server is {}.", server.status.as_str()))
}
