//! Reads of the feed. Positions become visible in their order, so what was read up to the head has no gaps.

use std::sync::Arc;

use sqlx::postgres::PgRow;
use sqlx::{PgExecutor, Row};

use super::cursor::Position;
use super::envelope::{FeedEvent, Topic};
use crate::platform::errors::{Error, Result};
use crate::platform::outbox::EventNumber;

/// With more topics than this the rows are filtered here: comparing each row to long lists costs PostgreSQL more.
const FILTERED_TOPICS: usize = 256;

/// Some events in the order of the feed, and how far the feed had come when they were read.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) events: Vec<Arc<FeedEvent>>,
    pub(super) bounds: Bounds,
    /// Everything of the topics up to here is in this page or an earlier one.
    pub(super) reaches: i64,
    /// Whether there may be more.
    pub(super) is_full: bool,
}

/// Which part of the feed is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The position given last.
    pub(super) head: i64,
    /// The oldest event that is kept; just above the head when there is none.
    pub(super) oldest: i64,
}

impl Bounds {
    /// Refuses a position whose next event may be gone, and one that was never given.
    pub(super) fn check(self, position: Position) -> Result<Position> {
        if position.0 > self.head {
            return Err(Error::bad_input("after", "The feed has not come that far."));
        }
        if position.0 < self.oldest - 1 {
            return Err(Error::GapTooOld);
        }
        Ok(position)
    }

    fn from_row(row: &PgRow) -> sqlx::Result<Self> {
        Ok(Self { head: row.try_get("head")?, oldest: row.try_get("oldest")? })
    }
}

macro_rules! bounds_columns {
    () => {
        "SELECT feed.last_position AS head, \
         coalesce((SELECT min(position) FROM platform.outbox), feed.last_position + 1) AS oldest"
    };
}

macro_rules! page_sql {
    ($condition:literal) => {
        concat!(
            bounds_columns!(),
            ", event.* FROM platform.feed LEFT JOIN LATERAL (",
            "SELECT position, event_id, event_type, stream, created_at, actor_type, actor_id, resource_type, ",
            "resource_id, organization_id, space_id, project_id, payload FROM platform.outbox ",
            "WHERE position > $1",
            $condition,
            " ORDER BY position LIMIT $2) AS event ON true WHERE feed.id = 1 ORDER BY event.position"
        )
    };
}

/// The next events of every topic.
pub(super) async fn everything(executor: impl PgExecutor<'_>, after: i64, limit: usize) -> Result<Page> {
    let query = sqlx::query(page_sql!("")).bind(after).bind(rows(limit));
    Page::from_rows(&query.fetch_all(executor).await?, after, limit)
}

/// The next events of one topic.
async fn of_topic(executor: impl PgExecutor<'_>, topic: Topic, after: i64, limit: usize) -> Result<Page> {
    let (sql, id) = match topic {
        Topic::Resource(id) => (page_sql!(" AND resource_id = $3"), id),
        Topic::Space(id) => (page_sql!(" AND space_id = $3"), id),
        Topic::Organization(id) => (page_sql!(" AND organization_id = $3"), id),
        Topic::Project(id) => (page_sql!(" AND project_id = $3"), id),
    };
    let query = sqlx::query(sql).bind(after).bind(rows(limit)).bind(id);
    Page::from_rows(&query.fetch_all(executor).await?, after, limit)
}

/// The next events of any of the topics, and with many topics others among them.
pub(super) async fn of_topics(
    executor: impl PgExecutor<'_>,
    topics: &[Topic],
    after: i64,
    limit: usize,
) -> Result<Page> {
    match topics {
        [topic] => return of_topic(executor, *topic, after, limit).await,
        many if many.len() > FILTERED_TOPICS => return everything(executor, after, limit).await,
        _ => {}
    }
    let (mut resources, mut spaces, mut organizations, mut projects) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for topic in topics {
        match *topic {
            Topic::Resource(id) => resources.push(id),
            Topic::Space(id) => spaces.push(id),
            Topic::Organization(id) => organizations.push(id),
            Topic::Project(id) => projects.push(id),
        }
    }
    let sql = page_sql!(
        " AND (resource_id = ANY($3) OR space_id = ANY($4) OR organization_id = ANY($5) OR project_id = ANY($6))"
    );
    let query = sqlx::query(sql).bind(after).bind(rows(limit));
    let query = query.bind(resources).bind(spaces).bind(organizations).bind(projects);
    Page::from_rows(&query.fetch_all(executor).await?, after, limit)
}

/// Which part of the feed is kept now.
pub(super) async fn bounds(executor: impl PgExecutor<'_>) -> Result<Bounds> {
    let query = sqlx::query(concat!(bounds_columns!(), " FROM platform.feed WHERE feed.id = 1"));
    let row = query.fetch_one(executor).await?;
    Bounds::from_row(&row).map_err(Error::internal)
}

/// Where an event of the outbox stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    At(Position),
    /// Committed, but not placed yet; everything after it will be placed after this position.
    After(Position),
    /// No longer kept.
    Gone,
    /// Never written.
    Unknown,
}

const PLACE_SQL: &str = "SELECT feed.last_position AS head, event.id, event.position, \
     coalesce((SELECT max(id) FROM platform.outbox), 0) AS newest \
     FROM platform.feed LEFT JOIN platform.outbox AS event ON event.id = $1 WHERE feed.id = 1";

/// Finds where an event of the outbox stands.
pub(super) async fn place_of(executor: impl PgExecutor<'_>, number: EventNumber) -> Result<Place> {
    let row = sqlx::query(PLACE_SQL).bind(number.0).fetch_one(executor).await?;
    let place = || -> sqlx::Result<Place> {
        if row.try_get::<Option<i64>, _>("id")?.is_none() {
            let newest: i64 = row.try_get("newest")?;
            return Ok(if number.0 > newest { Place::Unknown } else { Place::Gone });
        }
        Ok(match row.try_get::<Option<i64>, _>("position")? {
            Some(position) => Place::At(Position(position)),
            None => Place::After(Position(row.try_get("head")?)),
        })
    };
    place().map_err(Error::internal)
}

impl Page {
    fn from_rows(rows: &[PgRow], after: i64, limit: usize) -> Result<Self> {
        let first = rows.first().ok_or_else(|| Error::internal("platform.feed has no row"))?;
        let bounds = Bounds::from_row(first).map_err(Error::internal)?;
        let events: Vec<Arc<FeedEvent>> = rows
            .iter()
            .filter_map(|row| FeedEvent::from_row(row).transpose())
            .map(|event| event.map(Arc::new))
            .collect::<Result<_>>()?;
        let is_full = events.len() >= limit;
        let reaches = match events.last() {
            Some(event) if is_full => event.position.0,
            _ => bounds.head.max(after),
        };
        Ok(Self { events, bounds, reaches, is_full })
    }
}

fn rows(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}
