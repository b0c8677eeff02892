//! The folders of programs: each has one of its own, which goes with it. One that was left by a server that was killed
//! goes when the next server starts.

use std::fs::{self, File};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::{env, io, thread};

use rustix::io::Errno;
use rustix::process::{Pid, geteuid, test_kill_process};

const PREFIX: &str = "trellis-mcp-";

/// A folder of one program alone, removed with it.
pub struct Home {
    path: PathBuf,
    /// Locked as long as the folder is used: the lock ends with this process, however that ends.
    _lock: File,
}

impl Home {
    pub fn create() -> io::Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = env::temp_dir().join(format!("{PREFIX}{}-{number}", std::process::id()));
            // What is there already, whoever's it is, is not taken.
            match fs::DirBuilder::new().mode(0o700).create(&path) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(error) => return Err(error),
            }
            let lock = File::open(&path)?;
            lock.try_lock()?;
            return Ok(Self { path, _lock: lock });
        }
    }

    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        remove(vec![std::mem::take(&mut self.path)]);
    }
}

/// Removes what servers that were killed have left. To be called before any program is run: a number may be ours again.
pub fn remove_left_homes() {
    match left(&env::temp_dir()) {
        Ok(paths) => remove(paths),
        Err(error) => tracing::warn!(%error, "folders of MCP servers that are over are not looked for"),
    }
}

/// The folders of this user whose process does not live, and which nobody uses.
fn left(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = fs::read_dir(folder)?.filter_map(Result::ok);
    let is_left = |entry: &fs::DirEntry| {
        let is_own = entry.metadata().is_ok_and(|metadata| metadata.is_dir() && metadata.uid() == geteuid().as_raw());
        is_own && entry.file_name().to_str().and_then(owner).is_some_and(has_ended) && is_unused(&entry.path())
    };
    Ok(entries.filter(is_left).map(|entry| entry.path()).collect())
}

/// The number of the process that a folder of this name is of.
fn owner(name: &str) -> Option<Pid> {
    let (pid, number) = name.strip_prefix(PREFIX)?.split_once('-')?;
    number.parse::<u64>().ok()?;
    Pid::from_raw(pid.parse().ok().filter(|pid| *pid > 0)?)
}

fn has_ended(pid: Pid) -> bool {
    pid.as_raw_nonzero().get().cast_unsigned() == std::process::id() || test_kill_process(pid) == Err(Errno::SRCH)
}

/// Where processes of several machines share the folder, their numbers say little.
fn is_unused(path: &Path) -> bool {
    File::open(path).is_ok_and(|folder| folder.try_lock().is_ok())
}

/// A program may have put a great deal there.
fn remove(paths: Vec<PathBuf>) {
    let stays = |error: io::Error, path: &Path| {
        tracing::warn!(%error, path = %path.display(), "the folder of an MCP server stays behind");
    };
    let removal = thread::Builder::new().name("mcp-home".to_owned()).spawn(move || {
        for path in paths {
            if let Err(error) = fs::remove_dir_all(&path) {
                stays(error, &path);
            }
        }
    });
    if let Err(error) = removal {
        stays(error, Path::new(PREFIX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_ended_processes_have_left_is_removed() {
        let folder = env::temp_dir().join(format!("homes-{}", std::process::id()));
        fs::create_dir(&folder).unwrap();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        let ended_pid = ended.id();
        ended.wait().unwrap();
        // Of a process that lives, of nobody, no folder, and in use.
        let parent = std::os::unix::process::parent_id();
        for name in
            [format!("{PREFIX}{parent}-1"), format!("{PREFIX}0-1"), format!("{PREFIX}x-1"), "other-1-1".to_owned()]
        {
            fs::create_dir(folder.join(name)).unwrap();
        }
        fs::write(folder.join(format!("{PREFIX}{ended_pid}-1")), "").unwrap();
        let used = folder.join(format!("{PREFIX}{ended_pid}-2"));
        fs::create_dir(&used).unwrap();
        let lock = File::open(&used).unwrap();
        lock.try_lock().unwrap();
        assert!(left(&folder).unwrap().is_empty());
        drop(lock);
        let own = folder.join(format!("{PREFIX}{}-7", std::process::id()));
        fs::create_dir(&own).unwrap();
        let mut found = left(&folder).unwrap();
        found.sort();
        let mut expected = [used, own];
        expected.sort();
        assert_eq!(found, expected);
        fs::remove_dir_all(&folder).unwrap();
    }
}
