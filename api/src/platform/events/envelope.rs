//! An event as the feed hands it on, the topics it belongs to, and its envelope in a Redis stream.

use chrono::{DateTime, SecondsFormat, Utc};
use redis::{Cmd, Pipeline};
use serde_json::Value;
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use super::cursor::Position;
use crate::platform::errors::{Error, Result};

/// What a follower wants to hear of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    /// One resource, such as a document.
    Resource(Uuid),
    /// Everything in a space.
    Space(Uuid),
    /// Everything in an organization.
    Organization(Uuid),
    /// Everything in a project.
    Project(Uuid),
}

impl Topic {
    /// The Redis channel that tells of new events of this topic.
    pub(super) fn channel(self, prefix: &str) -> String {
        match self {
            Topic::Resource(id) => format!("{prefix}events:resource:{id}"),
            Topic::Space(id) => format!("{prefix}events:space:{id}"),
            Topic::Organization(id) => format!("{prefix}events:organization:{id}"),
            Topic::Project(id) => format!("{prefix}events:project:{id}"),
        }
    }
}

/// Something that happened and was committed, with its place in the feed.
#[derive(Clone, Debug)]
pub struct FeedEvent {
    pub position: Position,
    pub event_id: Uuid,
    /// Such as `document.updated`.
    pub event_type: String,
    /// Such as `documents`.
    pub stream: String,
    pub timestamp: DateTime<Utc>,
    pub actor_type: String,
    pub actor_id: Option<Uuid>,
    pub resource_type: String,
    pub resource_id: Uuid,
    pub organization_id: Option<Uuid>,
    pub space_id: Option<Uuid>,
    pub project_id: Option<Uuid>,
    pub payload: Value,
}

impl FeedEvent {
    /// Reads the event of a row, or `None` when the outer join found none.
    pub(super) fn from_row(row: &PgRow) -> Result<Option<Self>> {
        Self::decode(row).map_err(Error::internal)
    }

    fn decode(row: &PgRow) -> sqlx::Result<Option<Self>> {
        let Some(position) = row.try_get::<Option<i64>, _>("position")? else {
            return Ok(None);
        };
        Ok(Some(Self {
            position: Position(position),
            event_id: row.try_get("event_id")?,
            event_type: row.try_get("event_type")?,
            stream: row.try_get("stream")?,
            timestamp: row.try_get("created_at")?,
            actor_type: row.try_get("actor_type")?,
            actor_id: row.try_get("actor_id")?,
            resource_type: row.try_get("resource_type")?,
            resource_id: row.try_get("resource_id")?,
            organization_id: row.try_get("organization_id")?,
            space_id: row.try_get("space_id")?,
            project_id: row.try_get("project_id")?,
            payload: row.try_get("payload")?,
        }))
    }

    pub(super) fn topics(&self) -> impl Iterator<Item = Topic> + use<> {
        let resource = Topic::Resource(self.resource_id);
        let tenants = [
            self.space_id.map(Topic::Space),
            self.organization_id.map(Topic::Organization),
            self.project_id.map(Topic::Project),
        ];
        std::iter::once(resource).chain(tenants.into_iter().flatten())
    }

    /// Adds the event to its stream under its position, so that a repetition is refused by Redis.
    pub(super) fn append_to_stream(&self, pipeline: &mut Pipeline, prefix: &str, stream_length: u64) {
        let workspace_id = self.organization_id.or(self.space_id);
        let mut command = Cmd::new();
        command
            .arg("XADD")
            .arg(stream_key(prefix, &self.stream))
            .arg("MAXLEN")
            .arg("~")
            .arg(stream_length)
            .arg(format!("{}-0", self.position.0))
            .arg(&[
                ("event_id", self.event_id.to_string()),
                ("event_type", self.event_type.clone()),
                ("timestamp", self.timestamp.to_rfc3339_opts(SecondsFormat::Micros, true)),
                ("actor_id", text_or_empty(self.actor_id)),
                ("resource_id", self.resource_id.to_string()),
                ("workspace_id", text_or_empty(workspace_id)),
                ("payload", self.payload.to_string()),
            ]);
        pipeline.add_command(command);
    }

    /// Tells the channels of the event's topics that the feed has come this far.
    pub(super) fn announce(&self, pipeline: &mut Pipeline, prefix: &str) {
        for topic in self.topics() {
            pipeline.cmd("PUBLISH").arg(topic.channel(prefix)).arg(self.position.0).ignore();
        }
    }
}

/// The Redis key of a stream.
pub(super) fn stream_key(prefix: &str, stream: &str) -> String {
    format!("{prefix}stream:{stream}")
}

fn text_or_empty(id: Option<Uuid>) -> String {
    id.map_or_else(String::new, |id| id.to_string())
}
