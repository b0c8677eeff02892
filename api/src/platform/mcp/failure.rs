//! Why a server could not be asked. Each message is for people, and holds no secret.

use std::time::Duration;

use super::scrub::Scrub;

/// Why a server was not reached, or not understood. What a tool itself reports as an error is a result, not a failure.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// It was not even tried.
    #[error("{0}")]
    NotAllowed(String),
    #[error("The server could not be reached: {0}.")]
    Unreachable(String),
    /// It wants to know who asks, or does not like it.
    #[error("The server refuses the credentials with HTTP {status}.")]
    Unauthorized { status: u16 },
    #[error("The server did not finish {doing} within {} seconds.", limit.as_secs_f32())]
    TimedOut { doing: &'static str, limit: Duration },
    #[error("The server sent more than {most_bytes} bytes as {what}.")]
    TooLarge { what: &'static str, most_bytes: usize },
    #[error("The server's list of tools has more than {most} pages.")]
    TooManyPages { most: usize },
    #[error("The server lists more than {most} tools.")]
    TooManyTools { most: usize },
    #[error("The server's list of tools does not end: it names the same next page twice.")]
    RepeatedCursor,
    #[error("The server does not keep to the protocol: {0}.")]
    Protocol(String),
    /// A proper answer that is a no.
    #[error("The server answered with error {code}: {message}")]
    Refused { code: i64, message: String },
    #[error("The server's program ended{}.{}", ended(*.status), said(.output))]
    Crashed {
        /// Its exit status, if it ended by itself.
        status: Option<i32>,
        /// The end of what it wrote to its error output.
        output: String,
    },
    /// What is called is not what somebody approved. It was not called.
    #[error("The tool is not as it was approved: it changed at its server since.")]
    ToolChanged,
    /// The server forgot the session: what was asked was not done, and may be asked again in a new one.
    #[error("The server has ended the session.")]
    SessionEnded,
}

impl Failure {
    pub(super) fn protocol(reason: impl Into<String>) -> Self {
        Self::Protocol(reason.into())
    }

    /// Whether another session with the same server may work where this one does not any more.
    pub(super) fn ends_session(&self) -> bool {
        matches!(
            self,
            Self::Crashed { .. }
                | Self::SessionEnded
                | Self::Unreachable(_)
                | Self::Protocol(_)
                | Self::TooLarge { .. }
        )
    }

    /// Without what must not be told, wherever the server repeats it.
    pub(super) fn scrubbed(self, scrub: &Scrub) -> Self {
        match self {
            Self::NotAllowed(text) => Self::NotAllowed(scrub.clean(&text)),
            Self::Unreachable(text) => Self::Unreachable(scrub.clean(&text)),
            Self::Protocol(text) => Self::Protocol(scrub.clean(&text)),
            Self::Refused { code, message } => Self::Refused { code, message: scrub.clean(&message) },
            Self::Crashed { status, output } => Self::Crashed { status, output: scrub.clean(&output) },
            other => other,
        }
    }
}

fn ended(status: Option<i32>) -> String {
    status.map_or(String::new(), |status| format!(" with status {status}"))
}

fn said(output: &str) -> String {
    if output.is_empty() { String::new() } else { format!(" It wrote: {output}") }
}
