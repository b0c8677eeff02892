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
    EmailVerified {
        user: UserId,
    },
    EmailChanged {
        user: UserId,
    },
    PasswordChanged {
        user: UserId,
    },
    PasswordResetSent {
        user: UserId,
    },
    /// So many other sessions of the user were ended.
    OthersSignedOut {
        user: UserId,
        count: u64,
    },
    /// Somebody who is signed in proved it again.
    Reauthenticated {
        user: UserId,
    },
    SettingsUpdated {
        user: UserId,
    },
    MfaEnabled {
        user: UserId,
    },
    MfaDisabled {
        user: UserId,
    },
    RecoveryCodesReplaced {
        user: UserId,
    },
    ConnectionLinked {
        user: UserId,
    },
    ConnectionUnlinked {
        user: UserId,
    },
    UserDeleted {
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
            Self::EmailVerified { .. } => "user.email_verified",
            Self::EmailChanged { .. } => "user.email_changed",
            Self::PasswordChanged { .. } => "user.password_changed",
            Self::PasswordResetSent { .. } => "user.password_reset_sent",
            Self::OthersSignedOut { .. } => "session.others_signed_out",
            Self::Reauthenticated { .. } => "session.reauthenticated",
            Self::SettingsUpdated { .. } => "user.settings_updated",
            Self::MfaEnabled { .. } => "user.mfa_enabled",
            Self::MfaDisabled { .. } => "user.mfa_disabled",
            Self::RecoveryCodesReplaced { .. } => "user.recovery_codes_replaced",
            Self::ConnectionLinked { .. } => "user.connection_linked",
            Self::ConnectionUnlinked { .. } => "user.connection_unlinked",
            Self::UserDeleted { .. } => "user.deleted",
        }
    }

    fn subject(&self) -> Subject {
        let (Self::SignedUp { user }
        | Self::SignedIn { user, .. }
        | Self::SignedOut { user, .. }
        | Self::TokenReused { user, .. }
        | Self::UserUpdated { user }
        | Self::EmailVerified { user }
        | Self::EmailChanged { user }
        | Self::PasswordChanged { user }
        | Self::PasswordResetSent { user }
        | Self::OthersSignedOut { user, .. }
        | Self::Reauthenticated { user }
        | Self::SettingsUpdated { user }
        | Self::MfaEnabled { user }
        | Self::MfaDisabled { user }
        | Self::RecoveryCodesReplaced { user }
        | Self::ConnectionLinked { user }
        | Self::ConnectionUnlinked { user }
        | Self::UserDeleted { user }) = *self;
        Subject { resource_type: "user", resource_id: user.uuid(), ..Subject::default() }
    }

    fn payload(&self) -> Value {
        match self {
            Self::SignedIn { session, .. } | Self::SignedOut { session, .. } | Self::TokenReused { session, .. } => {
                json!({ "session_id": session.uuid() })
            }
            Self::OthersSignedOut { count, .. } => json!({ "count": count }),
            Self::SignedUp { .. }
            | Self::UserUpdated { .. }
            | Self::EmailVerified { .. }
            | Self::EmailChanged { .. }
            | Self::PasswordChanged { .. }
            | Self::PasswordResetSent { .. }
            | Self::Reauthenticated { .. }
            | Self::SettingsUpdated { .. }
            | Self::MfaEnabled { .. }
            | Self::MfaDisabled { .. }
            | Self::RecoveryCodesReplaced { .. }
            | Self::ConnectionLinked { .. }
            | Self::ConnectionUnlinked { .. }
            | Self::UserDeleted { .. } => json!({}),
        }
    }
}
