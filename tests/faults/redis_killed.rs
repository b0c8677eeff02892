//! Redis is killed and restarted during writes.

use serde_json::{Value, json};

use super::Redis;
use crate::support::{World, eventually};

const FOLLOW: &str = "subscription($id: ID!) { documentChanged(id: $id) { document { title } } }";

/// Changes the title to each of the numbers, one after the other.
async fn write(world: &World, document: &str, numbers: std::ops::Range<u32>) {
    for number in numbers {
        let input = json!({ "id": document, "title": format!("{number}") });
        world.owner.mutate("documentUpdate", input).await.well();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_write_fails_without_redis_and_every_event_arrives_in_order() {
    let mut redis = Redis::start().await;
    let url = redis.url();
    let world = World::with(|config| config.stores.redis_url = url.as_str().into()).await;
    let document = world.owner.document(&world.handbook, json!({})).await;
    let mut socket = world.owner.socket().await;
    socket.subscribe(FOLLOW, json!({ "id": document })).await;
    socket.settle().await;

    write(&world, &document, 0..20).await;
    redis.kill();
    write(&world, &document, 20..40).await;
    redis.restart().await;
    write(&world, &document, 40..60).await;

    // The title is that of the moment of telling: it may run ahead, and never goes back.
    let mut last = -1;
    while last < 59 {
        let event = socket.event().await;
        let title = event["documentChanged"]["document"]["title"].as_str().and_then(|title| title.parse().ok());
        let title: i32 = title.unwrap_or_else(|| panic!("{event}"));
        assert!(title >= last, "{title} after {last}");
        last = title;
    }
    let sql = "SELECT position FROM platform.outbox WHERE stream = 'documents' ORDER BY position";
    let expected: Vec<String> =
        world.database.rows(sql).await.iter().map(|row| format!("{}-0", row["position"])).collect();
    assert_eq!(expected.len(), 61, "the creation and every change");
    let client = redis::Client::open(redis.url()).expect("an address");
    let key = format!("{}:stream:documents", world.database.name());
    eventually("the stream holds every event, in order", async || {
        let mut connection = client.get_multiplexed_async_connection().await.ok()?;
        let entries: redis::streams::StreamRangeReply =
            redis::cmd("XRANGE").arg(&key).arg("-").arg("+").query_async(&mut connection).await.ok()?;
        let ids: Vec<String> = entries.ids.into_iter().map(|entry| entry.id).collect();
        (ids == expected).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_look_at_a_redis_that_is_back_finds_it_well() {
    let mut redis = Redis::start().await;
    let url = redis.url();
    let world = World::with(|config| config.stores.redis_url = url.as_str().into()).await;
    let health = async || reqwest::get(world.server.at("/health/redis")).await.expect("an answer").status();
    assert_eq!(health().await, 200);
    redis.kill();
    redis.restart().await;
    assert_eq!(health().await, 200);
    redis.kill();
    assert_eq!(health().await, 503);
    redis.restart().await;
    assert_eq!(health().await, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_starts_and_is_ready_without_redis() {
    let world = World::with(|config| config.stores.redis_url = "redis://127.0.0.1:1".into()).await;
    world.owner.query("{ viewer { user { name } } }", Value::Null).await.well();
    let ready = reqwest::get(world.server.at("/health/ready")).await.expect("an answer");
    assert!(ready.status().is_success());
    let health = reqwest::get(world.server.at("/health")).await.expect("an answer");
    assert_eq!(health.status(), 503);
    let report: Value = health.json().await.expect("JSON");
    assert_eq!((&report["db"], report["redis"].is_string()), (&json!("ok"), true), "{report}");
    assert_ne!(report["redis"], "ok");
}
