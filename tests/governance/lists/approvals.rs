//! Requests for approval: of a project and of all projects of an organization.

use serde_json::{Value, json};

use super::{List, another_project, server_of};
use crate::support::{Client, World, new_id, uuid};

const OF_PROJECT: List = List { on: "Project", field: "approvals", filter: "ApprovalFilter", asks: "toolName" };
const OF_ORGANIZATION: List = List { on: "Organization", ..OF_PROJECT };

/// A request in the project of a server, with other values of some columns.
async fn request(world: &World, server: &str, tool: &str, by: &Client, columns: &str) {
    let values = format!(
        "id = '{id}', server_id = '{server}', tool_name = '{tool}', requested_by = '{by}', arguments_hash = sha256('{id}'), \
         redacted_arguments = '{{}}', pin = sha256('pin'), expires_at = now() + interval '1 hour'",
        id = new_id(),
        server = uuid(server),
        by = uuid(&by.id),
    );
    let mut set: Vec<(String, String)> = Vec::new();
    for pair in values.split(", ").chain(columns.split(", ").filter(|pair| !pair.is_empty())) {
        let (column, value) = pair.split_once(" = ").expect("a column and its value");
        set.retain(|(known, _)| known != column);
        set.push((column.to_owned(), value.to_owned()));
    }
    let (columns, values): (Vec<String>, Vec<String>) = set.into_iter().unzip();
    let sql = format!(
        "INSERT INTO governance.approvals ({}, organization_id, project_id) SELECT {}, organization_id, project_id \
         FROM governance.mcp_servers WHERE id = '{}'",
        columns.join(", "),
        values.join(", "),
        uuid(server),
    );
    world.database.run(&sql).await;
}

/// Requests of every kind in the project rocket, and one in another; gives the id of the server git.
async fn furnish(world: &World) -> String {
    let git = world.tools("git", &["push"]).await;
    let hub = world.tools("hub", &["fork"]).await;
    another_project(world).await;
    let comet = world.database.row("SELECT id FROM governance.mcp_servers WHERE name = 'far'").await;
    let far = crate::support::typed("mcp", comet["id"].as_str().expect("an id"));
    let old = "created_at = '2020-01-01'";
    let denied = format!("state = 'denied', decided_at = now(), decided_by = '{}'", uuid(&world.owner.id));
    let approved = format!("state = 'approved', decided_at = now(), decided_by = '{}'", uuid(&world.owner.id));
    request(world, &git, "old", &world.developer, old).await;
    request(
        world,
        &git,
        "late",
        &world.developer,
        "created_at = now() - interval '1 day', expires_at = now() - interval '1 hour'",
    )
    .await;
    request(world, &git, "own", &world.project_admin, "").await;
    request(world, &hub, "fork", &world.developer, "").await;
    request(world, &hub, "denied", &world.developer, &denied).await;
    request(world, &hub, "approved", &world.developer, &approved).await;
    request(world, &far, "far", &world.admin, "").await;
    git
}

#[tokio::test]
async fn filters_of_approvals_find_what_they_say() {
    let world = World::new().await;
    let git = furnish(&world).await;
    let all = ["approved", "denied", "fork", "own", "late", "old"];
    let without = |name: &str| all.into_iter().filter(|other| *other != name).collect::<Vec<_>>();
    let cases = |rest: Vec<(Value, Vec<&'static str>)>| {
        let mut cases = vec![
            (json!({ "states": ["DENIED"] }), vec!["denied"]),
            (json!({ "states": ["APPROVED", "EXPIRED"] }), vec!["approved", "late"]),
            (json!({ "states": ["CONSUMED", "WITHDRAWN"] }), vec![]),
            (json!({ "states": [] }), vec![]),
            (json!({ "requestedById": world.project_admin.id }), vec!["own"]),
            (json!({ "requestedById": world.developer.id }), without("own")),
            (json!({ "requestedById": world.stranger.id }), vec![]),
            (json!({ "serverId": git }), vec!["own", "late", "old"]),
            (json!({ "toolName": "fork" }), vec!["fork"]),
            (json!({ "toolName": "FORK" }), vec![]),
            (json!({ "createdAt": { "before": "2021-01-01T00:00:00Z" } }), vec!["old"]),
            (json!({ "createdAt": { "since": "2999-01-01T00:00:00Z" } }), vec![]),
            (json!({ "states": ["PENDING"], "serverId": git }), vec!["own", "old"]),
        ];
        cases.extend(rest);
        cases
    };
    let of_project = vec![
        (json!({}), all.to_vec()),
        (json!({ "states": ["PENDING"] }), vec!["fork", "own", "old"]),
        (json!({ "createdAt": { "since": "2021-01-01T00:00:00Z" } }), without("old")),
        (json!({ "viewerCanDecide": true }), vec!["fork", "old"]),
        (json!({ "viewerCanDecide": false }), vec!["approved", "denied", "own", "late"]),
    ];
    OF_PROJECT.finds(&world.project_admin, &world.rocket, cases(of_project.clone())).await;
    OF_ORGANIZATION.finds(&world.project_admin, &world.acme, cases(of_project)).await;
    let everywhere = vec![
        (json!({}), [&["far"][..], &all[..]].concat()),
        (json!({ "states": ["PENDING"] }), vec!["far", "fork", "own", "old"]),
        (json!({ "viewerCanDecide": true }), vec!["far", "fork", "own", "old"]),
        (json!({ "viewerCanDecide": false }), vec!["approved", "denied", "late"]),
    ];
    OF_ORGANIZATION.finds(&world.owner, &world.acme, cases(everywhere)).await;
    // Who asked waits for others.
    assert_eq!(
        OF_ORGANIZATION.found(&world.admin, &world.acme, &json!({ "viewerCanDecide": true })).await,
        ["fork", "own", "old"]
    );
}

#[tokio::test]
async fn what_a_list_says_of_a_state_and_of_who_answers_is_what_each_request_says() {
    let world = World::new().await;
    furnish(&world).await;
    let told = List { asks: "state viewerCan", ..OF_ORGANIZATION };
    for state in ["PENDING", "APPROVED", "DENIED", "EXPIRED", "CONSUMED", "WITHDRAWN"] {
        for node in told.seen(&world.owner, &world.acme, &json!({ "states": [state] })).await.expect("a list") {
            assert_eq!(node["state"], state);
        }
    }
    for (name, client) in world.viewers() {
        let filter = json!({ "viewerCanDecide": true });
        for node in told.seen(client, &world.acme, &filter).await.unwrap_or_default() {
            let can = node["viewerCan"].as_array().expect("actions");
            assert!(can.contains(&json!("DECIDE")) && node["state"] == "PENDING", "{name}: {node}");
        }
        let filter = json!({ "viewerCanDecide": false, "states": ["PENDING"] });
        for node in told.seen(client, &world.acme, &filter).await.unwrap_or_default() {
            assert!(!node["viewerCan"].as_array().expect("actions").contains(&json!("DECIDE")), "{name}: {node}");
        }
    }
    let (_, reading) = world.owner.api_key(None, &["ORGANIZATIONS_READ", "APPROVALS_READ"]).await;
    assert!(told.seen(&reading, &world.acme, &json!({ "viewerCanDecide": true })).await.expect("a list").is_empty());
    assert_eq!(told.seen(&reading, &world.acme, &json!({})).await.expect("a list").len(), 7);
    let (_, nothing) = world.owner.api_key(None, &["ORGANIZATIONS_READ", "TOOLS_READ"]).await;
    assert!(told.seen(&nothing, &world.acme, &json!({})).await.expect("a list").is_empty());
}

#[tokio::test]
async fn the_list_of_an_organization_holds_the_requests_one_may_read() {
    let world = World::new().await;
    furnish(&world).await;
    let probe = world.stranger.project(&world.globex, "probe").await;
    let server = server_of(&world, &probe, "foreign").await;
    request(&world, &server, "foreign", &world.stranger, "").await;
    for (name, count) in OF_ORGANIZATION.counts(&world, &world.acme).await {
        let expected = match name {
            "owner" | "admin" => Some(7),
            "project admin" => Some(6),
            "developer" => Some(5),
            "anonymous" | "stranger" | "suspended" => None,
            _ => Some(0),
        };
        assert_eq!(count, expected, "{name}");
    }
    assert_eq!(OF_ORGANIZATION.found(&world.stranger, &world.globex, &json!({})).await, ["foreign"]);
}

#[tokio::test]
async fn filters_of_approvals_that_cannot_be_meant_are_refused() {
    let world = World::new().await;
    let cases = vec![
        (json!({ "states": vec!["PENDING"; 7] }), "states"),
        (json!({ "toolName": "\0" }), "toolName"),
        (json!({ "toolName": "a".repeat(1_001) }), "toolName"),
        (json!({ "createdAt": { "since": "-10000-01-01T00:00:00Z" } }), "createdAt"),
    ];
    OF_PROJECT.refuses(&world.developer, &world.rocket, cases.clone()).await;
    OF_ORGANIZATION.refuses(&world.developer, &world.acme, cases).await;
}
