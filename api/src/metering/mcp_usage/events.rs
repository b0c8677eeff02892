//! What is told of calls while they go on and when they are over.

use entity::ids::{McpCallId, OrganizationId, ProjectId, UserId};
use entity::metering::mcp_usage;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::platform::errors::{Error, Result};
use crate::platform::events::FeedEvent;
use crate::platform::mcp::Progress;
use crate::platform::outbox::{Event, Stream, Subject};

pub const PROGRESSED: &str = "mcp_call.progressed";
pub const ENDED: &str = "mcp_call.ended";

/// Which call it is, and whose.
#[derive(Clone, Copy, Debug)]
pub struct Whose {
    pub call: McpCallId,
    pub organization: OrganizationId,
    pub project: ProjectId,
    pub user: Option<UserId>,
}

impl Whose {
    pub fn of(row: &mcp_usage::Model) -> Self {
        Self { call: row.id, organization: row.organization_id, project: row.project_id, user: row.user_id }
    }

    fn subject(&self) -> Subject {
        Subject {
            resource_type: "mcp_call",
            resource_id: self.call.uuid(),
            organization_id: Some(self.organization.uuid()),
            project_id: Some(self.project.uuid()),
            ..Subject::default()
        }
    }
}

/// What an event of a call says.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Told {
    /// Who called, or whose key.
    pub user: Option<UserId>,
    pub project: ProjectId,
    pub done: Option<f64>,
    pub total: Option<f64>,
    pub message: Option<String>,
}

impl Told {
    pub fn read(event: &FeedEvent) -> Result<Self> {
        serde_json::from_value(event.payload.clone()).map_err(Error::internal)
    }
}

/// Something happened to a call.
#[derive(Debug)]
pub struct CallEvent {
    event_type: &'static str,
    whose: Whose,
    told: Told,
}

impl CallEvent {
    /// Its server tells how far it has come.
    pub fn progressed(whose: Whose, progress: Progress) -> Self {
        let Progress { done, total, message } = progress;
        // PostgreSQL keeps no NUL.
        let message = message.map(|text| text.chars().filter(|sign| *sign != '\0').take(500).collect());
        let told = Told { user: whose.user, project: whose.project, done: Some(done), total, message };
        Self { event_type: PROGRESSED, whose, told }
    }

    /// It is over.
    pub fn ended(whose: Whose) -> Self {
        let told = Told { user: whose.user, project: whose.project, done: None, total: None, message: None };
        Self { event_type: ENDED, whose, told }
    }
}

impl Event for CallEvent {
    fn stream(&self) -> Stream {
        Stream::Ai
    }

    fn event_type(&self) -> &'static str {
        self.event_type
    }

    fn subject(&self) -> Subject {
        self.whose.subject()
    }

    fn payload(&self) -> Value {
        json!(self.told)
    }
}
