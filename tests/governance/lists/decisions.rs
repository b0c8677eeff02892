//! Decisions: of a project and of an organization, for those who look for why.

use chrono::TimeDelta;
use serde_json::{Value, json};

use super::{List, another_project};
use crate::support::{World, eventually, graph, new_id, now, typed, uuid};

const OF_PROJECT: List = List { on: "Project", field: "decisions", filter: "DecisionFilter", asks: "policySetVersion" };
const OF_ORGANIZATION: List = List { on: "Organization", ..OF_PROJECT };

/// What the decisions of a world are about.
struct Scene {
    server: String,
    key: String,
    winner: String,
}

/// One decision, known by its number: the tenth would be made now, the ninth was a day ago.
async fn decide(world: &World, number: i64, project: &str, columns: &[(&str, &str)]) {
    let (user, version) = (format!("'{}'", uuid(&world.developer.id)), number.to_string());
    let made = format!("now() - interval '1 day' * {}", 10 - number);
    let defaults: [(&str, &str); 7] = [
        ("outcome", "'deny'"),
        ("reason", "'policy'"),
        ("trace", r#"'{"reason": "policy"}'"#),
        ("action", "'call_tool'"),
        ("user_id", &user),
        ("policy_set_version", &version),
        ("created_at", &made),
    ];
    let mut set: Vec<(&str, &str)> = defaults.to_vec();
    set.retain(|(column, _)| columns.iter().all(|(other, _)| other != column));
    set.extend(columns);
    let (columns, values): (Vec<&str>, Vec<&str>) = set.into_iter().unzip();
    let sql = format!(
        "INSERT INTO governance.decisions (id, organization_id, project_id, input_hash, input, is_replayable, {}) \
         SELECT '{}', organization_id, id, sha256('input'), '{{}}', true, {} FROM tenancy.projects WHERE id = '{}'",
        columns.join(", "),
        new_id(),
        values.join(", "),
        uuid(project),
    );
    world.database.run(&sql).await;
}

/// Decisions 1 to 8 of the project rocket, and 9 of another.
async fn furnish(world: &World) -> Scene {
    let scene = Scene {
        server: typed("mcp", &new_id().to_string()),
        key: typed("key", &new_id().to_string()),
        winner: typed("pol", &new_id().to_string()),
    };
    let quoted = |id: &str| format!("'{}'", uuid(id));
    let (server, key, winner) = (quoted(&scene.server), quoted(&scene.key), quoted(&scene.winner));
    let admin = quoted(&world.project_admin.id);
    let gate = |name: &str| format!(r#"'{{"reason": {{"gate": "{name}"}}}}'"#);
    let (off, bad_key) = (gate("tool_enabled"), gate("key_valid"));
    let comet = another_project(world).await;
    let rocket = &world.rocket;
    decide(
        world,
        1,
        rocket,
        &[("tool_name", "'push'"), ("server_id", &server), ("outcome", "'allow'"), ("winner_id", &winner)],
    )
    .await;
    decide(world, 2, rocket, &[("tool_name", "'pull'"), ("server_id", &server), ("reason", "'gate'"), ("trace", &off)])
        .await;
    decide(
        world,
        3,
        rocket,
        &[("tool_name", "'push'"), ("api_key_id", &key), ("reason", "'gate'"), ("trace", &bad_key)],
    )
    .await;
    let model: [(&str, &str); 5] = [
        ("action", "'use_model'"),
        ("model", "'sonnet'"),
        ("outcome", "'allow'"),
        ("would_be", "'deny'"),
        ("user_id", &admin),
    ];
    decide(world, 4, rocket, &model).await;
    decide(world, 5, rocket, &[("outcome", "'require_approval'"), ("would_be", "'allow'")]).await;
    decide(world, 6, rocket, &[("reason", "'limit'"), ("user_id", "NULL")]).await;
    decide(
        world,
        7,
        rocket,
        &[("reason", "'default'"), ("trace", r#"'{"reason": "default", "gates": ["tool_enabled"]}'"#)],
    )
    .await;
    decide(
        world,
        8,
        rocket,
        &[("reason", "'outside_allowed'"), ("trace", r#"'{"reason": {"outside_allowed": "project"}}'"#)],
    )
    .await;
    decide(world, 9, &comet, &[("tool_name", "'push'"), ("would_be", "'deny'"), ("outcome", "'allow'")]).await;
    scene
}

fn cases(world: &World, scene: &Scene) -> Vec<(Value, Vec<&'static str>)> {
    let user = |id: &str| json!({ "userId": id });
    let ago = |hours: i64| now() - TimeDelta::hours(hours);
    let (earlier, later) = (ago(8 * 24 + 12), ago(6 * 24 + 12));
    vec![
        (json!({ "outcomes": ["REQUIRE_APPROVAL"] }), vec!["5"]),
        (json!({ "outcomes": [] }), vec![]),
        (json!({ "wouldBe": ["ALLOW"] }), vec!["5"]),
        (json!({ "wouldBe": ["REQUIRE_APPROVAL"] }), vec![]),
        (json!({ "wouldBe": [] }), vec![]),
        (json!({ "reasons": ["LIMIT"] }), vec!["6"]),
        (json!({ "reasons": ["GATE", "OUTSIDE_ALLOWED"] }), vec!["8", "3", "2"]),
        (json!({ "reasons": ["APPROVED"] }), vec![]),
        (json!({ "reasons": [] }), vec![]),
        (json!({ "gates": ["TOOL_ENABLED"] }), vec!["2"]),
        (json!({ "gates": ["KEY_VALID", "TOOL_ENABLED"] }), vec!["3", "2"]),
        (json!({ "gates": ["SCAN_PASSED"] }), vec![]),
        (json!({ "gates": [] }), vec![]),
        (json!({ "winnerId": scene.winner }), vec!["1"]),
        (json!({ "serverId": scene.server }), vec!["2", "1"]),
        (json!({ "serverId": typed("mcp", &new_id().to_string()) }), vec![]),
        (json!({ "serverId": scene.server, "toolName": "push" }), vec!["1"]),
        (json!({ "toolName": "pull" }), vec!["2"]),
        (json!({ "toolName": "PULL" }), vec![]),
        (json!({ "model": "sonnet" }), vec!["4"]),
        (json!({ "model": "opus" }), vec![]),
        (user(&world.project_admin.id), vec!["4"]),
        (user(&world.stranger.id), vec![]),
        (json!({ "apiKeyId": scene.key }), vec!["3"]),
        (json!({ "apiKeyId": typed("key", &new_id().to_string()) }), vec![]),
        (json!({ "createdAt": { "since": earlier, "before": later } }), vec!["3", "2"]),
        (json!({ "createdAt": { "since": later, "before": earlier } }), vec![]),
        (json!({ "gates": ["TOOL_ENABLED"], "toolName": "push" }), vec![]),
    ]
}

#[tokio::test]
async fn filters_of_decisions_find_what_they_say() {
    let world = World::new().await;
    let scene = furnish(&world).await;
    let mut of_project = cases(&world, &scene);
    of_project.extend([
        (json!({}), vec!["8", "7", "6", "5", "4", "3", "2", "1"]),
        (json!({ "outcomes": ["ALLOW"] }), vec!["4", "1"]),
        (json!({ "wouldBe": ["DENY"] }), vec!["4"]),
        (json!({ "toolName": "push" }), vec!["3", "1"]),
    ]);
    OF_PROJECT.finds(&world.project_admin, &world.rocket, of_project).await;
    let mut of_organization = cases(&world, &scene);
    of_organization.extend([
        (json!({ "outcomes": ["ALLOW"] }), vec!["9", "4", "1"]),
        (json!({ "wouldBe": ["DENY"] }), vec!["9", "4"]),
        (json!({ "toolName": "push" }), vec!["9", "3", "1"]),
    ]);
    OF_ORGANIZATION.finds(&world.owner, &world.acme, of_organization).await;
}

#[tokio::test]
async fn no_filter_of_decisions_reaches_beyond_the_viewer() {
    let world = World::new().await;
    let scene = furnish(&world).await;
    for (filter, own) in [
        (json!({ "wouldBe": ["DENY", "ALLOW"] }), vec!["5"]),
        (json!({ "reasons": ["LIMIT", "DEFAULT"] }), vec!["7"]),
        (json!({ "gates": ["KEY_VALID"] }), vec!["3"]),
        (json!({ "model": "sonnet" }), vec![]),
        (json!({ "serverId": scene.server }), vec!["2", "1"]),
    ] {
        assert_eq!(OF_PROJECT.found(&world.developer, &world.rocket, &filter).await, own, "{filter}");
        assert_eq!(OF_ORGANIZATION.found(&world.developer, &world.acme, &filter).await, own, "{filter}");
        assert!(OF_PROJECT.found(&world.project_viewer, &world.rocket, &filter).await.is_empty(), "{filter}");
        assert!(OF_ORGANIZATION.found(&world.viewer, &world.acme, &filter).await.is_empty(), "{filter}");
        assert!(OF_ORGANIZATION.found(&world.stranger, &world.globex, &filter).await.is_empty(), "{filter}");
        for client in [&world.stranger, &world.anonymous, &world.suspended] {
            assert!(OF_PROJECT.seen(client, &world.rocket, &filter).await.is_none(), "{filter}");
            assert!(OF_ORGANIZATION.seen(client, &world.acme, &filter).await.is_none(), "{filter}");
        }
    }
}

#[tokio::test]
async fn a_decision_that_was_made_is_found_by_what_it_says() {
    let world = World::new().await;
    let server = world.tools("git", &["push"]).await;
    world.database.run("UPDATE governance.mcp_tools SET is_enabled = false").await;
    let input = json!({ "projectId": world.rocket, "server": "git", "tool": "push", "arguments": {} });
    world.developer.mutate("approvalRequest", input).await.refused("DENIED", "");
    eventually("the decision is recorded", async || {
        (world.database.number("SELECT count(*) FROM governance.decisions").await == 1).then_some(())
    })
    .await;
    let told = List { asks: "reason { kind gate } serverId", ..OF_PROJECT };
    let filter = json!({ "gates": ["TOOL_ENABLED"], "reasons": ["GATE"], "serverId": server, "toolName": "push" });
    let found = told.seen(&world.developer, &world.rocket, &filter).await.expect("a list");
    assert_eq!(found, [json!({ "reason": { "kind": "GATE", "gate": "TOOL_ENABLED" }, "serverId": server })]);
    let others: Vec<String> =
        graph().values("DecisionGate").into_iter().filter(|gate| gate != "TOOL_ENABLED").collect();
    assert!(OF_PROJECT.found(&world.owner, &world.rocket, &json!({ "gates": others })).await.is_empty());
}

#[tokio::test]
async fn filters_of_decisions_that_cannot_be_meant_are_refused() {
    let world = World::new().await;
    let cases = vec![
        (json!({ "outcomes": vec!["DENY"; 4] }), "outcomes"),
        (json!({ "wouldBe": vec!["DENY"; 4] }), "wouldBe"),
        (json!({ "reasons": vec!["GATE"; 7] }), "reasons"),
        (json!({ "gates": vec!["MAY_CALL"; 10] }), "gates"),
        (json!({ "toolName": "\0" }), "toolName"),
        (json!({ "model": "a".repeat(1_001) }), "model"),
        (json!({ "createdAt": { "before": "-10000-01-01T00:00:00Z" } }), "createdAt"),
    ];
    OF_PROJECT.refuses(&world.developer, &world.rocket, cases.clone()).await;
    OF_ORGANIZATION.refuses(&world.developer, &world.acme, cases).await;
}
