//! Tools of MCP servers as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::enums::{RiskLevel, ToolDrift};
use entity::governance::mcp_tool;
use entity::ids::{McpServerId, McpToolId, ProjectId};
use serde_json::Value;

use super::filter::McpToolFilter;
use super::reasons::{self, McpRiskReason, McpToolChange};
use super::rules::{self, NewOverride};
use super::store;
use crate::governance::McpErrorCode;
use crate::governance::mcp_servers::McpServer;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};

/// A tool of a server.
#[derive(Clone, Debug)]
pub struct McpTool(pub Arc<mcp_tool::Model>);

impl Node for McpTool {}

impl From<mcp_tool::Model> for McpTool {
    fn from(row: mcp_tool::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl McpTool {
    /// The tool, if the viewer may see its server.
    pub async fn find(request: &Request, id: McpToolId) -> Result<Option<Self>> {
        let Some(row) = request.find::<mcp_tool::Entity>(id).await? else { return Ok(None) };
        Ok(McpServer::find(request, row.server_id).await?.map(|_| Self(row)))
    }

    fn hint(&self, name: &str) -> Option<bool> {
        self.0.annotations.as_ref()?.get(name)?.as_bool()
    }

    fn has_override(&self, now: DateTime<Utc>) -> bool {
        self.0.risk_override_expires_at.is_some_and(|end| end > now)
    }
}

fn hexadecimal(pin: &[u8]) -> String {
    pin.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tool of an MCP server: as it was found last, and how that differs from what was approved.
#[Object]
impl McpTool {
    /// The id of the tool.
    pub async fn id(&self) -> McpToolId {
        self.0.id
    }

    /// The server; null when it is deleted meanwhile.
    async fn mcp_server(&self, ctx: &Context<'_>) -> Result<Option<McpServer>> {
        McpServer::find(ctx.request(), self.0.server_id).await
    }

    /// Its name, unique in the server.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What people read instead of the name; null when the server says nothing.
    async fn title(&self) -> Option<&str> {
        self.0.title.as_deref()
    }

    /// What the server tells models about it; null when it tells nothing.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// What its arguments must be: a JSON Schema, as text.
    async fn input_schema(&self) -> String {
        self.0.input_schema.to_string()
    }

    /// What its structured results are: a JSON Schema, as text. Null when the server does not say.
    async fn output_schema(&self) -> Option<String> {
        self.0.output_schema.as_ref().map(Value::to_string)
    }

    /// Whether the server claims that it changes nothing; null when it does not say. A claim never lowers the risk.
    async fn read_only_hint(&self) -> Option<bool> {
        self.hint("readOnlyHint")
    }

    /// Whether the server claims that it may destroy; null when it does not say.
    async fn destructive_hint(&self) -> Option<bool> {
        self.hint("destructiveHint")
    }

    /// Whether the server claims that doing it twice does no more than once; null when it does not say.
    async fn idempotent_hint(&self) -> Option<bool> {
        self.hint("idempotentHint")
    }

    /// Whether the server claims that it reaches outward; null when it does not say.
    async fn open_world_hint(&self) -> Option<bool> {
        self.hint("openWorldHint")
    }

    /// Whether it is switched on. A tool that is off is not called.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// Whether the server offered it when it was last connected to.
    async fn is_present(&self) -> bool {
        self.0.is_present
    }

    /// The SHA-256 of the tool in its canonical form as it was found last, in hexadecimal.
    async fn found_pin(&self) -> String {
        hexadecimal(&self.0.found_pin)
    }

    /// The same of the tool as it was approved; null while it is not. A tool is called only while the two are the same.
    async fn approved_pin(&self) -> Option<String> {
        self.0.approved_pin.as_deref().map(hexadecimal)
    }

    /// How it differs from what was approved; null when it does not, and before its server was first approved. All but COSMETIC wait for approval.
    async fn drift(&self) -> Option<ToolDrift> {
        self.0.drift
    }

    /// The differences from what was approved, up to 200; of a tool that never was, the whole of it.
    async fn changes(&self) -> Result<Vec<McpToolChange>> {
        reasons::changes(&self.0)
    }

    /// How much harm it can do: what somebody said about it while that holds, else what was assessed.
    async fn risk_level(&self, ctx: &Context<'_>) -> RiskLevel {
        match self.0.risk_override {
            Some(level) if self.has_override(ctx.request().now()) => level,
            _ => self.0.risk_level,
        }
    }

    /// How much harm it can do by the facts alone.
    async fn assessed_risk_level(&self) -> RiskLevel {
        self.0.risk_level
    }

    /// The facts behind that, the gravest first.
    async fn risk_reasons(&self) -> Result<Vec<McpRiskReason>> {
        reasons::risk_reasons(&self.0)
    }

    /// Why somebody set another level; null where nobody did, and once that is over.
    async fn risk_override_reason(&self, ctx: &Context<'_>) -> Option<&str> {
        self.0.risk_override_reason.as_deref().filter(|_| self.has_override(ctx.request().now()))
    }

    /// Who set another level; null where nobody did, once that is over, and once that account is gone.
    async fn risk_override_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.risk_override_by.filter(|_| self.has_override(ctx.request().now())) {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Until when that holds, unless the tool changes before; null where nobody set another level.
    async fn risk_override_expires_at(&self) -> Option<DateTime<Utc>> {
        self.0.risk_override_expires_at
    }

    /// Counts the changes of the tool; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was first found.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: EDIT switches it on and off, DECIDE approves it and says how risky it is.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<mcp_tool::Entity>(&self.0).actions()
    }
}

/// A page of the tools of a server, by name.
pub async fn of_server(request: &Request, id: McpServerId, page: Page) -> Result<Connection<McpTool>> {
    Connection::of::<store::BelowServers, store::CountBelowServers, _>(request, id, page, store::place, McpTool::from)
        .await
}

/// A page of the tools of the servers of a project, by name.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<McpToolFilter>,
) -> Result<Connection<McpTool>> {
    let filter = filter.unwrap_or_default().check()?;
    let (place, wrap) = (store::place, McpTool::from);
    Connection::narrowed::<store::OfProjects, store::CountOfProjects, _, _, _>(request, id, page, filter, place, wrap)
        .await
}

/// Changes of a tool.
#[derive(InputObject)]
struct McpToolUpdateInput {
    /// The tool.
    id: McpToolId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Whether it is switched on.
    is_enabled: bool,
}

/// A changed tool to approve.
#[derive(InputObject)]
struct McpToolApproveInput {
    /// The tool.
    id: McpToolId,
    /// The version you read; when the tool changed again since, this is refused as CONFLICT.
    expected_version: Option<i32>,
}

/// Another level of risk than the assessed one.
#[derive(InputObject)]
struct McpToolOverrideRiskInput {
    /// The tool.
    id: McpToolId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The level.
    level: RiskLevel,
    /// Why, up to 2,000 characters.
    reason: String,
    /// Until when it holds, a year from now at most.
    expires_at: DateTime<Utc>,
}

/// A tool whose assessed level of risk holds again.
#[derive(InputObject)]
struct McpToolClearRiskOverrideInput {
    /// The tool.
    id: McpToolId,
}

payload! {
    /// What changing a tool ended with.
    McpToolUpdatePayload {
        /// The tool as it is now, also after a CONFLICT; null when it was refused for another reason.
        mcp_tool: McpTool, McpErrorCode
    }
}

payload! {
    /// What approving a tool ended with.
    McpToolApprovePayload {
        /// The tool as it is now, also after a CONFLICT; null when it was refused for another reason.
        mcp_tool: McpTool, McpErrorCode
    }
}

payload! {
    /// What setting another level of risk ended with.
    McpToolOverrideRiskPayload {
        /// The tool as it is now, also after a CONFLICT; null when it was refused for another reason.
        mcp_tool: McpTool, McpErrorCode
    }
}

payload! {
    /// What going back to the assessed level of risk ended with.
    McpToolClearRiskOverridePayload {
        /// The tool; null when it was refused.
        mcp_tool: McpTool, McpErrorCode
    }
}

/// Changes of tools.
#[derive(Default)]
pub struct McpToolMutation;

#[Object]
impl McpToolMutation {
    /// Switches a tool on or off. For admins of its project.
    async fn mcp_tool_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: McpToolUpdateInput,
    ) -> Result<McpToolUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let result = rules::update_tool(request, id, input.expected_version, input.is_enabled).await;
        Ok(with_present(request, id, Outcome::of(result)?.map(McpTool::from)).await?.into())
    }

    /// Approves a tool that is not as it was approved, as it was found last. For owners and admins of the organization.
    async fn mcp_tool_approve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tool.")] input: McpToolApproveInput,
    ) -> Result<McpToolApprovePayload> {
        let (request, id) = (ctx.request(), input.id);
        let result = rules::approve_tool(request, id, input.expected_version).await;
        Ok(with_present(request, id, Outcome::of(result)?.map(McpTool::from)).await?.into())
    }

    /// Sets another level of risk than the assessed one, for a time; when the tool changes, it is over. For owners and admins of the organization.
    async fn mcp_tool_override_risk(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tool, the level and why.")] input: McpToolOverrideRiskInput,
    ) -> Result<McpToolOverrideRiskPayload> {
        let (request, id) = (ctx.request(), input.id);
        let new = NewOverride { level: input.level, reason: input.reason, expires_at: input.expires_at };
        let result = rules::override_risk(request, id, input.expected_version, new).await;
        Ok(with_present(request, id, Outcome::of(result)?.map(McpTool::from)).await?.into())
    }

    /// Goes back to the assessed level of risk. For owners and admins of the organization.
    async fn mcp_tool_clear_risk_override(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The tool.")] input: McpToolClearRiskOverrideInput,
    ) -> Result<McpToolClearRiskOverridePayload> {
        let outcome = Outcome::of(rules::clear_override(ctx.request(), input.id).await)?;
        Ok(outcome.map(McpTool::from).into())
    }
}

/// The outcome, after a conflict with the tool as it is now.
async fn with_present(
    request: &Request,
    id: McpToolId,
    mut outcome: Outcome<McpTool, McpErrorCode>,
) -> Result<Outcome<McpTool, McpErrorCode>> {
    if outcome.refused_as(McpErrorCode::Conflict) {
        outcome.object = McpTool::find(request, id).await?;
    }
    Ok(outcome)
}
