//! What is told when approvals are asked for and answered.

use entity::enums::ApprovalState;
use entity::governance::approval;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// A request for approval came into the state that it is in.
#[derive(Debug)]
pub struct ApprovalEvent {
    subject: Subject,
    state: ApprovalState,
}

impl ApprovalEvent {
    pub fn of(approval: &approval::Model) -> Self {
        let subject = Subject {
            resource_type: "approval",
            resource_id: approval.id.uuid(),
            organization_id: Some(approval.organization_id.uuid()),
            project_id: Some(approval.project_id.uuid()),
            ..Subject::default()
        };
        Self { subject, state: approval.state }
    }
}

impl Event for ApprovalEvent {
    fn stream(&self) -> Stream {
        Stream::Ai
    }

    fn event_type(&self) -> &'static str {
        match self.state {
            ApprovalState::Pending => "approval.requested",
            ApprovalState::Approved => "approval.approved",
            ApprovalState::Denied => "approval.denied",
            ApprovalState::Expired => "approval.expired",
            ApprovalState::Consumed => "approval.consumed",
            ApprovalState::Withdrawn => "approval.withdrawn",
        }
    }

    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn payload(&self) -> Value {
        json!({})
    }
}
