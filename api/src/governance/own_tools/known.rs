//! What is known of a tool before its call is decided about, whether it is a registered server's or our own.

use entity::ids::{McpToolId, ProjectId};

use super::{SERVER, find};
use crate::governance::decision::ServerGates;
use crate::governance::decisions::Tool;
use crate::governance::mcp_servers;
use crate::governance::pins::Pin;
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// A tool, and what it was when it was approved.
#[derive(Clone, Copy, Debug)]
pub struct Known {
    pub tool: Tool,
    /// None for a tool of Trellis itself.
    pub tool_id: Option<McpToolId>,
    /// None while the tool is not pinned.
    pub pin: Option<Pin>,
}

/// What is known of this tool of this server in the project; none where there is no such tool.
pub async fn known(request: &Request, project: ProjectId, server: &str, tool: &str) -> Result<Option<Known>> {
    if server == SERVER {
        let own = find(tool).filter(|tool| tool.is_for(&request.viewer()));
        return Ok(own.map(|own| Known { tool: OPEN, tool_id: None, pin: Some(own.pin) }));
    }
    let found = mcp_servers::callable(request, project, server, tool).await?;
    Ok(found.map(|found| {
        let tool = Tool { server_id: Some(found.server_id), gates: found.gates };
        Known { tool, tool_id: Some(found.tool_id), pin: found.pin }
    }))
}

/// Our own tools need nobody's approval, and change with the server alone.
pub const OPEN: Tool = Tool {
    server_id: None,
    gates: ServerGates { server_approved: true, scan_passed: true, tool_enabled: true, pin_matches: true },
};
