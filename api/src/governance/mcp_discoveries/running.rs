//! One run: the server is connected to while nothing is locked, and what it said is stored in a transaction of its own.

use std::time::Duration;

use entity::enums::McpHealth;
use entity::governance::{mcp_discovery, mcp_server, mcp_server_version};
use entity::ids::{McpDiscoveryId, McpServerId};
use entity::tenancy::project;

use super::store;
use super::trouble::{Code, Trouble};
use crate::governance::mcp_scans::{self, Said, Scanned};
use crate::governance::mcp_servers::{self, Happened, McpServerEvent};
use crate::governance::mcp_tools;
use crate::governance::pins::Tool;
use crate::platform::authorization::{Action, Granted};
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::Dispatched;
use crate::platform::mcp::{self, Discovered};
use crate::platform::request::{Platform, Request};
use crate::platform::retry::Retry;
use crate::platform::write::Write;

/// How long a run waits for others to end.
pub const PATIENCE: Duration = Duration::from_secs(120);
/// How often it is tried to store what a run ended with, before it is left to the recheck.
const ATTEMPTS: usize = 8;

/// What a run is about.
#[derive(Clone, Debug)]
pub struct Run {
    pub discovery: McpDiscoveryId,
    pub server: McpServerId,
    pub version: mcp_server_version::Model,
}

/// Connects to the server and stores what it said.
pub async fn run(platform: Platform, run: Run) {
    let ended = connect(&platform, &run).await;
    let mut retry = Retry::of("storing what an MCP server said");
    for _ in 0..ATTEMPTS {
        match store_end(&platform, &run, &ended).await {
            Ok(()) => return,
            Err(error) => retry.failed(&error).await,
        }
    }
}

/// What the server says. A fault of ours on the way is told as one.
async fn connect(platform: &Platform, run: &Run) -> Result<Discovered, Trouble> {
    let Ok(_place) = tokio::time::timeout(PATIENCE, platform.runs.take()).await else {
        return Err(Trouble::new(Code::Busy, "Too many other servers were being connected to. Try again."));
    };
    let (platform, run) = (platform.clone(), run.clone());
    // In a task of its own, so that one that panics is a run that failed.
    let asked = tokio::spawn(async move {
        let request = Request::as_system(&platform, "an MCP server is connected to");
        let reach = mcp_servers::resolve_version(&request, &run.version);
        let reach = Dispatched::new(request.loaders().clone(), reach).await?;
        Ok::<_, Trouble>(mcp::discover(&reach.transport, &reach.bounds).await?)
    });
    match asked.await {
        Ok(asked) => asked,
        Err(error) => {
            tracing::error!(%error, "a run of discovery panicked");
            Err(Trouble::new(Code::Interrupted, "The run ended before its time."))
        }
    }
}

/// Stores the end of a run, unless somebody has ended it already or its server is gone.
async fn store_end(platform: &Platform, run: &Run, ended: &Result<Discovered, Trouble>) -> Result<()> {
    let request = Request::as_system(platform, "what an MCP server said is stored");
    let mut write = request.begin_write().await?;
    let server = match write.granted::<mcp_server::Entity>(run.server, Action::Read).await {
        Ok(server) => server,
        Err(Error::NotFound) => return Ok(()),
        Err(error) => return Err(error),
    };
    let Some(row) = store::running(&write, run.discovery).await? else { return Ok(()) };
    match understood(ended) {
        Ok((said, tools)) => succeed(&mut write, &server, &row, run, said, &tools).await?,
        Err(trouble) => fail(&mut write, &server, &row, &trouble).await?,
    }
    write.commit(()).await?;
    Ok(())
}

/// The tools of what was said. A tool that cannot be read is not passed over: what is misunderstood is not approved.
fn understood(ended: &Result<Discovered, Trouble>) -> Result<(&Discovered, Vec<Tool>), Trouble> {
    let said = ended.as_ref().map_err(Clone::clone)?;
    let mut tools = Vec::with_capacity(said.tools.len());
    for tool in &said.tools {
        let unreadable = |why: &str| {
            let name: String = tool["name"].as_str().unwrap_or_default().chars().filter(|sign| *sign != '\0').collect();
            Trouble::new(Code::Protocol, format!("The server's tool {name:?} cannot be read: {why}."))
        };
        if checks::holds_nul(tool) {
            return Err(unreadable("it holds a NUL character"));
        }
        tools.push(serde_json::from_value::<Tool>(tool.clone()).map_err(|error| unreadable(&error.to_string()))?);
    }
    Ok((said, tools))
}

async fn succeed(
    write: &mut Write<'_>,
    server: &Granted<mcp_server::Entity>,
    row: &mcp_discovery::Model,
    run: &Run,
    said: &Discovered,
    tools: &[Tool],
) -> Result<()> {
    store::set_succeeded(write, server, row, said).await?;
    write.record(&McpServerEvent::new(Happened::Discovered, server));
    // Another version may have come in the meantime: then this is about nothing that is there.
    if server.current_version_id != Some(row.version_id) || server.deleted_at.is_some() {
        return Ok(());
    }
    mcp_servers::set_health(write, server, McpHealth::Healthy, None).await?;
    let changes = mcp_tools::upsert(write, server, tools).await?;
    let project = write.granted_parent::<project::Entity>(server.project_id, Action::Read).await?;
    let instructions = said.instructions.as_deref();
    let scanned = Scanned {
        version: &run.version,
        private_allowed: mcp_servers::private_allowed(&write.request().platform.config, &project),
        found: Some(Said { discovery: row.id, instructions, tools }),
    };
    let (_, is_other) = mcp_scans::scan_and_store(write, server, scanned).await?;
    if changes.is_changed || is_other {
        mcp_servers::set_found(write, server).await?;
    }
    if !changes.drifted.is_empty() {
        write.record(&McpServerEvent::new(Happened::ToolsDrifted, server));
        mcp_servers::tell_of_drift(write, server, &project, &changes.drifted).await?;
    }
    Ok(())
}

/// Stores that a run came to nothing.
pub async fn fail(
    write: &mut Write<'_>,
    server: &Granted<mcp_server::Entity>,
    row: &mcp_discovery::Model,
    trouble: &Trouble,
) -> Result<()> {
    store::set_failed(write, server, row, trouble).await?;
    write.record(&McpServerEvent::new(Happened::DiscoveryFailed, server));
    if server.current_version_id != Some(row.version_id) || server.deleted_at.is_some() {
        return Ok(());
    }
    if let Some(health) = trouble.health() {
        mcp_servers::set_health(write, server, health, Some(trouble.message.clone())).await?;
    }
    if trouble.is_misunderstood() && mcp_scans::store_unfinished(write, server, row).await? {
        mcp_servers::set_found(write, server).await?;
    }
    Ok(())
}
