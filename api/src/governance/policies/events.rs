//! What is told when policies change.

use entity::governance::policy;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// What happened to a policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyChange {
    Created,
    Updated,
    Published,
    Disabled,
    Deleted,
}

/// A change of a policy.
#[derive(Debug)]
pub struct PolicyEvent {
    subject: Subject,
    change: PolicyChange,
    version: i32,
}

impl PolicyEvent {
    pub fn new(change: PolicyChange, policy: &policy::Model) -> Self {
        let subject = Subject {
            resource_type: "policy",
            resource_id: policy.id.uuid(),
            organization_id: Some(policy.organization_id.uuid()),
            project_id: policy.project_id.map(|id| id.uuid()),
            ..Subject::default()
        };
        Self { subject, change, version: policy.version }
    }
}

impl Event for PolicyEvent {
    fn stream(&self) -> Stream {
        Stream::Ai
    }

    fn event_type(&self) -> &'static str {
        match self.change {
            PolicyChange::Created => "policy.created",
            PolicyChange::Updated => "policy.updated",
            PolicyChange::Published => "policy.published",
            PolicyChange::Disabled => "policy.disabled",
            PolicyChange::Deleted => "policy.deleted",
        }
    }

    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn payload(&self) -> Value {
        json!({ "version": self.version })
    }
}
