//! What is told of use.

use entity::metering::budget;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// Something that happened to what is used.
#[derive(Clone, Debug)]
pub enum MeteringEvent {
    /// So many percent of a budget are used or reserved.
    ThresholdReached { budget: Box<budget::Model>, percent: i32 },
}

impl Event for MeteringEvent {
    fn stream(&self) -> Stream {
        Stream::Ai
    }

    fn event_type(&self) -> &'static str {
        match self {
            Self::ThresholdReached { .. } => "budget.threshold_reached",
        }
    }

    fn subject(&self) -> Subject {
        match self {
            Self::ThresholdReached { budget, .. } => Subject {
                resource_type: "budget",
                resource_id: budget.id.uuid(),
                organization_id: Some(budget.organization_id.uuid()),
                project_id: budget.project_id.map(|id| id.uuid()),
                ..Subject::default()
            },
        }
    }

    fn payload(&self) -> Value {
        match self {
            Self::ThresholdReached { budget, percent } => json!({
                "percent": percent,
                "policy_id": budget.policy_id.uuid(),
                "measure": budget.measure.as_str(),
                "amount": budget.amount,
                "used": budget.used,
                "reserved": budget.reserved,
                "window_end": budget.window_end,
            }),
        }
    }
}
