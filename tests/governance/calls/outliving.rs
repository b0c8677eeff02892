//! Programs of servers that do not want to end: whatever becomes of the server that runs them, they do not outlive it.

use std::collections::BTreeSet;
use std::fs;

use serde_json::json;

use super::{allow_everything, approved, call, program};
use crate::governance::registry_walk::world;
use crate::support::mcp::{is_gone, script};
use crate::support::{Process, World, environment, eventually};

/// The processes that this one has started.
fn children(parent: u32) -> BTreeSet<u32> {
    let pids =
        fs::read_dir("/proc").expect("processes").filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok());
    let is_child = |pid: &u32| {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        // After the name, which may hold anything, come the state and the parent.
        let parent_of = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().nth(1)?.parse().ok());
        parent_of == Some(parent)
    };
    pids.filter(is_child).collect()
}

fn path(folder: &tempfile::TempDir) -> &str {
    folder.path().to_str().expect("a path of text")
}

/// A server in a process of its own, and a file that names the program that it runs for a call, with its grandchild.
struct Running {
    world: World,
    server: Process,
    family: std::path::PathBuf,
    /// Where the server and its programs put what they need for a while.
    temporary: tempfile::TempDir,
}

impl Running {
    async fn start() -> Self {
        let world = world().await;
        allow_everything(&world).await;
        let folder = tempfile::tempdir().expect("a folder");
        let family = folder.path().join("family");
        // It ends neither with its input nor when it is asked to, and neither does its child.
        let arguments = [&script("hostile_program.mjs"), "family", family.to_str().expect("of text")];
        approved(&world, "stubborn", program(&environment("TRELLIS_NODE"), &arguments, json!([]))).await;
        let temporary = folder;
        let server = Process::start(&world.database, &[("TMPDIR", path(&temporary))]).await;
        Self { world, server, family, temporary }
    }

    /// The folders of programs that there are.
    fn homes(&self) -> usize {
        let entries = fs::read_dir(self.temporary.path()).expect("a folder").filter_map(Result::ok);
        entries.filter(|entry| entry.file_name().to_string_lossy().starts_with("trellis-mcp-")).count()
    }

    /// The program, its child and its watchdog, once there was a call.
    async fn called(&self) -> (Vec<String>, u32) {
        let client = self.server.client(&self.world.developer);
        // A call that comes just as its program ends may fail with it.
        eventually("a call is answered", async || {
            let answer = call(&self.world, &client, "stubborn/weather", json!({})).await;
            answer.refusals().is_empty().then_some(())
        })
        .await;
        let family = fs::read_to_string(&self.family).expect("their numbers");
        let family: Vec<String> = family.split(' ').map(str::to_owned).collect();
        assert_eq!(family.len(), 2, "{family:?}");
        let program = family[0].parse().expect("a number");
        // Beside the program there is its watchdog, and nothing that ended and was not waited for.
        let watchdog = eventually("the server has two children", async || {
            let mut children = children(self.server.program.id());
            assert!(children.remove(&program), "the program is the server's: {children:?}");
            children.pop_first().filter(|_| children.is_empty())
        });
        (family, watchdog.await)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_program_outlives_a_server_that_is_killed() {
    let mut running = Running::start().await;
    let (family, watchdog) = running.called().await;
    assert_eq!(running.homes(), 1);
    running.server.program.kill();
    for pid in family {
        is_gone(&pid).await;
    }
    is_gone(&watchdog.to_string()).await;
    // Nobody could remove its folder: the next server does.
    assert_eq!(running.homes(), 1);
    let _next = Process::start(&running.world.database, &[("TMPDIR", path(&running.temporary))]).await;
    eventually("the folder is gone", async || (running.homes() == 0).then_some(())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_that_nothing_watches_over_is_not_run_on() {
    let running = Running::start().await;
    let (family, watchdog) = running.called().await;
    let killed = std::process::Command::new("kill").args(["-KILL", &watchdog.to_string()]).status();
    assert!(killed.expect("kill can be run").success());
    for pid in family {
        is_gone(&pid).await;
    }
    // The next call has a program and a watchdog of its own, and of the others nothing is left, not even their numbers.
    let (family, next) = running.called().await;
    assert_ne!(watchdog, next);
    let mut server = running.server;
    server.program.end().await;
    for pid in [&family[0], &family[1], &next.to_string()] {
        is_gone(pid).await;
    }
}
