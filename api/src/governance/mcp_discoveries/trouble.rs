//! Why a run came to nothing: what a client may branch on, what it reads, and what it means for the server's health.

use async_graphql::Enum;
use entity::enums::McpHealth;
use serde::{Deserialize, Serialize};

use crate::governance::mcp_servers::Unresolved;
use crate::governance::secrets;
use crate::platform::mcp::Failure;

/// What went wrong when a server was connected to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum, Serialize, Deserialize)]
#[graphql(name = "McpDiscoveryErrorCode")]
#[serde(rename_all = "snake_case")]
pub enum Code {
    /// The operator or the project does not let it be connected to.
    NotAllowed,
    /// A secret that it refers to is not there.
    SecretMissing,
    /// Nothing answered.
    Unreachable,
    /// It refuses the credentials.
    Unauthorized,
    /// It took too long.
    TimedOut,
    /// It sent more than is taken.
    TooLarge,
    /// Its list of tools has too many pages, or too many tools.
    TooMany,
    /// Its list of tools does not end.
    Endless,
    /// It does not keep to the protocol.
    Protocol,
    /// It answered with an error.
    Refused,
    /// Its program ended.
    Crashed,
    /// Too many other servers were being connected to.
    Busy,
    /// The run itself was ended from outside, as when this server was stopped.
    Interrupted,
}

/// Characters of a message at most.
const MOST_MESSAGE: usize = 4_000;

/// Why a run came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    pub code: Code,
    /// A sentence for people, without secrets.
    pub message: String,
}

impl Trouble {
    /// The server may have had its say in the message: its beginning is kept, without what PostgreSQL does not keep.
    pub fn new(code: Code, message: impl AsRef<str>) -> Self {
        let message = message.as_ref().chars().filter(|sign| *sign != '\0').take(MOST_MESSAGE).collect();
        Self { code, message }
    }

    /// What it says about the server; none where it says something about us.
    pub fn health(&self) -> Option<McpHealth> {
        match self.code {
            Code::Unreachable | Code::TimedOut | Code::Crashed => Some(McpHealth::Unreachable),
            Code::Unauthorized
            | Code::TooLarge
            | Code::TooMany
            | Code::Endless
            | Code::Protocol
            | Code::Refused
            | Code::NotAllowed
            | Code::SecretMissing => Some(McpHealth::Degraded),
            Code::Busy | Code::Interrupted => None,
        }
    }

    /// Whether the server answered and its tools could not be known from what it said. What was approved is then not known
    /// to be what is there.
    pub fn is_misunderstood(&self) -> bool {
        matches!(self.code, Code::TooLarge | Code::TooMany | Code::Endless | Code::Protocol)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        let code = match &failure {
            Failure::NotAllowed(_) => Code::NotAllowed,
            Failure::Unreachable(_) => Code::Unreachable,
            Failure::Unauthorized { .. } => Code::Unauthorized,
            Failure::TimedOut { .. } => Code::TimedOut,
            Failure::TooLarge { .. } => Code::TooLarge,
            Failure::TooManyPages { .. } | Failure::TooManyTools { .. } => Code::TooMany,
            Failure::RepeatedCursor => Code::Endless,
            Failure::Protocol(_) | Failure::ToolChanged => Code::Protocol,
            Failure::Refused { .. } | Failure::SessionEnded => Code::Refused,
            Failure::Crashed { .. } => Code::Crashed,
        };
        Self::new(code, failure.to_string())
    }
}

impl From<Unresolved> for Trouble {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::Secret(secrets::Unresolved::Missing { .. } | secrets::Unresolved::Malformed(_)) => {
                Self::new(Code::SecretMissing, unresolved.to_string())
            }
            Unresolved::Secret(secrets::Unresolved::Failed(error)) | Unresolved::Other(error) => {
                tracing::error!(%error, "a run of discovery could not begin");
                Self::new(Code::Interrupted, "The run ended before its time.")
            }
        }
    }
}
