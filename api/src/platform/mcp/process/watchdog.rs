//! What ends a program when this process cannot any more, being killed: a shell that waits at the end of a pipe of ours.
//! A pipe closes with the process that holds it, however that ends.

use std::io::{self, PipeWriter, Write};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};

use rustix::process::Pid;
use tokio::process::{Child, Command};

/// Reads the number of the group, then waits for the word that the group has ended. Without that word it ends the group,
/// and its first program wherever that has moved. Who asks all processes to end asks our programs too: it is gone after them.
const SCRIPT: &str = "trap '' HUP INT TERM; read -r group || exit 0; \
                      read -r _ || kill -s KILL -- \"-$group\" \"$group\"";

/// A watchdog over one group.
pub struct Watchdog {
    /// Held by this process alone: no program inherits it. None once the word was given.
    line: Mutex<Option<PipeWriter>>,
}

impl Watchdog {
    /// Starts one that watches nothing yet, and the process that it is. It gets the privileges of the thread that starts it.
    pub fn start() -> io::Result<(Self, Child)> {
        let (end, line) = io::pipe()?;
        let mut shell = Command::new("/bin/sh");
        shell.args(["-c", SCRIPT, "trellis-mcp-watchdog"]).env_clear().current_dir("/").process_group(0);
        shell.stdin(end).stdout(Stdio::null()).stderr(Stdio::null());
        Ok((Self { line: Mutex::new(Some(line)) }, shell.spawn()?))
    }

    /// From here on it watches over this group.
    pub fn watch(&self, group: Pid) -> io::Result<()> {
        match &mut *self.line.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(line) => line.write_all(format!("{}\n", group.as_raw_nonzero()).as_bytes()),
            None => Err(io::Error::from(io::ErrorKind::BrokenPipe)),
        }
    }

    /// The group has ended. To be said before its number may become somebody else's.
    pub fn dismiss(&self) {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(mut line) = line {
            // One that is gone need not be told.
            line.write_all(b"\n").ok();
        }
    }
}
