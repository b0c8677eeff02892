//! A program with all that it starts: one process group, which ends as a whole and is gone when this is dropped.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use std::{env, fs, io, thread};

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use std::os::unix::fs::DirBuilderExt;
use tokio::process::Child;
use tokio::time::{Instant, sleep};

const LOOK_EVERY: Duration = Duration::from_millis(5);

pub struct Group {
    pid: Pid,
    /// Until it was waited for. So long, its number is nobody else's.
    child: Mutex<Option<Child>>,
    _home: Home,
}

impl Group {
    pub fn new(child: Child, home: Home) -> io::Result<Self> {
        let pid = child.id().and_then(|id| Pid::from_raw(id.cast_signed()));
        let pid = pid.ok_or_else(|| io::Error::other("it ended at once"))?;
        Ok(Self { pid, child: Mutex::new(Some(child)), _home: home })
    }

    fn child(&self) -> MutexGuard<'_, Option<Child>> {
        self.child.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn signal(&self, signal: Signal) {
        if self.child().is_some() {
            // A group that has ended by itself is what was wanted.
            kill_process_group(self.pid, signal).ok();
        }
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
        self.signal(Signal::KILL);
        let child = self.child().take();
        let status = child?.wait().await.ok()?;
        status.code().filter(|_| is_own_end)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
    }
}

/// A folder of one program alone, removed with it.
pub struct Home(PathBuf);

impl Home {
    pub fn create() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = env::temp_dir().join(format!("trellis-mcp-{}-{number}", std::process::id()));
            // What is there already, whoever's it is, is not taken.
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => return Ok(Self(path)),
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
            }
        }
    }

    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let path = std::mem::take(&mut self.0);
        // A program may have put a great deal there.
        let removal = thread::Builder::new().name("mcp-home".to_owned()).spawn(move || {
            if let Err(error) = fs::remove_dir_all(&path) {
                tracing::warn!(%error, path = %path.display(), "the folder of an MCP server stays behind");
            }
        });
        if let Err(error) = removal {
            tracing::warn!(%error, "the folder of an MCP server stays behind");
        }
    }
}
