//! How much a server may take of us, and what may be tried at all.

use std::time::Duration;

use super::Failure;

/// The commands that may be run here as servers. To run a program is to trust it, so it is the operator who says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AllowedCommands {
    #[default]
    None,
    /// Only these, each written just as in the list.
    These(Vec<String>),
    /// For development.
    Any,
}

impl AllowedCommands {
    pub fn contains(&self, command: &str) -> bool {
        match self {
            Self::None => false,
            Self::These(commands) => commands.iter().any(|allowed| allowed == command),
            Self::Any => true,
        }
    }

    pub(super) fn check(&self, command: &str) -> Result<(), Failure> {
        match self {
            _ if self.contains(command) => Ok(()),
            Self::None => Err(Failure::NotAllowed(
                "This installation runs no servers as local commands. Its operator can allow some with TRELLIS_MCP_STDIO."
                    .to_owned(),
            )),
            _ => Err(Failure::NotAllowed(format!(
                "The command {command} is not among those that the operator allows with TRELLIS_MCP_STDIO."
            ))),
        }
    }
}

/// What a server may take, of time and of space, and where it may be.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// From nothing to an agreed protocol.
    pub connect: Duration,
    /// The whole of a discovery, or of a call.
    pub run: Duration,
    pub pages: usize,
    pub tools: usize,
    /// Of all pages of the list of tools together.
    pub list_bytes: usize,
    /// Of the result of one call.
    pub result_bytes: usize,
    /// Whether addresses of private networks, of the link and of this machine may be connected to.
    pub private_addresses: bool,
    /// Whether `http:` may be used.
    pub plain_http: bool,
    pub commands: AllowedCommands,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(15),
            run: Duration::from_secs(60),
            pages: 50,
            tools: 1_000,
            list_bytes: 4 * 1024 * 1024,
            result_bytes: 4 * 1024 * 1024,
            private_addresses: false,
            plain_http: false,
            commands: AllowedCommands::None,
        }
    }
}

impl Bounds {
    /// The longest message that can be meant.
    pub(super) fn message_bytes(&self) -> usize {
        self.list_bytes.max(self.result_bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_run_unless_somebody_said_so() {
        assert!(matches!(Bounds::default().commands.check("true"), Err(Failure::NotAllowed(_))));
    }

    #[test]
    fn a_command_is_allowed_only_as_it_is_written() {
        let commands = AllowedCommands::These(vec!["npx".to_owned()]);
        assert_eq!(commands.check("npx"), Ok(()));
        for other in ["", "/tmp/npx", "./npx", "npx ", "NPX", "npx2"] {
            assert!(matches!(commands.check(other), Err(Failure::NotAllowed(_))), "{other}");
        }
    }
}
