//! Who sees which tools.

use serde_json::json;

use super::{ALL, Endpoint, OWN, listed, newer, older};
use crate::support::{Client, World};

fn token(client: &Client) -> &str {
    client.token.as_deref().expect("a token")
}

#[tokio::test]
async fn a_key_sees_exactly_what_it_may_call() {
    let rules =
        json!({ "access": { "allowedTools": ["trellis/document_*", "git/pull"], "approvedTools": ["git/push"] } });
    let endpoint = Endpoint::with(rules).await;
    let world = &endpoint.world;
    world.tools("git", &["pull", "push", "force push"]).await;
    world.tools("other", &["anything"]).await;
    let mut expected = [&["git__pull", "git__push"][..], &OWN[..4]].concat();
    assert_eq!(listed(world, "/mcp", endpoint.token()).await, expected);
    let disabled = "UPDATE governance.mcp_tools SET is_enabled = false WHERE name = 'pull'";
    world.database.run(disabled).await;
    expected.remove(0);
    assert_eq!(listed(world, "/mcp", endpoint.token()).await, expected);
    let message = older(world, "/mcp", Some(endpoint.token()), "tools/list", json!({})).await;
    assert_eq!(super::names(&message.body["result"]["tools"]), expected);
}

#[tokio::test]
async fn a_key_without_the_scopes_of_the_graph_does_not_see_our_own_tools() {
    let endpoint = Endpoint::new().await;
    let world = &endpoint.world;
    let cases: [(&[&str], &[usize]); 4] = [
        (&["TOOLS_CALL"], &[]),
        (&["TOOLS_CALL", "DOCUMENTS_READ"], &[1, 2, 4]),
        (&["TOOLS_CALL", "SPACES_READ"], &[4]),
        (&ALL, &[0, 1, 2, 3, 4]),
    ];
    for (scopes, expected) in cases {
        let (_, key) = world.owner.api_key(Some(&world.rocket), scopes).await;
        let expected: Vec<&str> = expected.iter().map(|index| OWN[*index]).collect();
        assert_eq!(listed(world, "/mcp", token(&key)).await, expected, "{scopes:?}");
    }
    let (_, key) = world.owner.api_key(Some(&world.rocket), &["TOOLS_CALL"]).await;
    let call = json!({ "name": "trellis__document_read", "arguments": {} });
    assert_eq!(newer(world, "/mcp", Some(token(&key)), "tools/call", call).await.code(), -32_602);
    let (_, key) = world.owner.api_key(Some(&world.rocket), &["DOCUMENTS_WRITE"]).await;
    assert_eq!(newer(world, "/mcp", Some(token(&key)), "tools/list", json!({})).await.status, 403);
}

#[tokio::test]
async fn who_has_no_project_of_their_own_says_which() {
    let endpoint = Endpoint::new().await;
    let world = &endpoint.world;
    let path = format!("/mcp/{}", world.rocket);
    let (_, personal) = world.owner.api_key(None, &ALL).await;
    for client in [&personal, &world.owner, &world.developer] {
        assert_eq!(listed(world, &path, token(client)).await, OWN, "{client:?}");
        let unsaid = newer(world, "/mcp", Some(token(client)), "tools/list", json!({})).await;
        assert_eq!(unsaid.status, 400, "{unsaid:?}");
    }
    assert!(listed(world, &path, token(&world.project_viewer)).await.is_empty(), "who only reads calls nothing");
    for client in [&world.member, &world.stranger] {
        let message = newer(world, &path, Some(token(client)), "tools/list", json!({})).await;
        assert_eq!(message.status, 404, "{message:?}");
    }
    let other = world.owner.project(&world.acme, "moon").await;
    for path in [format!("/mcp/{other}"), "/mcp/prj_nothing".to_owned()] {
        let message = newer(world, &path, Some(endpoint.token()), "tools/list", json!({})).await;
        assert_eq!(message.status, 404, "a key is for its own project");
    }
}

#[tokio::test]
async fn a_long_list_comes_in_pages_and_names_fit() {
    let rules = json!({ "access": { "allowedTools": ["*"] } });
    let endpoint = Endpoint::with(rules).await;
    let world = &endpoint.world;
    let tools: Vec<String> =
        (0..230).map(|number| format!("tool number {number} {}", "x".repeat(number % 90))).collect();
    let tools: Vec<&str> = tools.iter().map(String::as_str).collect();
    world.tools("io.github.some-body.tools", &tools).await;
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let params = cursor.as_ref().map_or(json!({}), |cursor| json!({ "cursor": cursor }));
        let message = newer(world, "/mcp", Some(endpoint.token()), "tools/list", params).await;
        let result = &message.body["result"];
        seen.extend(super::names(&result["tools"]));
        cursor = result["nextCursor"].as_str().map(str::to_owned);
        if cursor.is_none() {
            break;
        }
    }
    let distinct: std::collections::BTreeSet<&String> = seen.iter().collect();
    assert_eq!((seen.len(), distinct.len()), (235, 235));
    let fits = |name: &&String| {
        name.len() <= 64 && name.chars().all(|sign| sign.is_ascii_alphanumeric() || "_-".contains(sign))
    };
    assert!(seen.iter().all(|name| fits(&name)), "{seen:?}");
    let bad = newer(world, "/mcp", Some(endpoint.token()), "tools/list", json!({ "cursor": "~" })).await;
    assert_eq!(bad.code(), -32_602);
}

#[tokio::test]
async fn no_server_takes_the_name_of_our_own_tools() {
    let world = World::new().await;
    for name in ["trellis", "Trellis"] {
        let transport = json!({ "http": { "url": "https://tools.example.com/mcp" } });
        let input = json!({ "projectId": world.rocket, "name": name, "transport": transport });
        world.project_admin.mutate("mcpServerRegister", input).await.refused("NAME_TAKEN", "name");
    }
}
