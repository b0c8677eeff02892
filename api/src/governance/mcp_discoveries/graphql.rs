//! Discoveries as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::enums::{McpDiscoveryOccasion, McpDiscoveryStatus, McpEra};
use entity::governance::mcp_discovery;
use entity::ids::{McpDiscoveryId, McpServerId};
use serde::Deserialize;
use serde_json::Value;

use super::trouble::Code;
use super::{rules, store};
use crate::governance::McpErrorCode;
use crate::governance::mcp_servers::{McpServer, McpServerVersion};
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};

/// A run in which a server was connected to.
#[derive(Clone, Debug)]
pub struct McpDiscovery(pub Arc<mcp_discovery::Model>);

impl Node for McpDiscovery {}

impl From<mcp_discovery::Model> for McpDiscovery {
    fn from(row: mcp_discovery::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl McpDiscovery {
    /// The run, if the viewer may see its server.
    pub async fn find(request: &Request, id: McpDiscoveryId) -> Result<Option<Self>> {
        let Some(row) = request.find::<mcp_discovery::Entity>(id).await? else { return Ok(None) };
        Ok(McpServer::find(request, row.server_id).await?.map(|_| Self(row)))
    }

    fn said(&self, field: &str) -> Option<&str> {
        self.0.server_info.as_ref()?.get(field)?.as_str()
    }
}

fn names(capabilities: Option<&Value>) -> Vec<String> {
    capabilities.and_then(Value::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// One real connection to a server, and what it said.
#[Object]
impl McpDiscovery {
    /// The id of the run.
    pub async fn id(&self) -> McpDiscoveryId {
        self.0.id
    }

    /// The server; null when it is deleted meanwhile.
    async fn mcp_server(&self, ctx: &Context<'_>) -> Result<Option<McpServer>> {
        McpServer::find(ctx.request(), self.0.server_id).await
    }

    /// The version that was connected to; null when its server is deleted meanwhile.
    async fn mcp_server_version(&self, ctx: &Context<'_>) -> Result<Option<McpServerVersion>> {
        McpServerVersion::find(ctx.request(), self.0.version_id).await
    }

    /// How it went.
    async fn status(&self) -> McpDiscoveryStatus {
        self.0.status
    }

    /// Why it was begun.
    async fn occasion(&self) -> McpDiscoveryOccasion {
        self.0.occasion
    }

    /// Which kind of the protocol the server speaks; null while that is not known.
    async fn era(&self) -> Option<McpEra> {
        self.0.era
    }

    /// The version of the protocol that was agreed on, such as 2025-11-25; null while that is not known.
    async fn protocol_version(&self) -> Option<&str> {
        self.0.protocol_version.as_deref()
    }

    /// What the server calls itself; null when it did not say.
    async fn server_name(&self) -> Option<&str> {
        self.said("name")
    }

    /// What people read instead of that; null when the server did not say.
    async fn server_title(&self) -> Option<&str> {
        self.said("title")
    }

    /// Which version the server says it is; null when it did not say.
    async fn server_version(&self) -> Option<&str> {
        self.said("version")
    }

    /// What the server can do beside tools, by name.
    async fn server_capabilities(&self) -> Vec<String> {
        names(self.0.server_capabilities.as_ref())
    }

    /// What was declared to the server, by name. A server may show different tools to different clients.
    async fn client_capabilities(&self) -> Vec<String> {
        names(Some(&self.0.client_capabilities))
    }

    /// What the server tells models about itself; null when it tells nothing.
    async fn instructions(&self) -> Option<&str> {
        self.0.instructions.as_deref()
    }

    /// How many tools it offered; null unless it succeeded.
    async fn tool_count(&self) -> Option<i32> {
        self.0.tool_count
    }

    /// How long it took, in milliseconds; null while it goes on.
    async fn duration_ms(&self) -> Option<i32> {
        self.0.duration_ms
    }

    /// What went wrong, to branch on; null unless it failed.
    async fn error_code(&self) -> Result<Option<Code>> {
        let code = self.0.error_code.as_deref().map(|code| Code::deserialize(Value::from(code)));
        code.transpose().map_err(Error::internal)
    }

    /// What went wrong, as a sentence; null unless it failed.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// Who began it; null when the server did by itself, and once that account is gone.
    async fn started_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.started_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When it was begun.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it ended; null while it goes on.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<mcp_discovery::Entity>(&self.0).actions()
    }
}

/// A page of the runs in which a server was connected to, the newest first.
pub async fn of_server(request: &Request, id: McpServerId, page: Page) -> Result<Connection<McpDiscovery>> {
    Connection::of::<store::BelowServers, store::CountBelowServers, _>(
        request,
        id,
        page,
        store::place,
        McpDiscovery::from,
    )
    .await
}

/// A server to connect to.
#[derive(InputObject)]
struct McpServerConnectInput {
    /// The server.
    id: McpServerId,
}

payload! {
    /// What beginning to connect to a server ended with.
    McpServerDiscoverPayload {
        /// The run, which goes on; follow mcpServerChanged to hear of its end. Null when it was refused.
        mcp_discovery: McpDiscovery, McpErrorCode
    }
}

payload! {
    /// What beginning to look whether a server answers ended with.
    McpServerCheckHealthPayload {
        /// The run, which goes on; follow mcpServerChanged to hear of its end. Null when it was refused.
        mcp_discovery: McpDiscovery, McpErrorCode
    }
}

/// Connecting to servers.
#[derive(Default)]
pub struct McpDiscoveryMutation;

#[Object]
impl McpDiscoveryMutation {
    /// Connects to a server, lists its tools, compares them with what was approved and scans them, beside this request. One run goes on at a time for each server. For admins of its project.
    async fn mcp_server_discover(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: McpServerConnectInput,
    ) -> Result<McpServerDiscoverPayload> {
        let result = rules::discover(ctx.request(), input.id, McpDiscoveryOccasion::Requested).await;
        Ok(Outcome::of(result)?.map(McpDiscovery::from).into())
    }

    /// Looks whether a server answers, beside this request. Since it answers with its tools, these are compared and scanned as well. For admins of its project.
    async fn mcp_server_check_health(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: McpServerConnectInput,
    ) -> Result<McpServerCheckHealthPayload> {
        let result = rules::discover(ctx.request(), input.id, McpDiscoveryOccasion::HealthCheck).await;
        Ok(Outcome::of(result)?.map(McpDiscovery::from).into())
    }
}
