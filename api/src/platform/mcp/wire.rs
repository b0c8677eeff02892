//! The three ways in which a message comes to a server, and its answer back.

use http::HeaderMap;
use serde_json::Value;

use super::exchange::Listener;
use super::http::Http;
use super::http::legacy::Legacy;
use super::http::streamable::Streamable;
use super::messages::Answer;
use super::process::Process;
use super::{Bounds, Era, Failure, Transport};

pub enum Wire {
    Process(Process),
    Streamable(Streamable),
    Legacy(Legacy),
}

impl Wire {
    pub async fn open(transport: &Transport, bounds: &Bounds) -> Result<Self, Failure> {
        Ok(match transport {
            Transport::Stdio { command, arguments, environment } => {
                Self::Process(Process::start(command, arguments, environment, bounds).await?)
            }
            Transport::Http { url, headers } => {
                Self::Streamable(Streamable::new(Http::new(url, headers, bounds)?, bounds))
            }
            Transport::Sse { url, headers } => {
                Self::Legacy(Legacy::open(Http::new(url, headers, bounds)?, bounds).await?)
            }
        })
    }

    /// Sends a request and waits for its answer. The headers are for streamable HTTP alone.
    pub async fn ask(
        &self,
        id: u64,
        message: &Value,
        headers: HeaderMap,
        listener: Listener<'_>,
    ) -> Result<Answer, Failure> {
        match self {
            Self::Process(process) => process.ask(id, message, listener).await,
            Self::Streamable(streamable) => streamable.ask(id, message, headers, listener).await,
            Self::Legacy(legacy) => legacy.ask(id, message, listener).await,
        }
    }

    pub async fn tell(&self, message: &Value) -> Result<(), Failure> {
        match self {
            Self::Process(process) => process.tell(message),
            Self::Streamable(streamable) => streamable.tell(message).await,
            Self::Legacy(legacy) => legacy.tell(message).await,
        }
    }

    /// Says that nobody waits for an answer any more, without waiting for anything.
    pub fn cancel(&self, id: u64) {
        match self {
            Self::Process(process) => process.cancel(id),
            Self::Streamable(streamable) => streamable.cancel(id),
            Self::Legacy(legacy) => legacy.cancel(id),
        }
    }

    pub fn agree(&self, era: Era, version: &str) {
        if let Self::Streamable(streamable) = self {
            streamable.agree(era, version);
        }
    }

    pub fn has_ended(&self) -> bool {
        match self {
            Self::Process(process) => process.has_ended(),
            Self::Streamable(_) => false,
            Self::Legacy(legacy) => legacy.has_ended(),
        }
    }

    /// Whether the server has said that its tools are others now, since this was last asked.
    pub fn take_change(&self) -> bool {
        match self {
            Self::Process(process) => process.take_change(),
            Self::Streamable(streamable) => streamable.take_change(),
            Self::Legacy(legacy) => legacy.take_change(),
        }
    }

    pub async fn close(self) {
        if let Self::Process(process) = self {
            process.close().await;
        }
    }
}
