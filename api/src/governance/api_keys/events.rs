//! What is told when API keys change. Never the key itself.

use entity::governance::api_key::Model;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Created,
    Updated,
    Rotated,
    Revoked,
}

/// A change of a key.
#[derive(Debug)]
pub struct ApiKeyEvent {
    kind: Kind,
    subject: Subject,
    created_by: uuid::Uuid,
}

impl ApiKeyEvent {
    pub fn of(kind: Kind, key: &Model) -> Self {
        let subject = Subject {
            resource_type: "api_key",
            resource_id: key.id.uuid(),
            organization_id: key.organization_id.map(|id| id.uuid()),
            project_id: key.project_id.map(|id| id.uuid()),
            ..Subject::default()
        };
        Self { kind, subject, created_by: key.created_by.uuid() }
    }
}

impl Event for ApiKeyEvent {
    fn stream(&self) -> Stream {
        Stream::Audit
    }

    fn event_type(&self) -> &'static str {
        match self.kind {
            Kind::Created => "api_key.created",
            Kind::Updated => "api_key.updated",
            Kind::Rotated => "api_key.rotated",
            Kind::Revoked => "api_key.revoked",
        }
    }

    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn payload(&self) -> Value {
        json!({ "created_by": self.created_by })
    }
}
