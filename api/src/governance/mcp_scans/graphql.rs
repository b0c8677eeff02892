//! Scans of MCP servers as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use entity::enums::ScanVerdict;
use entity::governance::{mcp_finding, mcp_scan};
use entity::ids::{McpFindingId, McpScanId, McpServerId, McpServerVersionId};
use serde::Deserialize;

use super::store;
use crate::governance::mcp_discoveries::McpDiscovery;
use crate::governance::mcp_servers::{McpServer, McpServerVersion};
use crate::governance::scan::Rule;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::request::{Request, RequestContext};

/// A scan of a server.
#[derive(Clone, Debug)]
pub struct McpScan(pub Arc<mcp_scan::Model>);

impl Node for McpScan {}

impl From<mcp_scan::Model> for McpScan {
    fn from(row: mcp_scan::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl McpScan {
    /// The scan, if the viewer may see its server.
    pub async fn find(request: &Request, id: McpScanId) -> Result<Option<Self>> {
        let Some(row) = request.find::<mcp_scan::Entity>(id).await? else { return Ok(None) };
        Ok(McpServer::find(request, row.server_id).await?.map(|_| Self(row)))
    }
}

/// How suspicious a version of a server is. The same rules over the same server always find the same.
#[Object]
impl McpScan {
    /// The id of the scan.
    pub async fn id(&self) -> McpScanId {
        self.0.id
    }

    /// The server; null when it is deleted meanwhile.
    async fn mcp_server(&self, ctx: &Context<'_>) -> Result<Option<McpServer>> {
        McpServer::find(ctx.request(), self.0.server_id).await
    }

    /// The version that was scanned; null when its server is deleted meanwhile.
    async fn mcp_server_version(&self, ctx: &Context<'_>) -> Result<Option<McpServerVersion>> {
        McpServerVersion::find(ctx.request(), self.0.version_id).await
    }

    /// The run whose findings were scanned; null for a scan of how the server is reached, before there was a run.
    async fn mcp_discovery(&self, ctx: &Context<'_>) -> Result<Option<McpDiscovery>> {
        match self.0.discovery_id {
            Some(id) => McpDiscovery::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// How it ended. FAILED and DEGRADED block approval and calls; REVIEW asks a person to look.
    async fn verdict(&self) -> ScanVerdict {
        self.0.verdict
    }

    /// The version of the rules that it was made by.
    async fn rules_version(&self) -> i32 {
        self.0.rules_version
    }

    /// The checks that could not be finished.
    async fn crashed_checks(&self) -> &[String] {
        &self.0.crashed_checks
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<mcp_scan::Entity>(&self.0).actions()
    }

    /// What it found, the hard findings first; 500 are kept.
    async fn findings(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<McpFinding>> {
        let page = Page::new(first, after, last, before)?;
        Connection::of::<store::Findings, store::CountFindings, _>(
            ctx.request(),
            self.0.id,
            page,
            store::place_of_finding,
            McpFinding::from,
        )
        .await
    }
}

/// Something that a scan found.
#[derive(Clone, Debug)]
pub struct McpFinding(Arc<mcp_finding::Model>);

impl Node for McpFinding {}

impl From<mcp_finding::Model> for McpFinding {
    fn from(row: mcp_finding::Model) -> Self {
        Self(Arc::new(row))
    }
}

/// What one rule of a scan found at one place.
#[Object]
impl McpFinding {
    /// The id of the finding.
    pub async fn id(&self) -> McpFindingId {
        self.0.id
    }

    /// The rule.
    async fn rule(&self) -> Result<Rule> {
        Rule::deserialize(serde_json::Value::from(self.0.rule.as_str())).map_err(Error::internal)
    }

    /// Whether this finding alone fails the scan.
    async fn is_hard(&self) -> bool {
        self.0.is_hard
    }

    /// Where: a tool's name and a JSON pointer into it, or a place in how the server is reached.
    async fn place(&self) -> &str {
        &self.0.place
    }

    /// A short piece of what was found, with what is hidden escaped and secrets cut off.
    async fn excerpt(&self) -> &str {
        &self.0.excerpt
    }
}

/// A page of the scans of a server, the newest first.
pub async fn of_server(request: &Request, id: McpServerId, page: Page) -> Result<Connection<McpScan>> {
    Connection::of::<store::BelowServers, store::CountBelowServers, _>(request, id, page, store::place, McpScan::from)
        .await
}

/// The last scan of a version that the viewer may see.
pub async fn latest_of_version(request: &Request, id: McpServerVersionId) -> Result<Option<McpScan>> {
    Ok(request.load::<store::Latest>(id).await?.map(McpScan::from))
}
