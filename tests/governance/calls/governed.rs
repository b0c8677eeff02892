//! What stands between a caller and a tool.

use serde_json::{Value, json};

use super::{allow_everything, approved, call, call_with, published, recorded, text};
use crate::governance::registry_walk::{tool, world};
use crate::governance::tool_server::ToolServer;
use crate::support::{Client, World, new_id, typed};

/// A project with the server `numbers`, whose one tool is `add`.
async fn numbers() -> (World, ToolServer) {
    let world = world().await;
    let mut add = tool("add");
    add["inputSchema"]["required"] = json!(["a"]);
    let server = ToolServer::with(json!([add])).await;
    approved(&world, "numbers", server.transport()).await;
    (world, server)
}

#[tokio::test]
async fn a_tool_is_called_only_once_a_policy_allows_it() {
    let (world, server) = numbers().await;
    let denied = call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await;
    denied.refused("DENIED", "");
    assert_eq!(denied.at("mcpToolCall.toolCall.status"), "BLOCKED");
    assert!(denied.at("mcpToolCall.result").is_null() && server.calls().is_empty(), "nothing was sent");

    allow_everything(&world).await;
    let answer = call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.well();
    assert_eq!((text(&answer).as_str(), server.calls()), ("Done.", vec![json!({ "a": 1 })]));
    let made = answer.at("mcpToolCall.toolCall");
    assert_eq!((&made["status"], &made["user"]["id"]), (&json!("SUCCESS"), &json!(world.developer.id)));
    assert!(made["latencyMs"].is_i64() && made["outputBytes"].as_i64() > Some(10), "{made}");
    assert_eq!(made["inputBytes"], 7);

    // What is over is recorded, for who called and for who administers the project.
    for (client, count) in [(&world.developer, 2), (&world.project_admin, 2), (&world.owner, 2)] {
        let calls = recorded(&world, client, count).await;
        assert_eq!((calls.len(), &calls[0]["id"]), (count, &made["id"]));
        assert_eq!((&calls[1]["status"], &calls[1]["errorCode"]), (&json!("BLOCKED"), &json!("DENIED")));
        assert_eq!(client.node(made["id"].as_str().expect("an id")).await["__typename"], "McpCall");
    }
    assert!(recorded(&world, &world.project_viewer, 0).await.is_empty(), "nobody else reads them");
    let decision = "query($id: ID!) { node(id: $id) { ... on Decision { outcome input { arguments } } } }";
    let id = denied.text("mcpToolCall.toolCall.decisionId");
    let found = crate::support::eventually("the decision is recorded", async || {
        let answer = world.owner.query(decision, json!({ "id": id })).await.well();
        let found = answer.at("node").clone();
        (!found.is_null()).then_some(found)
    });
    assert_eq!(found.await, json!({ "outcome": "DENY", "input": { "arguments": { "a": 1 } } }));
}

#[tokio::test]
async fn who_may_call_is_said_by_role_and_scope() {
    let (world, server) = numbers().await;
    allow_everything(&world).await;
    for (name, client) in world.viewers() {
        let answer = call(&world, client, "numbers/add", json!({ "a": 1 })).await;
        match name {
            "owner" | "admin" | "project admin" | "developer" => drop(answer.well()),
            "anonymous" => assert_eq!(answer.code(), "UNAUTHENTICATED"),
            "project viewer" => assert_eq!(answer.code(), "FORBIDDEN"),
            _ => assert_eq!(answer.code(), "NOT_FOUND", "{name}"),
        }
    }
    let made = server.calls().len();
    let (_, caller) = world.project_admin.api_key(Some(&world.rocket), &["TOOLS_CALL"]).await;
    call(&world, &caller, "numbers/add", json!({ "a": 1 })).await.well();
    let (_, reader) = world.project_admin.api_key(Some(&world.rocket), &["TOOLS_READ", "TOOLS_WRITE"]).await;
    assert_eq!(call(&world, &reader, "numbers/add", json!({ "a": 1 })).await.code(), "FORBIDDEN");
    assert_eq!(server.calls().len(), made + 1);
    let calls = recorded(&world, &world.owner, made + 1).await;
    assert!(calls[0]["apiKeyId"].is_string(), "{calls:?}");
}

#[tokio::test]
async fn arguments_fit_the_schema_or_their_place_is_named() {
    let (world, server) = numbers().await;
    allow_everything(&world).await;
    let refused = |arguments: Value| call(&world, &world.developer, "numbers/add", arguments);
    refused(json!({ "a": "hunter2" })).await.refused("ARGUMENTS_INVALID", "arguments.a");
    refused(json!({})).await.refused("ARGUMENTS_INVALID", "arguments");
    refused(json!([1])).await.refused("ARGUMENTS_INVALID", "arguments");
    refused(json!("a")).await.refused("ARGUMENTS_INVALID", "arguments");
    refused(json!({ "a": 1, "text": "x".repeat(1024 * 1024) })).await.refused("ARGUMENTS_INVALID", "arguments");
    for unknown in ["numbers/sum", "letters/add", "\u{0}/add", "numbers/"] {
        call(&world, &world.developer, unknown, json!({})).await.refused("UNKNOWN_TOOL", "tool");
    }
    assert!(server.calls().is_empty());
    let calls = recorded(&world, &world.owner, 3).await;
    assert!(!json!(calls).to_string().contains("hunter2"), "what was given is not recorded: {calls:?}");
}

#[tokio::test]
async fn who_calls_what_there_is_not_is_recorded() {
    let (world, server) = numbers().await;
    let long = "long".repeat(200);
    let names =
        [("numbers", "sum"), ("letters", "add"), ("trellis", "nothing"), ("\u{0}x", long.as_str()), ("numbers", "")];
    for (server, tool) in names {
        let answer = call(&world, &world.developer, &format!("{server}/{tool}"), json!({ "a": 1 })).await;
        answer.refused("UNKNOWN_TOOL", "tool");
        assert_eq!(answer.at("mcpToolCall.toolCall.status"), "BLOCKED");
    }
    // Who may not call leaves nothing, and who repeats a call leaves one record and hears of it.
    assert_eq!(call(&world, &world.project_viewer, "letters/add", json!({})).await.code(), "FORBIDDEN");
    assert_eq!(call(&world, &world.stranger, "letters/add", json!({})).await.code(), "NOT_FOUND");
    let calls = recorded(&world, &world.owner, names.len()).await;
    assert_eq!(calls.len(), names.len());
    for (call, (server, tool)) in calls.iter().rev().zip(names) {
        let kept = (server.replace('\0', ""), tool.chars().take(255).collect::<String>());
        assert_eq!((&call["serverName"], &call["toolName"]), (&json!(kept.0), &json!(kept.1)));
        let ended = (&call["status"], &call["errorCode"], &call["inputBytes"]);
        assert_eq!(ended, (&json!("BLOCKED"), &json!("UNKNOWN_TOOL"), &json!(7)));
        assert!(call["errorMessage"].is_string() && call["latencyMs"].is_null(), "{call}");
        assert_eq!(call["user"]["id"], json!(world.developer.id));
    }
    let id = typed("call", &new_id().to_string());
    let again = async || call_with(&world, &world.developer, "letters/add", json!({ "id": id })).await;
    again().await.refused("UNKNOWN_TOOL", "tool");
    recorded(&world, &world.owner, names.len() + 1).await;
    let repeated = again().await;
    repeated.refused("ALREADY_CALLED", "");
    assert_eq!(repeated.text("mcpToolCall.toolCall.errorCode"), "UNKNOWN_TOOL");
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn what_cannot_be_kept_keeps_nobody_from_being_recorded() {
    let (world, server) = numbers().await;
    allow_everything(&world).await;
    let rules =
        json!({ "compliance": { "patterns": ["4111"], "inArguments": true, "inResults": true, "response": "FLAG" } });
    published(&world.owner, json!({ "projectId": world.rocket }), rules).await;
    server.say(|words| words.result = json!({ "content": [], "structuredContent": { "b\u{0}": "4111" } }));
    call(&world, &world.developer, "numbers/add", json!({ "a": 1, "a\u{0}": "4111" })).await.well();
    let many: serde_json::Map<String, Value> = (0..500).map(|n| (format!("f{n}"), json!("4111"))).collect();
    let mut arguments = json!(many);
    arguments["a"] = json!(1);
    call(&world, &world.developer, "numbers/add", arguments).await.well();
    let calls = recorded(&world, &world.developer, 2).await;
    assert!(calls.iter().all(|call| call["status"] == "SUCCESS"), "{calls:?}");
    let found = calls[0]["findings"].as_array().expect("findings").len();
    assert!((100..=101).contains(&found), "what one policy finds has an end: {found}");
}

#[tokio::test]
async fn what_drifts_or_is_switched_off_is_called_no_more() {
    let (world, server) = numbers().await;
    allow_everything(&world).await;
    call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.well();
    for (closing, opening, word) in [
        (
            "UPDATE governance.mcp_tools SET is_enabled = false",
            "UPDATE governance.mcp_tools SET is_enabled = true",
            "off",
        ),
        (
            "UPDATE governance.mcp_tools SET found_pin = sha256('other')",
            "UPDATE governance.mcp_tools SET found_pin = approved_pin",
            "approved",
        ),
        ("UPDATE tenancy.projects SET status = 'paused'", "UPDATE tenancy.projects SET status = 'active'", "paused"),
    ] {
        world.database.run(closing).await;
        let answer = call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await;
        answer.refused("DENIED", "");
        let message = answer.at("mcpToolCall.userErrors")[0]["message"].as_str().expect("a sentence").to_owned();
        assert!(message.contains(word), "{message}");
        world.database.run(opening).await;
    }
    call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.well();
    assert_eq!(server.calls().len(), 2);
}

/// A world where somebody has to approve each use of `numbers/add`.
async fn approving() -> (World, ToolServer) {
    let (world, server) = numbers().await;
    let rules = json!({ "access": { "allowedTools": ["*"], "approvedTools": ["numbers/add"] } });
    published(&world.owner, json!({ "organizationId": world.acme }), rules).await;
    (world, server)
}

async fn asked(world: &World, client: &Client, arguments: Value) -> String {
    let answer = call(world, client, "numbers/add", arguments).await;
    answer.refused("APPROVAL_REQUIRED", "");
    assert_eq!(answer.at("mcpToolCall.approval.state"), "PENDING");
    answer.text("mcpToolCall.approval.id").to_owned()
}

#[tokio::test]
async fn an_approval_lets_just_that_call_through_once() {
    let (world, server) = approving().await;
    let id = asked(&world, &world.developer, json!({ "a": 1, "b": 2 })).await;
    assert_eq!(asked(&world, &world.developer, json!({ "b": 2, "a": 1 })).await, id, "the same call, asked for once");
    let with = |client, arguments: Value| {
        call_with(&world, client, "numbers/add", json!({ "arguments": arguments, "approvalId": id }))
    };
    with(&world.developer, json!({ "a": 1, "b": 2 })).await.refused("APPROVAL_UNFIT", "approvalId");
    world.owner.mutate("approvalApprove", json!({ "id": id })).await.well();
    with(&world.developer, json!({ "a": 1, "b": 3 })).await.refused("APPROVAL_UNFIT", "approvalId");
    with(&world.project_admin, json!({ "a": 1, "b": 2 })).await.refused("APPROVAL_UNFIT", "approvalId");
    assert!(server.calls().is_empty());

    // Of many that come with it at once, one gets it.
    let at_once = (0..8).map(|_| with(&world.developer, json!({ "a": 1, "b": 2 })));
    let answers = futures_util::future::join_all(at_once).await;
    let done = answers.iter().filter(|answer| answer.refusals().is_empty()).count();
    assert_eq!((done, server.calls().len()), (1, 1), "{:?}", answers.iter().map(|a| a.refusals()).collect::<Vec<_>>());
    with(&world.developer, json!({ "a": 1, "b": 2 })).await.refused("APPROVAL_UNFIT", "approvalId");
    // Two that asked, three before it was given, eight at once and one after.
    let calls = recorded(&world, &world.owner, 14).await;
    let made = calls.iter().find(|call| call["status"] == "SUCCESS").expect("the one");
    assert_eq!(made["approvalId"], json!(id));
}

#[tokio::test]
async fn an_approval_ends_with_the_policy_and_the_tool_that_it_was_for() {
    let (world, server) = approving().await;
    let arguments = json!({ "a": 1 });
    let with = async |id: &str| {
        let input = json!({ "arguments": arguments, "approvalId": id });
        call_with(&world, &world.developer, "numbers/add", input).await
    };
    let approved = async || {
        let id = asked(&world, &world.developer, arguments.clone()).await;
        world.owner.mutate("approvalApprove", json!({ "id": id })).await.well();
        id
    };
    let id = approved().await;
    let sql = "SELECT id FROM governance.policies WHERE rules::text LIKE '%numbers/add%'";
    let policy = typed("pol", world.database.row(sql).await["id"].as_str().expect("an id"));
    let rules = json!({ "access": { "allowedTools": ["*"], "approvedTools": ["numbers/*"] } });
    world.owner.mutate("policyUpdate", json!({ "id": policy, "rules": rules })).await.well();
    with(&id).await.refused("APPROVAL_UNFIT", "approvalId");

    let id = approved().await;
    let other = "UPDATE governance.mcp_tools SET found_pin = sha256('other'), approved_pin = sha256('other')";
    world.database.run(other).await;
    with(&id).await.refused("APPROVAL_UNFIT", "approvalId");
    assert!(server.calls().is_empty());
}

#[tokio::test]
async fn a_retry_calls_nobody_a_second_time() {
    let (world, server) = numbers().await;
    allow_everything(&world).await;
    let text = "mutation($input: McpToolCallInput!) { mcpToolCall(input: $input) { toolCall { id } result { isError } \
        userErrors { code field message } } }";
    let input = json!({ "projectId": world.rocket, "server": "numbers", "tool": "add", "arguments": { "a": 1 } });
    world.developer.query_once("one", text, json!({ "input": input })).await.well();
    // The result was given once. A retry learns what came of the call, and makes no other.
    recorded(&world, &world.developer, 1).await;
    let again = world.developer.query_once("one", text, json!({ "input": input })).await;
    again.refused("ALREADY_CALLED", "");
    assert!(again.at("mcpToolCall.toolCall.id").is_string() && server.calls().len() == 1, "{}", again.body);
    assert_eq!(world.database.number("SELECT count(*) FROM platform.idempotency_answers").await, 0);

    let id = typed("call", &new_id().to_string());
    let with_id = |client| call_with(&world, client, "numbers/add", json!({ "id": id, "arguments": { "a": 1 } }));
    let at_once = futures_util::future::join_all((0..6).map(|_| with_id(&world.developer))).await;
    let made = at_once.iter().filter(|answer| answer.refusals().is_empty()).count();
    assert_eq!((made, server.calls().len()), (1, 2), "one of six");
    recorded(&world, &world.developer, 2).await;
    let again = with_id(&world.developer).await;
    again.refused("ALREADY_CALLED", "");
    assert_eq!(again.at("mcpToolCall.toolCall.status"), "SUCCESS");
    with_id(&world.project_admin).await.refused("ID_TAKEN", "id");
    call_with(
        &world,
        &world.developer,
        "numbers/add",
        json!({ "id": "call_00000000000000000000000000", "arguments": { "a": 1 } }),
    )
    .await
    .refused("ID_TAKEN", "id");
}
