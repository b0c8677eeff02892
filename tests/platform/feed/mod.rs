//! The event feed. Rows are written as a mutation writes them: after the lock of what they speak of, in its
//! transaction. `order` is about positions, `followers` about subscriptions, `delivery` about Redis.

mod delivery;
mod followers;
mod order;

use std::sync::Arc;

use api::platform::config::Stores;
use api::platform::database::Database as Stored;
use api::platform::events::{CursorKey, Events, Feed, FeedEvent, Pace, Topic};
use api::platform::outbox::EventNumber;
use futures_util::StreamExt;
use redis::streams::StreamRangeReply;
use sqlx::postgres::{PgConnection, PgPool};
use uuid::Uuid;

use crate::support::{Database, environment, eventually, new_id, within};

/// Nothing listens there.
const NO_REDIS: &str = "redis://127.0.0.1:1";

/// The stores of one test; each process of the cluster has a pool and a feed of its own.
struct Cluster {
    database: Database,
    redis: String,
}

struct Process {
    stored: Stored,
    feed: Feed,
}

/// What events speak of.
#[derive(Clone, Copy)]
struct Subject {
    resource: Uuid,
    space: Uuid,
}

impl Subject {
    fn new() -> Self {
        Self { resource: new_id(), space: new_id() }
    }

    fn beside(self) -> Self {
        Self { resource: new_id(), ..self }
    }
}

impl Cluster {
    async fn new() -> Self {
        Self { database: Database::settled().await, redis: environment("TRELLIS_TEST_REDIS_URL") }
    }

    async fn without_redis() -> Self {
        Self { redis: NO_REDIS.to_owned(), ..Self::new().await }
    }

    async fn process(&self) -> Process {
        self.process_with(Pace::default()).await
    }

    async fn process_with(&self, pace: Pace) -> Process {
        self.process_of("the secret that the processes of a cluster share", pace).await
    }

    async fn process_of(&self, secret: &str, pace: Pace) -> Process {
        let stores = Stores {
            redis_url: self.redis.as_str().into(),
            redis_prefix: self.prefix(),
            database_role: "trellis_server".to_owned(),
            ..self.database.stores(8)
        };
        let stored = Stored::connect(&stores, std::time::Duration::from_secs(10)).await.expect("PostgreSQL answers");
        let redis = redis::Client::open(self.redis.as_str()).expect("an address");
        let feed = Feed::start_with(stored.clone(), redis, self.prefix(), CursorKey::new(secret), pace).await;
        Process { stored, feed }
    }

    fn prefix(&self) -> String {
        format!("{}:", self.database.name())
    }

    async fn redis(&self) -> redis::aio::MultiplexedConnection {
        let client = redis::Client::open(self.redis.as_str()).expect("an address");
        // Half a second would be the limit of an answer; a busy machine takes longer.
        let patient = redis::AsyncConnectionConfig::new().set_connection_timeout(None).set_response_timeout(None);
        let connection = client.get_multiplexed_async_connection_with_config(&patient);
        within("Redis answers", connection).await.expect("Redis answers")
    }

    async fn stream(&self) -> StreamRangeReply {
        let mut redis = self.redis().await;
        let key = format!("{}stream:documents", self.prefix());
        redis::cmd("XRANGE").arg(key).arg("-").arg("+").query_async(&mut redis).await.expect("a stream")
    }

    /// Waits until the stream of documents ends with these ids.
    async fn delivered(&self, ids: &[String]) {
        eventually("the events are in the stream", async || {
            let found: Vec<String> = self.stream().await.ids.into_iter().map(|entry| entry.id).collect();
            found.ends_with(ids).then_some(())
        })
        .await;
    }

    /// Ends the session that leads, as if its process had died.
    async fn end_the_leader(&self) {
        // The upper half of the relay's lock.
        self.database
            .run(
                "SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND classid = 1717921124 \
                 AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
            )
            .await;
    }
}

impl Process {
    fn pool(&self) -> &PgPool {
        self.stored.pool()
    }

    async fn follow(&self, topic: Topic) -> Events {
        self.feed.follow(&[topic], None).await.expect("the feed can be followed")
    }

    /// Commits the next event of the subject.
    async fn write(&self, subject: Subject) -> EventNumber {
        let mut transaction = self.pool().begin().await.expect("a transaction");
        let number = append(&mut transaction, subject).await;
        transaction.commit().await.expect("a commit");
        self.feed.poke();
        number
    }
}

/// Locks the subject as a mutation locks its row, and adds an event that carries the subject's next number.
async fn append(transaction: &mut PgConnection, subject: Subject) -> EventNumber {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtextextended($1::text, 0))")
        .bind(subject.resource)
        .execute(&mut *transaction)
        .await
        .expect("the lock");
    let sql = "INSERT INTO platform.outbox \
         (event_id, event_type, stream, actor_type, resource_type, resource_id, space_id, payload) \
         SELECT $1, 'document.updated', 'documents', 'system', 'document', $2, $3, \
             jsonb_build_object('n', count(*) + 1) FROM platform.outbox WHERE resource_id = $2 RETURNING id";
    let query = sqlx::query_scalar(sql).bind(new_id()).bind(subject.resource).bind(subject.space);
    EventNumber(query.fetch_one(transaction).await.expect("an event"))
}

/// Opens a transaction that is older than every one after it.
async fn older(pool: &PgPool) -> sqlx::Transaction<'static, sqlx::Postgres> {
    let mut transaction = pool.begin().await.expect("a transaction");
    sqlx::query("SELECT pg_current_xact_id()").execute(&mut *transaction).await.expect("an id");
    transaction
}

async fn next(events: &mut Events) -> Arc<FeedEvent> {
    let event = within("the next event", events.next()).await;
    event.expect("the stream goes on").expect("the stream is well")
}

/// The numbers of the next events, which must be in the order of the feed.
async fn numbers(events: &mut Events, count: usize) -> Vec<i64> {
    let mut last = None;
    let mut numbers = Vec::new();
    while numbers.len() < count {
        let event = next(events).await;
        assert!(Some(event.position) > last, "{:?} after {last:?}", event.position);
        last = Some(event.position);
        numbers.push(event.payload["n"].as_i64().expect("a number"));
    }
    numbers
}

/// Waits until the relay has looked and found that something holds events back.
async fn held_back(process: &Process, count: i64) {
    eventually("the events are held back", async || (process.feed.status().held_back == count).then_some(())).await;
}
