//! A client that cannot wait for an approval gets an answer that says how to come back.

use serde_json::{Value, json};

use super::{Endpoint, older};

#[tokio::test]
async fn a_call_that_needs_an_approval_is_repeated_with_it() {
    let rules = json!({ "access": { "allowedTools": ["trellis/*"], "approvedTools": ["trellis/document_create"] } });
    let endpoint = Endpoint::with(rules).await;
    let world = &endpoint.world;
    assert!(super::listed(world, "/mcp", endpoint.token()).await.contains(&"trellis__document_create".to_owned()));
    let arguments = json!({ "spaceId": endpoint.space, "title": "Asked for" });
    let asked = endpoint.call("trellis__document_create", arguments.clone()).await;
    let refusal = &asked["structuredContent"];
    assert_eq!((&asked["isError"], &refusal["code"]), (&json!(true), &json!("APPROVAL_REQUIRED")), "{asked}");
    let approval = refusal["approvalId"].as_str().expect("an approval").to_owned();
    let text = asked["content"][0]["text"].as_str().expect("a text");
    assert!(text.contains(&format!(r#"_meta: {{"trellis/approvalId": "{approval}"}}"#)), "{text}");

    let meta = json!({ "trellis/approvalId": approval });
    let early = endpoint.call_with("trellis__document_create", arguments.clone(), meta.clone()).await;
    assert_eq!(early["structuredContent"]["code"], "APPROVAL_UNFIT", "{early}");
    let query = "query($id: ID!) { node(id: $id) { ... on Approval { serverName serverId toolName } } }";
    let seen = world.admin.query(query, json!({ "id": approval })).await.well();
    assert_eq!((seen.text("node.serverName"), seen.at("node.serverId")), ("trellis", &Value::Null));
    world.admin.mutate("approvalApprove", json!({ "id": approval })).await.well();

    let other = json!({ "spaceId": endpoint.space, "title": "Something else" });
    let other = endpoint.call_with("trellis__document_create", other, meta.clone()).await;
    assert_eq!(other["structuredContent"]["code"], "APPROVAL_UNFIT", "it is for the same arguments: {other}");
    let done = endpoint.call_with("trellis__document_create", arguments.clone(), meta.clone()).await;
    assert_eq!(done["structuredContent"]["title"], "Asked for", "{done}");
    let again = endpoint.call_with("trellis__document_create", arguments, meta).await;
    assert_eq!(again["structuredContent"]["code"], "APPROVAL_UNFIT", "it is good once: {again}");
    assert_eq!(world.database.number("SELECT count(*) FROM content.documents WHERE title = 'Asked for'").await, 1);
}

#[tokio::test]
async fn the_same_call_of_our_own_tool_is_asked_for_once_at_a_time() {
    let rules = json!({ "access": { "approvedTools": ["trellis/document_create"] } });
    let endpoint = Endpoint::with(rules).await;
    let world = &endpoint.world;
    let input = json!({
        "projectId": world.rocket, "server": "trellis", "tool": "document_create", "arguments": { "a": 1 },
    });
    world.developer.mutate("approvalRequest", input.clone()).await.well();
    world.developer.mutate("approvalRequest", input).await.refused("ALREADY_REQUESTED", "");
}

#[tokio::test]
async fn an_older_client_is_told_in_words_and_beside_the_result() {
    let endpoint = Endpoint::with(json!({ "access": { "approvedTools": ["trellis/document_create"] } })).await;
    let arguments = json!({ "spaceId": endpoint.space, "title": "Asked for" });
    let call = json!({ "name": "trellis__document_create", "arguments": arguments });
    let message = older(&endpoint.world, "/mcp", Some(endpoint.token()), "tools/call", call).await;
    let result = &message.body["result"];
    assert!(result["structuredContent"].is_null(), "it would not fit the tool's schema: {result}");
    assert_eq!(result["_meta"]["trellis/refusal"]["code"], "APPROVAL_REQUIRED", "{result}");
}
