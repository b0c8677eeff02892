//! What breaks: the server is killed in mid-write, Redis dies and returns, PostgreSQL cuts every connection.
//! Nothing that was acknowledged is lost, and everything is told in order.

mod connections_cut;
mod redis_killed;
mod server_killed;

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use crate::support::eventually;

/// A port that was free a moment ago.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

/// A program that ends with the test.
struct Program(Child);

impl Program {
    fn start(command: &mut Command) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(quiet.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    /// kill -9.
    fn kill(&mut self) {
        self.0.kill().expect("the program runs");
        self.0.wait().expect("the program ends");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A Redis of the test's own.
struct Redis {
    port: u16,
    folder: tempfile::TempDir,
    program: Program,
}

impl Redis {
    async fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let port = free_port();
        let program = Self::launch(port, folder.path());
        let redis = Self { port, folder, program };
        redis.answers().await;
        redis
    }

    fn launch(port: u16, folder: &std::path::Path) -> Program {
        let port = port.to_string();
        let arguments = ["--port", &port, "--bind", "127.0.0.1", "--appendonly", "yes", "--appendfsync", "always"];
        Program::start(Command::new("redis-server").args(arguments).arg("--dir").arg(folder))
    }

    fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again on its port, with what it had written.
    async fn restart(&mut self) {
        self.program = Self::launch(self.port, self.folder.path());
        self.answers().await;
    }

    async fn answers(&self) {
        let client = redis::Client::open(self.url()).expect("an address");
        eventually("Redis answers", async || {
            let mut connection = client.get_multiplexed_async_connection().await.ok()?;
            redis::cmd("PING").query_async::<String>(&mut connection).await.ok()
        })
        .await;
    }
}
