//! `/mcp`: what an MCP client sees and may do, with the official clients of both eras, unmodified, and over the bare wire.

mod approving;
mod clients;
mod hostile;
mod listing;
mod own_tools;

use reqwest::header::{ACCEPT, AUTHORIZATION};
use reqwest::{RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::{Client, World};

/// What a key needs for all of Trellis' own tools.
const ALL: [&str; 2] = ["TOOLS_CALL", "DOCUMENTS_WRITE"];

/// A world whose policies allow these tools, with a space of the project, in which its owner works by a key.
struct Endpoint {
    world: World,
    space: String,
    key: Client,
}

impl Endpoint {
    async fn with(rules: Value) -> Self {
        let world = World::new().await;
        let id = world.owner.policy(&json!({ "organizationId": world.acme }), json!({ "rules": rules })).await;
        world.owner.mutate("policyPublish", json!({ "id": id })).await.well();
        let space = world.owner.space(&world.acme, "desk", json!({ "projectId": world.rocket })).await;
        let (_, key) = world.owner.api_key(Some(&world.rocket), &ALL).await;
        Self { world, space, key }
    }

    /// All of Trellis' own tools are allowed.
    async fn new() -> Self {
        Self::with(json!({ "access": { "allowedTools": ["trellis/*"] } })).await
    }

    fn token(&self) -> &str {
        self.key.token.as_deref().expect("a key")
    }

    /// Calls a tool in the newer era, and gives its result.
    async fn call(&self, tool: &str, arguments: Value) -> Value {
        self.call_with(tool, arguments, json!({})).await
    }

    async fn call_with(&self, tool: &str, arguments: Value, meta: Value) -> Value {
        let params = json!({ "name": tool, "arguments": arguments, "_meta": meta });
        let message = newer(&self.world, "/mcp", Some(self.token()), "tools/call", params).await;
        message.body["result"].clone()
    }
}

/// An answer over the bare wire.
#[derive(Debug)]
struct Message {
    status: StatusCode,
    body: Value,
}

impl Message {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.send().await.expect("the server answers");
        let status = response.status();
        let text = response.text().await.expect("a text");
        Self { status, body: serde_json::from_str(&text).unwrap_or(Value::Null) }
    }

    fn code(&self) -> i64 {
        self.body["error"]["code"].as_i64().unwrap_or_default()
    }
}

/// A POST to an address of the endpoint, still without a body.
fn post(world: &World, path: &str, token: Option<&str>) -> RequestBuilder {
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
    let request = http.post(world.server.at(path)).header(ACCEPT, "application/json, text/event-stream");
    match token {
        Some(token) => request.header(AUTHORIZATION, format!("Bearer {token}")),
        None => request,
    }
}

/// A request of the older era.
async fn older(world: &World, path: &str, token: Option<&str>, method: &str, params: Value) -> Message {
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params });
    Message::of(post(world, path, token).header("mcp-protocol-version", "2025-06-18").json(&message)).await
}

/// A request of the newer era.
async fn newer(world: &World, path: &str, token: Option<&str>, method: &str, mut params: Value) -> Message {
    let mut request =
        post(world, path, token).header("mcp-protocol-version", "2026-07-28").header("mcp-method", method);
    if let Some(name) = params["name"].as_str() {
        request = request.header("mcp-name", name);
    }
    params["_meta"]["io.modelcontextprotocol/protocolVersion"] = "2026-07-28".into();
    params["_meta"]["io.modelcontextprotocol/clientCapabilities"] = json!({});
    Message::of(request.json(&json!({ "jsonrpc": "2.0", "id": "a", "method": method, "params": params }))).await
}

/// The names of the tools that are listed.
async fn listed(world: &World, path: &str, token: &str) -> Vec<String> {
    let message = newer(world, path, Some(token), "tools/list", json!({})).await;
    names(&message.body["result"]["tools"])
}

fn names(tools: &Value) -> Vec<String> {
    let tools = tools.as_array().unwrap_or_else(|| panic!("{tools} are no tools"));
    tools.iter().map(|tool| tool["name"].as_str().expect("a name").to_owned()).collect()
}

const OWN: [&str; 5] = [
    "trellis__document_create",
    "trellis__document_read",
    "trellis__document_search",
    "trellis__document_update",
    "trellis__space_list",
];
