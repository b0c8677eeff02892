//! Governed calls of tools, from the graph to real servers and back: what is let through, what it consumes, what is looked
//! at, and what is recorded of it.

mod compliance;
mod following;
mod foretold;
mod governed;
mod hostile;
mod limited;
mod outliving;
mod real;

use serde_json::{Value, json};

use super::registry_walk::{discovered, register};
use crate::support::{Answer, Client, World, eventually};

/// What is asked of a call.
const FIELDS: &str = "toolCall { id serverName toolName status errorCode latencyMs inputBytes outputBytes decisionId \
    approvalId findings { rule place response enforced } user { id } apiKeyId } \
    result { isError structured content { __typename ... on McpText { text } ... on McpImage { mimeType data } \
    ... on McpResourceLink { uri } ... on McpEmbeddedResource { uri text } } } approval { id state }";

/// Calls a tool of rocket.
async fn call(world: &World, client: &Client, tool: &str, arguments: Value) -> Answer {
    call_with(world, client, tool, json!({ "arguments": arguments })).await
}

/// The same with more of the input.
async fn call_with(world: &World, client: &Client, tool: &str, mut input: Value) -> Answer {
    let (server, tool) = tool.split_once('/').expect("a server and a tool");
    input["projectId"] = json!(world.rocket);
    input["server"] = json!(server);
    input["tool"] = json!(tool);
    client.mutate_for("mcpToolCall", FIELDS, input).await
}

/// The text of what came back.
fn text(answer: &Answer) -> String {
    let content = answer.at("mcpToolCall.result.content");
    content.as_array().into_iter().flatten().filter_map(|part| part["text"].as_str()).collect()
}

/// A policy in use; gives its id.
async fn published(client: &Client, scope: Value, rules: Value) -> String {
    let id = client.policy(&scope, json!({ "rules": rules })).await;
    client.mutate("policyPublish", json!({ "id": id })).await.well();
    id
}

/// Every tool is allowed in acme.
async fn allow_everything(world: &World) {
    let scope = json!({ "organizationId": world.acme });
    published(&world.owner, scope, json!({ "access": { "allowedTools": ["*"] } })).await;
}

/// A server that was registered, connected to, submitted and approved; gives its id.
async fn approved(world: &World, name: &str, transport: Value) -> String {
    let id = register(world, name, transport).await;
    let found = discovered(world, &id).await;
    let run = &found["discoveries"]["nodes"][0];
    assert_eq!(run["status"], "SUCCEEDED", "{name}: {run}");
    world.developer.mutate("mcpServerSubmit", json!({ "id": id })).await.well();
    world.owner.mutate("mcpServerApprove", json!({ "id": id })).await.well();
    id
}

/// The transport of a program that Node or Python runs.
fn program(command: &str, arguments: &[&str], environment: Value) -> Value {
    json!({ "stdio": { "command": command, "arguments": arguments, "environment": environment } })
}

/// The calls of rocket that the client may read, the newest first, once there are so many.
async fn recorded(world: &World, client: &Client, count: usize) -> Vec<Value> {
    let query = "query($id: ID!) { node(id: $id) { ... on Project { mcpCalls(first: 100) { nodes { id serverName \
        toolName status errorCode errorMessage latencyMs inputBytes outputBytes approvalId apiKeyId \
        findings { rule place response enforced } user { id } } } } } }";
    eventually("the calls are recorded", async || {
        let answer = client.query(query, json!({ "id": world.rocket })).await.well();
        let calls = answer.list("node.mcpCalls.nodes").to_vec();
        (calls.len() >= count).then_some(calls)
    })
    .await
}
