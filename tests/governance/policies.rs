//! Policies: drafts, versions, and what cannot be a policy.

use serde_json::{Value, json};

use crate::support::{Client, World, new_id, typed, uuid};

const TEXT: &str = "policy { id level type status mode version priority rules { __typename \
    ... on UsagePolicyRules { limits { measure amount window countedBy enforcement whenRedisAway } } \
    ... on AccessPolicyRules { allowedModels blockedModels allowedServers blockedServers allowedTools blockedTools \
        approvedTools hours { zone days from until } networks } \
    ... on CompliancePolicyRules { patterns detectors inArguments inResults response } \
    ... on CustomPolicyRules { text } } \
    appliesTo { users { include exclude } roles { include exclude } projects { include exclude } \
        models { include exclude } servers { include exclude } tools { include exclude } keys { include exclude } } }";

fn input(world: &World, rules: Value) -> Value {
    json!({ "scope": { "organizationId": world.acme }, "name": "A policy", "rules": rules })
}

async fn problems(client: &Client, input: Value) -> Vec<String> {
    let answer = client.mutate("policyCreate", input).await;
    assert!(answer.codes().is_empty() && answer.at("policyCreate.policy").is_null(), "{}", answer.body);
    let errors = answer.list("policyCreate.userErrors");
    errors
        .iter()
        .map(|error| {
            assert_eq!(error["code"], "POLICY_INVALID", "{error}");
            let path: Vec<&str> = error["field"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            path.join(".")
        })
        .collect()
}

#[tokio::test]
async fn what_was_written_is_read_back() {
    let world = World::new().await;
    let user = &world.member.id;
    let rules = [
        (
            json!({ "usage": { "limits": [
                { "measure": "COST_USD", "amount": "12.50", "window": "MONTH", "countedBy": "USER", "enforcement": "SOFT" },
                { "measure": "REQUESTS", "amount": "100", "window": "MINUTE", "countedBy": "KEY", "whenRedisAway": "DENY" },
            ] } }),
            json!({ "__typename": "UsagePolicyRules", "limits": [
                { "measure": "COST_USD", "amount": "12.50", "window": "MONTH", "countedBy": "USER", "enforcement": "SOFT", "whenRedisAway": "LOCAL" },
                { "measure": "REQUESTS", "amount": "100", "window": "MINUTE", "countedBy": "KEY", "enforcement": "HARD", "whenRedisAway": "DENY" },
            ] }),
        ),
        (
            json!({ "access": {
                "allowedModels": ["claude-*"], "blockedTools": ["github/delete_*"], "approvedTools": ["write"],
                "hours": [{ "zone": "Europe/Berlin", "days": ["MON", "FRI"], "from": "08:00", "until": "18:30" }],
                "networks": ["10.0.0.0/8", "2001:db8::/32"],
            } }),
            json!({ "__typename": "AccessPolicyRules",
                "allowedModels": ["claude-*"], "blockedModels": [], "allowedServers": [], "blockedServers": [],
                "allowedTools": [], "blockedTools": ["github/delete_*"], "approvedTools": ["write"],
                "hours": [{ "zone": "Europe/Berlin", "days": ["MON", "FRI"], "from": "08:00", "until": "18:30" }],
                "networks": ["10.0.0.0/8", "2001:db8::/32"],
            }),
        ),
        (
            json!({ "compliance": { "patterns": ["(?i)project x"], "detectors": ["SECRETS", "SECRETS"], "inResults": false, "response": "BLOCK" } }),
            json!({ "__typename": "CompliancePolicyRules", "patterns": ["(?i)project x"], "detectors": ["SECRETS"],
                "inArguments": true, "inResults": false, "response": "BLOCK" }),
        ),
        (
            json!({ "custom": { "text": "forbid(principal, action, resource == Tool::\"git/push\");" } }),
            json!({ "__typename": "CustomPolicyRules", "text": "forbid(principal, action, resource == Tool::\"git/push\");" }),
        ),
    ];
    for (given, expected) in rules {
        let mut input = input(&world, given);
        input["appliesTo"] = json!({
            "users": { "include": [user] }, "roles": { "exclude": ["PROJECT_ADMIN"] }, "tools": { "include": ["a/*"], "exclude": ["a/b"] },
        });
        let answer = world.owner.mutate_for("policyCreate", TEXT, input).await.well();
        let policy = answer.at("policyCreate.policy");
        assert_eq!(policy["rules"], expected);
        assert_eq!(
            (&policy["status"], &policy["mode"], &policy["level"]),
            (&json!("DRAFT"), &json!("ENFORCE"), &json!("ORGANIZATION"))
        );
        let nothing = json!({ "include": [], "exclude": [] });
        assert_eq!(
            policy["appliesTo"],
            json!({
                "users": { "include": [user], "exclude": [] }, "roles": { "include": [], "exclude": ["PROJECT_ADMIN"] },
                "tools": { "include": ["a/*"], "exclude": ["a/b"] },
                "projects": nothing, "models": nothing, "servers": nothing, "keys": nothing,
            })
        );
    }
}

#[tokio::test]
async fn each_problem_is_told_with_its_path() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for (rules, expected) in [
        (
            json!({ "access": { "allowedTools": ["a", "b/*", "c[d]"], "blockedModels": [""] } }),
            vec!["input.rules.access.blockedModels[0]", "input.rules.access.allowedTools[2]"],
        ),
        (
            json!({ "access": { "hours": [{ "zone": "Mars", "from": "08:00", "until": "09:00" }] } }),
            vec!["input.rules.access.hours[0].zone"],
        ),
        (
            json!({ "access": { "hours": [{ "zone": "UTC", "from": "8", "until": "25:00" }] } }),
            vec!["input.rules.access.hours[0].from", "input.rules.access.hours[0].until"],
        ),
        (
            json!({ "access": { "networks": ["10.0.0.0/8", "10.0.0.0/33", "here"] } }),
            vec!["input.rules.access.networks[1]", "input.rules.access.networks[2]"],
        ),
        (json!({ "usage": { "limits": [] } }), vec!["input.rules.usage.limits"]),
        (
            json!({ "usage": { "limits": [{ "measure": "TOKENS", "amount": "1.5", "window": "DAY", "countedBy": "USER" }] } }),
            vec!["input.rules.usage.limits[0].amount"],
        ),
        (
            json!({ "usage": { "limits": [{ "measure": "COST_USD", "amount": "-1", "window": "DAY", "countedBy": "USER" }] } }),
            vec!["input.rules.usage.limits[0].amount"],
        ),
        (
            json!({ "usage": { "limits": [{ "measure": "COST_USD", "amount": "much", "window": "DAY", "countedBy": "USER" },
            { "measure": "COST_USD", "amount": "1", "window": "DAY", "countedBy": "USER" }] } }),
            vec!["input.rules.usage.limits[0].amount"],
        ),
        (json!({ "compliance": { "response": "FLAG" } }), vec!["input.rules.compliance"]),
        (
            json!({ "compliance": { "response": "FLAG", "patterns": ["a", "(", "x*"] } }),
            vec!["input.rules.compliance.patterns[1]", "input.rules.compliance.patterns[2]"],
        ),
        (
            json!({ "compliance": { "response": "FLAG", "detectors": ["SECRETS"], "inArguments": false, "inResults": false } }),
            vec!["input.rules.compliance.inArguments"],
        ),
        (
            json!({ "custom": { "text": "permit(principal, action, resource) when { context.nothing };" } }),
            vec!["input.rules.custom.text"],
        ),
        (json!({ "custom": { "text": "" } }), vec!["input.rules.custom.text"]),
    ] {
        let mut found = problems(&world.owner, input(&world, rules.clone())).await;
        let mut expected = expected;
        found.sort();
        expected.sort_unstable();
        assert_eq!(found, expected, "{rules}");
    }
    let mut applied = input(&world, json!({ "access": { "allowedTools": ["*"] } }));
    applied["appliesTo"] = json!({ "servers": { "exclude": ["fine", "a?"] }, "tools": { "include": vec!["a"; 501] } });
    let mut found = problems(&world.owner, applied).await;
    found.sort();
    assert_eq!(found, ["input.appliesTo.servers.exclude[1]", "input.appliesTo.tools.include"]);
    for (field, value, code) in [
        ("name", json!("  "), "NAME_REQUIRED"),
        ("name", json!("\u{202E}x"), "TEXT_INVALID"),
        ("priority", json!(1_000_001), "OUT_OF_RANGE"),
        ("id", json!(typed("pol", "018f0000-0000-7000-8000-000000000000")), "ID_TAKEN"),
    ] {
        let mut input = input(&world, json!({ "access": { "allowedTools": ["*"] } }));
        input[field] = value;
        world.owner.mutate("policyCreate", input).await.refused(code, field);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn exactly_one_kind_of_rules_and_one_scope_is_given() {
    let world = World::new().await;
    let both = json!({ "access": { "allowedTools": ["*"] }, "custom": { "text": "" } });
    for (field, value) in [
        ("rules", both),
        ("rules", json!({})),
        ("scope", json!({})),
        ("scope", json!({ "organizationId": world.acme, "projectId": world.rocket })),
    ] {
        let mut input = input(&world, json!({ "access": { "allowedTools": ["*"] } }));
        input[field] = value;
        let answer = world.owner.mutate("policyCreate", input).await;
        assert!(!answer.codes().is_empty(), "{}", answer.body);
    }
    assert_eq!(world.database.number("SELECT count(*) FROM governance.policies").await, 0);
}

#[tokio::test]
async fn every_edit_is_a_version_with_who_and_when() {
    let world = World::new().await;
    let id = world.owner.policy(&json!({ "organizationId": world.acme }), json!({})).await;
    world.admin.mutate("policyPublish", json!({ "id": id, "mode": "MONITOR" })).await.well();
    let rules = json!({ "access": { "allowedTools": ["git/*"] } });
    world.admin.mutate("policyUpdate", json!({ "id": id, "rules": rules, "expectedVersion": 2 })).await.well();
    world.owner.mutate("policyDisable", json!({ "id": id })).await.well();
    let query = "query($id: ID!) { node(id: $id) { ... on Policy { version versions(first: 10) { totalCount nodes { \
        number status mode createdBy { name } createdAt rules { ... on AccessPolicyRules { allowedTools } } } } } } }";
    let answer = world.member.query(query, json!({ "id": id })).await.well();
    let versions = answer.list("node.versions.nodes");
    let told: Vec<Value> = versions
        .iter()
        .map(|one| {
            json!([one["number"], one["status"], one["mode"], one["createdBy"]["name"], one["rules"]["allowedTools"]])
        })
        .collect();
    assert_eq!(
        told,
        [
            json!([4, "DISABLED", "MONITOR", "owner", ["git/*"]]),
            json!([3, "ACTIVE", "MONITOR", "admin", ["git/*"]]),
            json!([2, "ACTIVE", "MONITOR", "admin", ["*"]]),
            json!([1, "DRAFT", "ENFORCE", "owner", ["*"]]),
        ]
    );
    assert_eq!((answer.number("node.version"), answer.number("node.versions.totalCount")), (4, 4));
    let stale = json!({ "id": id, "name": "Other", "expectedVersion": 2 });
    let answer = world.owner.mutate_for("policyUpdate", "policy { version }", stale).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(answer.number("policyUpdate.policy.version"), 4);
    let usage = json!({ "usage": { "limits": [{ "measure": "REQUESTS", "amount": "1", "window": "DAY", "countedBy": "USER" }] } });
    world.owner.mutate("policyUpdate", json!({ "id": id, "rules": usage })).await.refused("POLICY_INVALID", "rules");
    world.owner.mutate("policyDisable", json!({ "id": id })).await.refused("ALREADY_SO", "id");
    assert_eq!(world.database.number("SELECT count(*) FROM governance.policy_versions").await, 4);
}

#[tokio::test]
async fn two_edits_at_once_are_two_versions() {
    let world = World::new().await;
    let id = world.owner.policy(&json!({ "projectId": world.rocket }), json!({})).await;
    let edits = (0..8).map(|number| world.owner.mutate("policyUpdate", json!({ "id": id, "priority": number })));
    for answer in futures_util::future::join_all(edits).await {
        answer.well();
    }
    let sql = "SELECT count(DISTINCT number) FROM governance.policy_versions";
    assert_eq!(world.database.number(sql).await, 9);
    let versioned = (0..8).map(|number| {
        world.owner.mutate("policyUpdate", json!({ "id": id, "priority": number, "expectedVersion": 9 }))
    });
    let answers = futures_util::future::join_all(versioned).await;
    let done = answers.iter().filter(|answer| answer.refusals().is_empty()).count();
    assert_eq!(done, 1, "one of those that read the same version wins");
}

#[tokio::test]
async fn any_change_of_policies_is_another_set() {
    let world = World::new().await;
    let version = async || {
        let sql = format!(
            "SELECT coalesce(max(version), 0) FROM governance.policy_sets WHERE organization_id = '{}'",
            uuid(&world.acme)
        );
        world.database.number(&sql).await
    };
    let mut before = version().await;
    let id = world.owner.policy(&json!({ "projectId": world.rocket }), json!({})).await;
    for (mutation, input) in [
        ("policyPublish", json!({ "id": id })),
        ("policyUpdate", json!({ "id": id, "priority": 5 })),
        ("policyDisable", json!({ "id": id })),
        ("policyDelete", json!({ "id": id })),
    ] {
        let now = version().await;
        assert!(now > before, "{mutation}");
        before = now;
        world.owner.mutate(mutation, input).await.well();
    }
    assert!(version().await > before);
    assert!(world.owner.node(&id).await.is_null(), "what is deleted is gone");
}

#[tokio::test]
async fn policies_are_listed_where_they_stand() {
    let world = World::new().await;
    let of_acme = world.owner.policy(&json!({ "organizationId": world.acme }), json!({})).await;
    let of_rocket = world.project_admin.policy(&json!({ "projectId": world.rocket }), json!({})).await;
    let query = "{ organization(slug: \"acme\") { policies(first: 10) { totalCount nodes { id } } \
        project(slug: \"rocket\") { policies(first: 10) { totalCount nodes { id } } } } }";
    let lists = async |client: &Client| {
        let answer = client.query(query, Value::Null).await.well();
        let of = |path: &str| answer.at(path).as_array().map(Vec::len);
        (of("organization.policies.nodes"), of("organization.project.policies.nodes"))
    };
    assert_eq!(lists(&world.owner).await, (Some(1), Some(1)));
    assert_eq!(lists(&world.project_admin).await, (Some(0), Some(1)), "a draft is its makers' own business");
    assert_eq!(lists(&world.developer).await, (Some(0), Some(0)));
    world.owner.mutate("policyPublish", json!({ "id": of_acme })).await.well();
    world.project_admin.mutate("policyPublish", json!({ "id": of_rocket })).await.well();
    assert_eq!(lists(&world.developer).await, (Some(1), Some(1)));
    assert_eq!(lists(&world.viewer).await, (Some(1), None));
    let answer = world.stranger.query(query, Value::Null).await.well();
    assert!(answer.at("organization").is_null());
}

#[tokio::test]
async fn policies_of_an_archived_project_cannot_be_changed() {
    let world = World::new().await;
    let id = world.owner.policy(&json!({ "projectId": world.rocket }), json!({})).await;
    world.owner.mutate("projectUpdate", json!({ "id": world.rocket, "status": "ARCHIVED" })).await.well();
    for (mutation, input) in [
        ("policyUpdate", json!({ "id": id, "priority": 5 })),
        ("policyPublish", json!({ "id": id })),
        ("policyDelete", json!({ "id": id })),
        (
            "policyCreate",
            json!({ "scope": { "projectId": world.rocket }, "name": "New", "rules": { "access": { "allowedTools": ["*"] } } }),
        ),
    ] {
        assert_eq!(world.owner.mutate(mutation, input).await.code(), "FORBIDDEN", "{mutation}");
    }
}

#[tokio::test]
async fn a_policy_of_a_server_nobody_sees_cannot_be_written() {
    let world = World::new().await;
    let server = typed("mcp", &new_id().to_string());
    let input =
        json!({ "scope": { "serverId": server }, "name": "New", "rules": { "access": { "allowedTools": ["*"] } } });
    assert_eq!(world.owner.mutate("policyCreate", input.clone()).await.code(), "NOT_FOUND");
    let sql = format!(
        "INSERT INTO governance.mcp_servers (id, organization_id, project_id, name) \
         SELECT '{}', organization_id, id, 'git' FROM tenancy.projects WHERE slug = 'rocket'",
        uuid(&server)
    );
    world.database.run(&sql).await;
    assert_eq!(world.stranger.mutate("policyCreate", input.clone()).await.code(), "NOT_FOUND");
    assert_eq!(world.developer.mutate("policyCreate", input.clone()).await.code(), "FORBIDDEN");
    let answer = world.project_admin.mutate_for("policyCreate", "policy { level serverId }", input).await.well();
    assert_eq!(answer.at("policyCreate.policy"), &json!({ "level": "SERVER", "serverId": server }));
}
