//! A program with all that it starts: one process group, which ends as a whole and is gone when this is dropped.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::{Instant, sleep};

use super::home::Home;
use super::watchdog::Watchdog;

const LOOK_EVERY: Duration = Duration::from_millis(5);

pub struct Group {
    pid: Pid,
    /// Until it was waited for. So long, its number is nobody else's.
    child: Mutex<Option<Child>>,
    watchdog: Watchdog,
    _home: Home,
}

/// What a program reads and writes.
pub struct Pipes {
    pub input: ChildStdin,
    pub output: ChildStdout,
    pub errors: ChildStderr,
}

impl Group {
    /// Starts a program in a group of its own, watched over from its first moment: without a watchdog it is not run. To be
    /// called within a runtime.
    pub fn start(mut program: Command, home: Home) -> io::Result<(Arc<Self>, Pipes)> {
        let unwatched = |error: io::Error| io::Error::other(format!("nothing can watch over it: {error}"));
        let (watchdog, watching) = Watchdog::start().map_err(unwatched)?;
        let mut child = program.process_group(0).kill_on_drop(true).spawn()?;
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| io::Error::other("it ended at once"))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        // From here on, the whole group ends where anything fails.
        let group = Arc::new(Self { pid, child: Mutex::new(Some(child)), watchdog, _home: home });
        group.watchdog.watch(pid).map_err(unwatched)?;
        tokio::spawn(end_without_watchdog(watching, Arc::downgrade(&group)));
        let (Some(input), Some(output), Some(errors)) = pipes else {
            return Err(io::Error::other("it has no input or output"));
        };
        Ok((group, Pipes { input, output, errors }))
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        // Held meanwhile: once it was waited for, its number may be somebody else's.
        let child = self.child();
        if child.is_some() {
            // A group that has ended by itself is what was wanted.
            kill_process_group(self.pid, signal).ok();
        }
    }

    /// Ends all of it, and then the watchdog, which would otherwise look for it later: its number is not free yet.
    fn kill(&self) {
        self.signal(Signal::KILL);
        if let Some(child) = &mut *self.child() {
            // It may have moved to another group.
            child.start_kill().ok();
        }
        self.watchdog.dismiss();
    }

    /// Whether the program has ended. It is not waited for, so that its number stays taken.
    fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        self.child().is_none() || !matches!(waitid(WaitId::Pid(self.pid), options), Ok(None))
    }

    async fn ends_within(&self, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while !self.has_ended() {
            if Instant::now() >= until {
                return false;
            }
            sleep(LOOK_EVERY).await;
        }
        true
    }

    /// Lets the program end by itself, then asks it to, then ends the whole group. The status is of one that ended itself.
    pub async fn end(&self, by_itself: Duration, when_asked: Duration) -> Option<i32> {
        let mut is_own_end = self.ends_within(by_itself).await;
        if !is_own_end && !when_asked.is_zero() {
            self.signal(Signal::TERM);
            is_own_end = self.ends_within(when_asked).await;
        }
        self.kill();
        let child = self.child().take();
        let status = child?.wait().await.ok()?;
        status.code().filter(|_| is_own_end)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Waits for the watchdog to end. A group without one is ended too, and its program is run anew for the next call.
async fn end_without_watchdog(mut watchdog: Child, group: Weak<Group>) {
    watchdog.wait().await.ok();
    if let Some(group) = group.upgrade()
        && group.child().is_some()
    {
        group.kill();
    }
}
