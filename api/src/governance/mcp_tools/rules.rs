//! What may happen to a tool, and by whom.

use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::{ProjectRole, RiskLevel, ToolDrift};
use entity::governance::{mcp_server, mcp_tool};
use entity::ids::McpToolId;
use sea_orm::Condition;

use super::{reasons, store};
use crate::governance::McpErrorCode as Code;
use crate::governance::mcp_servers::{Happened, McpServerEvent, check_live_project, set_found};
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const ADMIN: ActionSet = READ.and(ActionSet::of(&[Action::Edit]));
/// An owner or admin of the organization.
const APPROVER: ActionSet = ADMIN.and(ActionSet::of(&[Action::Decide]));

/// The longest time for which somebody's word about a risk holds.
const LONGEST_OVERRIDE: TimeDelta = TimeDelta::days(366);

impl Resource for mcp_tool::Entity {
    type Id = McpToolId;
    const SCOPES: &'static [(Scope, ActionSet)] =
        &[(Scope::ToolsRead, READ), (Scope::ToolsCall, READ), (Scope::ToolsWrite, ADMIN)];

    fn id(row: &mcp_tool::Model) -> McpToolId {
        row.id
    }

    fn id_column() -> mcp_tool::Column {
        mcp_tool::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &mcp_tool::Model) -> ActionSet {
        match viewer.project_role(row.project_id) {
            None => ActionSet::NONE,
            Some(ProjectRole::Viewer | ProjectRole::Developer) => READ,
            Some(ProjectRole::Admin) if viewer.administers(row.organization_id) => APPROVER,
            Some(ProjectRole::Admin) => ADMIN,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.projects.keys().copied().collect()))
    }
}

/// A tool and its server, both locked: the server first.
struct Locked {
    server: Granted<mcp_server::Entity>,
    tool: Granted<mcp_tool::Entity>,
}

async fn lock(write: &Write<'_>, id: McpToolId, action: Action, expected_version: Option<i32>) -> Result<Locked> {
    // Whoever is not signed in is told so, before anything is looked for.
    write.signed_in()?;
    let server = store::server_of(write, id).await?.ok_or(Error::NotFound)?;
    let server = write.granted::<mcp_server::Entity>(server, Action::Read).await?;
    let tool = write.granted::<mcp_tool::Entity>(id, action).await?;
    check_live_project(write, server.project_id).await?;
    checks::version(expected_version, tool.version, Code::Conflict, "The tool changed since you read it.")?;
    Ok(Locked { server, tool })
}

async fn end(
    mut write: Write<'_>,
    server: &Granted<mcp_server::Entity>,
    happened: Happened,
    tool: mcp_tool::Model,
) -> Result<Committed<mcp_tool::Model>> {
    let server = set_found(&write, server).await?;
    write.record(&McpServerEvent::new(happened, &server));
    write.commit(tool).await
}

/// Switches a tool on or off.
pub async fn update_tool(
    request: &Request,
    id: McpToolId,
    expected_version: Option<i32>,
    is_enabled: bool,
) -> Result<Committed<mcp_tool::Model>> {
    let write = request.begin_write().await?;
    let Locked { server, tool } = lock(&write, id, Action::Edit, expected_version).await?;
    let updated = store::set_enabled(&write, &tool, is_enabled).await?;
    end(write, &server, Happened::ToolUpdated, updated).await
}

/// Approves a tool that is not as it was approved: as it was found last, or that it is gone.
pub async fn approve_tool(
    request: &Request,
    id: McpToolId,
    expected_version: Option<i32>,
) -> Result<Committed<mcp_tool::Model>> {
    let write = request.begin_write().await?;
    let Locked { server, tool } = lock(&write, id, Action::Decide, expected_version).await?;
    match tool.drift {
        None | Some(ToolDrift::Cosmetic) => {
            let message = "The tool is as it was approved, or its server was not approved yet.";
            return Err(reject("", Code::NothingToApprove, message));
        }
        Some(ToolDrift::Poisoned) => {
            return Err(reject("", Code::Poisoned, "The tool was changed in a way that nobody approves."));
        }
        Some(
            ToolDrift::Compatible
            | ToolDrift::Added
            | ToolDrift::Removed
            | ToolDrift::Breaking
            | ToolDrift::PrivilegeExpanding,
        ) => {}
    }
    let found = if tool.is_present { Some(reasons::found(&tool)?) } else { None };
    let approved = store::set_approved(&write, &tool, found.as_ref()).await?;
    end(write, &server, Happened::ToolApproved, approved).await
}

/// What somebody says about the risk of a tool.
pub struct NewOverride {
    pub level: RiskLevel,
    pub reason: String,
    pub expires_at: DateTime<Utc>,
}

/// Sets another level of risk than the assessed one, for a time. It is over before, when the tool changes.
pub async fn override_risk(
    request: &Request,
    id: McpToolId,
    expected_version: Option<i32>,
    new: NewOverride,
) -> Result<Committed<mcp_tool::Model>> {
    let reason = checks::limited_text("reason", new.reason.trim(), 2_000, Code::TextInvalid)?;
    if reason.is_empty() {
        return Err(reject("reason", Code::ReasonRequired, "Say why."));
    }
    let now = request.now();
    if new.expires_at <= now || new.expires_at > now + LONGEST_OVERRIDE {
        return Err(reject("expiresAt", Code::OutOfRange, "This holds for a year at most, and not into the past."));
    }
    let write = request.begin_write().await?;
    let Locked { server, tool } = lock(&write, id, Action::Decide, expected_version).await?;
    let chosen = store::Override { level: new.level, reason, expires_at: new.expires_at };
    let updated = store::set_override(&write, &tool, Some(chosen)).await?;
    end(write, &server, Happened::ToolUpdated, updated).await
}

/// Goes back to the assessed level of risk.
pub async fn clear_override(request: &Request, id: McpToolId) -> Result<Committed<mcp_tool::Model>> {
    let write = request.begin_write().await?;
    let Locked { server, tool } = lock(&write, id, Action::Decide, None).await?;
    let updated = store::set_override(&write, &tool, None).await?;
    end(write, &server, Happened::ToolUpdated, updated).await
}
