//! What was loaded before everything was forgotten is never an answer after it, however late it arrives.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use api::platform::errors::Result;
use api::platform::loaders::{Dispatched, Load, LoadContext, Loaders};
use api::platform::viewer::Viewer;
use futures_util::future::join;
use futures_util::poll;
use tokio::sync::Notify;
use tokio::task::yield_now;

use crate::support::{World, within};

static LOADS: [AtomicU32; 4] = [const { AtomicU32::new(0) }; 4];
static FIRST: [Notify; 4] = [const { Notify::const_new() }; 4];

/// Says which load of its test it was. The first waits until it is let go.
struct Numbered<const TEST: usize>;

impl<const TEST: usize> Load for Numbered<TEST> {
    type Key = &'static str;
    type Value = u32;
    const MERGED: bool = false;

    async fn load(_: &LoadContext, keys: Vec<&'static str>) -> Result<HashMap<&'static str, u32>> {
        let number = LOADS[TEST].fetch_add(1, Ordering::Relaxed) + 1;
        if number == 1 {
            FIRST[TEST].notified().await;
        }
        Ok(keys.into_iter().map(|key| (key, number)).collect())
    }
}

async fn loaders(world: &World) -> Loaders {
    let platform = world.server.platform();
    Loaders::new(platform.database.clone(), Arc::clone(&platform.mergers), Arc::default(), Viewer::Anonymous)
}

#[tokio::test]
async fn a_load_that_nobody_waits_for_any_more_does_not_answer_later() {
    let world = World::new().await;
    let loaders = loaders(&world).await;
    let operation = async {
        let mut given_up = Box::pin(loaders.load::<Numbered<0>>("key"));
        assert!(poll!(given_up.as_mut()).is_pending());
        yield_now().await;
        drop(given_up);
        loaders.go_on_as(Viewer::Anonymous);
        FIRST[0].notify_one();
        yield_now().await;
        assert_eq!(loaders.load::<Numbered<0>>("key").await.expect("a value"), 2);
    };
    within("the loads", Dispatched::new(loaders.clone(), operation)).await;
}

#[tokio::test]
async fn who_waits_while_everything_is_forgotten_is_given_what_is_loaded_after() {
    let world = World::new().await;
    let loaders = loaders(&world).await;
    let operation = async {
        let forgets = async {
            yield_now().await;
            loaders.go_on_as(Viewer::Anonymous);
            FIRST[1].notify_one();
        };
        let (value, ()) = join(loaders.load::<Numbered<1>>("key"), forgets).await;
        assert_eq!(value.expect("a value"), 2);
    };
    within("the loads", Dispatched::new(loaders.clone(), operation)).await;
}

#[tokio::test]
async fn a_key_that_was_asked_for_in_vain_keeps_nothing_from_being_forgotten() {
    let world = World::new().await;
    let loaders = loaders(&world).await;
    FIRST[2].notify_one();
    let operation = async {
        assert_eq!(loaders.load::<Numbered<2>>("key").await.expect("a value"), 1);
        let mut given_up = Box::pin(loaders.load::<Numbered<2>>("other"));
        assert!(poll!(given_up.as_mut()).is_pending());
        drop(given_up);
        loaders.go_on_as(Viewer::Anonymous);
        assert_eq!(loaders.load::<Numbered<2>>("key").await.expect("a value"), 2);
    };
    within("the loads", Dispatched::new(loaders.clone(), operation)).await;
}

/// Takes longer than others, and knows everything.
struct Late;

impl Load for Late {
    type Key = &'static str;
    type Value = u32;
    const MERGED: bool = false;

    async fn load(_: &LoadContext, keys: Vec<&'static str>) -> Result<HashMap<&'static str, u32>> {
        for _ in 0..5 {
            yield_now().await;
        }
        Ok(keys.into_iter().map(|key| (key, 0)).collect())
    }
}

#[tokio::test]
async fn what_follows_loads_of_different_length_is_loaded_together() {
    let world = World::new().await;
    let loaders = loaders(&world).await;
    FIRST[3].notify_one();
    let after_soon = async {
        loaders.load::<Soon>("any").await.expect("a value");
        loaders.load::<Numbered<3>>("one").await
    };
    let after_late = async {
        loaders.load::<Late>("any").await.expect("a value");
        loaders.load::<Numbered<3>>("other").await
    };
    let numbers = within("the loads", Dispatched::new(loaders.clone(), join(after_soon, after_late))).await;
    assert_eq!((numbers.0.expect("a value"), numbers.1.expect("a value")), (1, 1));
}

/// Has its answer at once.
struct Soon;

impl Load for Soon {
    type Key = &'static str;
    type Value = u32;
    const MERGED: bool = false;

    async fn load(_: &LoadContext, keys: Vec<&'static str>) -> Result<HashMap<&'static str, u32>> {
        Ok(keys.into_iter().map(|key| (key, 0)).collect())
    }
}
