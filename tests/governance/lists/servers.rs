//! Servers: of a project and of all projects of an organization.

use serde_json::json;

use super::{List, another_project, server_of};
use crate::support::World;

const OF_PROJECT: List = List { on: "Project", field: "mcpServers", filter: "McpServerFilter", asks: "name" };
const OF_ORGANIZATION: List = List { on: "Organization", ..OF_PROJECT };

/// Servers of every kind in the project rocket.
async fn furnish(world: &World) {
    for name in ["git", "time", "drifted", "spaced", "drafted", "gone"] {
        world.tools(name, &["read"]).await;
    }
    server_of(world, &world.rocket, "asked").await;
    let of = |name: &str| format!("server_id = (SELECT id FROM governance.mcp_servers WHERE name = '{name}')");
    let sql = format!(
        "SET LOCAL session_replication_role = replica; \
         UPDATE governance.mcp_servers SET health = 'healthy', is_enabled = false WHERE name = 'time'; \
         UPDATE governance.mcp_server_versions SET transport_type = 'stdio' WHERE {time}; \
         UPDATE governance.mcp_tools SET drift = 'breaking' WHERE {drifted} OR {gone}; \
         UPDATE governance.mcp_tools SET drift = 'cosmetic' WHERE {spaced}; \
         UPDATE governance.mcp_tools SET drift = 'compatible' WHERE {drafted}; \
         UPDATE governance.mcp_servers SET status = 'pending' WHERE name = 'drafted'; \
         UPDATE governance.mcp_servers SET deleted_at = now() WHERE name = 'gone'; \
         UPDATE governance.mcp_servers SET created_at = '2020-01-01', updated_at = '2020-01-02' WHERE name = 'git'",
        time = of("time"),
        drifted = of("drifted"),
        spaced = of("spaced"),
        drafted = of("drafted"),
        gone = of("gone"),
    );
    world.database.run(&sql).await;
}

#[tokio::test]
async fn filters_of_servers_find_what_they_say() {
    let world = World::new().await;
    furnish(&world).await;
    let all = ["git", "time", "drifted", "spaced", "drafted", "asked"];
    let without = |name: &str| all.into_iter().filter(|other| *other != name).collect::<Vec<_>>();
    let cases = vec![
        (json!(null), all.to_vec()),
        (json!({}), all.to_vec()),
        (json!({ "statuses": ["APPROVED"] }), vec!["git", "time", "drifted", "spaced"]),
        (json!({ "statuses": ["PENDING", "REJECTED"] }), vec!["drafted", "asked"]),
        (json!({ "statuses": [] }), vec![]),
        (json!({ "health": ["HEALTHY"] }), vec!["time"]),
        (json!({ "health": ["UNKNOWN", "UNREACHABLE"] }), without("time")),
        (json!({ "health": [] }), vec![]),
        (json!({ "transports": ["STDIO"] }), vec!["time"]),
        (json!({ "transports": ["HTTP", "SSE"] }), vec!["git", "drifted", "spaced", "drafted"]),
        (json!({ "transports": [] }), vec![]),
        (json!({ "isEnabled": false }), vec!["time"]),
        (json!({ "isEnabled": true }), without("time")),
        (json!({ "needsReview": true }), vec!["drifted", "asked"]),
        (json!({ "needsReview": false }), vec!["git", "time", "spaced", "drafted"]),
        (json!({ "drifts": ["BREAKING"] }), vec!["drifted"]),
        (json!({ "drifts": ["COSMETIC", "COMPATIBLE"] }), vec!["spaced", "drafted"]),
        (json!({ "drifts": ["REMOVED"] }), vec![]),
        (json!({ "drifts": [] }), vec![]),
        (json!({ "name": { "contains": "TED" } }), vec!["drifted", "drafted"]),
        (json!({ "name": { "contains": "%" } }), vec![]),
        (json!({ "name": { "in": ["git", "asked", "gone"] } }), vec!["git", "asked"]),
        (json!({ "createdAt": { "before": "2021-01-01T00:00:00Z" } }), vec!["git"]),
        (json!({ "createdAt": { "since": "2021-01-01T00:00:00Z" } }), without("git")),
        (json!({ "createdAt": { "since": "2022-01-01T00:00:00Z", "before": "2021-01-01T00:00:00Z" } }), vec![]),
        (json!({ "updatedAt": { "before": "2021-01-01T00:00:00Z" } }), vec!["git"]),
        (json!({ "updatedAt": { "since": "2021-01-01T00:00:00Z" } }), without("git")),
        (json!({ "needsReview": true, "statuses": ["APPROVED"] }), vec!["drifted"]),
        (json!({ "needsReview": true, "isEnabled": false }), vec![]),
    ];
    OF_PROJECT.finds(&world.developer, &world.rocket, cases.clone()).await;
    OF_ORGANIZATION.finds(&world.owner, &world.acme, cases).await;
}

#[tokio::test]
async fn what_an_approver_decides_leaves_the_list_of_what_needs_review() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    world.database.run("UPDATE governance.mcp_tools SET drift = 'breaking', found_pin = sha256('other')").await;
    let waiting = json!({ "needsReview": true });
    assert_eq!(OF_ORGANIZATION.found(&world.admin, &world.acme, &waiting).await, ["git"]);
    let tool = world.database.row("SELECT id FROM governance.mcp_tools").await;
    let tool = crate::support::typed("tool", tool["id"].as_str().expect("an id"));
    world.admin.mutate("mcpToolApprove", json!({ "id": tool })).await.well();
    assert!(OF_ORGANIZATION.found(&world.admin, &world.acme, &waiting).await.is_empty());
}

#[tokio::test]
async fn filters_of_servers_that_cannot_be_meant_are_refused() {
    let world = World::new().await;
    let five = json!(["PENDING", "PENDING", "PENDING", "PENDING", "PENDING"]);
    let cases = vec![
        (json!({ "statuses": five }), "statuses"),
        (json!({ "health": ["UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN", "UNKNOWN"] }), "health"),
        (json!({ "transports": ["SSE", "SSE", "SSE", "SSE"] }), "transports"),
        (json!({ "drifts": vec!["ADDED"; 8] }), "drifts"),
        (json!({ "name": { "contains": "\0" } }), "name"),
        (json!({ "createdAt": { "since": "-10000-01-01T00:00:00Z" } }), "createdAt"),
        (json!({ "updatedAt": { "before": "-10000-01-01T00:00:00Z" } }), "updatedAt"),
    ];
    OF_PROJECT.refuses(&world.developer, &world.rocket, cases.clone()).await;
    OF_ORGANIZATION.refuses(&world.owner, &world.acme, cases).await;
}

#[tokio::test]
async fn the_list_of_an_organization_holds_the_servers_of_the_projects_one_may_see() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    let comet = another_project(&world).await;
    let probe = world.stranger.project(&world.globex, "probe").await;
    server_of(&world, &probe, "foreign").await;
    for (name, count) in OF_ORGANIZATION.counts(&world, &world.acme).await {
        let expected = match name {
            "owner" | "admin" => Some(2),
            "project admin" | "developer" | "project viewer" => Some(1),
            "anonymous" | "stranger" | "suspended" => None,
            _ => Some(0),
        };
        assert_eq!(count, expected, "{name}");
    }
    assert_eq!(OF_ORGANIZATION.found(&world.stranger, &world.globex, &json!({})).await, ["foreign"]);
    // A key sees what its scopes and its project are for.
    let (_, key) = world.owner.api_key(None, &["ORGANIZATIONS_READ", "TOOLS_READ"]).await;
    assert_eq!(OF_ORGANIZATION.found(&key, &world.acme, &json!({})).await, ["git", "far"]);
    let (_, key) = world.project_admin.api_key(Some(&world.rocket), &["ORGANIZATIONS_READ", "TOOLS_READ"]).await;
    assert_eq!(OF_ORGANIZATION.found(&key, &world.acme, &json!({})).await, ["git"]);
    let (_, key) = world.owner.api_key(None, &["ORGANIZATIONS_READ", "POLICIES_READ"]).await;
    assert!(OF_ORGANIZATION.found(&key, &world.acme, &json!({})).await.is_empty());
    world.owner.mutate("projectDelete", json!({ "id": comet })).await.well();
    assert_eq!(OF_ORGANIZATION.found(&world.owner, &world.acme, &json!({})).await, ["git"]);
}
