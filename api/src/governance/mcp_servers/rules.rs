//! What may happen to a server, and by whom. Who runs the project registers its servers; who runs the organization says
//! whether they may be used.

use entity::enums::{McpServerStatus, ProjectRole, ProjectStatus};
use entity::governance::{mcp_server, mcp_server_version};
use entity::ids::{McpServerId, McpServerVersionId, ProjectId};
use entity::tenancy::project;
use sea_orm::Condition;

use super::events::{Happened, McpServerEvent};
use super::registering::{check_name, scan_launch};
use super::store::{self, NewVersion};
use super::transport::Transport;
use crate::governance::McpErrorCode as Code;
use crate::governance::decision::MayCall;
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, nothing, within_scopes};
use crate::platform::checks;
use crate::platform::config::Config;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::plans::{self, Counted, Owner};

const VIEWER: ActionSet = ActionSet::of(&[Action::Read]);
/// What a key for calling is for.
const CALLER: ActionSet = VIEWER.and(ActionSet::of(&[Action::CallTools]));
const DEVELOPER: ActionSet = VIEWER.and(ActionSet::of(&[Action::Submit, Action::CallTools]));
const ADMIN: ActionSet = DEVELOPER.and(ActionSet::of(&[Action::Edit, Action::Delete]));
/// An owner or admin of the organization.
const APPROVER: ActionSet = ADMIN.and(ActionSet::of(&[Action::Decide]));

/// Versions of one server at most.
const MOST_VERSIONS: i32 = 1_000;

impl Resource for mcp_server::Entity {
    type Id = McpServerId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[
        (Scope::ToolsRead, VIEWER),
        (Scope::ToolsCall, CALLER),
        (Scope::ToolsWrite, ADMIN.without(CALLER).and(VIEWER)),
    ];

    fn id(row: &mcp_server::Model) -> McpServerId {
        row.id
    }

    fn id_column() -> mcp_server::Column {
        mcp_server::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &mcp_server::Model) -> ActionSet {
        if row.deleted_at.is_some() {
            return ActionSet::NONE;
        }
        match viewer.project_role(row.project_id) {
            None => ActionSet::NONE,
            Some(ProjectRole::Viewer) => VIEWER,
            Some(ProjectRole::Developer) => DEVELOPER,
            Some(ProjectRole::Admin) if viewer.administers(row.organization_id) => APPROVER,
            Some(ProjectRole::Admin) => ADMIN,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.projects.keys().copied().collect()))
    }
}

/// Whether somebody may call tools of the project at all: by the role there, and by the scopes of the key. What of them is
/// for policies to say.
pub fn may_call(viewer: &Viewer, project: ProjectId) -> MayCall {
    let by_role = match viewer.project_role(project) {
        None | Some(ProjectRole::Viewer) => false,
        Some(ProjectRole::Developer | ProjectRole::Admin) => true,
    };
    MayCall { by_role, by_key: within_scopes::<mcp_server::Entity>(viewer).contains(Action::CallTools) }
}

impl Resource for mcp_server_version::Entity {
    type Id = McpServerVersionId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::ToolsRead, VIEWER), (Scope::ToolsWrite, VIEWER)];

    fn id(row: &mcp_server_version::Model) -> McpServerVersionId {
        row.id
    }

    fn id_column() -> mcp_server_version::Column {
        mcp_server_version::Column::Id
    }

    /// A version is read as its server is, and never changed.
    fn permitted(viewer: &Viewer, row: &mcp_server_version::Model) -> ActionSet {
        viewer.project_role(row.project_id).map_or(ActionSet::NONE, |_| VIEWER)
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::versions_within(grants.projects.keys().copied().collect()))
    }
}

/// Whether the servers of the project may stand at private addresses: the project says so, and the operator lets it.
pub fn private_allowed(config: &Config, project: &project::Model) -> bool {
    config.mcp_private_allowed() && project.settings.mcp_private_addresses
}

/// The project of a server that is about to change. One that is archived can only be read.
pub async fn check_live_project(write: &Write<'_>, id: ProjectId) -> Result<Granted<project::Entity>> {
    let project = write.granted_parent::<project::Entity>(id, Action::Read).await?;
    if project.status == ProjectStatus::Archived {
        return Err(reject("", Code::ProjectArchived, "The project is archived: it can only be read."));
    }
    Ok(project)
}

/// The server, locked, and its project.
pub(super) async fn begin_change(
    write: &Write<'_>,
    id: McpServerId,
    action: Action,
    expected_version: Option<i32>,
) -> Result<(Granted<mcp_server::Entity>, Granted<project::Entity>)> {
    let server = write.granted::<mcp_server::Entity>(id, action).await?;
    let project = check_live_project(write, server.project_id).await?;
    checks::version(expected_version, server.version, Code::Conflict, "The server changed since you read it.")?;
    Ok((server, project))
}

/// What may be changed; none leaves it as it is. Policies speak of a server by its name, so it keeps that.
pub struct ServerChanges {
    pub description: Option<String>,
    pub is_enabled: Option<bool>,
}

/// Changes what is said of a server, and switches it on and off.
pub async fn update_server(
    request: &Request,
    id: McpServerId,
    expected_version: Option<i32>,
    changes: ServerChanges,
) -> Result<Committed<mcp_server::Model>> {
    let description = changes
        .description
        .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
        .transpose()?;
    let mut write = request.begin_write().await?;
    let (server, _) = begin_change(&write, id, Action::Edit, expected_version).await?;
    let updated = store::update(&write, &server, description, changes.is_enabled).await?;
    write.record(&McpServerEvent::new(Happened::Updated, &updated));
    write.commit(updated).await
}

/// Another way of reaching a server.
pub struct NewServerVersion {
    pub id: Option<McpServerVersionId>,
    pub server_id: McpServerId,
    pub label: Option<String>,
    pub transport: Transport,
}

/// Gives a server another way of being reached, which goes back to review: nothing is called until it is approved.
pub async fn create_version(request: &Request, new: NewServerVersion) -> Result<Committed<mcp_server::Model>> {
    let label = checks::optional_line("label", new.label, 255, Code::TextInvalid)?;
    let transport = new.transport.checked()?;
    let mut write = request.begin_write().await?;
    let (server, project) = begin_change(&write, new.server_id, Action::Edit, None).await?;
    let number = store::last_number(&write, server.id).await? + 1;
    if number > MOST_VERSIONS {
        return Err(reject("serverId", Code::TooMany, format!("A server has at most {MOST_VERSIONS} versions.")));
    }
    let row = NewVersion { id: new.id, number, label, transport, manifest: None, manifest_url: None };
    let version = store::insert_version(&write, &server, server.id, row).await?;
    let updated = store::set_current_version(&write, &server, version.id).await?;
    scan_launch(&write, &server, &version, &project).await?;
    write.record(&McpServerEvent::new(Happened::VersionCreated, &updated));
    write.commit(updated).await
}

/// Deletes a server. What was called through it stays in the record.
pub async fn delete_server(request: &Request, id: McpServerId) -> Result<Committed<McpServerId>> {
    let mut write = request.begin_write().await?;
    let (server, _) = begin_change(&write, id, Action::Delete, None).await?;
    let deleted = store::mark_deleted(&write, &server).await?;
    write.record(&McpServerEvent::new(Happened::Deleted, &deleted));
    write.commit(id).await
}

/// What a new server is made from.
pub struct NewServer {
    pub id: Option<McpServerId>,
    pub project_id: ProjectId,
    pub name: String,
    pub description: Option<String>,
    pub label: Option<String>,
    pub transport: Transport,
    pub manifest: Option<serde_json::Value>,
    pub manifest_url: Option<String>,
}

/// Servers of one project at most.
const MOST_SERVERS: u64 = 500;

/// Registers a server of a project with its first version. Nothing of it is called before it is approved.
pub async fn register_server(request: &Request, new: NewServer) -> Result<Committed<mcp_server::Model>> {
    let name = check_name(&new.name)?;
    let description = checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?;
    let label = checks::optional_line("label", new.label, 255, Code::TextInvalid)?;
    let transport = new.transport.checked()?;
    let mut write = request.begin_write().await?;
    let project = write.granted_parent::<project::Entity>(new.project_id, Action::RegisterServers).await?;
    if store::count(&write, project.id).await? >= MOST_SERVERS {
        return Err(reject("projectId", Code::TooMany, format!("A project has at most {MOST_SERVERS} tool servers.")));
    }
    let owner = Owner::Organization(project.organization_id);
    plans::check_room(&write, owner, Counted::McpServers, 1, "projectId").await?;
    let server = store::insert(&write, &project, new.id, name, description).await?;
    let (manifest, manifest_url) = (new.manifest, new.manifest_url);
    let row = NewVersion { id: None, number: 1, label, transport, manifest, manifest_url };
    let version = store::insert_version(&write, &project, server.id, row).await?;
    let granted = write.granted::<mcp_server::Entity>(server.id, Action::Edit).await?;
    let server = store::set_first_version(&write, &granted, version.id).await?;
    scan_launch(&write, &granted, &version, &project).await?;
    write.record(&McpServerEvent::new(Happened::Registered, &server));
    write.commit(server).await
}

/// The states from which a server can be submitted.
pub(super) fn can_be_submitted(status: McpServerStatus) -> bool {
    matches!(status, McpServerStatus::Pending | McpServerStatus::Rejected)
}
