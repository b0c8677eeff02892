//! What breaks: the server is killed in mid-write, Redis dies and returns, PostgreSQL cuts every connection.
//! Nothing that was acknowledged is lost, and everything is told in order.

mod connections_cut;
mod database_away;
mod redis_killed;
mod server_killed;

use std::process::Command;

use crate::support::{Program, eventually, free_port};

/// A Redis of the test's own.
pub struct Redis {
    port: u16,
    folder: tempfile::TempDir,
    program: Program,
}

impl Redis {
    pub async fn start() -> Self {
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

    pub fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub fn kill(&mut self) {
        self.program.kill();
    }

    /// Starts it again on its port, with what it had written.
    pub async fn restart(&mut self) {
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
