//! Tools of all servers of a project.

use serde_json::{Value, json};

use super::{List, another_project};
use crate::support::{World, typed, uuid};

const LIST: List = List { on: "Project", field: "mcpTools", filter: "McpToolFilter", asks: "title" };

/// Tools of every kind in the project rocket, each with its server and its name for a title; gives the id of git.
async fn furnish(world: &World) -> String {
    let git = world.tools("git", &["pull", "push", "tag"]).await;
    world.tools("hub", &["fork", "push"]).await;
    let drafted = world.tools("web", &["load"]).await;
    let gone = world.tools("old", &["push"]).await;
    let sql = format!(
        "UPDATE governance.mcp_tools t SET title = s.name || '/' || t.name FROM governance.mcp_servers s WHERE s.id = t.server_id; \
         UPDATE governance.mcp_tools SET risk_level = 'critical', created_at = '2020-01-01' WHERE title = 'git/push'; \
         UPDATE governance.mcp_tools SET risk_level = 'high', risk_override = 'medium', risk_override_reason = 'Known.', \
            risk_override_expires_at = now() + interval '1 hour', updated_at = '2020-01-01' WHERE title = 'git/pull'; \
         UPDATE governance.mcp_tools SET risk_level = 'high', risk_override = 'medium', risk_override_reason = 'Known.', \
            risk_override_expires_at = now() - interval '1 hour', is_enabled = false WHERE title = 'hub/fork'; \
         UPDATE governance.mcp_tools SET drift = 'removed', is_present = false WHERE title = 'git/tag'; \
         UPDATE governance.mcp_tools SET drift = 'cosmetic' WHERE title = 'hub/push'; \
         UPDATE governance.mcp_tools SET drift = 'added' WHERE title IN ('web/load', 'old/push'); \
         UPDATE governance.mcp_servers SET status = 'pending' WHERE id = '{}'; \
         UPDATE governance.mcp_servers SET deleted_at = now() WHERE id = '{}'",
        uuid(&drafted),
        uuid(&gone),
    );
    world.database.run(&sql).await;
    git
}

#[tokio::test]
async fn filters_of_tools_find_what_they_say() {
    let world = World::new().await;
    let git = furnish(&world).await;
    another_project(&world).await;
    let all = ["hub/fork", "web/load", "git/pull", "git/push", "hub/push", "git/tag"];
    let without = |name: &str| all.into_iter().filter(|other| *other != name).collect::<Vec<_>>();
    let nowhere = typed("mcp", "01890a5d-ac96-774b-bcce-b302099a8057");
    let cases = vec![
        (json!({}), all.to_vec()),
        (json!({ "serverId": git }), vec!["git/pull", "git/push", "git/tag"]),
        (json!({ "serverId": nowhere }), vec![]),
        (json!({ "riskLevels": ["CRITICAL"] }), vec!["git/push"]),
        (json!({ "riskLevels": ["HIGH"] }), vec!["hub/fork"]),
        (json!({ "riskLevels": ["MEDIUM"] }), vec!["git/pull"]),
        (json!({ "riskLevels": ["LOW", "CRITICAL"] }), vec!["web/load", "git/push", "hub/push", "git/tag"]),
        (json!({ "riskLevels": [] }), vec![]),
        (json!({ "isEnabled": false }), vec!["hub/fork"]),
        (json!({ "isEnabled": true }), without("hub/fork")),
        (json!({ "isPresent": false }), vec!["git/tag"]),
        (json!({ "isPresent": true }), without("git/tag")),
        (json!({ "needsReview": true }), vec!["git/tag"]),
        (json!({ "needsReview": false }), without("git/tag")),
        (json!({ "drifts": ["COSMETIC"] }), vec!["hub/push"]),
        (json!({ "drifts": ["ADDED", "REMOVED"] }), vec!["web/load", "git/tag"]),
        (json!({ "drifts": ["POISONED"] }), vec![]),
        (json!({ "drifts": [] }), vec![]),
        (json!({ "name": { "contains": "PU" } }), vec!["git/pull", "git/push", "hub/push"]),
        (json!({ "name": { "eq": "push" } }), vec!["git/push", "hub/push"]),
        (json!({ "name": { "startsWith": "ush" } }), vec![]),
        (json!({ "createdAt": { "before": "2021-01-01T00:00:00Z" } }), vec!["git/push"]),
        (json!({ "createdAt": { "since": "2021-01-01T00:00:00Z" } }), without("git/push")),
        (json!({ "updatedAt": { "before": "2021-01-01T00:00:00Z" } }), vec!["git/pull"]),
        (json!({ "updatedAt": { "since": "2021-01-01T00:00:00Z" } }), without("git/pull")),
        (json!({ "name": { "eq": "push" }, "riskLevels": ["LOW"] }), vec!["hub/push"]),
    ];
    LIST.finds(&world.project_viewer, &world.rocket, cases).await;
    let levels = List { asks: "riskLevel", ..LIST };
    for level in ["LOW", "MEDIUM", "HIGH", "CRITICAL"] {
        let told = levels.found(&world.developer, &world.rocket, &json!({ "riskLevels": [level] })).await;
        assert!(!told.is_empty() && told.iter().all(|told| told == level), "{level}: {told:?}");
    }
}

#[tokio::test]
async fn a_walk_over_the_tools_of_a_project_meets_each_once() {
    let world = World::new().await;
    furnish(&world).await;
    let query = "query($id: ID!, $after: String) { node(id: $id) { ... on Project { \
        mcpTools(first: 1, after: $after) { totalCount nodes { title mcpServer { name } } pageInfo { hasNextPage endCursor } } } } }";
    let (mut met, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = world.developer.query(query, json!({ "id": world.rocket, "after": after })).await.well();
        assert_eq!(answer.number("node.mcpTools.totalCount"), 6);
        met.extend(answer.texts("node.mcpTools.nodes", "title"));
        after = answer.at("node.mcpTools.pageInfo.endCursor").clone();
        if answer.at("node.mcpTools.pageInfo.hasNextPage") == &json!(false) {
            break;
        }
    }
    assert_eq!(met, ["hub/fork", "web/load", "git/pull", "git/push", "hub/push", "git/tag"]);
}

#[tokio::test]
async fn filters_of_tools_that_cannot_be_meant_are_refused() {
    let world = World::new().await;
    let cases = vec![
        (json!({ "riskLevels": vec!["LOW"; 5] }), "riskLevels"),
        (json!({ "drifts": vec!["ADDED"; 8] }), "drifts"),
        (json!({ "name": { "in": ["a", "\0"] } }), "name"),
        (json!({ "createdAt": { "since": "-10000-01-01T00:00:00Z" } }), "createdAt"),
        (json!({ "updatedAt": { "since": "-10000-01-01T00:00:00Z" } }), "updatedAt"),
    ];
    LIST.refuses(&world.developer, &world.rocket, cases).await;
}

#[tokio::test]
async fn tools_are_seen_by_those_who_see_their_servers() {
    let world = World::new().await;
    furnish(&world).await;
    for (name, count) in LIST.counts(&world, &world.rocket).await {
        let expected = match name {
            "owner" | "admin" | "project admin" | "developer" | "project viewer" => Some(6),
            _ => None,
        };
        assert_eq!(count, expected, "{name}");
    }
    for (scopes, expected) in [(["PROJECTS_READ", "TOOLS_READ"], 6), (["PROJECTS_READ", "POLICIES_READ"], 0)] {
        let (_, key) = world.project_admin.api_key(Some(&world.rocket), &scopes).await;
        assert_eq!(LIST.found(&key, &world.rocket, &json!({})).await.len(), expected, "{scopes:?}");
    }
}
