//! Rates of policies: charged all or none, over several servers, each with its own promise for the time without Redis.

use futures_util::future::join_all;
use serde_json::json;

use super::{ask, is_admitted, limit, policy};
use crate::faults::Redis;
use crate::support::{Server, World};
use api::metering::limits::Refused;
use api::platform::request::Platform;

async fn admitted(platforms: &[&Platform], world: &World, limits: &[api::governance::decision::AppliedLimit]) -> usize {
    let calls = (0..60).map(|number| ask(platforms[number % platforms.len()], world, limits));
    join_all(calls).await.iter().filter(|answer| is_admitted(answer)).count()
}

#[tokio::test]
async fn two_servers_admit_together_what_one_would() {
    let world = World::new().await;
    let second = Server::start(&world.database, |_| {}).await;
    let limits = [limit(&policy(&world, false).await, 20, "hour", "organization", json!({}))];
    assert_eq!(admitted(&[world.server.platform(), second.platform()], &world, &limits).await, 20);
    let Err(Refused::Reached(reached)) = ask(second.platform(), &world, &limits).await else {
        panic!("there is no room")
    };
    assert_eq!((reached.standing.remaining, reached.standing.has_room), (0.into(), false));
    assert!((1..=180).contains(&reached.retry_after.as_secs()), "{reached:?}");
}

#[tokio::test]
async fn every_limit_is_charged_or_none_and_the_tightest_wins() {
    let world = World::new().await;
    let platform = world.server.platform();
    let (wide, narrow) = (policy(&world, false).await, policy(&world, true).await);
    let wide = limit(&wide, 50, "hour", "organization", json!({}));
    let narrow = limit(&narrow, 7, "hour", "key", json!({}));
    assert_eq!(admitted(&[platform], &world, &[wide.clone(), narrow.clone()]).await, 7);
    let Err(Refused::Reached(reached)) = ask(platform, &world, &[wide.clone(), narrow]).await else {
        panic!("no room")
    };
    assert_eq!(reached.standing.limit.limit.amount, 7.into());
    assert_eq!(admitted(&[platform], &world, &[wide]).await, 43, "what was refused cost nothing");
}

#[tokio::test]
async fn what_is_watched_or_counts_somebody_without_part_refuses_nothing() {
    let world = World::new().await;
    let platform = world.server.platform();
    let id = policy(&world, false).await;
    let watched = limit(&id, 3, "hour", "organization", json!({ "enforced": false }));
    assert_eq!(admitted(&[platform], &world, std::slice::from_ref(&watched)).await, 60);
    let admission = ask(platform, &world, &[watched]).await.expect("it refuses nothing");
    assert!(!admission.standings[0].has_room);
    // The call uses no tool.
    let of_tool = limit(&id, 0, "hour", "tool", json!({ "index": 1 }));
    assert_eq!(admitted(&[platform], &world, &[of_tool]).await, 60);
    let nothing = limit(&id, 0, "minute", "user", json!({ "index": 2 }));
    assert_eq!(admitted(&[platform], &world, &[nothing]).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_each_limit_keeps_its_promise() {
    let mut redis = Redis::start().await;
    let url = redis.url();
    let world = World::with(|config| config.stores.redis_url = url.as_str().into()).await;
    let platform = world.server.platform();
    let id = policy(&world, false).await;
    let of = |index: u32, promise: &str| {
        [limit(&id, 20, "hour", "organization", json!({ "index": index, "when_redis_away": promise }))]
    };
    let [local, deny, allow] = [of(0, "local"), of(1, "deny"), of(2, "allow")];
    for limits in [&local, &deny, &allow] {
        assert_eq!(admitted(&[platform], &world, limits).await, 20);
    }
    redis.kill();
    // This process begins to count for itself, and no further.
    assert_eq!(admitted(&[platform], &world, &local).await, 20);
    assert_eq!(admitted(&[platform], &world, &deny).await, 0);
    assert_eq!(admitted(&[platform], &world, &allow).await, 60);
    let all = [local.clone(), deny.clone(), allow.clone()].concat();
    assert_eq!(admitted(&[platform], &world, &all).await, 0, "one denies");
    redis.restart().await;
    crate::support::eventually("Redis is asked again, and knows what was used", async || {
        (!is_admitted(&ask(platform, &world, &allow).await)).then_some(())
    })
    .await;
}
