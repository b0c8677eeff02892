//! What explanations foretell and calls then find: who may call at all, with which key, and what the limits leave. Looking
//! takes nothing.

use serde_json::{Value, json};

use super::{allow_everything, approved, call, published};
use crate::governance::registry_walk::{tool, world};
use crate::governance::tool_server::ToolServer;
use crate::support::{Answer, Client, World};

async fn numbers() -> (World, ToolServer) {
    let world = world().await;
    let server = ToolServer::with(json!([tool("add")])).await;
    approved(&world, "numbers", server.transport()).await;
    allow_everything(&world).await;
    (world, server)
}

const LIMITS: &str = "measure window countedBy amount remaining hasRoom resetsAt";

/// What would be decided about a call of numbers/add, asked with more of the input.
async fn explained(world: &World, client: &Client, more: Value) -> Answer {
    let mut input =
        json!({ "projectId": world.rocket, "action": { "callTool": { "server": "numbers", "tool": "add" } } });
    for (name, value) in more.as_object().into_iter().flatten() {
        input[name.as_str()] = value.clone();
    }
    let text = format!(
        "query($input: ExplainDecisionInput!) {{ explainDecision(input: $input) {{ outcome reason {{ kind gate }} \
         winner {{ id }} trace {{ limits {{ {LIMITS} }} }} }} whyNot(input: $input) {{ isAllowed explanation {{ outcome }} \
         ways {{ changes {{ kind gate role resetsAt policy {{ id }} summary }} }} }} }}"
    );
    client.query(&text, json!({ "input": input })).await
}

/// The outcome, the gate that is closed, and the changes that are named, both ways of asking.
fn told(answer: &Answer) -> (&str, &Value, Vec<&Value>) {
    let outcome = answer.text("explainDecision.outcome");
    assert_eq!(answer.at("whyNot.isAllowed"), outcome == "ALLOW", "{}", answer.body);
    assert_eq!(answer.at("whyNot.explanation.outcome"), outcome, "{}", answer.body);
    let ways = answer.list("whyNot.ways");
    let changes = ways.first().map(|way| way["changes"].as_array().expect("changes").iter().collect());
    (outcome, answer.at("explainDecision.reason.gate"), changes.unwrap_or_default())
}

#[tokio::test]
async fn who_may_not_call_at_all_is_told_so_and_what_would_change_it() {
    let (world, server) = numbers().await;
    let (_, reading) = world.developer.api_key(None, &["TOOLS_READ", "DECISIONS_READ"]).await;
    let (_, calling) = world.developer.api_key(None, &["TOOLS_CALL", "DECISIONS_READ"]).await;
    for (client, kind, role) in
        [(&world.project_viewer, "GRANT", json!("PROJECT_DEVELOPER")), (&reading, "GATE", Value::Null)]
    {
        let refused = call(&world, client, "numbers/add", json!({ "a": 1 })).await;
        assert_eq!(refused.code(), "FORBIDDEN");
        let answer = explained(&world, client, json!({})).await.well();
        let (outcome, gate, changes) = told(&answer);
        assert_eq!((outcome, gate, changes.len()), ("DENY", &json!("MAY_CALL"), 1), "{}", answer.body);
        assert_eq!((&changes[0]["kind"], &changes[0]["role"]), (&json!(kind), &role), "{}", answer.body);
    }
    // A model is no tool, and needs no role that calls.
    let model = json!({ "action": { "useModel": { "model": "sonnet" } } });
    assert_eq!(told(&explained(&world, &world.project_viewer, model).await.well()).0, "ALLOW");
    // About them, for who administers the project.
    let about = json!({ "userId": world.project_viewer.id });
    assert_eq!(told(&explained(&world, &world.project_admin, about).await.well()).1, &json!("MAY_CALL"));
    for client in [&world.developer, &calling] {
        assert_eq!(told(&explained(&world, client, json!({})).await.well()).0, "ALLOW");
        call(&world, client, "numbers/add", json!({ "a": 1 })).await.well();
    }
    assert_eq!(server.calls().len(), 2);
}

#[tokio::test]
async fn a_key_is_explained_as_it_is_now_to_its_creator_and_to_admins() {
    let (world, _server) = numbers().await;
    let (reading, _) = world.project_admin.api_key(Some(&world.rocket), &["TOOLS_READ"]).await;
    let (calling, _) = world.project_admin.api_key(Some(&world.rocket), &["TOOLS_CALL"]).await;
    let networks = json!({ "projectId": world.rocket, "name": "elsewhere", "scopes": ["TOOLS_CALL"],
        "allowedNetworks": ["192.0.2.0/24"] });
    let (elsewhere, _) = world.project_admin.api_key_of(networks).await;
    let (personal, _) = world.developer.api_key(None, &["TOOLS_CALL"]).await;
    for client in [&world.owner, &world.project_admin] {
        for (key, more, outcome, gate) in [
            (&reading, json!({}), "DENY", json!("MAY_CALL")),
            (&calling, json!({}), "ALLOW", Value::Null),
            (&elsewhere, json!({}), "DENY", json!("KEY_VALID")),
            (&elsewhere, json!({ "address": "192.0.2.7" }), "ALLOW", Value::Null),
        ] {
            let mut asked = more.clone();
            asked["apiKeyId"] = json!(key);
            let answer = explained(&world, client, asked).await.well();
            let (found, closed, _) = told(&answer);
            assert_eq!((found, closed), (outcome, &gate), "{more} {}", answer.body);
        }
    }
    let of_developer = json!({ "apiKeyId": personal });
    assert_eq!(told(&explained(&world, &world.developer, of_developer.clone()).await.well()).0, "ALLOW");
    let of_admin = json!({ "apiKeyId": calling });
    for (client, asked, code) in [
        (&world.developer, of_admin.clone(), "FORBIDDEN"),
        (&world.project_viewer, of_admin, "FORBIDDEN"),
        (&world.owner, of_developer, "NOT_FOUND"),
        (&world.owner, json!({ "apiKeyId": calling, "userId": world.developer.id }), "BAD_USER_INPUT"),
    ] {
        let answer = explained(&world, client, asked.clone()).await;
        assert_eq!(answer.codes().first().copied(), Some(code), "{asked} {}", answer.body);
    }
    world.project_admin.mutate("apiKeyRevoke", json!({ "id": calling })).await.well();
    let answer = explained(&world, &world.owner, json!({ "apiKeyId": calling })).await.well();
    assert_eq!(told(&answer).1, &json!("KEY_VALID"), "{}", answer.body);
}

#[tokio::test]
async fn what_remains_is_seen_before_a_call_and_a_limit_without_room_is_named() {
    let (world, server) = numbers().await;
    let limit = |amount: u32, window: &str, counted_by: &str| json!({ "measure": "REQUESTS", "amount": amount.to_string(), "window": window, "countedBy": counted_by, "enforcement": "HARD" });
    let limits = [limit(2, "HOUR", "USER"), limit(5, "DAY", "PROJECT"), limit(9, "DAY", "TOOL")];
    let id =
        published(&world.owner, json!({ "projectId": world.rocket }), json!({ "usage": { "limits": limits } })).await;
    let text = format!("query($id: ID!) {{ node(id: $id) {{ ... on Project {{ limits {{ {LIMITS} }} }} }} }}");
    let left = |list: &[Value]| {
        let mut left: Vec<(String, Value, Value)> = list
            .iter()
            .map(|limit| {
                let text = |name: &str| limit[name].as_str().expect("a text").to_owned();
                (text("countedBy"), limit["remaining"].clone(), limit["hasRoom"].clone())
            })
            .collect();
        left.sort_by(|one, other| one.0.cmp(&other.0));
        left
    };
    let is = |counted_by: &str, remaining: Value, has_room: Value| (counted_by.to_owned(), remaining, has_room);
    for _ in 0..3 {
        let seen = world.developer.query(&text, json!({ "id": world.rocket })).await.well();
        let expected = [
            is("PROJECT", Value::Null, json!(true)),
            is("TOOL", Value::Null, Value::Null),
            is("USER", json!("2"), json!(true)),
        ];
        assert_eq!(left(seen.list("node.limits")), expected, "{}", seen.body);
        let answer = explained(&world, &world.developer, json!({})).await.well();
        assert_eq!(told(&answer).0, "ALLOW");
        let expected = [
            is("PROJECT", Value::Null, json!(true)),
            is("TOOL", Value::Null, json!(true)),
            is("USER", json!("2"), json!(true)),
        ];
        assert_eq!(left(answer.list("explainDecision.trace.limits")), expected, "{}", answer.body);
    }
    let sql = "SELECT count(*) FROM metering.budgets";
    assert_eq!(world.database.number(sql).await, 0, "looking takes nothing");
    for _ in 0..2 {
        call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.well();
    }
    let answer = explained(&world, &world.developer, json!({})).await.well();
    let (outcome, _, changes) = told(&answer);
    assert_eq!((outcome, answer.text("explainDecision.reason.kind")), ("DENY", "LIMIT"), "{}", answer.body);
    assert_eq!((changes.len(), &changes[0]["kind"]), (1, &json!("LIMIT")), "{}", answer.body);
    assert!(changes[0]["resetsAt"].is_string(), "{}", answer.body);
    assert_eq!(changes[0]["policy"]["id"], json!(id));
    let refused = call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await;
    assert_eq!((refused.refusals(), server.calls().len()), (vec!["RATE_LIMITED"], 2));
    // Others have room, and who administers the project sees how much is left to all.
    let answer = explained(&world, &world.project_admin, json!({})).await.well();
    assert_eq!(told(&answer).0, "ALLOW");
    let expected = [
        is("PROJECT", json!("3"), json!(true)),
        is("TOOL", json!("7"), json!(true)),
        is("USER", json!("2"), json!(true)),
    ];
    assert_eq!(left(answer.list("explainDecision.trace.limits")), expected, "{}", answer.body);
    // Whatever else is missing, the limit is as well.
    let rules = json!({ "access": { "blockedTools": ["numbers/add"] } });
    published(&world.owner, json!({ "projectId": world.rocket }), rules).await;
    let answer = explained(&world, &world.developer, json!({})).await.well();
    let kinds: Vec<&str> = told(&answer).2.iter().filter_map(|change| change["kind"].as_str()).collect();
    assert!(kinds.len() == 2 && kinds.contains(&"LIMIT"), "{}", answer.body);
}
