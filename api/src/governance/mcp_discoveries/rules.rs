//! Who reads a discovery, and who begins one.

use entity::enums::McpDiscoveryOccasion;
use entity::governance::{mcp_discovery, mcp_server};
use entity::ids::{McpDiscoveryId, McpServerId};
use sea_orm::Condition;

use super::running::{self, Run};
use super::store;
use crate::governance::mcp_servers::{self, Happened, McpServerEvent};
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, nothing};
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

const READ: ActionSet = ActionSet::of(&[Action::Read]);

impl Resource for mcp_discovery::Entity {
    type Id = McpDiscoveryId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::ToolsRead, READ), (Scope::ToolsWrite, READ)];

    fn id(row: &mcp_discovery::Model) -> McpDiscoveryId {
        row.id
    }

    fn id_column() -> mcp_discovery::Column {
        mcp_discovery::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &mcp_discovery::Model) -> ActionSet {
        viewer.project_role(row.project_id).map_or(ActionSet::NONE, |_| READ)
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.projects.keys().copied().collect()))
    }
}

/// The name of the refusal of a second run at a time.
pub const RUNNING: &str = "ALREADY_RUNNING";

/// Begins a run of the server's present version. It goes on once the write is committed.
pub async fn begin(
    write: &mut Write<'_>,
    server: &Granted<mcp_server::Entity>,
    occasion: McpDiscoveryOccasion,
) -> Result<(mcp_discovery::Model, Run)> {
    let version = match server.current_version_id {
        Some(id) => mcp_servers::version(write, id).await?,
        None => None,
    };
    let version = version.ok_or_else(|| Error::internal("a server has no version"))?;
    let row = store::insert(write, server, version.id, occasion).await?;
    write.record(&McpServerEvent::new(Happened::DiscoveryStarted, server));
    let run = Run { discovery: row.id, server: server.id, version };
    Ok((row, run))
}

/// Connects to a server: records that it is done, and does it beside the request.
pub async fn discover(
    request: &Request,
    id: McpServerId,
    occasion: McpDiscoveryOccasion,
) -> Result<Committed<mcp_discovery::Model>> {
    let mut write = request.begin_write().await?;
    let server = write.granted::<mcp_server::Entity>(id, Action::Edit).await?;
    mcp_servers::check_live_project(&write, server.project_id).await?;
    let (row, run) = begin(&mut write, &server, occasion).await?;
    let committed = write.commit(row).await?;
    // It ends by itself, within its bounds; what is lost with the process is found by the recheck.
    drop(tokio::spawn(running::run(request.platform.clone(), run)));
    Ok(committed)
}
