//! Hands new events to the followers of this process. One task reads for all of them, each event once from PostgreSQL;
//! what wakes it may be lost, which only delays.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{Notify, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::envelope::{FeedEvent, Topic};
use super::{Shared, reading};
use crate::platform::errors::Result;
use crate::platform::retry::Retry;

/// How often the hub looks without being told.
const IDLE_POLL: Duration = Duration::from_secs(1);
/// The same while Redis is away and only the relay of this process can tell.
const UNTOLD_POLL: Duration = Duration::from_millis(250);
/// How many may wait to join.
const JOINS: usize = 64;

/// What the other tasks know of the hub.
#[derive(Debug)]
pub(super) struct Hub {
    /// There may be new events.
    pub(super) wake: Notify,
    /// A follower has gone.
    pub(super) departed: Notify,
    joins: mpsc::Sender<Join>,
    position: AtomicI64,
    followers: AtomicUsize,
}

/// A follower that wants to hear what comes after a position.
#[derive(Debug)]
pub(super) struct Join {
    topics: Arc<[Topic]>,
    after: i64,
    follower: Follower,
    /// Told the position from which the hub hands on events; what is before it the follower reads itself.
    hands_on_after: oneshot::Sender<i64>,
}

#[derive(Debug)]
struct Follower {
    queue: mpsc::Sender<Arc<FeedEvent>>,
    overflowed: Arc<OnceLock<Instant>>,
}

/// A follower's end of its queue.
#[derive(Debug)]
pub(super) struct Joined {
    pub(super) queue: mpsc::Receiver<Arc<FeedEvent>>,
    /// When the queue was full and the hub stopped filling it.
    pub(super) overflowed: Arc<OnceLock<Instant>>,
    /// The queue begins after this position, or after the one that was asked for if that is higher.
    pub(super) after: i64,
}

impl Hub {
    pub(super) fn new() -> (Self, mpsc::Receiver<Join>) {
        let (joins, waiting) = mpsc::channel(JOINS);
        let hub = Self {
            wake: Notify::new(),
            departed: Notify::new(),
            joins,
            position: AtomicI64::new(0),
            followers: AtomicUsize::new(0),
        };
        (hub, waiting)
    }

    /// Up to where everything was handed on.
    pub(super) fn position(&self) -> i64 {
        self.position.load(Ordering::Acquire)
    }

    pub(super) fn followers(&self) -> usize {
        self.followers.load(Ordering::Relaxed)
    }

    /// Begins to queue the events of some topics; `None` when the feed shuts down.
    pub(super) async fn join(&self, topics: Arc<[Topic]>, after: i64, capacity: usize) -> Option<Joined> {
        let (sender, queue) = mpsc::channel(capacity);
        let overflowed = Arc::new(OnceLock::new());
        let (hands_on_after, told) = oneshot::channel();
        let follower = Follower { queue: sender, overflowed: Arc::clone(&overflowed) };
        self.joins.send(Join { topics, after, follower, hands_on_after }).await.ok()?;
        Some(Joined { queue, overflowed, after: told.await.ok()? })
    }
}

/// Serves the followers until it is dropped.
pub(super) async fn run(shared: Arc<Shared>, mut joins: mpsc::Receiver<Join>) -> Infallible {
    let mut retry = Retry::of("reading events for subscriptions");
    let mut followers = Followers::default();
    let mut next_look = Instant::now();
    loop {
        let has_followers = !followers.by_topic.is_empty();
        let mut is_time_to_read = false;
        tokio::select! {
            Some(join) = joins.recv() => followers.admit(&shared, join),
            () = shared.hub.departed.notified() => followers.sweep(&shared),
            () = shared.hub.wake.notified(), if has_followers => is_time_to_read = true,
            () = sleep_until(next_look), if has_followers => is_time_to_read = true,
        }
        if !is_time_to_read {
            continue;
        }
        match followers.read(&shared).await {
            Ok(may_be_more) => {
                retry.succeeded();
                let pause = match (may_be_more, shared.channels.is_connected()) {
                    (true, _) => Duration::ZERO,
                    (false, true) => IDLE_POLL,
                    (false, false) => UNTOLD_POLL,
                };
                next_look = Instant::now() + pause;
            }
            Err(error) => {
                retry.failed(&error).await;
                next_look = Instant::now();
            }
        }
    }
}

#[derive(Debug, Default)]
struct Followers {
    /// A follower stands at each of its topics.
    by_topic: HashMap<Topic, Vec<Arc<Follower>>>,
    count: usize,
}

impl Followers {
    fn admit(&mut self, shared: &Shared, join: Join) {
        if self.by_topic.is_empty() {
            // Nobody needed what came in between.
            shared.hub.position.store(join.after, Ordering::Release);
        }
        let follower = Arc::new(join.follower);
        for topic in join.topics.iter() {
            self.by_topic.entry(*topic).or_default().push(Arc::clone(&follower));
            shared.channels.follow(*topic);
        }
        self.count += 1;
        shared.hub.followers.store(self.count, Ordering::Relaxed);
        // The follower may have given up waiting; then its queue is closed and it is swept out.
        let _ = join.hands_on_after.send(shared.hub.position());
    }

    /// Reads one page and hands it on; tells whether there may be more.
    async fn read(&mut self, shared: &Shared) -> Result<bool> {
        let after = shared.hub.position();
        let topics: Vec<Topic> = self.by_topic.keys().copied().collect();
        let page = reading::of_topics(shared.database.pool(), &topics, after, shared.pace.page).await?;
        let mut has_refused = false;
        for event in &page.events {
            for topic in event.topics() {
                for follower in self.by_topic.get(&topic).into_iter().flatten() {
                    has_refused |= !follower.takes(event);
                }
            }
        }
        if has_refused {
            self.sweep(shared);
        }
        shared.hub.position.store(page.reaches, Ordering::Release);
        Ok(page.is_full)
    }

    /// Lets go of those who have gone, and of those who did not keep up: their queue ends.
    fn sweep(&mut self, shared: &Shared) {
        // Each is asked once: one that goes meanwhile would leave some of its topics now and others later, counted twice.
        let mut asked: HashMap<*const Follower, bool> = HashMap::new();
        self.by_topic.retain(|topic, followers| {
            followers.retain(|follower| *asked.entry(Arc::as_ptr(follower)).or_insert_with(|| follower.stays()));
            if followers.is_empty() {
                shared.channels.leave(*topic);
            }
            !followers.is_empty()
        });
        self.count -= asked.values().filter(|stays| !**stays).count();
        shared.hub.followers.store(self.count, Ordering::Relaxed);
    }
}

impl Follower {
    fn stays(&self) -> bool {
        !self.queue.is_closed() && self.overflowed.get().is_none()
    }

    /// Queues the event. A follower whose queue is full is let go: it reads on from PostgreSQL at its own pace.
    fn takes(&self, event: &Arc<FeedEvent>) -> bool {
        if !self.stays() {
            return false;
        }
        match self.queue.try_send(Arc::clone(event)) {
            Ok(()) => true,
            Err(TrySendError::Closed(_)) => false,
            Err(TrySendError::Full(_)) => {
                // Set before the queue ends, so that the follower sees why it ended.
                let _ = self.overflowed.set(Instant::now());
                false
            }
        }
    }
}
