//! How the tool of a call is reached: one of our own is run here, and a registered server is asked over a connection that is
//! kept.

use entity::enums::McpEra;
use entity::ids::McpServerId;
use serde_json::{Map, Value};

use super::callee::Callee;
use super::calling::Listener;
use super::making::Making;
use super::refusal::{McpCallErrorCode as Code, Refusal};
use super::telling::Telling;
use crate::governance::decisions::Decided;
use crate::governance::mcp_discoveries;
use crate::governance::mcp_servers::{self, CallableTool, Reach, Route};
use crate::governance::own_tools::OwnTool;
use crate::governance::pins;
use crate::metering::mcp_usage::Whose;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{self, Era, Expected, Failure, Progress, Scope, ToolResult};

/// How a tool is called.
pub enum Way<'a> {
    Own(&'static OwnTool),
    Registered(Box<Registered<'a>>),
}

/// How a registered server is reached and spoken with.
pub struct Registered<'a> {
    pub tool: &'a CallableTool,
    route: &'a Route,
    pub reach: Reach,
    era: Era,
    version: &'a str,
}

impl Making<'_> {
    /// How the tool is called: a registered server is reached in its approved version, with secrets in place.
    pub async fn way(&self) -> Result<std::result::Result<Way<'_>, Refusal>> {
        let tool = match &self.tool {
            Callee::Own { tool, .. } => return Ok(Ok(Way::Own(tool))),
            Callee::Registered(tool) => tool,
        };
        let Some(route) = &tool.route else {
            return Err(Error::internal("a tool without a route was not denied"));
        };
        let (Some(era), Some(version)) = (route.era, &route.protocol_version) else {
            let message = "The server was never connected to in its approved version.";
            return Ok(Err(Refusal::new(Code::ServerUnavailable, "server", message)));
        };
        let era = match era {
            McpEra::Session => Era::Session,
            McpEra::Stateless => Era::Stateless,
        };
        match mcp_servers::resolve_route(self.request, tool.project_id, route).await {
            Ok(reach) => Ok(Ok(Way::Registered(Box::new(Registered { tool, route, reach, era, version })))),
            Err(unresolved) => Ok(Err(Refusal::unresolved(unresolved)?)),
        }
    }

    pub async fn ask_server(
        &self,
        way: &Registered<'_>,
        decided: &Decided,
        arguments: Map<String, Value>,
        progress: Listener<'_>,
    ) -> std::result::Result<ToolResult, Failure> {
        let platform = &self.request.platform;
        let scope = Scope { project: way.tool.project_id.uuid(), server_version: way.route.version_id.uuid() };
        let tool = mcp::Tool { name: &way.tool.tool_name, input_schema: Some(&way.tool.input_schema) };
        let expected = way.tool.pin.as_ref().map(|pin| Expected { pin: pin.0, pin_of });
        let telling = self.is_followed.then(|| Telling::of(platform, Whose::of(&self.row)));
        // A policy that acts on results sees none of what is said on the way.
        let is_silent = decided.standing.policies.act_on_results(&decided.input);
        let progress = move |mut told: Progress| {
            if is_silent {
                told.message = None;
            }
            if let Some(telling) = &telling {
                telling.note(told.clone());
            }
            progress(told);
        };
        let (transport, bounds) = (&way.reach.transport, &way.reach.bounds);
        let _pause = self.request.pause();
        platform
            .tool_sessions
            .call(scope, transport, way.era, way.version, tool, expected.as_ref(), arguments, progress, bounds)
            .await
    }

    /// Lets the registry see what became of the server's tools, beside the call.
    pub fn look_again(&self, server: McpServerId) {
        let platform = self.request.platform.clone();
        tokio::spawn(async move {
            if let Err(error) = mcp_discoveries::look_again(platform, server).await {
                tracing::warn!(%error, %server, "a server whose tools have changed is looked at later");
            }
        });
    }
}

/// The pin of a tool as its server describes it.
fn pin_of(tool: &Value) -> Option<[u8; 32]> {
    Some(serde_json::from_value::<pins::Tool>(tool.clone()).ok()?.pin().0)
}
