//! The event feed: every committed event once, in commit order, to the followers in this process and to Redis.
//! PostgreSQL is the truth. The relay gives positions, delivery carries events to Redis, the hub serves the followers;
//! Redis wakes the other processes and may be away.
//! Invariant: positions become visible in their order, and those of one resource are in the order of what happened.

mod channels;
mod cursor;
mod delivery;
mod envelope;
mod following;
mod hub;
mod reading;
mod relay;
mod status;

use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

pub use cursor::{Cursor, CursorKey, Position};
pub use envelope::{FeedEvent, Topic};
pub use following::Events;
pub use status::FeedStatus;

use super::database::Database;
use super::errors::{Error, Result};
use super::outbox::EventNumber;
use channels::Channels;
use following::Following;
use hub::Hub;
use reading::Place;
use relay::Role;
use status::Gauges;

/// How long `start` waits to learn whether this process leads.
const START_LIMIT: Duration = Duration::from_secs(1);
/// How long `resolve` waits for an event to be placed, and between looks.
const PLACE_LIMIT: Duration = Duration::from_secs(2);
const PLACE_POLL: Duration = Duration::from_millis(10);

/// Sizes and patience of the feed.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Events placed or delivered at once.
    pub batch: usize,
    /// Events read at once for followers.
    pub page: usize,
    /// Events that wait for one follower at most; more than a page.
    pub queue: usize,
    /// How long a follower whose queue was full may take to catch up, reading from PostgreSQL.
    pub patience: Duration,
    /// Entries that a Redis stream keeps, roughly.
    pub stream_length: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { batch: 500, page: 128, queue: 256, patience: Duration::from_secs(30), stream_length: 100_000 }
    }
}

/// The feed. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Feed {
    shared: Arc<Shared>,
    tasks: Arc<Mutex<Vec<JoinHandle<()>>>>,
}

/// What the tasks of the feed share.
#[derive(Debug)]
struct Shared {
    database: Database,
    redis: redis::Client,
    prefix: String,
    cursor_key: CursorKey,
    pace: Pace,
    role: watch::Sender<Role>,
    closing: watch::Sender<bool>,
    /// Something was committed: the leader looks at the outbox.
    relay_wake: Notify,
    /// Something was placed (in the leader) or committed (in a standby).
    delivery_wake: Notify,
    channels: Channels,
    hub: Hub,
    gauges: Gauges,
}

impl Feed {
    /// Starts the tasks of this process. Redis may be away.
    pub async fn start(database: Database, redis: redis::Client, prefix: String, cursor_key: CursorKey) -> Self {
        Self::start_with(database, redis, prefix, cursor_key, Pace::default()).await
    }

    /// The same with other sizes.
    pub async fn start_with(
        database: Database,
        redis: redis::Client,
        prefix: String,
        cursor_key: CursorKey,
        pace: Pace,
    ) -> Self {
        let (hub, joins) = Hub::new();
        let shared = Arc::new(Shared {
            database,
            redis,
            prefix,
            cursor_key,
            pace,
            role: watch::Sender::new(Role::Starting),
            closing: watch::Sender::new(false),
            relay_wake: Notify::new(),
            delivery_wake: Notify::new(),
            channels: Channels::new(),
            hub,
            gauges: Gauges::default(),
        });
        let tasks = vec![
            shared.spawn(relay::run(Arc::clone(&shared))),
            shared.spawn(delivery::run(Arc::clone(&shared))),
            shared.spawn(channels::run(Arc::clone(&shared))),
            shared.spawn(hub::run(Arc::clone(&shared), joins)),
        ];
        let mut role = shared.role.subscribe();
        // Whichever it becomes; nothing depends on it.
        let _ = timeout(START_LIMIT, role.wait_for(|role| *role != Role::Starting)).await;
        Self { shared, tasks: Arc::new(Mutex::new(tasks)) }
    }

    /// Tells the leader that events were committed.
    pub fn poke(&self) {
        match *self.shared.role.borrow() {
            Role::Leader => self.shared.relay_wake.notify_one(),
            Role::Standby | Role::Starting => self.shared.delivery_wake.notify_one(),
        }
    }

    /// The events of some topics, in one order: those after the position and then every new one, or only new ones.
    /// Without a position, everything that is committed after this returned is in the stream.
    /// The stream ends with `GapTooOld` or `SlowConsumer`; the last event's position resumes it.
    pub async fn follow(&self, topics: &[Topic], after: Option<Position>) -> Result<Events> {
        let (shared, topics) = (Arc::clone(&self.shared), Arc::from(topics));
        let bounds = reading::bounds(shared.database.pool()).await?;
        let following = match after {
            Some(position) => Following::replaying(shared, topics, bounds.check(position)?),
            None => Following::joining(shared, topics, Position(bounds.head)).await?,
        };
        Ok(following.into_events())
    }

    /// The text of a cursor, which `resolve` takes.
    pub fn cursor(&self, place: impl Into<Cursor>) -> String {
        self.shared.cursor_key.seal(place.into())
    }

    /// The position that a cursor stands for: one of the feed, or one that a write answered with.
    /// Fails with `GapTooOld`, and as bad input when this feed never gave such a cursor.
    pub async fn resolve(&self, cursor: &str) -> Result<Position> {
        match self.shared.cursor_key.open(cursor)? {
            Cursor::Position(position) => reading::bounds(self.shared.database.pool()).await?.check(position),
            Cursor::Event(number) => self.placed(number).await,
        }
    }

    /// Waits a little for the event to be placed. When something holds it back, everything that is not placed yet
    /// counts as after it: the follower may see its own event, but misses none.
    async fn placed(&self, number: EventNumber) -> Result<Position> {
        let give_up = Instant::now() + PLACE_LIMIT;
        loop {
            match reading::place_of(self.shared.database.pool(), number).await? {
                Place::At(position) => return Ok(position),
                Place::After(head) if Instant::now() >= give_up => return Ok(head),
                Place::After(_) => {}
                Place::Gone => return Err(Error::GapTooOld),
                Place::Unknown => return Err(Error::bad_input("after", "No such event was written.")),
            }
            self.poke();
            sleep(PLACE_POLL).await;
        }
    }

    /// Ends the tasks of this process and the streams of its followers; another process takes the lead.
    pub async fn shut_down(&self) {
        self.shared.closing.send_replace(true);
        let tasks = std::mem::take(&mut *self.tasks.lock().unwrap_or_else(PoisonError::into_inner));
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a task of the event feed did not end well");
            }
        }
        self.shared.become_role(Role::Standby);
    }

    pub fn status(&self) -> FeedStatus {
        FeedStatus::of(&self.shared)
    }
}

impl Shared {
    /// Runs a task until the feed is shut down.
    fn spawn(&self, task: impl Future<Output = Infallible> + Send + 'static) -> JoinHandle<()> {
        let mut closing = self.closing.subscribe();
        tokio::spawn(async move {
            tokio::select! {
                // An error would mean that everything of the feed is gone, and the task with it.
                _ = closing.wait_for(|closing| *closing) => {}
                _ = task => {}
            }
        })
    }

    fn is_closing(&self) -> bool {
        *self.closing.borrow()
    }

    fn become_role(&self, role: Role) {
        self.role.send_if_modified(|current| std::mem::replace(current, role) != role);
    }
}
