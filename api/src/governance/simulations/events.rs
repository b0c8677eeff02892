//! What is told as a simulation goes on.

use entity::enums::SimulationState;
use entity::governance::policy_simulation;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// A simulation came as far as it is.
#[derive(Debug)]
pub struct SimulationEvent {
    subject: Subject,
    state: SimulationState,
}

impl SimulationEvent {
    pub fn of(simulation: &policy_simulation::Model) -> Self {
        let subject = Subject {
            resource_type: "policy_simulation",
            resource_id: simulation.id.uuid(),
            organization_id: Some(simulation.organization_id.uuid()),
            project_id: simulation.project_id.map(|id| id.uuid()),
            ..Subject::default()
        };
        Self { subject, state: simulation.state }
    }
}

impl Event for SimulationEvent {
    fn stream(&self) -> Stream {
        Stream::Ai
    }

    fn event_type(&self) -> &'static str {
        match self.state {
            SimulationState::Running => "policy_simulation.progressed",
            SimulationState::Succeeded => "policy_simulation.succeeded",
            SimulationState::Failed => "policy_simulation.failed",
            SimulationState::Canceled => "policy_simulation.canceled",
        }
    }

    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn payload(&self) -> Value {
        json!({})
    }
}
