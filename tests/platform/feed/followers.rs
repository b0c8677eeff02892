//! Followers see each event of their topic once and in order, wherever they begin and however slow they are.

use std::collections::HashSet;
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
    let cursor = process.feed.cursor(process.write(subject).await);
    let head = process.feed.resolve(&cursor).await.expect("a cursor of a write");
    assert_eq!(process.feed.resolve(&process.feed.cursor(head)).await.expect("a cursor of the feed"), head);
    for after in [head.0 - 300, head.0 - 1, head.0] {
        let mut events = process.feed.follow(&[topic], Some(Position(after))).await.expect("a kept position");
        let missed = head.0 - after;
        let written = process.write(subject).await;
        let last = process.feed.resolve(&process.feed.cursor(written)).await.expect("a cursor of a write").0;
        let expected: Vec<i64> = (301 - missed..=last - head.0 + 300).collect();
        assert_eq!(numbers(&mut events, expected.len()).await, expected);
    }
    let never = [process.feed.cursor(Position(i64::MAX)), process.feed.cursor(EventNumber(i64::MAX))];
    for nonsense in ["", "cA", "ZTE", "cDE", "cC0x", "MTIz", "💥", &"A".repeat(22), &never[0], &never[1]] {
        let refused = process.feed.resolve(nonsense).await;
        assert!(matches!(refused, Err(Error::BadInput { .. })), "{nonsense}: {refused:?}");
    }
    sqlx::query("DELETE FROM platform.outbox WHERE position < $1")
        .bind(head.0)
        .execute(process.pool())
        .await
        .expect("a pruning");
    let too_old = process.feed.resolve(&process.feed.cursor(Position(head.0 - 2))).await;
    assert!(matches!(too_old, Err(Error::GapTooOld)), "{too_old:?}");
    assert!(process.feed.resolve(&process.feed.cursor(Position(head.0 - 1))).await.is_ok());
}

#[tokio::test]
async fn a_cursor_tells_nothing_of_how_much_is_written() {
    let cluster = Cluster::without_redis().await;
    let feed = cluster.process().await.feed;
    let texts: Vec<String> =
        (1..=1_000).flat_map(|number| [feed.cursor(Position(number)), feed.cursor(EventNumber(number))]).collect();
    let different: HashSet<&String> = texts.iter().collect();
    assert_eq!(different.len(), texts.len(), "each place has a text of its own");
    assert_eq!(texts[0], feed.cursor(Position(1)), "and always the same");
    assert!(texts.iter().all(|text| text.len() == 22));
    assert!(!texts.is_sorted(), "the order of texts is not that of places");
    for pair in texts.windows(2) {
        let common = pair[0].bytes().zip(pair[1].bytes()).filter(|(one, other)| one == other).count();
        assert!(common < 8, "{pair:?}");
    }
    // One letter changed anywhere is no cursor, and neither is one of a server with another secret.
    let cursor = feed.cursor(Position(0));
    for place in 0..cursor.len() {
        let letter = if &cursor[place..=place] == "A" { "B" } else { "A" };
        let forged = format!("{}{letter}{}", &cursor[..place], &cursor[place + 1..]);
        let refused = feed.resolve(&forged).await;
        assert!(matches!(&refused, Err(Error::BadInput { field, .. }) if field == "after"), "{forged}: {refused:?}");
    }
    assert!(feed.resolve(&cursor).await.is_ok());
    let elsewhere = cluster.process_of("another secret of another server, long enough", Pace::default()).await;
    assert!(matches!(elsewhere.feed.resolve(&cursor).await, Err(Error::BadInput { .. })));
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
    let mut resumed = process.feed.follow(&[topic], Some(last.position)).await.expect("a kept position");
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
