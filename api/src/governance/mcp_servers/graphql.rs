//! Servers as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use entity::enums::{McpHealth, McpServerStatus};
use entity::governance::{mcp_server, mcp_server_version};
use entity::ids::{McpServerId, UserId};
use entity::tenancy::{organization, project};

use super::manifest::{self, Exported};
use super::review;
use super::transport::Transport;
use super::versions::{self, McpServerVersion};
use crate::governance::mcp_discoveries::{self, McpDiscovery};
use crate::governance::mcp_scans::{self, McpScan};
use crate::governance::mcp_tools::{self, McpTool};
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::projects::Project;

/// A server of tools.
#[derive(Clone, Debug)]
pub struct McpServer(pub Arc<mcp_server::Model>);

impl Node for McpServer {}

impl From<mcp_server::Model> for McpServer {
    fn from(row: mcp_server::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl McpServer {
    /// The server, if the viewer may see it.
    pub async fn find(request: &Request, id: McpServerId) -> Result<Option<Self>> {
        Ok(request.find::<mcp_server::Entity>(id).await?.map(Self))
    }
}

async fn person(ctx: &Context<'_>, id: Option<UserId>) -> Result<Option<User>> {
    match id {
        Some(id) => User::find_through(ctx.request(), id).await,
        None => Ok(None),
    }
}

/// An MCP server of a project: how it is reached, which tools it has, whether they may be used and whether it answers.
#[Object]
impl McpServer {
    /// The id of the server.
    pub async fn id(&self) -> McpServerId {
        self.0.id
    }

    /// The project it belongs to; null when that is deleted meanwhile.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Project::find(ctx.request(), self.0.project_id).await
    }

    /// Its name, unique in the project. Policies name its tools as server/tool, so it never changes.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for; null when nobody said.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Whether its tools may be used.
    async fn status(&self) -> McpServerStatus {
        self.0.status
    }

    /// Whether it is switched on. A server that is off is not called, whatever its status.
    async fn is_enabled(&self) -> bool {
        self.0.is_enabled
    }

    /// Whether it answered when it was last connected to, apart from whether it may be used.
    async fn health(&self) -> McpHealth {
        self.0.health
    }

    /// When that was; null while its present version was never connected to.
    async fn health_checked_at(&self) -> Option<DateTime<Utc>> {
        self.0.health_checked_at
    }

    /// Why it does not answer as it should; null while it does.
    async fn health_error(&self) -> Option<&str> {
        self.0.health_error.as_deref()
    }

    /// Who registered it; null once that account is gone.
    async fn registered_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        person(ctx, self.0.registered_by).await
    }

    /// Who submitted it for approval; null while nobody did, and once that account is gone.
    async fn submitted_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        person(ctx, self.0.submitted_by).await
    }

    /// When it was submitted for approval; null while nobody did.
    async fn submitted_at(&self) -> Option<DateTime<Utc>> {
        self.0.submitted_at
    }

    /// Who approved it last; null while nobody did, where the rules of project and organization did, and once that account is gone.
    async fn approved_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        person(ctx, self.0.approved_by).await
    }

    /// When it was approved last; null while it never was.
    async fn approved_at(&self) -> Option<DateTime<Utc>> {
        self.0.approved_at
    }

    /// Why it was rejected; null unless it is.
    async fn rejection_reason(&self) -> Option<&str> {
        self.0.rejection_reason.as_deref()
    }

    /// How it is reached at present; null never but for a moment, while it is registered.
    async fn current_version(&self, ctx: &Context<'_>) -> Result<Option<McpServerVersion>> {
        match self.0.current_version_id {
            Some(id) => McpServerVersion::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The version that was approved last; null while none was. It is called only while it is the present one.
    async fn approved_version(&self, ctx: &Context<'_>) -> Result<Option<McpServerVersion>> {
        match self.0.approved_version_id {
            Some(id) => McpServerVersion::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// What stands between the server and its approval; empty when nothing does but the approver's word.
    async fn approval_blockers(&self, ctx: &Context<'_>) -> Result<Vec<review::McpApprovalBlocker>> {
        review::blockers(ctx.request(), &self.0).await
    }

    /// It as a server.json of the schema 2025-12-11, as text, with secrets as inputs. Of an imported version, the file itself. Null when the project is deleted meanwhile.
    async fn server_json(&self, ctx: &Context<'_>) -> Result<Option<String>> {
        server_json(ctx.request(), &self.0).await
    }

    /// Counts the changes of the server and of what was found in it; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was registered.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: EDIT changes and connects, SUBMIT asks for approval, DECIDE approves.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<mcp_server::Entity>(&self.0).actions()
    }

    /// Its versions, the newest first.
    async fn versions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<McpServerVersion>> {
        versions::of_server(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its tools by name, also those that are gone.
    async fn tools(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<McpTool>> {
        mcp_tools::of_server(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// The runs in which it was connected to, the newest first.
    async fn discoveries(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<McpDiscovery>> {
        mcp_discoveries::of_server(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// The scans of it, the newest first.
    async fn scans(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<McpScan>> {
        mcp_scans::of_server(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }
}

/// The file that describes the server to others.
async fn server_json(request: &Request, server: &mcp_server::Model) -> Result<Option<String>> {
    let Some(id) = server.current_version_id else { return Ok(None) };
    let Some(version) = request.find::<mcp_server_version::Entity>(id).await? else { return Ok(None) };
    if let Some(manifest) = &version.manifest {
        return Ok(Some(format!("{manifest:#}")));
    }
    let project = request.find::<project::Entity>(server.project_id).await?;
    let organization = request.find::<organization::Entity>(server.organization_id).await?;
    let (Some(project), Some(organization)) = (project, organization) else { return Ok(None) };
    let exported = Exported {
        namespace: &format!("{}.{}", organization.slug, project.slug),
        name: &server.name,
        description: server.description.as_deref(),
        version: version.label.clone().unwrap_or_else(|| format!("{}.0.0", version.number)),
        transport: Transport::of(&version)?,
    };
    manifest::export(exported).map(Some)
}
