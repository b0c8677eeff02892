//! What calls consume: rates and budgets, exactly, however many call at once and on whichever server.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{FIELDS, allow_everything, approved, call, published, recorded};
use crate::faults::Redis;
use crate::governance::registry_walk::{tool, world, world_with};
use crate::governance::tool_server::ToolServer;
use crate::support::{Server, World, eventually};

async fn numbers() -> (World, ToolServer) {
    numbers_in(world().await).await
}

async fn numbers_in(world: World) -> (World, ToolServer) {
    let server = ToolServer::with(json!([tool("add")])).await;
    approved(&world, "numbers", server.transport()).await;
    allow_everything(&world).await;
    (world, server)
}

async fn limit(world: &World, amount: u32, window: &str) -> String {
    limit_with(world, amount, window, "LOCAL").await
}

async fn limit_with(world: &World, amount: u32, window: &str, when_redis_away: &str) -> String {
    let limit = json!({ "measure": "REQUESTS", "amount": amount.to_string(), "window": window,
        "countedBy": "PROJECT", "enforcement": "HARD", "whenRedisAway": when_redis_away });
    published(&world.owner, json!({ "projectId": world.rocket }), json!({ "usage": { "limits": [limit] } })).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_share_a_budget_of_a_hundred_exactly() {
    let (world, server) = numbers().await;
    limit(&world, 100, "DAY").await;
    let second = Server::start(&world.database, |_| {}).await;
    let input = json!({ "projectId": world.rocket, "server": "numbers", "tool": "add", "arguments": { "a": 1 } });
    let callers = (0..64).map(|number| {
        let client = match number % 2 {
            0 => world.developer.clone(),
            _ => world.developer.of(&second.graphql()),
        };
        let input = input.clone();
        async move {
            let mut made = 0;
            loop {
                let answer = client.mutate_for("mcpToolCall", FIELDS, input.clone()).await;
                match answer.refusals().as_slice() {
                    [] => made += 1,
                    ["BUDGET_EXCEEDED"] => return made,
                    other => panic!("{other:?}: {}", answer.body),
                }
            }
        }
    });
    assert_eq!(join_all(callers).await.into_iter().sum::<i32>(), 100);
    assert_eq!(server.calls().len(), 100);
    let row = world
        .database
        .row("SELECT trim_scale(used)::text AS used, trim_scale(reserved)::text AS reserved FROM metering.budgets")
        .await;
    assert_eq!(row, json!({ "used": "100", "reserved": "0" }));
    let refused = call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await;
    let error = &refused.at("mcpToolCall.userErrors")[0];
    assert_eq!((&error["code"], refused.at("mcpToolCall.result")), (&json!("BUDGET_EXCEEDED"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_redis_that_dies_under_sixty_four_callers_breaks_no_promise() {
    let mut redis = Redis::start().await;
    let url = redis.url();
    let (world, server) = numbers_in(world_with(|config| config.stores.redis_url = url.as_str().into()).await).await;
    let budget = limit(&world, 100, "DAY").await;
    limit_with(&world, 10_000, "HOUR", "LOCAL").await;
    let callers = join_all((0..64).map(async |_| {
        let mut made = 0;
        loop {
            match call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.refusals().as_slice() {
                [] => made += 1,
                ["BUDGET_EXCEEDED"] => return made,
                other => panic!("{other:?}"),
            }
        }
    }));
    let killing = async {
        eventually("some calls are made", async || (server.calls().len() >= 20).then_some(())).await;
        redis.kill();
        server.calls().len()
    };
    let (made, before) = tokio::join!(callers, killing);
    assert!(before < 100, "Redis died while they called");
    assert_eq!((made.into_iter().sum::<usize>(), server.calls().len()), (100, 100), "the ledger is in PostgreSQL");

    // A rate may also promise to let nobody through who was not counted.
    world.owner.mutate("policyDisable", json!({ "id": budget })).await.well();
    limit_with(&world, 10_000, "HOUR", "DENY").await;
    eventually("the rate that denies holds", async || {
        let answer = call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await;
        (answer.refusals() == ["RATE_LIMITED"]).then_some(())
    })
    .await;
    let reached = server.calls().len();
    redis.restart().await;
    eventually("Redis is asked again", async || {
        let answer = call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await;
        answer.refusals().is_empty().then_some(())
    })
    .await;
    assert_eq!(server.calls().len(), reached + 1);
}

#[tokio::test]
async fn a_rate_says_when_to_come_again_and_the_decision_shows_where_it_stood() {
    let (world, server) = numbers().await;
    limit(&world, 3, "HOUR").await;
    for _ in 0..3 {
        call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.well();
    }
    let fields = "toolCall { id decisionId } userErrors { code retryAfterSeconds limit used }";
    let input = json!({ "projectId": world.rocket, "server": "numbers", "tool": "add", "arguments": { "a": 1 } });
    let text = format!("mutation($input: McpToolCallInput!) {{ mcpToolCall(input: $input) {{ {fields} }} }}");
    let answer = world.developer.query(&text, json!({ "input": input })).await;
    let error = &answer.at("mcpToolCall.userErrors")[0];
    assert_eq!((&error["code"], &error["limit"]), (&json!("RATE_LIMITED"), &Value::Null), "what others use is theirs");
    let of_admin = world.project_admin.query(&text, json!({ "input": input })).await;
    let of_admin = &of_admin.at("mcpToolCall.userErrors")[0];
    assert_eq!((&of_admin["limit"], &of_admin["used"]), (&json!(3.0), &json!(3.0)));
    assert!((1..=1_200).contains(&error["retryAfterSeconds"].as_i64().expect("seconds")), "{error}");
    assert_eq!(server.calls().len(), 3);
    recorded(&world, &world.developer, 4).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Decision { outcome reason { kind } isReplayable \
        trace { limits { amount remaining hasRoom resetsAt } } } } }";
    let id = answer.text("mcpToolCall.toolCall.decisionId").to_owned();
    let found = eventually("the decision is recorded", async || {
        let answer = world.owner.query(query, json!({ "id": id })).await.well();
        let found = answer.at("node").clone();
        (!found.is_null()).then_some(found)
    })
    .await;
    assert_eq!((&found["outcome"], &found["reason"]["kind"]), (&json!("DENY"), &json!("LIMIT")));
    let limit = &found["trace"]["limits"][0];
    assert_eq!((&limit["amount"], &limit["remaining"], &limit["hasRoom"]), (&json!("3"), &json!("0"), &json!(false)));
    assert_eq!(found["isReplayable"], false);
}

#[tokio::test]
async fn what_a_call_held_is_free_again_unless_its_server_was_asked() {
    let (world, server) = numbers().await;
    limit(&world, 10, "DAY").await;
    let level = async || {
        let sql = "SELECT coalesce(sum(used), 0)::int AS used, coalesce(sum(reserved), 0)::int AS reserved FROM metering.budgets";
        let row = world.database.row(sql).await;
        (row["used"].as_i64(), row["reserved"].as_i64())
    };
    // It refers to a secret that is not there: nobody is asked, and nothing used.
    let sql = "SET LOCAL session_replication_role = replica; UPDATE governance.mcp_server_versions \
        SET transport_config = jsonb_set(transport_config, '{headers}', '{\"X-Key\": \"${secrets.NONE}\"}')";
    world.database.run(sql).await;
    call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.refused("SECRET_MISSING", "server");
    assert_eq!(level().await, (Some(0), Some(0)));
    let sql = "SET LOCAL session_replication_role = replica; UPDATE governance.mcp_server_versions \
        SET transport_config = jsonb_set(transport_config, '{headers}', '{}')";
    world.database.run(sql).await;
    // One that failed was asked all the same.
    server.say(|words| words.result = json!("no result"));
    call(&world, &world.developer, "numbers/add", json!({ "a": 1 })).await.refused("SERVER_FAILED", "");
    assert_eq!(level().await, (Some(1), Some(0)));
}
