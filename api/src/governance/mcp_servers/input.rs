//! How a client says in which way a server is reached.

use std::collections::BTreeMap;

use async_graphql::{InputObject, OneofObject};

use super::transport::Transport;
use crate::governance::McpErrorCode as Code;
use crate::platform::errors::{Result, reject_all};

/// A name with its value: a variable of the environment, or a header.
#[derive(InputObject)]
pub struct McpNamedValueInput {
    /// The name.
    pub name: String,
    /// The value. A secret is written ${secrets.NAME}, also within a text, such as Bearer ${secrets.TOKEN}.
    pub value: String,
}

/// A command that is started on this machine and spoken to over its input and output.
#[derive(InputObject)]
pub struct McpStdioTransportInput {
    /// The command, without its arguments. The operator of this server says which may be started.
    command: String,
    /// Its arguments, up to 100. They hold no secrets.
    arguments: Option<Vec<String>>,
    /// The environment that it starts with, up to 100 variables. It gets nothing of the server's own.
    environment: Option<Vec<McpNamedValueInput>>,
}

/// A server at an address.
#[derive(InputObject)]
pub struct McpRemoteTransportInput {
    /// The address, which begins with https://. It holds no secrets.
    url: String,
    /// Headers of each request, up to 100.
    headers: Option<Vec<McpNamedValueInput>>,
}

/// How a server is reached: one of these.
#[derive(OneofObject)]
pub enum McpTransportInput {
    /// As a command that is started on this machine.
    Stdio(McpStdioTransportInput),
    /// At an address, over streamable HTTP.
    Http(McpRemoteTransportInput),
    /// At an address, over HTTP with server-sent events, as before 2025; deprecated.
    Sse(McpRemoteTransportInput),
}

impl McpTransportInput {
    pub fn into_transport(self) -> Result<Transport> {
        Ok(match self {
            Self::Stdio(input) => Transport::Stdio {
                command: input.command,
                arguments: input.arguments.unwrap_or_default(),
                environment: named("transport.stdio.environment", input.environment)?,
            },
            Self::Http(input) => {
                Transport::Http { url: input.url, headers: named("transport.http.headers", input.headers)? }
            }
            Self::Sse(input) => {
                Transport::Sse { url: input.url, headers: named("transport.sse.headers", input.headers)? }
            }
        })
    }
}

/// The values by their names, each of which stands there once.
pub fn named(field: &str, given: Option<Vec<McpNamedValueInput>>) -> Result<BTreeMap<String, String>> {
    let (mut values, mut repeated) = (BTreeMap::new(), Vec::new());
    for McpNamedValueInput { name, value } in given.unwrap_or_default() {
        let place = format!("{field}.{name}");
        if values.insert(name, value).is_some() {
            repeated.push((place, "This name stands there twice.".to_owned()));
        }
    }
    if repeated.is_empty() { Ok(values) } else { Err(reject_all(Code::TransportInvalid, repeated)) }
}
