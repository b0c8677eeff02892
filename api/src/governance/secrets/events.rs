//! What is told when secrets change. Never their values.

use entity::governance::secret::Model;
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Created,
    Updated,
    Deleted,
}

/// A change of a secret.
#[derive(Debug)]
pub struct SecretEvent {
    kind: Kind,
    subject: Subject,
    name: String,
}

impl SecretEvent {
    pub fn of(kind: Kind, secret: &Model) -> Self {
        let subject = Subject {
            resource_type: "secret",
            resource_id: secret.id.uuid(),
            organization_id: Some(secret.organization_id.uuid()),
            project_id: Some(secret.project_id.uuid()),
            ..Subject::default()
        };
        Self { kind, subject, name: secret.name.clone() }
    }
}

impl Event for SecretEvent {
    fn stream(&self) -> Stream {
        Stream::Audit
    }

    fn event_type(&self) -> &'static str {
        match self.kind {
            Kind::Created => "secret.created",
            Kind::Updated => "secret.updated",
            Kind::Deleted => "secret.deleted",
        }
    }

    fn subject(&self) -> Subject {
        self.subject.clone()
    }

    fn payload(&self) -> Value {
        json!({ "name": self.name })
    }
}
