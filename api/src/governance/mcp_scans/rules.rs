//! Who reads a scan, and how one is made.

use entity::enums::ScanVerdict;
use entity::governance::{mcp_discovery, mcp_finding, mcp_scan, mcp_server, mcp_server_version};
use entity::ids::{McpDiscoveryId, McpFindingId, McpScanId};
use sea_orm::Condition;

use super::store;
use crate::governance::mcp_servers::transport::Transport;
use crate::governance::mcp_tools;
use crate::governance::pins::Tool;
use crate::governance::scan::{self, Report, Subject, Verdict};
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, nothing};
use crate::platform::errors::Result;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

const READ: ActionSet = ActionSet::of(&[Action::Read]);

impl Resource for mcp_scan::Entity {
    type Id = McpScanId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::ToolsRead, READ), (Scope::ToolsWrite, READ)];

    fn id(row: &mcp_scan::Model) -> McpScanId {
        row.id
    }

    fn id_column() -> mcp_scan::Column {
        mcp_scan::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &mcp_scan::Model) -> ActionSet {
        viewer.project_role(row.project_id).map_or(ActionSet::NONE, |_| READ)
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.projects.keys().copied().collect()))
    }
}

impl Resource for mcp_finding::Entity {
    type Id = McpFindingId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::ToolsRead, READ), (Scope::ToolsWrite, READ)];

    fn id(row: &mcp_finding::Model) -> McpFindingId {
        row.id
    }

    fn id_column() -> mcp_finding::Column {
        mcp_finding::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &mcp_finding::Model) -> ActionSet {
        viewer.project_role(row.project_id).map_or(ActionSet::NONE, |_| READ)
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::findings_within(grants.projects.keys().copied().collect()))
    }
}

/// What is scanned.
pub struct Scanned<'a> {
    pub version: &'a mcp_server_version::Model,
    pub private_allowed: bool,
    /// What a discovery found. None before there was one.
    pub found: Option<Said<'a>>,
}

/// What a server said in a discovery.
pub struct Said<'a> {
    pub discovery: McpDiscoveryId,
    pub instructions: Option<&'a str>,
    pub tools: &'a [Tool],
}

/// Scans a version and stores what was found, unless the last scan of it found the same. Gives the verdict, and whether it
/// is another than before.
pub async fn scan_and_store(
    write: &Write<'_>,
    server: &Granted<mcp_server::Entity>,
    scanned: Scanned<'_>,
) -> Result<(ScanVerdict, bool)> {
    let launch = Transport::of(scanned.version)?.launch(scanned.private_allowed);
    let others = mcp_tools::names_of_others(write, server).await?;
    let (instructions, tools) = scanned.found.as_ref().map_or((None, &[][..]), |said| (said.instructions, said.tools));
    let report = scan::scan(&Subject { launch: Some(&launch), instructions, tools, others: &others });
    let verdict = match report.verdict() {
        Verdict::Passed => ScanVerdict::Passed,
        Verdict::Review => ScanVerdict::Review,
        Verdict::Degraded => ScanVerdict::Degraded,
        Verdict::Failed => ScanVerdict::Failed,
    };
    let last = store::last_of_version(write, scanned.version.id).await?;
    let discovery = scanned.found.map(|said| said.discovery);
    if let Some((last, findings)) = &last
        && last.discovery_id.is_some() == discovery.is_some()
        && store::is_same(last, findings, &report, verdict)
    {
        return Ok((verdict, false));
    }
    store::insert(write, server, scanned.version.id, discovery, verdict, &report).await?;
    Ok((verdict, last.is_none_or(|(last, _)| last.verdict != verdict)))
}

/// Stores that a server answered and its tools could not be known, so that nothing of what was approved is known to be there
/// still. Gives whether that was not known before.
pub async fn store_unfinished(
    write: &Write<'_>,
    server: &Granted<mcp_server::Entity>,
    discovery: &mcp_discovery::Model,
) -> Result<bool> {
    let report = Report { rules_version: scan::RULES_VERSION, findings: Vec::new(), crashed: vec!["discovery"] };
    let last = store::last_of_version(write, discovery.version_id).await?;
    if last.is_some_and(|(last, findings)| store::is_same(&last, &findings, &report, ScanVerdict::Degraded)) {
        return Ok(false);
    }
    store::insert(write, server, discovery.version_id, Some(discovery.id), ScanVerdict::Degraded, &report).await?;
    Ok(true)
}
