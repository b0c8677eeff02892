//! Policies: of an organization itself, and of a project and its servers.

use serde_json::{Value, json};

use super::List;
use crate::support::{World, typed, uuid};

const OF_PROJECT: List = List { on: "Project", field: "policies", filter: "PolicyFilter", asks: "name" };
const OF_ORGANIZATION: List = List { on: "Organization", ..OF_PROJECT };

/// Policies of every kind with this scope: a draft, one that was switched off, one in use and one that is monitored.
async fn furnish(world: &World, scope: &Value) {
    let usage = json!({ "usage": { "limits": [{ "measure": "REQUESTS", "amount": "5", "window": "DAY", "countedBy": "USER" }] } });
    let compliance = json!({ "compliance": { "detectors": ["SECRETS"], "response": "BLOCK" } });
    let custom = json!({ "custom": { "text": "forbid(principal, action, resource == Tool::\"git/push\");" } });
    world.owner.policy(scope, json!({ "name": "Draft" })).await;
    let off = world.owner.policy(scope, json!({ "name": "Off", "rules": custom })).await;
    let limits = world.owner.policy(scope, json!({ "name": "Limits of use", "rules": usage })).await;
    let watched = json!({ "name": "Secrets of use", "rules": compliance, "mode": "MONITOR" });
    let watched = world.owner.policy(scope, watched).await;
    for id in [&off, &limits, &watched] {
        world.owner.mutate("policyPublish", json!({ "id": id })).await.well();
    }
    world.owner.mutate("policyDisable", json!({ "id": off })).await.well();
    let sql = format!(
        "UPDATE governance.policies SET created_at = '2020-01-01', updated_at = '2020-01-02' WHERE id = '{}'",
        uuid(&limits)
    );
    world.database.run(&sql).await;
}

fn cases() -> Vec<(Value, Vec<&'static str>)> {
    let all = vec!["Limits of use", "Draft", "Off", "Secrets of use"];
    let nowhere = typed("mcp", "01890a5d-ac96-774b-bcce-b302099a8057");
    vec![
        (json!({}), all.clone()),
        (json!({ "types": ["USAGE"] }), vec!["Limits of use"]),
        (json!({ "types": ["ACCESS", "COMPLIANCE"] }), vec!["Draft", "Secrets of use"]),
        (json!({ "types": ["CUSTOM"] }), vec!["Off"]),
        (json!({ "types": [] }), vec![]),
        (json!({ "statuses": ["ACTIVE"] }), vec!["Limits of use", "Secrets of use"]),
        (json!({ "statuses": ["DRAFT", "DISABLED"] }), vec!["Draft", "Off"]),
        (json!({ "statuses": [] }), vec![]),
        (json!({ "mode": "MONITOR" }), vec!["Secrets of use"]),
        (json!({ "mode": "ENFORCE" }), vec!["Limits of use", "Draft", "Off"]),
        (json!({ "name": { "contains": "OF USE" } }), vec!["Limits of use", "Secrets of use"]),
        (json!({ "name": { "startsWith": "of" } }), vec!["Off"]),
        (json!({ "name": { "contains": "_" } }), vec![]),
        (json!({ "createdAt": { "before": "2021-01-01T00:00:00Z" } }), vec!["Limits of use"]),
        (json!({ "createdAt": { "since": "2021-01-01T00:00:00Z" } }), vec!["Draft", "Off", "Secrets of use"]),
        (json!({ "updatedAt": { "before": "2021-01-01T00:00:00Z" } }), vec!["Limits of use"]),
        (json!({ "updatedAt": { "since": "2021-01-01T00:00:00Z" } }), vec!["Draft", "Off", "Secrets of use"]),
        (json!({ "serverId": nowhere }), vec![]),
        (json!({ "statuses": ["ACTIVE"], "mode": "ENFORCE" }), vec!["Limits of use"]),
    ]
}

#[tokio::test]
async fn filters_of_policies_find_what_they_say() {
    let world = World::new().await;
    furnish(&world, &json!({ "organizationId": world.acme })).await;
    OF_ORGANIZATION.finds(&world.owner, &world.acme, cases()).await;
    assert!(OF_PROJECT.found(&world.owner, &world.rocket, &json!({})).await.is_empty());
    furnish(&world, &json!({ "projectId": world.rocket })).await;
    OF_PROJECT.finds(&world.project_admin, &world.rocket, cases()).await;
    OF_ORGANIZATION.finds(&world.owner, &world.acme, cases()).await;
}

#[tokio::test]
async fn policies_are_narrowed_by_whose_they_are() {
    let world = World::new().await;
    let git = world.tools("git", &["push"]).await;
    for (name, scope) in [
        ("Acme", json!({ "organizationId": world.acme })),
        ("Rocket", json!({ "projectId": world.rocket })),
        ("Git", json!({ "serverId": git })),
    ] {
        world.owner.policy(&scope, json!({ "name": name })).await;
    }
    let of_project = vec![
        (json!({}), vec!["Rocket", "Git"]),
        (json!({ "level": "ORGANIZATION" }), vec![]),
        (json!({ "level": "PROJECT" }), vec!["Rocket"]),
        (json!({ "level": "SERVER" }), vec!["Git"]),
        (json!({ "serverId": git }), vec!["Git"]),
    ];
    OF_PROJECT.finds(&world.project_admin, &world.rocket, of_project).await;
    let of_organization = vec![
        (json!({ "level": "ORGANIZATION" }), vec!["Acme"]),
        (json!({ "level": "PROJECT" }), vec![]),
        (json!({ "serverId": git }), vec![]),
    ];
    OF_ORGANIZATION.finds(&world.owner, &world.acme, of_organization).await;
}

#[tokio::test]
async fn no_filter_of_policies_reaches_beyond_the_viewer() {
    let world = World::new().await;
    furnish(&world, &json!({ "organizationId": world.acme })).await;
    furnish(&world, &json!({ "projectId": world.rocket })).await;
    let drafts = json!({ "statuses": ["DRAFT"] });
    assert!(OF_ORGANIZATION.found(&world.developer, &world.acme, &drafts).await.is_empty());
    assert!(OF_PROJECT.found(&world.developer, &world.rocket, &drafts).await.is_empty());
    let monitored = json!({ "mode": "MONITOR" });
    assert_eq!(OF_PROJECT.found(&world.developer, &world.rocket, &monitored).await, ["Secrets of use"]);
    for client in [&world.stranger, &world.anonymous, &world.suspended] {
        assert!(OF_ORGANIZATION.seen(client, &world.acme, &drafts).await.is_none());
        assert!(OF_PROJECT.seen(client, &world.rocket, &drafts).await.is_none());
    }
    assert!(OF_PROJECT.seen(&world.member, &world.rocket, &drafts).await.is_none());
    assert!(OF_ORGANIZATION.found(&world.stranger, &world.globex, &json!({})).await.is_empty());
}

#[tokio::test]
async fn filters_of_policies_that_cannot_be_meant_are_refused() {
    let world = World::new().await;
    let cases = vec![
        (json!({ "types": vec!["USAGE"; 5] }), "types"),
        (json!({ "statuses": vec!["DRAFT"; 4] }), "statuses"),
        (json!({ "name": { "eq": "\0" } }), "name"),
        (json!({ "createdAt": { "since": "-10000-01-01T00:00:00Z" } }), "createdAt"),
        (json!({ "updatedAt": { "since": "-10000-01-01T00:00:00Z" } }), "updatedAt"),
    ];
    OF_PROJECT.refuses(&world.developer, &world.rocket, cases.clone()).await;
    OF_ORGANIZATION.refuses(&world.developer, &world.acme, cases).await;
}
