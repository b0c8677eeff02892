//! What the operator says about MCP servers.

use std::time::Duration;

use clap::{Args, value_parser};

use super::{AllowedCommands, Bounds};
use crate::platform::config::{Environment, size};

/// Settings of speaking with MCP servers.
#[derive(Args, Clone, Debug)]
pub struct McpSettings {
    /// Commands that MCP servers may be run with on this machine, separated by commas, such as npx,uvx. Each is trusted with
    /// whatever this server may do here. Default: any in development, none in production.
    #[arg(long, env = "TRELLIS_MCP_STDIO", value_delimiter = ',')]
    pub mcp_stdio: Option<Vec<String>>,

    /// Seconds that an MCP server may take to answer a call, or for the whole of a discovery.
    #[arg(long, env = "TRELLIS_MCP_SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=600))]
    pub mcp_seconds: u64,

    /// Largest result of a call and largest list of tools that is taken from an MCP server, in bytes.
    #[arg(long, env = "TRELLIS_MCP_BYTES", default_value_t = 4 * 1024 * 1024, value_parser = size(1_024..=268_435_456))]
    pub mcp_bytes: usize,

    /// Connections to MCP servers that are kept open between calls.
    #[arg(long, env = "TRELLIS_MCP_SESSIONS", default_value_t = 64, value_parser = size(0..=10_000))]
    pub mcp_sessions: usize,

    /// Seconds after its last call that such a connection is kept.
    #[arg(long, env = "TRELLIS_MCP_IDLE_SECONDS", default_value_t = 300, value_parser = value_parser!(u64).range(1..=86_400))]
    pub mcp_idle_seconds: u64,
}

impl McpSettings {
    /// What holds for every server. Whether private addresses and plain HTTP may be used is a project's to say.
    pub fn bounds(&self, environment: Environment) -> Bounds {
        let commands = match (&self.mcp_stdio, environment) {
            (Some(commands), _) => AllowedCommands::These(
                commands
                    .iter()
                    .map(|command| command.trim().to_owned())
                    .filter(|command| !command.is_empty())
                    .collect(),
            ),
            (None, Environment::Development) => AllowedCommands::Any,
            (None, Environment::Production) => AllowedCommands::None,
        };
        let run = Duration::from_secs(self.mcp_seconds);
        let bounds = Bounds::default();
        Bounds {
            connect: bounds.connect.min(run),
            run,
            list_bytes: self.mcp_bytes,
            result_bytes: self.mcp_bytes,
            commands,
            ..bounds
        }
    }

    pub fn idle(&self) -> Duration {
        Duration::from_secs(self.mcp_idle_seconds)
    }
}
