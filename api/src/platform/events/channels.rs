//! The one pub/sub connection of the process. Its messages only wake: the hub for the topics somebody follows here, and
//! the relay when another process committed. It subscribes again by itself after Redis was away.

use std::collections::HashSet;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::StreamExt;
use redis::aio::PubSubSink;
use redis::{Msg, RedisResult};
use tokio::sync::{Notify, watch};
use tokio::time::{sleep, timeout};

use super::Shared;
use super::envelope::Topic;
use crate::platform::errors::{Error, Result};
use crate::platform::retry::Retry;

const ANSWER_LIMIT: Duration = Duration::from_secs(2);
/// How long a quiet connection is trusted.
const QUIET_LIMIT: Duration = Duration::from_secs(10);
/// Channels in one SUBSCRIBE.
const CHANNELS_AT_ONCE: usize = 500;

/// Which topics are followed in this process, and which of them Redis has not been told of.
#[derive(Debug)]
pub(super) struct Channels {
    topics: Mutex<Topics>,
    changed: Notify,
    connected: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Topics {
    followed: HashSet<Topic>,
    /// Recorded only while there is a connection: a new one subscribes to all that is followed then.
    changed: HashSet<Topic>,
    is_recording: bool,
}

impl Channels {
    pub(super) fn new() -> Self {
        Self { topics: Mutex::default(), changed: Notify::new(), connected: watch::Sender::new(false) }
    }

    pub(super) fn is_connected(&self) -> bool {
        *self.connected.borrow()
    }

    /// Tells when the connection comes and goes.
    pub(super) fn watch_connection(&self) -> watch::Receiver<bool> {
        self.connected.subscribe()
    }

    pub(super) fn follow(&self, topic: Topic) {
        let mut topics = self.lock();
        if topics.followed.insert(topic) {
            self.record(&mut topics, topic);
        }
    }

    pub(super) fn leave(&self, topic: Topic) {
        let mut topics = self.lock();
        if topics.followed.remove(&topic) {
            self.record(&mut topics, topic);
        }
    }

    fn record(&self, topics: &mut Topics, topic: Topic) {
        if topics.is_recording {
            topics.changed.insert(topic);
            self.changed.notify_one();
        }
    }

    fn start_recording(&self) -> Vec<Topic> {
        let mut topics = self.lock();
        topics.changed.clear();
        topics.is_recording = true;
        topics.followed.iter().copied().collect()
    }

    fn stop_recording(&self) {
        let mut topics = self.lock();
        topics.changed.clear();
        topics.is_recording = false;
        drop(topics);
        self.connected.send_replace(false);
    }

    /// The topics to subscribe to and those to leave. A repetition of either does no harm.
    fn take_changes(&self) -> (Vec<Topic>, Vec<Topic>) {
        let mut topics = self.lock();
        let changed = std::mem::take(&mut topics.changed);
        changed.into_iter().partition(|topic| topics.followed.contains(topic))
    }

    fn lock(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The channel on which a process tells the leader that it committed events.
pub(super) fn commits_channel(prefix: &str) -> String {
    format!("{prefix}events:committed")
}

/// Listens until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) -> Infallible {
    let mut retry = Retry::of("listening to Redis for events");
    loop {
        let Err(error) = listen(&shared, &mut retry).await;
        shared.channels.stop_recording();
        retry.failed(&error).await;
    }
}

async fn listen(shared: &Shared, retry: &mut Retry) -> Result<Infallible> {
    let channels = &shared.channels;
    let commits = commits_channel(&shared.prefix);
    let (mut sink, mut messages) = answered(shared.redis.get_async_pubsub()).await?.split();
    answered(sink.subscribe(&commits)).await?;
    subscribe(&mut sink, shared, &channels.start_recording()).await?;
    channels.connected.send_replace(true);
    retry.succeeded();
    // What was told while nobody listened.
    shared.hub.wake.notify_one();
    shared.relay_wake.notify_one();
    loop {
        tokio::select! {
            message = messages.next() => match message {
                Some(message) if message.get_channel_name() == commits => shared.relay_wake.notify_one(),
                Some(message) => hear(shared, &message),
                None => return Err(Error::internal("Redis closed the connection")),
            },
            () = channels.changed.notified() => {
                let (followed, left) = channels.take_changes();
                subscribe(&mut sink, shared, &followed).await?;
                for some in left.chunks(CHANNELS_AT_ONCE) {
                    answered(sink.unsubscribe(names(shared, some))).await?;
                }
            }
            () = sleep(QUIET_LIMIT) => answered(sink.ping::<redis::Value>()).await.map(drop)?,
        }
    }
}

async fn subscribe(sink: &mut PubSubSink, shared: &Shared, topics: &[Topic]) -> Result<()> {
    for some in topics.chunks(CHANNELS_AT_ONCE) {
        answered(sink.subscribe(names(shared, some))).await?;
    }
    if !topics.is_empty() {
        // What was told before Redis knew of the subscription.
        shared.hub.wake.notify_one();
    }
    Ok(())
}

fn names(shared: &Shared, topics: &[Topic]) -> Vec<String> {
    topics.iter().map(|topic| topic.channel(&shared.prefix)).collect()
}

fn hear(shared: &Shared, message: &Msg) {
    let position: RedisResult<i64> = message.get_payload();
    let is_known = position.is_ok_and(|position| position <= shared.hub.position());
    if !is_known {
        shared.hub.wake.notify_one();
    }
}

/// The answer of Redis, or an error when there is none in time.
pub(super) async fn answered<T>(answer: impl Future<Output = RedisResult<T>>) -> Result<T> {
    match timeout(ANSWER_LIMIT, answer).await {
        Ok(answer) => Ok(answer?),
        Err(_) => Err(Error::internal("Redis does not answer")),
    }
}
