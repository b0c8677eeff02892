//! Speaking with MCP servers, which are not trusted: what they offer is listed and their tools are called, over stdio,
//! streamable HTTP and the older HTTP with SSE, in both eras of the protocol. The model of the protocol is rmcp's; the
//! wire is ours, since every byte is counted where it is read, and a tool is pinned as the server wrote it.

mod bounds;
mod calling;
mod connection;
mod discovery;
mod exchange;
mod failure;
mod handshake;
mod http;
mod messages;
mod process;
mod scrub;
pub mod serving;
mod sessions;
mod settings;
mod wire;

use std::collections::BTreeMap;
use std::time::Duration;

pub use bounds::{AllowedCommands, Bounds};
pub use calling::{Progress, Tool, ToolResult, call};
pub use discovery::discover;
pub use failure::Failure;
pub use http::fetch;
pub use process::{hide_environment, remove_left_homes};
pub use rmcp::model::{ContentBlock, ResourceContents};
pub use sessions::{Expected, Scope, Sessions};
pub use settings::McpSettings;

use serde_json::Value;
use url::Url;

use self::scrub::Scrub;
use crate::platform::config::SecretText;

/// How a server is reached. Secrets stand in it resolved.
#[derive(Clone, Debug)]
pub enum Transport {
    /// A program that is run here and spoken with over its input and output.
    Stdio { command: String, arguments: Vec<String>, environment: BTreeMap<String, SecretText> },
    /// Streamable HTTP.
    Http { url: Url, headers: BTreeMap<String, SecretText> },
    /// HTTP with SSE, as it was until 2024-11-05.
    Sse { url: Url, headers: BTreeMap<String, SecretText> },
}

impl Transport {
    /// Takes the secrets that the server was given out of what it answers.
    pub fn conceal(&self, value: &mut Value) {
        Scrub::of(self).conceal(value);
    }

    /// The values that must not be told.
    fn secrets(&self) -> impl Iterator<Item = &SecretText> {
        let values = match self {
            Self::Stdio { environment: secrets, .. }
            | Self::Http { headers: secrets, .. }
            | Self::Sse { headers: secrets, .. } => secrets.values(),
        };
        values.filter(|value| value.is_secret())
    }
}

/// Which of the two protocols a server speaks. A connection over stdio stays with that of its first request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Era {
    /// Until 2025-11-25: a session begins with `initialize`.
    Session,
    /// Since 2026-07-28: each request stands for itself.
    Stateless,
}

/// What a server says of itself and of its tools.
#[derive(Clone, Debug)]
pub struct Discovered {
    pub era: Era,
    pub protocol_version: String,
    /// Its name, version and the like, as it wrote them; null if it says nothing.
    pub server_info: Value,
    pub server_capabilities: Value,
    /// What was declared to it. The list of tools may depend on it.
    pub client_capabilities: Value,
    pub instructions: Option<String>,
    /// Each tool as the server wrote it.
    pub tools: Vec<Value>,
    pub duration: Duration,
}
