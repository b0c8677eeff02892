//! What is told when decisions were recorded.

use std::collections::BTreeMap;

use entity::enums::DecisionOutcome;
use entity::ids::{DecisionId, OrganizationId, ProjectId};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::recording::Made;
use crate::platform::errors::{Error, Result};
use crate::platform::events::FeedEvent;
use crate::platform::outbox::{Event, Stream, Subject};

/// The name of the event.
pub const DECIDED: &str = "decision.made";

/// Decisions that one event tells of.
const MOST: usize = 200;

/// A decision as its event tells of it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Told {
    pub id: DecisionId,
    pub outcome: DecisionOutcome,
}

/// Decisions of one project were recorded.
#[derive(Debug)]
pub struct DecisionsMade {
    organization_id: OrganizationId,
    project_id: ProjectId,
    decisions: Vec<Told>,
}

impl DecisionsMade {
    /// The events of a batch.
    pub fn of(batch: &[Made]) -> Vec<Self> {
        let mut projects: BTreeMap<(OrganizationId, ProjectId), Vec<Told>> = BTreeMap::new();
        for made in batch {
            let told = Told { id: made.id, outcome: made.decision.outcome.into() };
            projects.entry((made.organization_id, made.project_id)).or_default().push(told);
        }
        let events = projects.into_iter().flat_map(|((organization_id, project_id), told)| {
            let chunks: Vec<Vec<Told>> = told.chunks(MOST).map(<[Told]>::to_vec).collect();
            chunks.into_iter().map(move |decisions| Self { organization_id, project_id, decisions })
        });
        events.collect()
    }
}

/// The decisions that an event tells of.
pub fn told(event: &FeedEvent) -> Result<Vec<Told>> {
    serde_json::from_value(event.payload["decisions"].clone()).map_err(Error::internal)
}

impl Event for DecisionsMade {
    fn stream(&self) -> Stream {
        Stream::Ai
    }

    fn event_type(&self) -> &'static str {
        DECIDED
    }

    fn subject(&self) -> Subject {
        Subject {
            resource_type: "project",
            resource_id: self.project_id.uuid(),
            organization_id: Some(self.organization_id.uuid()),
            project_id: Some(self.project_id.uuid()),
            ..Subject::default()
        }
    }

    fn payload(&self) -> Value {
        json!({ "decisions": self.decisions })
    }
}
