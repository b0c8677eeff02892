//! Events leave in commit order: nothing committed late is skipped, and one resource's events keep their order.

use api::platform::events::Topic;
use futures_util::{FutureExt, StreamExt};

use super::{Cluster, Subject, append, held_back, next, numbers, older};

#[tokio::test]
async fn an_event_that_commits_late_is_not_skipped() {
    let cluster = Cluster::without_redis().await;
    let process = cluster.process().await;
    let subject = Subject::new();
    let mut events = process.follow(Topic::Space(subject.space)).await;
    let mut late = process.pool().begin().await.expect("a transaction");
    append(&mut late, subject).await;
    let other = subject.beside();
    process.write(other).await;
    held_back(&process, 1).await;
    assert!(events.next().now_or_never().is_none(), "nothing may pass an open writer");
    late.commit().await.expect("a commit");
    process.feed.poke();
    assert_eq!(next(&mut events).await.resource_id, subject.resource);
    assert_eq!(next(&mut events).await.resource_id, other.resource);
}

#[tokio::test]
async fn a_younger_transaction_with_a_lower_number_arrives_when_it_commits() {
    let cluster = Cluster::without_redis().await;
    let process = cluster.process().await;
    let (first, second) = (Subject::new(), Subject::new());
    let mut events = process.follow(Topic::Resource(first.resource)).await;
    let mut others = process.follow(Topic::Resource(second.resource)).await;
    let mut elder = older(process.pool()).await;
    let mut younger = process.pool().begin().await.expect("a transaction");
    append(&mut younger, first).await;
    append(&mut elder, second).await;
    elder.commit().await.expect("a commit");
    process.feed.poke();
    let passed = next(&mut others).await;
    younger.commit().await.expect("a commit");
    process.feed.poke();
    assert!(next(&mut events).await.position > passed.position);
}

#[tokio::test]
async fn an_older_transaction_that_overwrites_keeps_the_order_of_the_resource() {
    let cluster = Cluster::without_redis().await;
    let process = cluster.process().await;
    let subject = Subject::new();
    let mut events = process.follow(Topic::Resource(subject.resource)).await;
    let mut eldest = older(process.pool()).await;
    let between = older(process.pool()).await;
    process.write(subject).await;
    append(&mut eldest, subject).await;
    eldest.commit().await.expect("a commit");
    process.feed.poke();
    held_back(&process, 2).await;
    assert!(events.next().now_or_never().is_none(), "the second may not pass the first");
    between.rollback().await.expect("a rollback");
    assert_eq!(numbers(&mut events, 2).await, [1, 2]);
}
