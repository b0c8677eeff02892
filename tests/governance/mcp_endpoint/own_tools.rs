//! Trellis' own tools: what they do is what the graph does.

use serde_json::{Value, json};

use super::{Endpoint, newer};

/// The text of a result that must be an error.
fn refused(result: &Value) -> &str {
    assert_eq!(result["isError"], true, "{result}");
    result["content"][0]["text"].as_str().unwrap_or_default()
}

async fn created(endpoint: &Endpoint, title: &str, content: &str) -> Value {
    let arguments = json!({ "spaceId": endpoint.space, "title": title, "content": content });
    let result = endpoint.call("trellis__document_create", arguments).await;
    assert!(result["isError"].is_null(), "{result}");
    result["structuredContent"].clone()
}

#[tokio::test]
async fn what_a_tool_writes_the_graph_reads() {
    let endpoint = Endpoint::new().await;
    let world = &endpoint.world;
    let document = created(&endpoint, "Launch plan", "Fuel the *rocket*.").await;
    let id = document["id"].as_str().expect("an id");
    let query = "query($id: ID!) { node(id: $id) { ... on Document { title version content { text } } } }";
    let read = world.owner.query(query, json!({ "id": id })).await.well();
    assert_eq!((read.text("node.title"), read.text("node.content.text")), ("Launch plan", "Fuel the *rocket*."));
    let audited = "SELECT count(*) FROM audit.logs WHERE actor_type = 'api_key' AND action = 'documents.create'";
    assert_eq!(world.database.number(audited).await, 1);
    assert_eq!(
        world.database.number("SELECT count(*) FROM platform.outbox WHERE event_type = 'document.created'").await,
        1
    );

    let change = json!({ "id": id, "expectedVersion": 1, "content": "Fuel it twice." });
    let changed = endpoint.call("trellis__document_update", change.clone()).await;
    assert_eq!(changed["structuredContent"]["version"], 2, "{changed}");
    let stale = endpoint.call("trellis__document_update", change).await;
    assert!(refused(&stale).contains("CONFLICT"), "{stale}");
    let read = endpoint.call("trellis__document_read", json!({ "id": id })).await;
    assert_eq!(read["content"][0]["text"], "Fuel it twice.");
    assert_eq!(read["structuredContent"]["version"], 2);
    let part = endpoint.call("trellis__document_read", json!({ "id": id, "offset": 5, "limit": 2 })).await;
    assert_eq!(
        (&part["structuredContent"]["content"], &part["structuredContent"]["nextOffset"]),
        (&json!("it"), &json!(7))
    );
}

#[tokio::test]
async fn what_the_caller_can_mend_is_a_result_that_names_the_field() {
    let endpoint = Endpoint::new().await;
    let vault = endpoint.world.vault.clone();
    let cases = [
        ("trellis__document_create", json!({ "spaceId": endpoint.space, "title": " " }), "title"),
        ("trellis__document_create", json!({ "spaceId": endpoint.space }), "title"),
        ("trellis__document_create", json!({ "spaceId": endpoint.space, "title": "A", "colour": 1 }), "colour"),
        ("trellis__document_create", json!({ "spaceId": vault, "title": "A" }), "NOT_FOUND"),
        ("trellis__document_read", json!({ "id": "doc_nothing" }), "doc"),
        ("trellis__document_search", json!({ "query": "" }), "query"),
        ("trellis__document_search", json!({ "query": "a", "limit": 1000 }), "limit"),
        ("trellis__space_list", json!({ "cursor": "~" }), "cursor"),
    ];
    for (tool, arguments, named) in cases {
        let result = endpoint.call(tool, arguments.clone()).await;
        assert!(refused(&result).contains(named), "{tool} {arguments}: {result}");
    }
}

#[tokio::test]
async fn a_search_finds_titles_before_texts_and_only_what_is_seen() {
    let endpoint = Endpoint::new().await;
    let world = &endpoint.world;
    let text = created(&endpoint, "Propulsion", "How the zeppelin engines are mounted.").await;
    let title = created(&endpoint, "The zeppelin", "Nothing more.").await;
    created(&endpoint, "Other", "Unrelated.").await;
    world.stranger.document(&world.vault, json!({ "title": "A hidden zeppelin" })).await;
    let find = async |arguments: Value| {
        endpoint.call("trellis__document_search", arguments).await["structuredContent"].clone()
    };
    let found = find(json!({ "query": "zeppelin" })).await;
    let ids: Vec<&Value> = found["documents"].as_array().expect("documents").iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&title["id"], &text["id"]]);
    assert!(found["nextCursor"].is_null());
    let first = find(json!({ "query": "zeppelins", "limit": 1 })).await;
    let second = find(json!({ "query": "zeppelins", "limit": 1, "cursor": first["nextCursor"] })).await;
    assert_eq!((&first["documents"][0]["id"], &second["documents"][0]["id"]), (&title["id"], &text["id"]));
    assert!(second["nextCursor"].is_null());
    let partly = find(json!({ "query": "eppeli" })).await;
    assert_eq!(partly["documents"][0]["id"], title["id"], "a title is found by a part of it: {partly}");
    assert_eq!(find(json!({ "query": "zeppelin", "spaceId": world.lab })).await["documents"], json!([]));
    assert_eq!(find(json!({ "query": "100%_'\"\\ OR (" })).await["documents"], json!([]));
    world.owner.mutate("documentTrash", json!({ "id": title["id"] })).await.well();
    assert_eq!(find(json!({ "query": "zeppelin" })).await["documents"].as_array().map(Vec::len), Some(1));
}

#[tokio::test]
async fn spaces_say_whether_documents_may_be_created_in_them() {
    let endpoint = Endpoint::new().await;
    let listed = endpoint.call("trellis__space_list", json!({})).await;
    let spaces = listed["structuredContent"]["spaces"].as_array().expect("spaces").clone();
    let names: Vec<&Value> = spaces.iter().map(|space| &space["name"]).collect();
    assert_eq!(names, ["desk"], "a key of a project sees the spaces of its project");
    assert_eq!(spaces[0]["canCreateDocuments"], true);
    let path = format!("/mcp/{}", endpoint.world.rocket);
    let call = json!({ "name": "trellis__space_list", "arguments": { "limit": 1 } });
    let token = endpoint.world.developer.token.as_deref();
    let message = newer(&endpoint.world, &path, token, "tools/call", call).await;
    let first = &message.body["result"]["structuredContent"];
    assert_eq!(first["spaces"].as_array().map(Vec::len), Some(1), "a person sees their own space too: {first}");
    assert!(first["nextCursor"].is_string(), "{first}");
}

#[tokio::test]
async fn a_policy_that_denies_a_tool_hides_and_refuses_it() {
    let rules = json!({ "access": { "allowedTools": ["trellis/*"], "blockedTools": ["trellis/document_create"] } });
    let endpoint = Endpoint::with(rules).await;
    let world = &endpoint.world;
    assert_eq!(super::listed(world, "/mcp", endpoint.token()).await, super::OWN[1..]);
    let arguments = json!({ "spaceId": endpoint.space, "title": "Never" });
    let result = endpoint.call("trellis__document_create", arguments).await;
    assert!(refused(&result).contains("DENIED"), "{result}");
    assert_eq!(result["structuredContent"]["code"], "DENIED");
    let decision = result["structuredContent"]["decisionId"].as_str().expect("a decision").to_owned();
    assert!(decision.starts_with("dec_"), "{decision}");
    assert_eq!(world.database.number("SELECT count(*) FROM content.documents WHERE title = 'Never'").await, 0);
    let explained = "query($input: ExplainDecisionInput!) { explainDecision(input: $input) { outcome } }";
    for (tool, outcome) in [("document_create", "DENY"), ("document_read", "ALLOW"), ("nothing", "DENY")] {
        let action = json!({ "callTool": { "server": "trellis", "tool": tool } });
        let input = json!({ "projectId": world.rocket, "action": action });
        let answer = world.developer.query(explained, json!({ "input": input })).await.well();
        assert_eq!(answer.text("explainDecision.outcome"), outcome, "{tool}");
    }
}
