//! What stands between a caller and a tool, for those who decide and call: the gates of the server, how its approved
//! version is reached, and what the tool takes. One statement for as many tools as are asked for.
//! Whose project it is has been checked before: this looks at no viewer.

mod store;

use std::collections::HashMap;
use std::sync::Arc;

use entity::enums::{McpEra, RiskLevel};
use entity::ids::{McpServerId, McpServerVersionId, McpToolId, OrganizationId, ProjectId};
use serde_json::Value;

use super::transport::Transport;
use crate::governance::decision::ServerGates;
use crate::governance::pins::Pin;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::request::Request;
use store::Row;

/// A tool as it may be called, if its gates are open.
#[derive(Clone, Debug, PartialEq)]
pub struct CallableTool {
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub server_id: McpServerId,
    pub server_name: String,
    pub tool_id: McpToolId,
    pub tool_name: String,
    pub title: Option<String>,
    pub description: Option<String>,
    pub input_schema: Value,
    pub output_schema: Option<Value>,
    pub annotations: Option<Value>,
    /// The level that somebody chose for now, else the assessed one.
    pub risk_level: RiskLevel,
    pub gates: ServerGates,
    /// None while the tool is not pinned.
    pub pin: Option<Pin>,
    /// How the approved version is reached. None while there is none.
    pub route: Option<Route>,
}

/// How an approved version is reached.
#[derive(Clone, Debug, PartialEq)]
pub struct Route {
    pub version_id: McpServerVersionId,
    /// With secrets as references.
    pub transport: Transport,
    /// Whether it may stand at a private address, as far as the project says.
    pub private_addresses: bool,
    /// What it spoke when it was last connected to. None while it never was.
    pub era: Option<McpEra>,
    pub protocol_version: Option<String>,
}

impl CallableTool {
    fn of(row: Row) -> Result<Self> {
        let route = match (row.version_id, row.transport_type, row.transport_config) {
            (Some(version_id), Some(kind), Some(config)) => Some(Route {
                version_id,
                transport: Transport::of_columns(kind, config, row.environment.unwrap_or_default())?,
                private_addresses: row.private_addresses,
                era: row.era,
                protocol_version: row.protocol_version,
            }),
            _ => None,
        };
        let pin = row.approved_pin.map(|bytes| bytes.try_into().map(Pin)).transpose();
        Ok(Self {
            organization_id: row.organization_id,
            project_id: row.project_id,
            server_id: row.server_id,
            server_name: row.server_name,
            tool_id: row.tool_id,
            tool_name: row.tool_name,
            title: row.title,
            description: row.description,
            input_schema: row.input_schema,
            output_schema: row.output_schema,
            annotations: row.annotations,
            risk_level: row.risk_level,
            gates: ServerGates {
                server_approved: row.server_approved,
                scan_passed: row.scan_passed,
                tool_enabled: row.tool_enabled,
                pin_matches: row.pin_matches,
            },
            pin: pin.map_err(|_| Error::internal("a pin is not 32 bytes"))?,
            route,
        })
    }
}

/// A tool by project, server and name, together with the others that are asked for at the same time.
pub struct Callable;

impl Load for Callable {
    type Key = (ProjectId, String, String);
    type Value = Option<Arc<CallableTool>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::with_capacity(keys.len());
        for row in store::by_names(&context.connection, keys).await? {
            let tool = CallableTool::of(row)?;
            let key = (tool.project_id, tool.server_name.clone(), tool.tool_name.clone());
            found.insert(key, Some(Arc::new(tool)));
        }
        Ok(found)
    }
}

/// The tool of a server of the project; none where there is no such tool.
pub async fn callable(
    request: &Request,
    project: ProjectId,
    server: &str,
    tool: &str,
) -> Result<Option<Arc<CallableTool>>> {
    request.load::<Callable>((project, server.to_owned(), tool.to_owned())).await
}

/// Every tool of every server of the project, by server and name, whether its gates are open or not.
pub async fn callable_of_project(request: &Request, project: ProjectId) -> Result<Vec<CallableTool>> {
    let rows = store::of_project(&request.connection(), project).await?;
    rows.into_iter().map(CallableTool::of).collect()
}
