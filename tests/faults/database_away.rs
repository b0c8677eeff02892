//! PostgreSQL cannot be reached for a while.

use futures_util::future::join_all;
use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::support::socket::codes;
use crate::support::{Answer, PASSWORD, Wire, World, environment, eventually, graph};

/// The part of a PostgreSQL address between the password and the name of the database.
fn host(address: &str) -> &str {
    let address = address.split_once("://").map_or(address, |(_, address)| address);
    let address = address.split(['/', '?']).next().unwrap_or_default();
    address.rsplit('@').next().unwrap_or_default()
}

async fn world_on_a_wire() -> (World, Wire) {
    let target = host(&environment("TRELLIS_TEST_DATABASE_URL")).to_owned();
    let wire = Wire::to(&target).await;
    let world = World::with(|config| {
        let url = config.stores.database_url.reveal().replacen(&target, &wire.address(), 1);
        config.stores.database_url = url.into();
    })
    .await;
    (world, wire)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transport_says_so_in_the_code_and_in_the_status() {
    let (world, mut wire) = world_on_a_wire().await;
    let mut socket = world.anonymous.socket().await;
    wire.cut().await;

    let query = json!({ "query": "{ viewer { user { name } } }" });
    let sign_in = json!({
        "query": graph().mutation("signIn", "accessToken"),
        "variables": { "input": { "email": "owner@acme.test", "password": PASSWORD } },
    });
    let signed_in = |content: Value| world.owner.post().json(&content);
    let nobody = |content: Value| world.anonymous.post().json(&content);
    let requests = [
        ("a signed-in query", signed_in(query.clone())),
        ("signing in", nobody(sign_in.clone())),
        ("signing in, in the older media type", nobody(sign_in.clone()).header(ACCEPT, "application/json")),
        ("a signed-in query as events", signed_in(query.clone()).header(ACCEPT, "text/event-stream")),
    ];
    let ask = async |(name, request): (&'static str, reqwest::RequestBuilder)| {
        (name, Answer::read(request.send().await.expect("the server answers")).await)
    };
    for (name, answer) in join_all(requests.map(ask)).await {
        assert_eq!((answer.status, answer.code()), (StatusCode::SERVICE_UNAVAILABLE, "UNAVAILABLE"), "{name}");
        assert!(answer.json.get("data").is_none(), "{name}: {}", answer.body);
        assert!(!answer.body.contains("pool") && !answer.body.contains("onnection"), "{name}: {}", answer.body);
    }
    let batch = nobody(json!([sign_in, sign_in])).send().await.expect("the server answers");
    let batch = Answer::read(batch).await;
    assert_eq!(batch.status, StatusCode::SERVICE_UNAVAILABLE, "{}", batch.body);
    assert_eq!(batch.json[1]["errors"][0]["extensions"]["code"], "UNAVAILABLE", "{}", batch.body);

    socket.subscribe(sign_in["query"].as_str().expect("a text"), sign_in["variables"].clone()).await;
    let message = socket.message().await;
    assert_eq!((&message["type"], codes(&message)), (&json!("error"), vec!["UNAVAILABLE"]), "{message}");
    // What needs no data is answered all the same.
    world.anonymous.query("{ __typename }", Value::Null).await.well();

    wire.mend().await;
    eventually("the server answers again", async || {
        let answer = world.owner.query("{ viewer { user { name } } }", Value::Null).await;
        answer.status.is_success().then_some(())
    })
    .await;
}
