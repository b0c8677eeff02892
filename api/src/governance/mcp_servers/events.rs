//! What is told when servers, their versions and their tools change.

use entity::governance::mcp_server;
use entity::ids::McpServerId;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// What happened to a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened {
    Registered,
    Updated,
    VersionCreated,
    DiscoveryStarted,
    Discovered,
    DiscoveryFailed,
    ToolsDrifted,
    ToolUpdated,
    ToolApproved,
    Submitted,
    Approved,
    Rejected,
    Deprecated,
    Deleted,
}

/// A change of a server.
#[derive(Clone, Copy, Debug)]
pub struct McpServerEvent {
    happened: Happened,
    server: McpServerId,
    project: uuid::Uuid,
    organization: uuid::Uuid,
}

impl McpServerEvent {
    pub fn new(happened: Happened, server: &mcp_server::Model) -> Self {
        Self {
            happened,
            server: server.id,
            project: server.project_id.uuid(),
            organization: server.organization_id.uuid(),
        }
    }
}

impl Event for McpServerEvent {
    fn stream(&self) -> Stream {
        Stream::Ai
    }

    fn event_type(&self) -> &'static str {
        match self.happened {
            Happened::Registered => "mcp_server.registered",
            Happened::Updated => "mcp_server.updated",
            Happened::VersionCreated => "mcp_server.version_created",
            Happened::DiscoveryStarted => "mcp_server.discovery_started",
            Happened::Discovered => "mcp_server.discovered",
            Happened::DiscoveryFailed => "mcp_server.discovery_failed",
            Happened::ToolsDrifted => "mcp_server.tools_drifted",
            Happened::ToolUpdated => "mcp_server.tool_updated",
            Happened::ToolApproved => "mcp_server.tool_approved",
            Happened::Submitted => "mcp_server.submitted",
            Happened::Approved => "mcp_server.approved",
            Happened::Rejected => "mcp_server.rejected",
            Happened::Deprecated => "mcp_server.deprecated",
            Happened::Deleted => "mcp_server.deleted",
        }
    }

    fn subject(&self) -> Subject {
        Subject {
            resource_type: "mcp_server",
            resource_id: self.server.uuid(),
            organization_id: Some(self.organization),
            project_id: Some(self.project),
            ..Subject::default()
        }
    }

    fn payload(&self) -> Value {
        json!({})
    }
}
