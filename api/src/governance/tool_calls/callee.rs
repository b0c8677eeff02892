//! What is called: a tool of a registered server, or one of our own.

use std::sync::Arc;

use entity::ids::{McpServerId, McpToolId, OrganizationId, ProjectId};
use serde_json::Value;

use crate::governance::approvals::Call;
use crate::governance::decisions::{Standing, Tool};
use crate::governance::mcp_servers::{self, CallableTool};
use crate::governance::own_tools::{self, OPEN, OwnTool, SERVER};
use crate::governance::pins::Pin;
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// Names longer than this are nobody's.
const MOST_NAME_BYTES: usize = 1_000;

/// A tool that is to be called.
#[derive(Clone, Debug)]
pub enum Callee {
    Registered(Arc<CallableTool>),
    Own { tool: &'static OwnTool, organization: OrganizationId, project: ProjectId },
}

impl Callee {
    /// The tool of this name of this server of the project; none where there is no such tool.
    pub async fn find(request: &Request, project: ProjectId, server: &str, tool: &str) -> Result<Option<Self>> {
        if server.len().max(tool.len()) > MOST_NAME_BYTES {
            return Ok(None);
        }
        if server != SERVER {
            return Ok(mcp_servers::callable(request, project, server, tool).await?.map(Self::Registered));
        }
        let Some(tool) = own_tools::find(tool).filter(|tool| tool.is_for(&request.viewer())) else { return Ok(None) };
        let organization = Standing::of(request, project).await?.organization_id;
        Ok(Some(Self::Own { tool, organization, project }))
    }

    pub fn organization_id(&self) -> OrganizationId {
        match self {
            Self::Registered(tool) => tool.organization_id,
            Self::Own { organization, .. } => *organization,
        }
    }

    pub fn project_id(&self) -> ProjectId {
        match self {
            Self::Registered(tool) => tool.project_id,
            Self::Own { project, .. } => *project,
        }
    }

    pub fn server_id(&self) -> Option<McpServerId> {
        match self {
            Self::Registered(tool) => Some(tool.server_id),
            Self::Own { .. } => None,
        }
    }

    pub fn tool_id(&self) -> Option<McpToolId> {
        match self {
            Self::Registered(tool) => Some(tool.tool_id),
            Self::Own { .. } => None,
        }
    }

    pub fn server_name(&self) -> &str {
        match self {
            Self::Registered(tool) => &tool.server_name,
            Self::Own { .. } => SERVER,
        }
    }

    pub fn tool_name(&self) -> &str {
        match self {
            Self::Registered(tool) => &tool.tool_name,
            Self::Own { tool, .. } => tool.name,
        }
    }

    pub fn input_schema(&self) -> &Value {
        match self {
            Self::Registered(tool) => &tool.input_schema,
            Self::Own { tool, .. } => &tool.input_schema,
        }
    }

    pub fn output_schema(&self) -> Option<&Value> {
        match self {
            Self::Registered(tool) => tool.output_schema.as_ref(),
            Self::Own { tool, .. } => Some(&tool.output_schema),
        }
    }

    /// None while it is not pinned, and not called.
    pub fn pin(&self) -> Option<&Pin> {
        match self {
            Self::Registered(tool) => tool.pin.as_ref(),
            Self::Own { tool, .. } => Some(&tool.pin),
        }
    }

    /// As decisions look at it.
    pub fn as_decided(&self) -> Tool {
        match self {
            Self::Registered(tool) => Tool { server_id: Some(tool.server_id), gates: tool.gates },
            Self::Own { .. } => OPEN,
        }
    }

    /// What an approval of a call of it is bound to.
    pub fn bound<'a>(&'a self, arguments: &'a Value) -> Option<Call<'a>> {
        let (server_id, server_name, tool_name) = (self.server_id(), self.server_name(), self.tool_name());
        Some(Call { server_id, server_name, tool_name, arguments, pin: self.pin()? })
    }
}
