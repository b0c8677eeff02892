//! What operations cost whoever asks: told in headers, in extensions and in the graph, refused alike on every transport,
//! and counted once for all servers.

use std::time::Instant;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Process, Server, World};

const QUERY: &str = "{ rateLimit { limit cost remaining resetAt } viewer { user { name } } }";

async fn limited(people: u32, networks: u32) -> World {
    World::with(|config| {
        config.query.cost_per_minute = Some(people);
        config.query.anonymous_cost_per_minute = Some(networks);
    })
    .await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("none")
}

#[tokio::test]
async fn an_operation_tells_what_it_cost_and_what_is_left() {
    let world = limited(10_000, 0).await;
    let first = world.member.query(QUERY, Value::Null).await.well();
    let told = first.at("rateLimit");
    let cost = told["cost"].as_i64().expect("a cost");
    assert!(cost > 1, "{told}");
    assert_eq!((told["limit"].as_i64(), told["remaining"].as_i64()), (Some(10_000), Some(10_000 - cost)));
    assert_eq!(first.json["extensions"]["rateLimit"], *told);
    // Four fields of the limit, the user's name, and the three that hold them.
    let told = json!({ "requested": cost, "actual": 8, "remaining": 10_000 - cost });
    assert_eq!(first.json["extensions"]["cost"], told);
    assert_eq!(header(&first, "ratelimit-limit"), "10000");
    assert_eq!(header(&first, "ratelimit-remaining"), (10_000 - cost).to_string());
    assert_eq!(header(&first, "ratelimit-reset"), "1");
    assert_eq!(header(&first, "ratelimit-policy"), "10000;w=60");
    assert_eq!(header(&first, "retry-after"), "none");
    // Others have their own, and those who are not signed in have no limit here.
    let other = world.owner.query(QUERY, Value::Null).await.well();
    assert_eq!(other.at("rateLimit.remaining"), 10_000 - cost);
    let nobody = world.anonymous.query(QUERY, Value::Null).await.well();
    assert!(nobody.at("rateLimit").is_null() && nobody.json["extensions"].is_null(), "{}", nobody.body);
    assert_eq!(header(&nobody, "ratelimit-limit"), "none");
}

#[tokio::test]
async fn without_limits_nothing_is_told() {
    let world = World::new().await;
    let answer = world.member.query(QUERY, Value::Null).await.well();
    assert!(answer.at("rateLimit").is_null() && answer.json["extensions"].is_null(), "{}", answer.body);
    assert_eq!(header(&answer, "ratelimit-limit"), "none");
}

#[tokio::test]
async fn what_costs_more_than_is_left_is_refused_on_every_transport() {
    let world = limited(1, 1).await;
    for client in [&world.member, &world.anonymous] {
        client.query("{ __typename }", Value::Null).await.well();
        let refused = client.query("{ __typename }", Value::Null).await;
        assert_eq!((refused.status.as_u16(), refused.code()), (429, "RATE_LIMITED"), "{}", refused.body);
        let told = &refused.json["errors"][0]["extensions"];
        let wait = told["retryAfter"].as_i64().expect("seconds");
        assert!((55..=60).contains(&wait), "{told}");
        assert_eq!((told["limit"].as_i64(), told["remaining"].as_i64()), (Some(1), Some(0)), "{told}");
        assert_eq!(
            (header(&refused, "retry-after"), header(&refused, "ratelimit-remaining")),
            (wait.to_string().as_str(), "0")
        );
        assert!(refused.json.get("data").is_none(), "{}", refused.body);

        let by_get = Answer::read(client.get("query=%7B__typename%7D").send().await.expect("an answer")).await;
        assert_eq!((by_get.status.as_u16(), by_get.code()), (429, "RATE_LIMITED"));
        let events = client.post().header("accept", "text/event-stream").json(&json!({ "query": "{ __typename }" }));
        let events = events.send().await.expect("an answer").text().await.expect("events");
        assert!(events.contains("RATE_LIMITED") && events.contains("event: complete"), "{events}");
        let mut socket = client.socket().await;
        for operation in
            ["{ __typename }", "subscription { documentChanged(id: \"doc_00000000000000000000000000\") { cursor } }"]
        {
            socket.subscribe(operation, Value::Null).await;
            let message = socket.message().await;
            assert_eq!(message["type"], "error", "{message}");
            assert_eq!(message["payload"][0]["extensions"]["code"], "RATE_LIMITED", "{message}");
        }
        let batch = client.post().json(&json!([{ "query": "{ __typename }" }, { "query": "{ __typename }" }]));
        let batch = batch.send().await.expect("an answer").text().await.expect("a body");
        assert_eq!(batch.matches("RATE_LIMITED").count(), 2, "{batch}");
    }
}

#[tokio::test]
async fn a_key_has_a_limit_of_its_own_and_counts_for_its_person_as_well() {
    const SHORT: &str = "{ __typename }";
    let world = World::new().await;
    let (_, first) = world.member.api_key(None, &["PROFILE_READ"]).await;
    let (_, second) = world.member.api_key(None, &["PROFILE_READ"]).await;
    let limited = Server::start(&world.database, |config| {
        config.query.cost_per_minute = Some(5);
        config.query.key_cost_per_minute = Some(3);
    })
    .await;
    let [first, second, person] = [&first, &second, &world.member].map(|client| client.of(&limited.graphql()));
    let limit = |answer: &Answer| {
        (header(answer, "ratelimit-limit").to_owned(), header(answer, "ratelimit-remaining").to_owned())
    };
    let is = |limit: &str, remaining: &str| (limit.to_owned(), remaining.to_owned());
    for remaining in ["2", "1", "0"] {
        assert_eq!(limit(&first.query(SHORT, Value::Null).await.well()), is("3", remaining));
    }
    for _ in 0..4 {
        let refused = first.query(SHORT, Value::Null).await;
        assert_eq!((refused.code(), limit(&refused)), ("RATE_LIMITED", is("3", "0")), "{}", refused.body);
    }
    // What was refused cost the person nothing, who has two left; another key has its own three, and no more than that.
    assert_eq!(limit(&second.query(SHORT, Value::Null).await.well()), is("5", "1"));
    assert_eq!(limit(&person.query(SHORT, Value::Null).await.well()), is("5", "0"));
    let refused = second.query(SHORT, Value::Null).await;
    assert_eq!((refused.code(), limit(&refused)), ("RATE_LIMITED", is("5", "0")), "{}", refused.body);
}

#[tokio::test]
async fn a_query_that_began_beside_its_charge_gives_nothing_when_that_is_refused() {
    // A third of the limit, so that it does not come back while the test runs.
    const DEAR: &str = "{ viewer { organizations(first: 30) { nodes { id } } } }";
    let world = World::new().await;
    let start = async || Server::start(&world.database, |config| config.query.cost_per_minute = Some(200)).await;
    let (here, elsewhere) = (start().await, start().await);
    let [here, elsewhere] = [here.graphql(), elsewhere.graphql()].map(|address| world.member.of(&address));
    // This server has seen that plenty is left, and does not see what is used up elsewhere.
    let first = here.query(QUERY, Value::Null).await.well();
    assert!(first.at("rateLimit.remaining").as_i64() > Some(180), "{}", first.body);
    here.query(DEAR, Value::Null).await.well();
    for query in [DEAR, QUERY] {
        while elsewhere.query(query, Value::Null).await.status.is_success() {}
    }
    let refused = here.query(DEAR, Value::Null).await;
    assert_eq!((refused.status.as_u16(), refused.code()), (429, "RATE_LIMITED"), "{}", refused.body);
    assert!(refused.json.get("data").is_none(), "{}", refused.body);
}

#[tokio::test]
async fn a_mutation_that_is_refused_changes_nothing() {
    let world = limited(1, 1).await;
    world.owner.query("{ __typename }", Value::Null).await.well();
    let before = world.database.digest().await;
    let refused = world.owner.mutate("organizationCreate", json!({ "name": "New", "slug": "new" })).await;
    assert_eq!(refused.code(), "RATE_LIMITED");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_server_processes_admit_together_what_one_would() {
    const LIMIT: usize = 120;
    let world = World::new().await;
    let settings = [("TRELLIS_COST_PER_MINUTE", "120")];
    let (first, second) =
        tokio::join!(Process::start(&world.database, &settings), Process::start(&world.database, &settings));
    let clients = [first.client(&world.member), second.client(&world.member)];
    let started = Instant::now();
    let calls = (0..2 * LIMIT).map(|number| clients[number % 2].query("{ __typename }", Value::Null));
    let admitted = join_all(calls).await.iter().filter(|answer| answer.status.is_success()).count();
    // Two come back each second, and the clock may be within a request of the next.
    let came_back = (started.elapsed().as_secs_f64() * 2.0).ceil() as usize;
    assert!((LIMIT..=LIMIT + came_back + 1).contains(&admitted), "{admitted} of {LIMIT}, and {came_back} came back");
}
