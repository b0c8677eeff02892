//! Followers see each event of their topic once and in order, wherever they begin and however slow they are.

use std::sync::Arc;
use std::time::Duration;

use api::platform::errors::Error;
use api::platform::events::{Pace, Position, Topic};
use api::platform::outbox::EventNumber;
use futures_util::{FutureExt, StreamExt};

use super::{Cluster, Subject, next, numbers};
use crate::support::{eventually, within};

#[tokio::test]
async fn a_cursor_replays_what_was_missed_and_then_follows() {
    let cluster = Cluster::without_redis().await;
    let process = cluster.process().await;
    let subject = Subject::new();
    let topic = Topic::Resource(subject.resource);
    for _ in 0..299 {
        process.write(subject).await;
    }
    let cursor = process.write(subject).await.encode();
    let head = process.feed.resolve(&cursor).await.expect("a cursor of a write");
    assert_eq!(process.feed.resolve(&head.encode()).await.expect("a cursor of the feed"), head);
    for after in [head.0 - 300, head.0 - 1, head.0] {
        let mut events = process.feed.follow(topic, Some(Position(after))).await.expect("a kept position");
        let missed = head.0 - after;
        let written = process.write(subject).await;
        let last = process.feed.resolve(&written.encode()).await.expect("a cursor of a write").0;
        let expected: Vec<i64> = (301 - missed..=last - head.0 + 300).collect();
        assert_eq!(numbers(&mut events, expected.len()).await, expected);
    }
    for nonsense in ["", "cA", "cC0x", "MTIz", "💥", &Position(i64::MAX).encode(), &EventNumber(i64::MAX).encode()] {
        let refused = process.feed.resolve(nonsense).await;
        assert!(matches!(refused, Err(Error::BadInput { .. })), "{nonsense}: {refused:?}");
    }
    sqlx::query("DELETE FROM platform.outbox WHERE position < $1")
        .bind(head.0)
        .execute(process.pool())
        .await
        .expect("a pruning");
    let too_old = process.feed.resolve(&Position(head.0 - 2).encode()).await;
    assert!(matches!(too_old, Err(Error::GapTooOld)), "{too_old:?}");
    assert!(process.feed.resolve(&Position(head.0 - 1).encode()).await.is_ok());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_and_a_follower_of_each_subject() {
    const WRITERS: usize = 16;
    const EVENTS: usize = 50;
    let cluster = Cluster::new().await;
    let (here, there) = (Arc::new(cluster.process().await), cluster.process().await);
    let one = Subject::new();
    let mut everything = there.follow(Topic::Space(one.space)).await;
    let mut tasks = Vec::new();
    for turn in 0..WRITERS {
        let subject = one.beside();
        let process = if turn % 2 == 0 { &here } else { &there };
        let mut events = process.follow(Topic::Resource(subject.resource)).await;
        tasks.push(tokio::spawn(async move {
            let expected: Vec<i64> = (1..=EVENTS).map(|number| number as i64).collect();
            assert_eq!(numbers(&mut events, EVENTS).await, expected);
            assert!(events.next().now_or_never().is_none(), "each event comes once");
        }));
        let writer = Arc::clone(&here);
        tasks.push(tokio::spawn(async move {
            for _ in 0..EVENTS {
                writer.write(subject).await;
            }
        }));
    }
    let mut last = Position(0);
    for _ in 0..WRITERS * EVENTS {
        let event = next(&mut everything).await;
        assert!(event.position > last);
        last = event.position;
    }
    for task in tasks {
        task.await.expect("nothing was missed");
    }
    eventually("only one has not left", async || {
        let followers = here.feed.status().followers + there.feed.status().followers;
        (followers == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_follower_that_falls_behind_catches_up_from_the_database() {
    let pace = Pace { queue: 8, page: 4, patience: Duration::from_secs(3600), ..Pace::default() };
    let cluster = Cluster::without_redis().await;
    let process = cluster.process_with(pace).await;
    let subject = Subject::new();
    let mut events = process.follow(Topic::Resource(subject.resource)).await;
    for _ in 0..50 {
        process.write(subject).await;
    }
    eventually("its queue was full", async || (process.feed.status().followers == 0).then_some(())).await;
    assert_eq!(numbers(&mut events, 50).await, (1..=50).collect::<Vec<_>>());
    process.write(subject).await;
    assert_eq!(numbers(&mut events, 1).await, [51]);
}

#[tokio::test]
async fn a_follower_that_stays_behind_is_ended_and_resumes() {
    let pace = Pace { queue: 8, page: 4, patience: Duration::ZERO, ..Pace::default() };
    let cluster = Cluster::without_redis().await;
    let process = cluster.process_with(pace).await;
    let subject = Subject::new();
    let topic = Topic::Resource(subject.resource);
    let mut events = process.follow(topic).await;
    for _ in 0..50 {
        process.write(subject).await;
    }
    eventually("its queue was full", async || (process.feed.status().followers == 0).then_some(())).await;
    let mut last = next(&mut events).await;
    for _ in 1..8 {
        last = next(&mut events).await;
    }
    let end = within("the end", events.next()).await;
    assert!(matches!(end, Some(Err(Error::SlowConsumer))), "{end:?}");
    assert!(events.next().await.is_none());
    let mut resumed = process.feed.follow(topic, Some(last.position)).await.expect("a kept position");
    assert_eq!(numbers(&mut resumed, 42).await, (9..=50).collect::<Vec<_>>());
}

#[tokio::test]
async fn without_redis_every_process_hears_of_every_event() {
    let cluster = Cluster::without_redis().await;
    let (leader, standby) = (cluster.process().await, cluster.process().await);
    let subject = Subject::new();
    let mut events = standby.follow(Topic::Resource(subject.resource)).await;
    leader.write(subject).await;
    standby.write(subject).await;
    assert_eq!(numbers(&mut events, 2).await, [1, 2]);
    assert!(leader.feed.status().is_leader && !standby.feed.status().is_leader);
}

#[tokio::test]
async fn shutting_down_ends_the_streams_without_an_error() {
    let cluster = Cluster::without_redis().await;
    let process = cluster.process().await;
    let subject = Subject::new();
    let mut events = process.follow(Topic::Resource(subject.resource)).await;
    process.write(subject).await;
    assert_eq!(numbers(&mut events, 1).await, [1]);
    process.feed.shut_down().await;
    assert!(within("the end", events.next()).await.is_none());
}
