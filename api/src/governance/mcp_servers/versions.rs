//! Versions of servers as a client sees them: how a server is reached, which never changes.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject, Union};
use chrono::{DateTime, Utc};
use entity::governance::mcp_server_version;
use entity::ids::{McpServerId, McpServerVersionId};

use super::graphql::McpServer;
use super::store;
use super::transport::Transport;
use crate::governance::mcp_scans::{self, McpScan};
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::request::{Request, RequestContext};

/// A version of a server.
#[derive(Clone, Debug)]
pub struct McpServerVersion(pub Arc<mcp_server_version::Model>);

impl Node for McpServerVersion {}

impl From<mcp_server_version::Model> for McpServerVersion {
    fn from(row: mcp_server_version::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl McpServerVersion {
    /// The version, if the viewer may see its server.
    pub async fn find(request: &Request, id: McpServerVersionId) -> Result<Option<Self>> {
        let Some(row) = request.find::<mcp_server_version::Entity>(id).await? else { return Ok(None) };
        Ok(McpServer::find(request, row.server_id).await?.map(|_| Self(row)))
    }
}

/// A name with its value: a variable of the environment, or a header.
#[derive(SimpleObject)]
pub struct McpNamedValue {
    /// The name.
    name: String,
    /// The value, in which a secret stands as ${secrets.NAME} alone.
    value: String,
}

fn named(values: BTreeMap<String, String>) -> Vec<McpNamedValue> {
    values.into_iter().map(|(name, value)| McpNamedValue { name, value }).collect()
}

/// A command that is started on this machine and spoken to over its input and output.
#[derive(SimpleObject)]
pub struct McpStdioTransport {
    /// The command, without its arguments.
    command: String,
    /// Its arguments.
    arguments: Vec<String>,
    /// The environment that it starts with, by name.
    environment: Vec<McpNamedValue>,
}

/// A server at an address, over streamable HTTP.
#[derive(SimpleObject)]
pub struct McpHttpTransport {
    /// The address.
    url: String,
    /// Headers of each request, by name.
    headers: Vec<McpNamedValue>,
}

/// A server at an address, over HTTP with server-sent events, as before 2025.
#[derive(SimpleObject)]
pub struct McpSseTransport {
    /// The address.
    url: String,
    /// Headers of each request, by name.
    headers: Vec<McpNamedValue>,
}

/// How a server is reached.
#[derive(Union)]
#[graphql(name = "McpServerTransport")]
pub enum McpServerTransport {
    Stdio(McpStdioTransport),
    Http(McpHttpTransport),
    Sse(McpSseTransport),
}

/// How a server is reached. A version never changes: another way is another version, which is approved anew.
#[Object]
impl McpServerVersion {
    /// The id of the version.
    pub async fn id(&self) -> McpServerVersionId {
        self.0.id
    }

    /// The server; null when it is deleted meanwhile.
    async fn mcp_server(&self, ctx: &Context<'_>) -> Result<Option<McpServer>> {
        McpServer::find(ctx.request(), self.0.server_id).await
    }

    /// Counts the versions of the server, from 1.
    async fn number(&self) -> i32 {
        self.0.number
    }

    /// The version that the server's maker gave it; null when nobody said.
    async fn label(&self) -> Option<&str> {
        self.0.label.as_deref()
    }

    /// How the server is reached.
    async fn transport(&self) -> Result<McpServerTransport> {
        Ok(match Transport::of(&self.0)? {
            Transport::Stdio { command, arguments, environment } => {
                let environment = named(environment);
                McpServerTransport::Stdio(McpStdioTransport { command, arguments, environment })
            }
            Transport::Http { url, headers } => {
                McpServerTransport::Http(McpHttpTransport { url, headers: named(headers) })
            }
            Transport::Sse { url, headers } => {
                McpServerTransport::Sse(McpSseTransport { url, headers: named(headers) })
            }
        })
    }

    /// The names of the project's secrets that it refers to.
    async fn secret_names(&self) -> Result<Vec<String>> {
        Ok(Transport::of(&self.0)?.secret_names())
    }

    /// The server.json that it was imported from, as text; null for a version that a form made.
    async fn manifest(&self) -> Option<String> {
        self.0.manifest.as_ref().map(ToString::to_string)
    }

    /// Where that file was fetched from; null for one that was pasted, and without one.
    async fn manifest_url(&self) -> Option<&str> {
        self.0.manifest_url.as_deref()
    }

    /// The last scan of it; null only for a moment, while it is made.
    async fn latest_scan(&self, ctx: &Context<'_>) -> Result<Option<McpScan>> {
        mcp_scans::latest_of_version(ctx.request(), self.0.id).await
    }

    /// Who made it; null once that account is gone.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.created_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<mcp_server_version::Entity>(&self.0).actions()
    }
}

/// A page of the versions of a server, the newest first.
pub async fn of_server(request: &Request, id: McpServerId, page: Page) -> Result<Connection<McpServerVersion>> {
    Connection::of::<store::Versions, store::CountVersions, _>(
        request,
        id,
        page,
        store::place_of_version,
        McpServerVersion::from,
    )
    .await
}
