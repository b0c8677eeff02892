//! What a governed call of a tool adds to a call of the same server without anybody between, and what a key adds to a
//! request: pairs of the two, one after the other, so that what slows the machine slows both.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use api::governance::pins::Tool;
use axum::Router;
use axum::body::Bytes as Body;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::net::TcpListener;
use tokio::time::Instant;
use uuid::Uuid;

use crate::Result;
use crate::database::{self, Reader};
use crate::load::Connection;
use crate::numbers::Number;
use crate::peers::{Ground, Tokens};

const PROJECT: &str = "00000000-0000-7000-8000-0000000b0b0c";
const KEY: &str = "tr_test_00000000000000000000000000000000000000000000";
const WARM_UP: usize = 200;

/// Measures for so long each.
pub async fn run(
    database_url: &str,
    redis_url: &str,
    trellis: &Path,
    length: Duration,
    numbers: &mut Vec<Number>,
) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = database::prepare(database_url, trellis).await?;
    let tokens = Tokens::new()?;
    let ground = Ground { database_url: &database.url, redis_url, tokens: &tokens, folder: folder.path() };
    let reader = database.readers.get(1).ok_or("the database has no readers")?;
    let tool_server = serve().await?;
    let mut connection = PgConnection::connect(&database.url).await?;
    prepare(&mut connection, reader, tool_server).await?;
    let measured = async {
        let server = ground.trellis(trellis).await?;
        let asking = Asking { trellis: server.address, tool_server, token: tokens.of(reader)? };
        asking.calls(length, numbers).await?;
        asking.keys(length, numbers).await
    };
    let measured = measured.await;
    forget(&mut connection).await?;
    measured
}

/// A tool server that does nothing but answer.
async fn serve() -> Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let routes = Router::new().route("/mcp", post(answer));
    tokio::spawn(async move { axum::serve(listener, routes).await });
    Ok(address)
}

async fn answer(body: Body) -> Response {
    let Ok(message) = serde_json::from_slice::<Value>(&body) else { return StatusCode::BAD_REQUEST.into_response() };
    let Some(id) = message.get("id") else { return StatusCode::ACCEPTED.into_response() };
    let result = match message["method"].as_str() {
        Some("initialize") => json!({ "protocolVersion": "2025-11-25", "capabilities": { "tools": {} },
            "serverInfo": { "name": "bench", "version": "1.0.0" } }),
        Some("tools/list") => json!({ "tools": [definition()] }),
        _ => json!({ "content": [{ "type": "text", "text": "Done." }] }),
    };
    axum::Json(json!({ "jsonrpc": "2.0", "id": id, "result": result })).into_response()
}

/// The one tool of the tool server.
fn definition() -> Value {
    json!({ "name": "add", "inputSchema": { "type": "object", "properties": { "a": { "type": "number" } },
        "required": ["a"] } })
}

/// A project with the tool server, approved and allowed, and a key for calling.
async fn prepare(connection: &mut PgConnection, reader: &Reader, tool_server: SocketAddr) -> Result<()> {
    forget(connection).await?;
    let definition = definition();
    let tool: Tool = serde_json::from_value(definition.clone())?;
    let pin = hex(&tool.pin().0);
    let (server, version) = (Uuid::from_u128(0xb0b_5e0e), Uuid::from_u128(0xb0b_5e01));
    let rules = json!({ "allowed_tools": ["*"] });
    let sql = format!(
        "INSERT INTO tenancy.projects (id, organization_id, name, slug, settings, quotas, status) \
         SELECT '{PROJECT}', m.organization_id, 'Called', 'called', '{{\"mcpPrivateAddresses\": true}}', '{{}}', 'active' \
         FROM tenancy.members m WHERE m.user_id = '{user}' ORDER BY m.organization_id LIMIT 1; \
         INSERT INTO tenancy.project_members (id, project_id, organization_id, user_id, role) \
         SELECT gen_random_uuid(), id, organization_id, '{user}', 'admin' FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.mcp_servers (id, project_id, organization_id, name, status, approved_at, \
            health_checked_at, current_version_id, approved_version_id) \
         SELECT '{server}', id, organization_id, 'bench', 'approved', now(), now(), '{version}', '{version}' \
         FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.mcp_server_versions (id, server_id, organization_id, project_id, number, transport_type, \
            transport_config) SELECT '{version}', '{server}', organization_id, id, 1, 'http', \
            '{{\"url\": \"http://{tool_server}/mcp\", \"headers\": {{}}}}' FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.mcp_scans (id, server_id, organization_id, project_id, version_id, rules_version, verdict) \
         SELECT gen_random_uuid(), '{server}', organization_id, id, '{version}', 1, 'passed' \
         FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.mcp_discoveries (id, server_id, organization_id, project_id, version_id, status, era, \
            protocol_version, ended_at) SELECT gen_random_uuid(), '{server}', organization_id, id, '{version}', \
            'succeeded', 'session', '2025-11-25', now() FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.mcp_tools (id, server_id, organization_id, project_id, name, input_schema, found_pin, \
            approved_pin, approved_tool, risk_level) SELECT gen_random_uuid(), '{server}', organization_id, id, 'add', \
            '{schema}', '\\x{pin}', '\\x{pin}', '{definition}', 'low' FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.policies (id, organization_id, project_id, name, type, rules, status) \
         SELECT gen_random_uuid(), organization_id, NULL, 'bench allows', 'access', '{rules}', 'active' \
         FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.api_keys (id, project_id, created_by, name, key_prefix, key_hash, scopes) \
         VALUES (gen_random_uuid(), '{PROJECT}', '{user}', 'bench', 'tr_test_0000', sha256('{KEY}'), \
            ARRAY['tools:call', 'projects:read'])",
        user = reader.user,
        schema = definition["inputSchema"],
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

async fn forget(connection: &mut PgConnection) -> Result<()> {
    let sql = format!(
        "DELETE FROM governance.policies WHERE name = 'bench allows'; DELETE FROM metering.mcp_usage; \
         DELETE FROM governance.decisions WHERE project_id = '{PROJECT}'; \
         DELETE FROM tenancy.projects WHERE id = '{PROJECT}'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

struct Asking {
    trellis: SocketAddr,
    tool_server: SocketAddr,
    token: String,
}

impl Asking {
    fn graph(&self, bearer: &str, query: &str, variables: &Value) -> Result<Request<Full<Bytes>>> {
        Ok(Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header(HOST, self.trellis.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {bearer}"))
            .body(Full::new(Bytes::from(json!({ "query": query, "variables": variables }).to_string())))?)
    }

    /// A governed call, and one without anybody between.
    async fn calls(&self, length: Duration, numbers: &mut Vec<Number>) -> Result<()> {
        let project = "{ viewer { organizations(first: 1) { nodes { project(slug: \"called\") { id } } } } }";
        let mut graph = Connection::open(self.trellis).await?;
        let (_, found) = graph.ask(self.graph(&self.token, project, &json!({}))?).await?;
        let found: Value = serde_json::from_slice(&found)?;
        let project = &found["data"]["viewer"]["organizations"]["nodes"][0]["project"]["id"];
        let query = "mutation($input: McpToolCallInput!) { mcpToolCall(input: $input) { result { isError } userErrors { message } } }";
        let input =
            json!({ "input": { "projectId": project, "server": "bench", "tool": "add", "arguments": { "a": 1 } } });
        let direct = || -> Result<Request<Full<Bytes>>> {
            let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call",
                "params": { "name": "add", "arguments": { "a": 1 } } });
            Ok(Request::builder()
                .method(Method::POST)
                .uri("/mcp")
                .header(HOST, self.tool_server.to_string())
                .header(CONTENT_TYPE, "application/json")
                .header(ACCEPT, "application/json, text/event-stream")
                .body(Full::new(Bytes::from(message.to_string())))?)
        };
        let mut server = Connection::open(self.tool_server).await?;
        let (mut governed, mut plain) = (Vec::new(), Vec::new());
        let begun = Instant::now();
        while begun.elapsed() < length || governed.len() < 2 * WARM_UP {
            let start = Instant::now();
            let (_, answer) = graph.ask(self.graph(&self.token, query, &input)?).await?;
            governed.push(start.elapsed());
            if !answer.windows(16).any(|part| part == b"\"isError\":false}") {
                return Err(format!("a call did not end well: {}", String::from_utf8_lossy(&answer)).into());
            }
            let start = Instant::now();
            server.ask(direct()?).await?;
            plain.push(start.elapsed());
        }
        let (governed, plain) = (Spread::of(governed), Spread::of(plain));
        let mut note = |case: &str, value: Duration, goal| {
            numbers.push(Number { case: case.to_owned(), value: value.as_secs_f64() * 1_000.0, unit: "ms", goal });
        };
        note("a governed call of a tool, p50", governed.p50, None);
        note("a governed call of a tool, p99", governed.p99, None);
        note("the same call without governance, p50", plain.p50, None);
        note("what governance adds to a call, p50", governed.p50.saturating_sub(plain.p50), Some(2.0));
        Ok(())
    }

    /// A request with a key, and one with an access token.
    async fn keys(&self, length: Duration, numbers: &mut Vec<Number>) -> Result<()> {
        let mut graph = Connection::open(self.trellis).await?;
        let (mut with_key, mut with_token, mut of_nobody) = (Vec::new(), Vec::new(), Vec::new());
        let nobody = || -> Result<Request<Full<Bytes>>> {
            let mut request = self.graph("", "{ __typename }", &json!({}))?;
            request.headers_mut().remove(AUTHORIZATION);
            Ok(request)
        };
        let begun = Instant::now();
        while begun.elapsed() < length || with_key.len() < 2 * WARM_UP {
            for (request, latencies) in [
                (self.graph(KEY, "{ __typename }", &json!({}))?, &mut with_key),
                (self.graph(&self.token, "{ __typename }", &json!({}))?, &mut with_token),
                (nobody()?, &mut of_nobody),
            ] {
                let start = Instant::now();
                let (status, answer) = graph.ask(request).await?;
                latencies.push(start.elapsed());
                if !status.is_success() {
                    return Err(format!("a request was refused: {}", String::from_utf8_lossy(&answer)).into());
                }
            }
        }
        let key = Spread::of(with_key).p50;
        for (what, other, goal) in
            [("an access token", Spread::of(with_token).p50, Some(50.0)), ("nobody", Spread::of(of_nobody).p50, None)]
        {
            let value = (key.as_secs_f64() - other.as_secs_f64()) * 1_000_000.0;
            let case = format!("what a key adds to a request of {what}, p50");
            numbers.push(Number { case, value, unit: "µs", goal });
        }
        Ok(())
    }
}

struct Spread {
    p50: Duration,
    p99: Duration,
}

impl Spread {
    fn of(latencies: Vec<Duration>) -> Self {
        let mut warm = latencies.into_iter().skip(WARM_UP).collect::<Vec<_>>();
        warm.sort_unstable();
        let at = |percent: usize| warm.get(warm.len() * percent / 100).copied().unwrap_or_default();
        Self { p50: at(50), p99: at(99) }
    }
}
