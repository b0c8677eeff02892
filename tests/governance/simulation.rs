//! Simulation: a draft tried on what was decided, and what would come out otherwise.

use serde_json::{Value, json};

use crate::support::{Client, World, eventually, typed, uuid};

const FOUND: &str = "query($id: ID!) { node(id: $id) { ... on PolicySimulation { state total done error result { \
    replayed unchanged flipped flippedAlready redacted limited unreadable \
    byProject { projectId from to count } byTool { tool from to count } byUser { userId from to count } \
    byRule { policyId reason from to count } examples { decisionId from to decision { id } } } } } }";

/// A grant of git/* in acme, and the decisions of a hundred calls under it: 60 of git/push and 40 of git/pull by two
/// people. One was kept without all of its arguments, and one was refused by a limit.
async fn decided(world: &World) -> String {
    world.tools("git", &["push", "pull"]).await;
    let rules = json!({ "access": { "allowedTools": ["git/*"] } });
    let grant = world.owner.policy(&json!({ "organizationId": world.acme }), json!({ "rules": rules })).await;
    world.owner.mutate("policyPublish", json!({ "id": grant })).await.well();
    record(world, 100).await;
    grant
}

/// Writes decisions as if so many calls had been made.
async fn record(world: &World, count: u32) {
    let sql = format!(
        "INSERT INTO governance.decisions (id, created_at, organization_id, project_id, user_id, tool_name, action, outcome, \
            reason, policy_set_version, input_hash, input, is_replayable, trace) \
         SELECT gen_random_uuid(), now() - interval '1 hour' + number * interval '1 microsecond', '{acme}', '{rocket}', user_id, tool, 'call_tool', \
            CASE WHEN number = 2 THEN 'deny' ELSE 'allow' END, CASE WHEN number = 2 THEN 'limit' ELSE 'policy' END, 1, sha256('input'), jsonb_build_object( \
                'action', jsonb_build_object('kind', 'call_tool', 'server', 'git', 'tool', tool, 'model', NULL), \
                'project_id', '{rocket}', 'user_id', user_id, 'key_id', NULL, 'roles', '[\"project_developer\"]'::jsonb, \
                'address', NULL, 'at', '2026-11-20T12:00:00Z', 'arguments', jsonb_build_object('n', number), 'approval_id', NULL, \
                'organization_gates', '{{\"key_valid\": true, \"organization_active\": true, \"project_active\": true, \"subscription_in_good_standing\": true}}'::jsonb, \
                'server_gates', '{{\"server_approved\": true, \"scan_passed\": true, \"tool_enabled\": true, \"pin_matches\": true}}'::jsonb), \
            number NOT IN (1, 2), '{{}}' \
         FROM (SELECT number, CASE WHEN number % 5 < 3 THEN 'push' ELSE 'pull' END AS tool, \
            CASE WHEN number % 2 = 0 THEN '{developer}'::uuid ELSE '{admin}'::uuid END AS user_id \
            FROM generate_series(0, {last}) AS number) AS calls",
        acme = uuid(&world.acme),
        rocket = uuid(&world.rocket),
        developer = uuid(&world.developer.id),
        admin = uuid(&world.project_admin.id),
        last = count - 1,
    );
    world.database.run(&sql).await;
}

async fn begun(client: &Client, scope: Value, changes: Value) -> String {
    let input = json!({ "scope": scope, "changes": changes });
    client.mutate("policySimulate", input).await.well().text("policySimulate.simulation.id").to_owned()
}

async fn ended(client: &Client, id: &str) -> Value {
    eventually("the simulation ends", async || {
        let answer = client.query(FOUND, json!({ "id": id })).await.well();
        (answer.at("node.state") != "RUNNING").then(|| answer.at("node").clone())
    })
    .await
}

#[tokio::test]
async fn what_would_come_out_otherwise_is_counted() {
    let world = World::new().await;
    let grant = decided(&world).await;
    let scope = json!({ "organizationId": world.acme });
    let changes = json!([{ "policyId": grant, "rules": { "access": { "allowedTools": ["git/*"], "blockedTools": ["git/push"] } } }]);
    let id = begun(&world.owner, scope.clone(), changes).await;
    let found = ended(&world.owner, &id).await;
    assert_eq!((&found["state"], &found["total"], &found["done"]), (&json!("SUCCEEDED"), &json!(100), &json!(100)));
    let result = &found["result"];
    let numbers = ["replayed", "unchanged", "flipped", "flippedAlready", "redacted", "limited", "unreadable"]
        .map(|name| result[name].as_i64());
    assert_eq!(numbers, [Some(98), Some(40), Some(58), Some(0), Some(1), Some(1), Some(0)]);
    assert_eq!(result["byTool"], json!([{ "tool": "git/push", "from": "ALLOW", "to": "DENY", "count": 58 }]));
    assert_eq!(result["byProject"][0]["projectId"], json!(world.rocket));
    assert_eq!(
        result["byRule"],
        json!([{ "policyId": grant, "reason": "POLICY", "from": "ALLOW", "to": "DENY", "count": 58 }])
    );
    let users: i64 = result["byUser"].as_array().expect("people").iter().filter_map(|one| one["count"].as_i64()).sum();
    assert_eq!((users, result["byUser"].as_array().map(Vec::len)), (58, Some(2)));
    assert_eq!(result["examples"].as_array().map(Vec::len), Some(20));
    assert!(result["examples"][0]["decision"]["id"].is_string());
    // Nothing changed by it, and removing what grants denies everything.
    let id = begun(&world.owner, scope.clone(), json!([{ "policyId": grant, "remove": true }])).await;
    assert_eq!(ended(&world.owner, &id).await["result"]["flipped"], json!(98));
    // A draft is tried as if it were in use.
    let draft = json!({ "rules": { "access": { "approvedTools": ["git/pull"] } } });
    let draft = world.project_admin.policy(&json!({ "projectId": world.rocket }), draft).await;
    let id = begun(&world.project_admin, json!({ "projectId": world.rocket }), json!([{ "policyId": draft }])).await;
    let found = ended(&world.project_admin, &id).await;
    assert_eq!(
        found["result"]["byTool"],
        json!([{ "tool": "git/pull", "from": "ALLOW", "to": "REQUIRE_APPROVAL", "count": 40 }])
    );
}

#[tokio::test]
async fn what_the_present_policies_change_already_is_told_apart() {
    let world = World::new().await;
    let grant = decided(&world).await;
    world.owner.mutate("policyDisable", json!({ "id": grant })).await.well();
    let scope = json!({ "projectId": world.rocket });
    let changes = json!([{ "scope": scope, "rules": { "access": { "blockedTools": ["git/push"] } } }]);
    let id = begun(&world.owner, scope, changes).await;
    let result = ended(&world.owner, &id).await["result"].clone();
    assert_eq!((&result["flipped"], &result["flippedAlready"]), (&json!(98), &json!(98)));
}

#[tokio::test]
async fn who_may_simulate_what() {
    let world = World::new().await;
    let grant = decided(&world).await;
    let input = |scope: Value, id: &str| json!({ "scope": scope, "changes": [{ "policyId": id }] });
    let (acme, rocket) = (json!({ "organizationId": world.acme }), json!({ "projectId": world.rocket }));
    for (client, scope, code) in [
        (&world.stranger, &acme, "NOT_FOUND"),
        (&world.member, &acme, "FORBIDDEN"),
        (&world.project_admin, &acme, "FORBIDDEN"),
        (&world.developer, &rocket, "FORBIDDEN"),
        (&world.member, &rocket, "NOT_FOUND"),
    ] {
        assert_eq!(client.mutate("policySimulate", input(scope.clone(), &grant)).await.code(), code);
    }
    let other = world.stranger.policy(&json!({ "organizationId": world.globex }), json!({})).await;
    world
        .owner
        .mutate("policySimulate", input(acme.clone(), &other))
        .await
        .refused("POLICY_INVALID", "changes[0].policyId");
    let nothing = json!({ "scope": acme, "changes": [] });
    world.owner.mutate("policySimulate", nothing).await.refused("OUT_OF_RANGE", "changes");
    let wrong =
        json!({ "scope": acme, "changes": [{ "policyId": grant, "rules": { "access": { "allowedTools": ["a?"] } } }] });
    world
        .owner
        .mutate("policySimulate", wrong)
        .await
        .refused("POLICY_INVALID", "changes[0].rules.access.allowedTools[0]");
    let id = begun(&world.project_admin, rocket, json!([{ "policyId": grant }])).await;
    for (client, sees) in [
        (&world.owner, true),
        (&world.project_admin, true),
        (&world.developer, false),
        (&world.member, false),
        (&world.stranger, false),
    ] {
        assert_eq!(client.node(&id).await.is_object(), sees);
    }
}

#[tokio::test]
async fn a_simulation_is_followed_and_can_be_ended() {
    let world = World::new().await;
    let grant = decided(&world).await;
    let scope = json!({ "organizationId": world.acme });
    let input = json!({ "scope": scope, "changes": [{ "policyId": grant, "remove": true }] });
    let answer = world.owner.mutate("policySimulate", input).await.well();
    let id = answer.text("policySimulate.simulation.id").to_owned();
    let query = "subscription($id: ID!, $after: String) { policySimulationChanged(id: $id, after: $after) { kind simulation { done } } }";
    let mut socket = world.owner.socket().await;
    socket.subscribe(query, json!({ "id": id, "after": answer.text("policySimulate.commitCursor") })).await;
    let told = loop {
        let event = socket.event().await;
        if event["policySimulationChanged"]["kind"] == "ENDED" {
            break event;
        }
    };
    assert_eq!(told["policySimulationChanged"]["simulation"]["done"], json!(100));
    let lost = "018f0000-0000-7000-8000-0000000051a0";
    let sql = format!(
        "INSERT INTO governance.policy_simulations (id, organization_id, draft, window_start, window_end) \
         VALUES ('{lost}', '{}', '[]', now() - interval '1 day', now())",
        uuid(&world.acme)
    );
    world.database.run(&sql).await;
    let lost = typed("sim", lost);
    assert_eq!(world.member.mutate("policySimulationCancel", json!({ "id": lost })).await.code(), "NOT_FOUND");
    let fields = "simulation { state endedAt }";
    let answer = world.owner.mutate_for("policySimulationCancel", fields, json!({ "id": lost })).await.well();
    assert_eq!(answer.at("policySimulationCancel.simulation.state"), "CANCELED");
    assert_eq!(world.owner.mutate("policySimulationCancel", json!({ "id": lost })).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn more_decisions_than_one_batch_are_each_counted_once() {
    let world = World::new().await;
    let grant = decided(&world).await;
    record(&world, 4_500).await;
    let id =
        begun(&world.owner, json!({ "projectId": world.rocket }), json!([{ "policyId": grant, "remove": true }])).await;
    let found = ended(&world.owner, &id).await;
    assert_eq!((&found["total"], &found["done"]), (&json!(4_600), &json!(4_600)));
    let result = &found["result"];
    assert_eq!((&result["flipped"], &result["redacted"], &result["limited"]), (&json!(4_596), &json!(2), &json!(2)));
}
