//! What reaches Redis: each event once, under its position, in the envelope that consumers know.

use api::platform::events::Topic;
use redis::streams::StreamRangeReply;

use super::{Cluster, Process, Subject, next, numbers};
use crate::support::eventually;

/// The ids of the events of the subject, as the stream must have them.
async fn expected(process: &Process, subject: Subject) -> Vec<String> {
    let sql = "SELECT position || '-0' FROM platform.outbox WHERE resource_id = $1 ORDER BY position";
    sqlx::query_scalar(sql).bind(subject.resource).fetch_all(process.pool()).await.expect("the positions")
}

#[tokio::test]
async fn the_stream_holds_the_envelope_under_the_position() {
    let cluster = Cluster::new().await;
    let process = cluster.process().await;
    let subject = Subject::new();
    let mut events = process.follow(Topic::Resource(subject.resource)).await;
    process.write(subject).await;
    let event = next(&mut events).await;
    let id = format!("{}-0", event.position.0);
    cluster.delivered(std::slice::from_ref(&id)).await;
    let stream: StreamRangeReply = cluster.stream().await;
    let entry = stream.ids.into_iter().find(|entry| entry.id == id).expect("the event");
    let field = |name: &str| entry.get::<String>(name).unwrap_or_else(|| panic!("no {name}"));
    assert_eq!(entry.map.len(), 7);
    assert_eq!(field("event_id"), event.event_id.to_string());
    assert_eq!(field("event_type"), "document.updated");
    assert_eq!(field("timestamp").parse::<chrono::DateTime<chrono::Utc>>().expect("a time"), event.timestamp);
    assert_eq!(field("actor_id"), "");
    assert_eq!(field("resource_id"), subject.resource.to_string());
    assert_eq!(field("workspace_id"), subject.space.to_string());
    assert_eq!(field("payload"), r#"{"n":1}"#);
}

#[tokio::test]
async fn another_process_takes_over_and_nothing_is_lost_or_told_twice() {
    let cluster = Cluster::new().await;
    let (first, second) = (cluster.process().await, cluster.process().await);
    assert!(first.feed.status().is_leader);
    let subject = Subject::new();
    let mut events = second.follow(Topic::Resource(subject.resource)).await;
    for turn in 0..60 {
        match turn {
            20 => cluster.end_the_leader().await,
            40 => first.feed.shut_down().await,
            _ => {}
        }
        second.write(subject).await;
    }
    assert_eq!(numbers(&mut events, 60).await, (1..=60).collect::<Vec<_>>());
    eventually("the other leads", async || second.feed.status().is_leader.then_some(())).await;
    cluster.delivered(&expected(&second, subject).await).await;
}

#[tokio::test]
async fn streams_that_redis_lost_are_delivered_again() {
    let cluster = Cluster::new().await;
    let process = cluster.process().await;
    let subject = Subject::new();
    let mut events = process.follow(Topic::Resource(subject.resource)).await;
    for _ in 0..20 {
        process.write(subject).await;
    }
    assert_eq!(numbers(&mut events, 20).await.len(), 20);
    let ids = expected(&process, subject).await;
    cluster.delivered(&ids).await;
    let key = format!("{}stream:documents", cluster.prefix());
    let _: i64 = redis::cmd("DEL").arg(key).query_async(&mut cluster.redis().await).await.expect("Redis answers");
    // A connection of a new leader looks into the streams as one that was cut off does.
    cluster.end_the_leader().await;
    process.write(subject).await;
    assert_eq!(numbers(&mut events, 1).await, [21]);
    cluster.delivered(&expected(&process, subject).await).await;
}

#[tokio::test]
async fn a_database_behind_the_streams_continues_above_them() {
    let cluster = Cluster::new().await;
    let key = format!("{}stream:ai", cluster.prefix());
    let mut redis = cluster.redis().await;
    let add = redis::cmd("XADD").arg(key).arg("5000000-0").arg("from").arg("before").to_owned();
    let _: String = add.query_async(&mut redis).await.expect("Redis answers");
    let process = cluster.process().await;
    let subject = Subject::new();
    let mut events = process.follow(Topic::Resource(subject.resource)).await;
    eventually("the feed has jumped", async || {
        let sql = "SELECT last_position >= 5000000 FROM platform.feed";
        let has_jumped: bool = sqlx::query_scalar(sql).fetch_one(process.pool()).await.expect("the feed");
        has_jumped.then_some(())
    })
    .await;
    process.write(subject).await;
    assert!(next(&mut events).await.position.0 > 5_000_000);
    cluster.delivered(&expected(&process, subject).await).await;
}
