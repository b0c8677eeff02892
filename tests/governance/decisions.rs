//! Decisions: what is recorded of them, who reads that, and what is explained without recording anything.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World, eventually, new_id, typed, uuid};

const EXPLAIN: &str = "query($input: ExplainDecisionInput!) { explainDecision(input: $input) { outcome wouldBe \
    reason { kind gate level } winner { id } policySetVersion \
    trace { gates { gate open } tried { policyId matched effect error checks { field expected actual holds } } \
        limits { amount } findings { place rule } defaultApplied } } }";
const WHY_NOT: &str = "query($input: ExplainDecisionInput!) { whyNot(input: $input) { isAllowed explanation { outcome } \
    ways { changes { kind path value gate role summary policy { id } } } } }";

fn calling(world: &World, tool: &str) -> Value {
    let (server, tool) = tool.split_once('/').expect("a server and a tool");
    json!({ "projectId": world.rocket, "action": { "callTool": { "server": server, "tool": tool } } })
}

async fn explained(client: &Client, input: Value) -> Answer {
    client.query(EXPLAIN, json!({ "input": input })).await.well()
}

async fn outcome(client: &Client, input: Value) -> String {
    explained(client, input).await.text("explainDecision.outcome").to_owned()
}

/// A policy in use.
async fn published(client: &Client, scope: Value, rules: Value) -> String {
    let id = client.policy(&scope, json!({ "rules": rules })).await;
    client.mutate("policyPublish", json!({ "id": id })).await.well();
    id
}

fn of_acme(world: &World) -> Value {
    json!({ "organizationId": world.acme })
}

fn of_rocket(world: &World) -> Value {
    json!({ "projectId": world.rocket })
}

#[tokio::test]
async fn a_change_of_policies_holds_from_the_next_decision_on() {
    let world = World::new().await;
    let server = world.tools("git", &["push"]).await;
    let ask = || outcome(&world.developer, calling(&world, "git/push"));
    assert_eq!(ask().await, "DENY", "nothing grants it");
    let grant = published(&world.owner, of_acme(&world), json!({ "access": { "allowedTools": ["git/*"] } })).await;
    assert_eq!(ask().await, "ALLOW");
    let block =
        published(&world.owner, json!({ "serverId": server }), json!({ "access": { "blockedTools": ["push"] } })).await;
    assert_eq!(ask().await, "DENY");
    world.owner.mutate("policyUpdate", json!({ "id": block, "mode": "MONITOR" })).await.well();
    let answer = explained(&world.developer, calling(&world, "git/push")).await;
    assert_eq!(answer.at("explainDecision.outcome"), "ALLOW");
    assert_eq!(answer.at("explainDecision.wouldBe"), "DENY", "a monitored policy says what it would do");
    world.owner.mutate("policyUpdate", json!({ "id": block, "mode": "ENFORCE" })).await.well();
    assert_eq!(ask().await, "DENY");
    // Another name is another set of policies, or the server's own would not know it any more.
    let sql = format!("UPDATE governance.mcp_servers SET name = 'git2' WHERE id = '{}'", uuid(&server));
    world.database.run(&sql).await;
    world
        .owner
        .mutate("policyUpdate", json!({ "id": grant, "rules": { "access": { "allowedTools": ["*"] } } }))
        .await
        .well();
    assert_eq!(outcome(&world.developer, calling(&world, "git2/push")).await, "DENY");
    world.owner.mutate("policyDelete", json!({ "id": block })).await.well();
    assert_eq!(outcome(&world.developer, calling(&world, "git2/push")).await, "ALLOW");
    world.owner.mutate("policyDisable", json!({ "id": grant })).await.well();
    assert_eq!(outcome(&world.developer, calling(&world, "git2/push")).await, "DENY");
    let settings = json!({ "id": world.acme, "defaultToolOutcome": "ALLOW" });
    world.owner.mutate("organizationUpdate", settings).await.well();
    assert_eq!(outcome(&world.developer, calling(&world, "git2/push")).await, "ALLOW", "the default is explicit");
}

#[tokio::test]
async fn gates_stand_before_every_policy() {
    let world = World::new().await;
    let server = world.tools("git", &["push"]).await;
    published(&world.owner, of_acme(&world), json!({ "access": { "allowedTools": ["*"] } })).await;
    let gate = async || {
        let answer = explained(&world.developer, calling(&world, "git/push")).await;
        assert_eq!(answer.at("explainDecision.outcome"), "DENY");
        answer.text("explainDecision.reason.gate").to_owned()
    };
    let id = uuid(&server);
    for (closing, opening, name) in [
        (
            "UPDATE governance.mcp_tools SET is_enabled = false",
            "UPDATE governance.mcp_tools SET is_enabled = true",
            "TOOL_ENABLED",
        ),
        (
            "UPDATE governance.mcp_tools SET found_pin = sha256('other')",
            "UPDATE governance.mcp_tools SET found_pin = approved_pin",
            "PIN_MATCHES",
        ),
        (
            "UPDATE governance.mcp_scans SET verdict = 'failed'",
            "UPDATE governance.mcp_scans SET verdict = 'passed'",
            "SCAN_PASSED",
        ),
        (
            &*format!("UPDATE governance.mcp_servers SET is_enabled = false WHERE id = '{id}'"),
            &*format!("UPDATE governance.mcp_servers SET is_enabled = true WHERE id = '{id}'"),
            "SERVER_APPROVED",
        ),
    ] {
        world.database.run(closing).await;
        assert_eq!(gate().await, name);
        world.database.run(opening).await;
        assert_eq!(outcome(&world.developer, calling(&world, "git/push")).await, "ALLOW", "{name}");
    }
    let subscribed = "INSERT INTO tenancy.subscriptions (id, organization_id) \
         SELECT id, id FROM tenancy.organizations WHERE slug = 'acme' ON CONFLICT (organization_id) DO NOTHING";
    world.database.run(subscribed).await;
    // A trial, a grace of 14 days and a period that was paid for, each before and after its end.
    for (status, column, good, over) in [
        ("trialing", "trial_end", Some("now() + interval '1 hour'"), Some("now() - interval '1 hour'")),
        ("past_due", "past_due_since", Some("now() - interval '13 days'"), Some("now() - interval '15 days'")),
        ("past_due", "past_due_since", None, Some("NULL")),
        ("canceled", "current_period_end", Some("now() + interval '1 hour'"), Some("now() - interval '1 hour'")),
        ("canceled", "current_period_end", None, Some("NULL")),
        ("trialing", "trial_end", Some("NULL"), None),
        ("active", "current_period_end", Some("now() - interval '1 day'"), None),
    ] {
        for (value, is_good) in [(good, true), (over, false)] {
            let Some(value) = value else { continue };
            let sql = format!("UPDATE tenancy.subscriptions SET status = '{status}', {column} = {value}");
            world.database.run(&sql).await;
            let standing = "{ organization(slug: \"acme\") { subscription { isInGoodStanding } } }";
            let told = world.owner.query(standing, Value::Null).await.well();
            assert_eq!(told.at("organization.subscription.isInGoodStanding"), is_good, "{sql}");
            match is_good {
                true => assert_eq!(outcome(&world.developer, calling(&world, "git/push")).await, "ALLOW", "{sql}"),
                false => assert_eq!(gate().await, "SUBSCRIPTION_IN_GOOD_STANDING", "{sql}"),
            }
        }
    }
    world.owner.mutate("projectUpdate", json!({ "id": world.rocket, "status": "PAUSED" })).await.well();
    assert_eq!(gate().await, "PROJECT_ACTIVE");
    world.owner.mutate("projectUpdate", json!({ "id": world.rocket, "status": "ACTIVE" })).await.well();
    let unknown = explained(&world.developer, calling(&world, "git/nothing")).await;
    assert_eq!(
        unknown.at("explainDecision.reason"),
        &json!({ "kind": "GATE", "gate": "SERVER_APPROVED", "level": null })
    );
}

#[tokio::test]
async fn a_decision_tells_what_was_compared() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    let grant = published(&world.owner, of_acme(&world), json!({ "access": { "allowedTools": ["time/*"] } })).await;
    let scope = json!({ "rules": { "access": { "blockedTools": ["*"] } }, "appliesTo": { "roles": { "include": ["PROJECT_ADMIN"] } } });
    let other = world.owner.policy(&of_rocket(&world), scope).await;
    world.owner.mutate("policyPublish", json!({ "id": other })).await.well();
    let answer = explained(&world.developer, calling(&world, "git/push")).await;
    assert_eq!(
        answer.at("explainDecision.reason"),
        &json!({ "kind": "OUTSIDE_ALLOWED", "gate": null, "level": "ORGANIZATION" })
    );
    let tried = answer.list("explainDecision.trace.tried");
    let of = |id: &str| tried.iter().find(|one| one["policyId"] == id).unwrap_or_else(|| panic!("{id} was not tried"));
    assert_eq!(
        of(&grant)["checks"],
        json!([{ "field": "allowedTools", "expected": "time/*", "actual": "git/push", "holds": false }])
    );
    assert_eq!(of(&other)["matched"], json!(false));
    assert_eq!(
        of(&other)["checks"],
        json!([{ "field": "roles", "expected": "project_admin", "actual": "organization_member, project_developer", "holds": false }])
    );
    let model = json!({ "projectId": world.rocket, "action": { "useModel": { "model": "sonnet" } } });
    let answer = explained(&world.developer, model).await;
    assert_eq!(answer.at("explainDecision.trace.defaultApplied"), "ALLOW");
}

#[tokio::test]
async fn who_may_ask_about_whom() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    let about = |user: &str| {
        let mut input = calling(&world, "git/push");
        input["userId"] = json!(user);
        json!({ "input": input })
    };
    for (client, user, code) in [
        (&world.stranger, &world.stranger.id, Some("NOT_FOUND")),
        (&world.member, &world.member.id, Some("NOT_FOUND")),
        (&world.anonymous, &world.member.id, Some("NOT_FOUND")),
        (&world.developer, &world.developer.id, None),
        (&world.developer, &world.owner.id, Some("FORBIDDEN")),
        (&world.project_admin, &world.developer.id, None),
        (&world.project_admin, &world.member.id, Some("BAD_USER_INPUT")),
        (&world.project_admin, &world.stranger.id, Some("BAD_USER_INPUT")),
    ] {
        let answer = client.query(EXPLAIN, about(user)).await;
        assert_eq!(answer.codes().first().copied(), code, "{}", answer.body);
    }
    assert_eq!(
        world.database.number("SELECT count(*) FROM governance.decisions").await,
        0,
        "explaining leaves no trace"
    );
}

/// Asks for approvals, which is decided about each time, and waits until that many decisions are recorded.
async fn decided(world: &World, client: &Client, tool: &str, arguments: Value, count: i64) -> Answer {
    let (server, tool) = tool.split_once('/').expect("a server and a tool");
    let input = json!({ "projectId": world.rocket, "server": server, "tool": tool, "arguments": arguments });
    let answer = client.mutate("approvalRequest", input).await;
    assert!(answer.codes().is_empty(), "{}", answer.body);
    let sql = "SELECT count(*) FROM governance.decisions";
    eventually("the decision is recorded", async || (world.database.number(sql).await >= count).then_some(())).await;
    answer
}

const LIST: &str = "query($filter: DecisionFilter) { organization(slug: \"acme\") { \
    decisions(first: 20, filter: $filter) { totalCount nodes { id } } \
    project(slug: \"rocket\") { decisions(first: 20, filter: $filter) { totalCount nodes { id outcome reason { kind } \
        input { server tool arguments userId roles } inputHash isReplayable policySetVersion durationUs user { id } winner { id } \
        trace { tried { policyId } } } } } } }";

#[tokio::test]
async fn what_was_decided_is_recorded_without_secrets() {
    let world = World::new().await;
    world.tools("git", &["push", "pull"]).await;
    let grant = published(&world.owner, of_acme(&world), json!({ "access": { "allowedTools": ["git/pull"] } })).await;
    let secret = format!("ghp_{}", "a".repeat(36));
    let arguments = json!({ "branch": "main", "note": format!("with {secret}"), "password": "hunter2" });
    decided(&world, &world.developer, "git/push", arguments, 1).await.refused("DENIED", "");
    decided(&world, &world.developer, "git/pull", json!({ "branch": "main" }), 2).await.refused("NOT_NEEDED", "");
    let answer = world.developer.query(LIST, json!({})).await.well();
    let nodes = answer.list("organization.project.decisions.nodes");
    let (allowed, denied) = (&nodes[0], &nodes[1]);
    assert_eq!((&allowed["outcome"], &allowed["isReplayable"]), (&json!("ALLOW"), &json!(true)));
    assert_eq!(allowed["winner"]["id"], json!(grant));
    assert_eq!((&denied["outcome"], &denied["isReplayable"]), (&json!("DENY"), &json!(false)));
    assert_eq!(denied["reason"]["kind"], "OUTSIDE_ALLOWED");
    assert_eq!(denied["input"]["userId"], json!(world.developer.id));
    assert_eq!(
        denied["input"]["arguments"],
        json!({ "branch": "main", "note": "with [redacted]", "password": "[redacted]" })
    );
    let stored = world.database.rows("SELECT d::text AS text FROM governance.decisions d").await;
    let outbox = world.database.rows("SELECT o::text AS text FROM platform.outbox o").await;
    for row in stored.iter().chain(&outbox) {
        assert!(!row.to_string().contains(&secret) && !row.to_string().contains("hunter2"), "{row}");
    }
    let found = world.developer.node(denied["id"].as_str().expect("an id")).await;
    assert_eq!(found["__typename"], "Decision");
}

#[tokio::test]
async fn who_is_in_the_project_reads_what_is_about_them_and_admins_everything() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    decided(&world, &world.developer, "git/push", json!({}), 1).await;
    decided(&world, &world.project_admin, "git/push", json!({}), 2).await;
    for (name, client) in world.viewers() {
        let answer = client.query(LIST, json!({})).await.well();
        let count = answer.at("organization.project.decisions.totalCount").as_i64();
        let expected = match name {
            "owner" | "admin" | "project admin" => Some(2),
            "developer" => Some(1),
            "project viewer" => Some(0),
            _ => None,
        };
        assert_eq!(count, expected, "{name}");
        let of_organization = answer.at("organization.decisions.totalCount").as_i64();
        if of_organization.is_some() {
            assert_eq!(of_organization, Some(expected.unwrap_or(0)), "{name}");
        }
    }
    for (filter, count) in [
        (json!({ "outcomes": ["DENY"] }), 2),
        (json!({ "outcomes": ["ALLOW", "REQUIRE_APPROVAL"] }), 0),
        (json!({ "userId": world.developer.id }), 1),
        (json!({ "createdAt": { "before": "2020-01-01T00:00:00Z" } }), 0),
        (json!({ "winnerId": typed("pol", &new_id().to_string()) }), 0),
    ] {
        let answer = world.owner.query(LIST, json!({ "filter": filter })).await.well();
        assert_eq!(answer.number("organization.project.decisions.totalCount"), count, "{filter}");
    }
}

#[tokio::test]
async fn allows_are_recorded_as_often_as_the_organization_wants() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    published(&world.owner, of_acme(&world), json!({ "access": { "allowedTools": ["git/*"] } })).await;
    world.owner.mutate("organizationUpdate", json!({ "id": world.acme, "recordedAllowsPercent": 0 })).await.well();
    decided(&world, &world.developer, "git/push", json!({}), 0).await;
    decided(&world, &world.developer, "git/unknown", json!({}), 1).await;
    assert_eq!(world.database.number("SELECT count(*) FROM governance.decisions WHERE outcome = 'allow'").await, 0);
}

#[tokio::test]
async fn what_waits_to_be_recorded_is_written_before_the_server_ends() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    let calls = (0..40).map(|number| {
        let input =
            json!({ "projectId": world.rocket, "server": "git", "tool": "push", "arguments": { "number": number } });
        world.developer.mutate("approvalRequest", input)
    });
    for answer in futures_util::future::join_all(calls).await {
        answer.refused("DENIED", "");
    }
    let World { server, database, .. } = world;
    server.stop().await;
    assert_eq!(database.number("SELECT count(*) FROM governance.decisions").await, 40);
}

#[tokio::test]
async fn decisions_are_told_to_those_who_may_read_them() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    let query = "subscription($id: ID!, $outcome: DecisionOutcome) { decisionMade(projectId: $id, outcome: $outcome) { \
        kind cursor decision { outcome user { id } } } }";
    let mut admin = world.project_admin.socket().await;
    admin.subscribe(query, json!({ "id": world.rocket, "outcome": "DENY" })).await;
    admin.settle().await;
    let mut developer = world.developer.socket().await;
    developer.subscribe(query, json!({ "id": world.rocket })).await;
    developer.settle().await;
    decided(&world, &world.project_admin, "git/push", json!({}), 1).await;
    decided(&world, &world.developer, "git/push", json!({}), 2).await;
    let by = |event: Value| event["decisionMade"]["decision"]["user"]["id"].clone();
    assert_eq!(by(admin.event().await), json!(world.project_admin.id));
    assert_eq!(by(admin.event().await), json!(world.developer.id));
    assert_eq!(by(developer.event().await), json!(world.developer.id), "that of another is not told");
}

async fn why_not(client: &Client, input: Value) -> Answer {
    client.query(WHY_NOT, json!({ "input": input })).await.well()
}

#[tokio::test]
async fn what_is_named_as_missing_is_enough_once_it_is_done() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    let call = || calling(&world, "git/push");
    // Nothing grants it: a policy would.
    let answer = why_not(&world.developer, call()).await;
    assert_eq!(answer.at("whyNot.isAllowed"), &json!(false));
    let change = answer.at("whyNot.ways.0.changes.0");
    assert_eq!(
        (&change["kind"], &change["path"], &change["value"]),
        (&json!("NEW_POLICY"), &json!("rules.access.allowedTools"), &json!("git/push"))
    );
    let grant = published(&world.owner, of_acme(&world), json!({ "access": { "allowedTools": ["time/*"] } })).await;
    // A list that misses it: the entry is added to that list.
    let answer = why_not(&world.developer, call()).await;
    let change = answer.at("whyNot.ways.0.changes.0");
    assert_eq!(
        (&change["kind"], &change["policy"]["id"], &change["value"]),
        (&json!("POLICY_EDIT"), &json!(grant), &json!("git/push"))
    );
    let rules = json!({ "access": { "allowedTools": ["time/*", change["value"]] } });
    world.owner.mutate("policyUpdate", json!({ "id": grant, "rules": rules })).await.well();
    assert_eq!(why_not(&world.developer, call()).await.at("whyNot.isAllowed"), &json!(true));
    // Two that block it: both are named, and nothing less.
    let exact =
        published(&world.owner, of_acme(&world), json!({ "access": { "blockedTools": ["other", "git/push"] } })).await;
    let wide = published(&world.owner, of_rocket(&world), json!({ "access": { "blockedTools": ["git/*"] } })).await;
    let answer = why_not(&world.developer, call()).await;
    let changes = answer.list("whyNot.ways.0.changes");
    assert_eq!(changes.len(), 2, "{}", answer.body);
    let of = |id: &str| changes.iter().find(|change| change["policy"]["id"] == id).expect("a change");
    assert_eq!((&of(&exact)["path"], &of(&exact)["value"]), (&json!("rules.access.blockedTools[1]"), &Value::Null));
    assert_eq!((&of(&wide)["path"], &of(&wide)["value"]), (&json!("appliesTo.tools.exclude"), &json!("git/push")));
    let rules = json!({ "access": { "blockedTools": ["other"] } });
    world.owner.mutate("policyUpdate", json!({ "id": exact, "rules": rules })).await.well();
    assert_eq!(outcome(&world.developer, call()).await, "DENY", "one of the two is not enough");
    let exclude = json!({ "id": wide, "appliesTo": { "tools": { "exclude": ["git/push"] } } });
    world.owner.mutate("policyUpdate", exclude).await.well();
    assert_eq!(outcome(&world.developer, call()).await, "ALLOW");
}

#[tokio::test]
async fn a_gate_a_role_and_an_approval_are_named_where_they_are_what_is_missing() {
    let world = World::new().await;
    let server = world.tools("git", &["push", "tag"]).await;
    published(
        &world.owner,
        of_acme(&world),
        json!({ "access": { "allowedTools": ["git/push"], "approvedTools": ["git/tag"] } }),
    )
    .await;
    let kinds = async |tool: &str| {
        let answer = why_not(&world.developer, calling(&world, tool)).await;
        let ways = answer.list("whyNot.ways").iter().map(|way| {
            let changes = way["changes"].as_array().expect("changes");
            changes
                .iter()
                .map(|change| change["kind"].as_str().expect("a kind").to_owned())
                .collect::<Vec<_>>()
                .join("+")
        });
        ways.collect::<Vec<_>>()
    };
    assert_eq!(kinds("git/tag").await.first().map(String::as_str), Some("APPROVAL"));
    let admins = json!({ "rules": { "access": { "blockedTools": ["git/push"] } }, "appliesTo": { "roles": { "exclude": ["PROJECT_ADMIN"] } } });
    let id = world.owner.policy(&of_rocket(&world), admins).await;
    world.owner.mutate("policyPublish", json!({ "id": id })).await.well();
    let ways = kinds("git/push").await;
    assert!(ways.contains(&"GRANT".to_owned()) && ways.contains(&"POLICY_EDIT".to_owned()), "{ways:?}");
    world.owner.mutate("policyDelete", json!({ "id": id })).await.well();
    let sql = format!("UPDATE governance.mcp_servers SET is_enabled = false WHERE id = '{}'", uuid(&server));
    world.database.run(&sql).await;
    assert_eq!(kinds("git/push").await, ["GATE"]);
    assert_eq!(kinds("git/tag").await, ["GATE+APPROVAL"]);
    assert_eq!(kinds("git/nothing").await, ["REGISTRATION+POLICY_EDIT"]);
}

#[tokio::test]
async fn a_custom_policy_that_cannot_be_evaluated_denies() {
    let world = World::new().await;
    world.tools("git", &["push"]).await;
    published(&world.owner, of_acme(&world), json!({ "access": { "allowedTools": ["*"] } })).await;
    let text = "forbid(principal, action, resource) when { context.arguments.branch == \"main\" };";
    published(&world.owner, of_rocket(&world), json!({ "custom": { "text": text } })).await;
    let with = |arguments: Value| {
        let mut input = calling(&world, "git/push");
        input["action"]["callTool"]["arguments"] = arguments;
        input
    };
    assert_eq!(outcome(&world.developer, with(json!({ "branch": "topic" }))).await, "ALLOW");
    assert_eq!(outcome(&world.developer, with(json!({ "branch": "main" }))).await, "DENY");
    let answer = explained(&world.developer, with(json!({}))).await;
    assert_eq!(answer.at("explainDecision.outcome"), "DENY");
    let tried = answer.list("explainDecision.trace.tried");
    assert!(
        tried.iter().any(|one| one["error"].as_str().is_some_and(|error| error.contains("branch"))),
        "{}",
        answer.body
    );
    assert_eq!(
        outcome(&world.developer, calling(&world, "git/push")).await,
        "ALLOW",
        "a list asks before there are arguments"
    );
}
