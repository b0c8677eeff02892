//! What compliance policies do with arguments and results, and that secrets of servers are told to nobody.

use serde_json::{Value, json};

use super::{allow_everything, approved, call, published, recorded, text};
use crate::governance::registry_walk::{tool, world};
use crate::governance::tool_server::ToolServer;
use crate::support::World;

async fn notes(authorization: Option<&str>) -> (World, ToolServer) {
    let world = world().await;
    let mut note = tool("note");
    note["inputSchema"] = json!({ "type": "object", "properties": { "text": { "type": "string" } } });
    let server = ToolServer::with(json!([note])).await;
    let mut transport = server.transport();
    if let Some(value) = authorization {
        world.project_admin.secret(&world.rocket, "TOKEN", value).await;
        server.say(|words| words.authorization = Some(format!("Bearer {value}")));
        transport["http"]["headers"] = json!([{ "name": "Authorization", "value": "Bearer ${secrets.TOKEN}" }]);
    }
    approved(&world, "notes", transport).await;
    allow_everything(&world).await;
    (world, server)
}

fn rules(response: &str, in_arguments: bool, in_results: bool) -> Value {
    json!({ "compliance": { "detectors": ["EMAIL_ADDRESSES"], "inArguments": in_arguments, "inResults": in_results,
        "response": response } })
}

#[tokio::test]
async fn what_is_found_in_arguments_is_blocked_redacted_or_flagged() {
    for (response, expected) in [("BLOCK", None), ("REDACT", Some("[redacted]")), ("FLAG", Some("to ada@example.org"))]
    {
        let (world, server) = notes(None).await;
        published(&world.owner, json!({ "projectId": world.rocket }), rules(response, true, false)).await;
        let answer = call(&world, &world.developer, "notes/note", json!({ "text": "to ada@example.org" })).await;
        match expected {
            None => {
                answer.refused("DENIED", "");
                assert!(server.calls().is_empty());
            }
            Some(sent) => {
                let answer = answer.well();
                assert_eq!(server.calls(), [json!({ "text": sent })], "{response}");
                let found = &answer.at("mcpToolCall.toolCall.findings")[0];
                let expected =
                    json!({ "rule": "email_addresses", "place": "/text", "response": response, "enforced": true });
                assert_eq!(found, &expected);
            }
        }
        let calls = recorded(&world, &world.owner, 1).await;
        assert_eq!(calls[0]["findings"][0]["place"], "/text");
        assert!(!json!(calls).to_string().contains("ada@"), "{calls:?}");
    }
}

#[tokio::test]
async fn what_is_found_in_results_is_blocked_redacted_or_flagged() {
    let picture = json!({ "type": "image", "data": "/9j/4AAQ", "mimeType": "image/png" });
    let result = json!({ "content": [{ "type": "text", "text": "from ada@example.org" }, picture],
        "structuredContent": { "from": "ada@example.org", "n": 1 } });
    for (response, expected) in
        [("BLOCK", None), ("REDACT", Some("[redacted]")), ("FLAG", Some("from ada@example.org"))]
    {
        let (world, server) = notes(None).await;
        server.say(|words| words.result = result.clone());
        published(&world.owner, json!({ "projectId": world.rocket }), rules(response, false, true)).await;
        let answer = call(&world, &world.developer, "notes/note", json!({})).await;
        match expected {
            None => {
                answer.refused("RESULT_BLOCKED", "");
                assert!(!answer.body.contains("ada@"), "{}", answer.body);
            }
            Some(given) => {
                let answer = answer.well();
                assert_eq!(text(&answer), given);
                assert_eq!(answer.at("mcpToolCall.result.content")[1]["data"], "/9j/4AAQ");
                let structured = answer.at("mcpToolCall.result.structured");
                let from = if response == "REDACT" { "[redacted]" } else { "ada@example.org" };
                assert_eq!(structured, &json!({ "from": from, "n": 1 }));
            }
        }
        let calls = recorded(&world, &world.owner, 1).await;
        let places: Vec<&Value> =
            calls[0]["findings"].as_array().expect("findings").iter().map(|found| &found["place"]).collect();
        assert_eq!(places, ["/result/content/0/text", "/result/structuredContent/from"]);
        assert_eq!(server.calls().len(), 1, "the call was made, whatever came back");
    }
}

#[tokio::test]
async fn what_a_monitored_policy_finds_is_recorded_and_nothing_is_done_about_it() {
    for response in ["BLOCK", "REDACT", "FLAG"] {
        let (world, server) = notes(None).await;
        server.say(|words| words.result = json!({ "content": [{ "type": "text", "text": "from ada@example.org" }] }));
        let scope = json!({ "projectId": world.rocket });
        let monitored =
            world.owner.policy(&scope, json!({ "rules": rules(response, true, true), "mode": "MONITOR" })).await;
        world.owner.mutate("policyPublish", json!({ "id": monitored })).await.well();
        let answer = call(&world, &world.developer, "notes/note", json!({ "text": "to ada@example.org" })).await.well();
        assert_eq!(
            (text(&answer).as_str(), server.calls()),
            ("from ada@example.org", vec![json!({ "text": "to ada@example.org" })])
        );
        let found =
            |place: &str| json!({ "rule": "email_addresses", "place": place, "response": response, "enforced": false });
        let expected = json!([found("/text"), found("/result/content/0/text")]);
        assert_eq!(answer.at("mcpToolCall.toolCall.findings"), &expected);
        assert_eq!(recorded(&world, &world.owner, 1).await[0]["findings"], expected);

        // Beside one that is enforced, each says what it is.
        published(&world.owner, scope, rules("REDACT", false, true)).await;
        let answer = call(&world, &world.developer, "notes/note", json!({})).await.well();
        assert_eq!(text(&answer), "[redacted]");
        let findings = answer.at("mcpToolCall.toolCall.findings").as_array().expect("findings");
        let enforced: Vec<_> = findings.iter().map(|found| (&found["response"], &found["enforced"])).collect();
        assert_eq!(enforced, [(&json!("REDACT"), &json!(true)), (&json!(response), &json!(false))]);
    }
}

#[tokio::test]
async fn nothing_that_a_server_says_goes_round_a_policy() {
    let blob = |text: &str| json!({ "type": "resource", "resource": { "uri": "x:y", "blob": text } });
    for said in [
        // As bytes, plainly where bytes should be, in names, in an address and in the words of an error.
        json!({ "content": [blob("YWRhQGV4YW1wbGUub3Jn")] }),
        json!({ "content": [blob("write to ada@example.org")] }),
        json!({ "content": [], "structuredContent": { "ada@example.org": 1 } }),
        json!({ "content": [{ "type": "resource_link", "uri": "mailto:ada@example.org", "name": "n" }] }),
        json!({ "error": { "code": -32000, "message": "ada@example.org is unknown" } }),
    ] {
        let (world, server) = notes(None).await;
        server.say(|words| words.result = said.clone());
        published(&world.owner, json!({ "projectId": world.rocket }), rules("BLOCK", false, true)).await;
        let answer = call(&world, &world.developer, "notes/note", json!({})).await;
        let expected = if said["error"].is_object() { "SERVER_FAILED" } else { "RESULT_BLOCKED" };
        answer.refused(expected, "");
        let calls = recorded(&world, &world.owner, 1).await;
        assert!(!answer.body.contains("ada@") && !calls[0]["errorMessage"].to_string().contains("ada@"), "{said}");
    }
    // A pattern that finds the form of a result finds nothing in it.
    let (world, _server) = notes(None).await;
    let pattern = json!({ "compliance": { "patterns": ["text|content|type"], "inArguments": true, "inResults": true,
        "response": "REDACT" } });
    published(&world.owner, json!({ "projectId": world.rocket }), pattern).await;
    assert_eq!(text(&call(&world, &world.developer, "notes/note", json!({})).await.well()), "Done.");
    // Arguments whose names are redacted are none any more.
    call(&world, &world.developer, "notes/note", json!({ "text": "x" })).await.refused("DENIED", "arguments");
}

#[tokio::test]
async fn what_a_server_repeats_of_its_secrets_reaches_nobody() {
    let (world, server) = notes(Some("planted-4711-planted")).await;
    server.say(|words| {
        words.result = json!({ "content": [{ "type": "text", "text": "I was given planted-4711-planted." }],
            "structuredContent": { "planted-4711-planted": ["Bearer planted-4711-planted"] } });
    });
    let answer = call(&world, &world.developer, "notes/note", json!({})).await.well();
    assert_eq!(text(&answer), "I was given [redacted].");
    assert!(!answer.body.contains("planted"), "{}", answer.body);

    // Without it, nothing is tried, and the secret that is missing is named.
    let id = world
        .project_admin
        .query(
            "query($id: ID!) { node(id: $id) { ... on Project { secrets(first: 1) { nodes { id } } } } }",
            json!({ "id": world.rocket }),
        )
        .await
        .well();
    let id = id.at("node.secrets.nodes")[0]["id"].clone();
    world.project_admin.mutate("secretDelete", json!({ "id": id })).await.well();
    let missing = call(&world, &world.developer, "notes/note", json!({})).await;
    missing.refused("SECRET_MISSING", "server");
    assert!(missing.body.contains("TOKEN"), "{}", missing.body);
    recorded(&world, &world.owner, 2).await;
    for table in ["metering.mcp_usage", "governance.decisions", "platform.outbox", "audit.logs"] {
        let sql = format!("SELECT count(*) FROM {table} r WHERE r::text LIKE '%planted%'");
        assert_eq!(world.database.number(&sql).await, 0, "{table}");
    }
}

#[tokio::test]
async fn a_result_is_as_the_tool_promises_or_is_not_given() {
    let world = world().await;
    let mut sum = tool("sum");
    sum["outputSchema"] =
        json!({ "type": "object", "required": ["sum"], "properties": { "sum": { "type": "number" } } });
    let server = ToolServer::with(json!([sum])).await;
    approved(&world, "numbers", server.transport()).await;
    allow_everything(&world).await;
    let say = |structured: Value, is_error: bool| {
        server
            .say(|words| words.result = json!({ "content": [], "structuredContent": structured, "isError": is_error }));
    };
    say(json!({ "sum": 3 }), false);
    let answer = call(&world, &world.developer, "numbers/sum", json!({})).await.well();
    assert_eq!(answer.at("mcpToolCall.result.structured"), &json!({ "sum": 3 }));
    for wrong in [json!({ "sum": "three" }), json!({}), Value::Null] {
        say(wrong, false);
        call(&world, &world.developer, "numbers/sum", json!({})).await.refused("RESULT_INVALID", "");
    }
    say(Value::Null, true);
    let failed = call(&world, &world.developer, "numbers/sum", json!({})).await.well();
    assert_eq!(failed.at("mcpToolCall.result.isError"), true);
    assert_eq!(failed.at("mcpToolCall.toolCall.errorCode"), "TOOL_ERROR");
}
