//! Carries placed events to the Redis streams and channels, in order. Redis may be away: delivery resumes where it
//! stopped, and what a restarted Redis lost of its streams is delivered again.
//! In a standby it tells the leader of commits.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::streams::StreamInfoStreamReply;
use redis::{AsyncConnectionConfig, RedisError, RedisResult, Value};
use sqlx::postgres::PgConnection;
use sqlx::{Connection, Row};

use super::channels::{answered, commits_channel};
use super::envelope::{FeedEvent, stream_key};
use super::relay::Role;
use super::{Shared, reading};
use crate::platform::errors::{Error, Result};
use crate::platform::outbox::Stream;
use crate::platform::retry::Retry;

const STREAMS: [Stream; 4] = [Stream::Documents, Stream::Collaboration, Stream::Ai, Stream::Audit];

const CONNECT_LIMIT: Duration = Duration::from_secs(2);
/// A batch may wait behind a slow command of somebody else.
const RESPONSE_LIMIT: Duration = Duration::from_secs(5);

/// Delivers while this process leads and forwards while it stands by, until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) -> Infallible {
    let mut role = shared.role.subscribe();
    let mut delivering = Retry::of("delivering events to Redis");
    loop {
        let is_leader = *role.borrow_and_update() == Role::Leader;
        let ended = async {
            if is_leader {
                let Err(error) = deliver(&shared, &mut delivering).await;
                delivering.failed(&error).await;
            } else {
                forward(&shared).await;
            }
        };
        tokio::select! {
            () = ended => {}
            // The sender lives as long as `shared`, so this is a change.
            _ = role.changed() => {}
        }
    }
}

/// Tells the leader of each commit here; one that Redis does not take is found by the leader's poll.
async fn forward(shared: &Shared) -> Infallible {
    let channel = commits_channel(&shared.prefix);
    let mut connection = None;
    loop {
        shared.delivery_wake.notified().await;
        if !shared.channels.is_connected() {
            connection = None;
            continue;
        }
        let told = async {
            let redis = match &mut connection {
                Some(redis) => redis,
                none => none.insert(connect(shared).await?),
            };
            let told: RedisResult<()> = redis::cmd("PUBLISH").arg(&channel).arg("").query_async(redis).await;
            Ok::<_, Error>(told?)
        };
        if let Err(error) = told.await {
            tracing::debug!(%error, "the leader of the feed was not told of a commit");
            connection = None;
        }
    }
}

async fn deliver(shared: &Shared, retry: &mut Retry) -> Result<Infallible> {
    let mut connected = shared.channels.watch_connection();
    let mut redis = connect(shared).await?;
    // Losing the last of these commits only repeats a delivery, which Redis refuses: none needs to wait for the disk.
    let options = (*shared.database.pool().connect_options()).clone().options([("synchronous_commit", "off")]);
    let mut postgres = PgConnection::connect_with(&options).await.map_err(Error::internal)?;
    let mut published = starting_position(shared, &mut postgres, &mut redis).await?;
    loop {
        let page = reading::everything(&mut postgres, published, shared.pace.batch).await?;
        if let Some(last) = page.events.last() {
            send(shared, &mut redis, &page.events).await?;
            published = last.position.0;
            mark_published(&mut postgres, published).await?;
            shared.gauges.published(published);
        }
        retry.succeeded();
        if page.is_full {
            continue;
        }
        tokio::select! {
            () = shared.delivery_wake.notified() => {}
            // A Redis that was away may have come back without its data, which only a new connection looks into.
            _ = connected.changed() => answered(redis::cmd("PING").query_async::<Value>(&mut redis)).await.map(drop)?,
        }
    }
}

async fn connect(shared: &Shared) -> Result<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_LIMIT))
        .set_response_timeout(Some(RESPONSE_LIMIT));
    Ok(shared.redis.get_multiplexed_async_connection_with_config(&config).await?)
}

const STATE_SQL: &str = "SELECT last_position, published_position FROM platform.feed WHERE id = 1";

/// The first published event that its stream has neither now nor had and cut off as too old.
const FIRST_LOST_SQL: &str = "SELECT min(event.position) FROM platform.outbox AS event \
     JOIN unnest($1::text[], $2::bigint[]) AS top (stream, position) ON event.stream = top.stream \
     WHERE event.position > $3 AND event.position > top.position AND event.position <= $4";

/// Where delivery continues: where it stopped, or earlier when Redis lost something.
async fn starting_position(
    shared: &Shared,
    postgres: &mut PgConnection,
    redis: &mut MultiplexedConnection,
) -> Result<i64> {
    let row = sqlx::query(STATE_SQL).fetch_one(&mut *postgres).await.map_err(Error::internal)?;
    let head: i64 = row.try_get("last_position").map_err(Error::internal)?;
    let published: i64 = row.try_get("published_position").map_err(Error::internal)?;
    let tops = stream_tops(shared, redis).await?;
    let highest = tops.iter().copied().max().unwrap_or_default();
    if highest > head {
        jump(postgres, highest).await?;
    }
    let names: Vec<&str> = STREAMS.iter().map(|stream| stream.name()).collect();
    let window = published.saturating_sub_unsigned(shared.pace.stream_length);
    let query = sqlx::query_scalar(FIRST_LOST_SQL).bind(names).bind(tops).bind(window).bind(published);
    let first_lost: Option<i64> = query.fetch_one(&mut *postgres).await.map_err(Error::internal)?;
    Ok(match first_lost {
        Some(first) => {
            tracing::warn!(first, last = published, "Redis lost events of its streams: delivering them again");
            first - 1
        }
        None => published,
    })
}

/// The last position of each stream, in the order of `STREAMS`.
async fn stream_tops(shared: &Shared, redis: &mut MultiplexedConnection) -> Result<Vec<i64>> {
    let mut pipeline = redis::pipe();
    pipeline.ignore_errors();
    for stream in STREAMS {
        pipeline.cmd("XINFO").arg("STREAM").arg(stream_key(&shared.prefix, stream.name()));
    }
    let answers: Vec<RedisResult<StreamInfoStreamReply>> = pipeline.query_async(redis).await?;
    answers.into_iter().map(stream_top).collect()
}

fn stream_top(answer: RedisResult<StreamInfoStreamReply>) -> Result<i64> {
    match answer {
        Ok(stream) => {
            let (position, _) = stream.last_generated_id.split_once('-').unwrap_or_default();
            position.parse().map_err(|_| Error::internal("the id of a stream is beyond every position"))
        }
        Err(error) if says(&error, "no such key") => Ok(0),
        Err(error) => Err(error.into()),
    }
}

const JUMP_SQL: &str = "UPDATE platform.feed SET last_position = $1 WHERE id = 1 AND last_position < $1";

/// The streams are ahead of PostgreSQL, as after a restored backup: lower positions would be refused from now on.
async fn jump(postgres: &mut PgConnection, highest: i64) -> Result<()> {
    tracing::warn!(highest, "the Redis streams are ahead of the feed: positions continue above them");
    sqlx::query(JUMP_SQL).bind(highest).execute(postgres).await.map_err(Error::internal)?;
    Ok(())
}

/// One transaction, so that no event can be refused, as for want of memory, while a later one of its stream is taken.
async fn send(shared: &Shared, redis: &mut MultiplexedConnection, events: &[Arc<FeedEvent>]) -> Result<()> {
    let mut pipeline = redis::pipe();
    pipeline.atomic().ignore_errors();
    for event in events {
        event.append_to_stream(&mut pipeline, &shared.prefix, shared.pace.stream_length);
        event.announce(&mut pipeline, &shared.prefix);
    }
    let answers: Vec<RedisResult<Value>> = pipeline.query_async(redis).await?;
    match answers.into_iter().filter_map(RedisResult::err).find(|error| !is_repetition(error)) {
        Some(error) => Err(error.into()),
        None => Ok(()),
    }
}

/// The stream has this event already.
fn is_repetition(error: &RedisError) -> bool {
    says(error, "equal or smaller than the target stream top item")
}

fn says(error: &RedisError, words: &str) -> bool {
    error.detail().is_some_and(|detail| detail.contains(words))
}

const PUBLISHED_SQL: &str = "UPDATE platform.feed SET published_position = $1 WHERE id = 1 AND published_position < $1";

async fn mark_published(postgres: &mut PgConnection, position: i64) -> Result<()> {
    sqlx::query(PUBLISHED_SQL).bind(position).execute(postgres).await.map_err(Error::internal)?;
    Ok(())
}
