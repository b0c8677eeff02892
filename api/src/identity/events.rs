//! What is told when accounts and sessions change. Never addresses or secrets.

use entity::ids::{SessionId, UserId};
use serde_json::{Value, json};

use crate::platform::outbox::{Event, Stream, Subject};

/// A change of identity.
#[derive(Clone, Copy, Debug)]
pub enum IdentityEvent {
    SignedUp {
        user: UserId,
    },
    SignedIn {
        user: UserId,
        session: SessionId,
    },
    SignedOut {
        user: UserId,
        session: SessionId,
    },
    /// A refresh token was used twice, so its session was ended.
    TokenReused {
        user: UserId,
        session: SessionId,
    },
    UserUpdated {
        user: UserId,
    },
}

impl Event for IdentityEvent {
    fn stream(&self) -> Stream {
        Stream::Audit
    }

    fn event_type(&self) -> &'static str {
        match self {
            Self::SignedUp { .. } => "user.signed_up",
            Self::SignedIn { .. } => "session.signed_in",
            Self::SignedOut { .. } => "session.signed_out",
            Self::TokenReused { .. } => "session.token_reused",
            Self::UserUpdated { .. } => "user.updated",
        }
    }

    fn subject(&self) -> Subject {
        let (Self::SignedUp { user }
        | Self::SignedIn { user, .. }
        | Self::SignedOut { user, .. }
        | Self::TokenReused { user, .. }
        | Self::UserUpdated { user }) = *self;
        Subject { resource_type: "user", resource_id: user.uuid(), ..Subject::default() }
    }

    fn payload(&self) -> Value {
        match self {
            Self::SignedUp { .. } | Self::UserUpdated { .. } => json!({}),
            Self::SignedIn { session, .. } | Self::SignedOut { session, .. } | Self::TokenReused { session, .. } => {
                json!({ "session_id": session.uuid() })
            }
        }
    }
}
