//! The statement behind: tools with what their servers, versions, scans and discoveries say of them.

use entity::enums::{McpEra, McpTransport, RiskLevel};
use entity::governance::mcp_server_version::{Environment, TransportConfig};
use entity::ids::{McpServerId, McpServerVersionId, McpToolId, OrganizationId, ProjectId};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use serde_json::Value;
use uuid::Uuid;

use crate::platform::errors::Result;

/// The columns of the statement.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Row {
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
    pub risk_level: RiskLevel,
    pub server_approved: bool,
    pub scan_passed: bool,
    pub tool_enabled: bool,
    pub pin_matches: bool,
    pub approved_pin: Option<Vec<u8>>,
    pub version_id: Option<McpServerVersionId>,
    pub transport_type: Option<McpTransport>,
    pub transport_config: Option<TransportConfig>,
    pub environment: Option<Environment>,
    pub private_addresses: bool,
    pub era: Option<McpEra>,
    pub protocol_version: Option<String>,
}

/// The scan of a version counts as passed where a person was asked to look and approved it; one that could not be finished
/// does not. A risk that somebody chose counts until its time is over.
macro_rules! tools_of {
    ($servers:literal, $tools:literal, $rest:literal) => {
        concat!(
            "SELECT s.organization_id, s.project_id, s.id AS server_id, s.name AS server_name,
                t.id AS tool_id, t.name AS tool_name, t.title, t.description,
                t.input_schema, t.output_schema, t.annotations,
                CASE WHEN t.risk_override_expires_at > now() THEN t.risk_override ELSE t.risk_level END AS risk_level,
                s.status = 'approved' AND s.is_enabled AND v.id IS NOT NULL AS server_approved,
                coalesce(scan.verdict IN ('passed', 'review'), false) AS scan_passed,
                t.is_enabled AND t.is_present AS tool_enabled,
                t.is_present AND coalesce(t.approved_pin = t.found_pin, false) AS pin_matches,
                t.approved_pin, v.id AS version_id, v.transport_type, v.transport_config, v.environment,
                coalesce((p.settings->>'mcpPrivateAddresses')::boolean, false) AS private_addresses,
                said.era, said.protocol_version
            FROM ",
            $servers,
            " JOIN tenancy.projects p ON p.id = s.project_id AND p.deleted_at IS NULL
            JOIN governance.mcp_tools t ON t.server_id = s.id ",
            $tools,
            " LEFT JOIN governance.mcp_server_versions v
                ON v.id = s.approved_version_id AND s.approved_version_id = s.current_version_id
            LEFT JOIN LATERAL (
                SELECT c.verdict FROM governance.mcp_scans c WHERE c.version_id = v.id
                ORDER BY c.created_at DESC, c.id DESC LIMIT 1
            ) AS scan ON true
            LEFT JOIN LATERAL (
                SELECT d.era, d.protocol_version FROM governance.mcp_discoveries d
                WHERE d.version_id = v.id AND d.status = 'succeeded'
                ORDER BY d.created_at DESC, d.id DESC LIMIT 1
            ) AS said ON true ",
            $rest
        )
    };
}

const BY_NAMES: &str = tools_of!(
    "unnest($1::uuid[], $2::text[], $3::text[]) AS asked (project_id, server, tool)
        JOIN governance.mcp_servers s
            ON s.project_id = asked.project_id AND s.name = asked.server AND s.deleted_at IS NULL",
    "AND t.name = asked.tool",
    ""
);

const OF_PROJECT: &str = tools_of!(
    "governance.mcp_servers s",
    "",
    "WHERE s.project_id = $1 AND s.deleted_at IS NULL ORDER BY s.name, t.name"
);

/// The tools with these names, of a server and a project each.
pub async fn by_names(connection: &impl ConnectionTrait, keys: Vec<(ProjectId, String, String)>) -> Result<Vec<Row>> {
    let (mut projects, mut servers, mut tools) = (Vec::<Uuid>::new(), Vec::new(), Vec::new());
    for (project, server, tool) in keys {
        // PostgreSQL keeps no NUL, so nothing has such a name.
        if !server.contains('\0') && !tool.contains('\0') {
            projects.push(project.uuid());
            servers.push(server);
            tools.push(tool);
        }
    }
    let values = [projects.into(), servers.into(), tools.into()];
    rows(connection, Statement::from_sql_and_values(DbBackend::Postgres, BY_NAMES, values)).await
}

/// Every tool of the project.
pub async fn of_project(connection: &impl ConnectionTrait, project: ProjectId) -> Result<Vec<Row>> {
    rows(connection, Statement::from_sql_and_values(DbBackend::Postgres, OF_PROJECT, [project.uuid().into()])).await
}

async fn rows(connection: &impl ConnectionTrait, statement: Statement) -> Result<Vec<Row>> {
    let rows = connection.query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| Row::from_query_result(row, "")).collect::<Result<_, _>>()?)
}
