//! Events, written in the mutation's own transaction. The relay (`events`) gives them their place in the feed later,
//! in commit order.

use sea_orm::{ConnectionTrait, DbBackend, Statement, Value as SqlValue};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::errors::{Error, Result};
use super::request::Request;
use super::viewer::Viewer;

/// The Redis stream an event goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stream {
    Documents,
    Collaboration,
    Ai,
    Audit,
}

impl Stream {
    pub fn name(self) -> &'static str {
        match self {
            Stream::Documents => "documents",
            Stream::Collaboration => "collaboration",
            Stream::Ai => "ai",
            Stream::Audit => "audit",
        }
    }
}

/// What an event speaks of, and whose it is.
#[derive(Clone, Debug, Default)]
pub struct Subject {
    pub resource_type: &'static str,
    pub resource_id: Uuid,
    pub organization_id: Option<Uuid>,
    pub space_id: Option<Uuid>,
    pub project_id: Option<Uuid>,
}

/// Something that happened, told after the commit. Each domain has its own enum of them.
pub trait Event {
    fn stream(&self) -> Stream;

    /// The name of the event, such as `document.updated`.
    fn event_type(&self) -> &'static str;

    fn subject(&self) -> Subject;

    /// Details for consumers; never content or secrets.
    fn payload(&self) -> Value;
}

/// The number of an event in the outbox: given when it is written, before its place in the feed is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventNumber(pub i64);

/// An event ready to be written.
#[derive(Debug)]
pub struct Row {
    event_id: Uuid,
    stream: Stream,
    event_type: &'static str,
    actor_type: &'static str,
    actor_id: Option<Uuid>,
    subject: Subject,
    payload: Value,
    request_id: Uuid,
}

impl Row {
    pub(super) fn new(request: &Request, viewer: &Viewer, event: &impl Event) -> Self {
        let (actor_type, actor_id) = viewer.actor();
        Self {
            event_id: request.new_id(),
            stream: event.stream(),
            event_type: event.event_type(),
            actor_type,
            actor_id,
            subject: event.subject(),
            payload: event.payload(),
            request_id: request.id,
        }
    }

    fn values(&self) -> [SqlValue; 12] {
        [
            self.event_id.into(),
            self.event_type.into(),
            self.stream.name().into(),
            self.actor_type.into(),
            self.actor_id.into(),
            self.subject.resource_type.into(),
            self.subject.resource_id.into(),
            self.subject.organization_id.into(),
            self.subject.space_id.into(),
            self.subject.project_id.into(),
            self.payload.clone().into(),
            self.request_id.into(),
        ]
    }
}

const APPEND_SQL: &str = "INSERT INTO platform.outbox (event_id, event_type, stream, actor_type, actor_id, \
     resource_type, resource_id, organization_id, space_id, project_id, payload, request_id) \
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING id";

/// Writes the events and gives the number of the last.
/// Invariant: called after every row they speak of was locked, so one resource's events are numbered in their order.
pub(super) async fn append(connection: &impl ConnectionTrait, rows: &[Row]) -> Result<Option<EventNumber>> {
    let mut last = None;
    for row in rows {
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, APPEND_SQL, row.values());
        let inserted = connection.query_one_raw(statement).await?;
        let inserted = inserted.ok_or_else(|| Error::internal("the outbox gave no number"))?;
        last = Some(EventNumber(inserted.try_get("", "id")?));
    }
    Ok(last)
}
