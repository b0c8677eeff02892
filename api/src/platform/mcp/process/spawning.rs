//! Starting a server's program: with an environment of its own, a folder of its own and no privilege of ours.

use std::collections::BTreeMap;
use std::process::Stdio;
use std::sync::Arc;
use std::{env, io, thread};

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use rustix::thread::{CapabilitySet, CapabilitySets, set_capabilities, set_no_new_privs};
use tokio::process::Command;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use super::group::{Group, Pipes};
use super::home::Home;
use crate::platform::config::SecretText;
use crate::platform::mcp::{AllowedCommands, Failure};

/// What of our own environment is told: where programs and authorities are, and how text is written.
const TOLD: [&str; 8] =
    ["PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"];

/// With these, an allowed command could be made to run something else.
const REFUSED: [&str; 15] = [
    "PATH",
    "HOME",
    "TMPDIR",
    "BASH_ENV",
    "ENV",
    "NODE_OPTIONS",
    "NODE_PATH",
    "PYTHONPATH",
    "PYTHONSTARTUP",
    "PYTHONHOME",
    "PERL5OPT",
    "PERL5LIB",
    "RUBYOPT",
    "RUBYLIB",
    "JAVA_TOOL_OPTIONS",
];

pub async fn spawn(
    command: &str,
    arguments: &[String],
    environment: &BTreeMap<String, SecretText>,
    allowed: &AllowedCommands,
) -> Result<(Arc<Group>, Pipes), Failure> {
    allowed.check(command)?;
    if let Some(name) = environment.keys().find(|name| !may_be_set(name)) {
        return Err(Failure::NotAllowed(format!("The environment variable {name:?} cannot be set for a server.")));
    }
    if command.contains('\0') || arguments.iter().any(|argument| argument.contains('\0')) {
        return Err(Failure::NotAllowed("A command holds a zero character.".to_owned()));
    }
    let failed = |error: io::Error| Failure::Unreachable(format!("{command} cannot be run: {error}"));
    let home = Home::create().map_err(failed)?;
    let mut prepared = Command::new(command);
    prepared.args(arguments).current_dir(home.path());
    prepared.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    prepared.env_clear().envs(TOLD.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    prepared.env("HOME", home.path()).env("TMPDIR", home.path());
    prepared.envs(environment.iter().map(|(name, value)| (name, value.reveal())));
    without_privileges(prepared, home).await.map_err(failed)
}

fn may_be_set(name: &str) -> bool {
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name && !name.starts_with("LD_") && !REFUSED.contains(&name)
}

/// A thread's privileges are its program's: so one thread gives up its own, starts the program, and ends. Without them,
/// even a program of the same user, root included, may not look into this process. Its watchdog has none either.
async fn without_privileges(command: Command, home: Home) -> io::Result<(Arc<Group>, Pipes)> {
    let runtime = Handle::current();
    let (started, starting) = oneshot::channel();
    thread::Builder::new().name("mcp-spawn".to_owned()).spawn(move || {
        let _runtime = runtime.enter();
        let group = give_up_privileges().and_then(|()| Group::start(command, home));
        // Nobody waits any more: the group is killed as it is dropped.
        started.send(group).ok();
    })?;
    starting.await.map_err(|_| io::Error::other("its thread ended"))?
}

fn give_up_privileges() -> io::Result<()> {
    // With this, running a program gives it none that its starter has not.
    set_no_new_privs(true)?;
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })?;
    Ok(())
}

/// Keeps other programs of the same user out of this process: its memory, and the environment it was started with. A
/// server that is run as root needs no more than the privileges its programs do not have.
pub fn hide_environment() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_run_another_program_cannot_be_set() {
        for name in
            ["PATH", "LD_PRELOAD", "LD_LIBRARY_PATH", "NODE_OPTIONS", "PYTHONPATH", "", "A=B", "A B", "Ä", "A\0"]
        {
            assert!(!may_be_set(name), "{name}");
        }
        for name in ["API_KEY", "GITHUB_TOKEN", "token2"] {
            assert!(may_be_set(name), "{name}");
        }
    }
}
