//! Programs in processes of their own: the built server, for what could end it, and the servers it needs.

use std::fs::File;
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use super::client::Client;
use super::database::{Database, environment};
use super::waiting::eventually;

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("a bound address").port()
}

/// A program that ends with the test.
pub struct Program(Child);

impl Program {
    pub fn start(command: &mut Command) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        Self(quiet.spawn().unwrap_or_else(|error| panic!("{command:?} does not start: {error}")))
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// kill -9.
    pub fn kill(&mut self) {
        self.0.kill().expect("the program runs");
        self.0.wait().expect("the program ends");
    }

    /// Asks it to end, as an operator would, and waits until it has. It must end well.
    pub async fn end(&mut self) {
        let asked = Command::new("kill").arg(self.0.id().to_string()).status().expect("kill can be run");
        assert!(asked.success(), "the program runs");
        let ended = eventually("the program ends", async || self.0.try_wait().expect("the program can be asked")).await;
        assert!(ended.success(), "{ended}");
    }

    /// What the system tells of its memory under this name.
    fn memory_bytes(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("the program runs");
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("it tells of memory");
        let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().expect("a number of kilobytes");
        kilobytes * 1024
    }

    /// What its threads have had of the processor.
    fn processor_time(&self) -> Duration {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.0.id())).expect("the program runs");
        let nanoseconds = |thread: std::io::Result<std::fs::DirEntry>| {
            // A thread may end meanwhile.
            let told = std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok()?;
            told.split(' ').next()?.parse::<u64>().ok()
        };
        Duration::from_nanos(threads.filter_map(nanoseconds).sum())
    }

    /// Whether it has not ended.
    pub fn runs(&mut self) -> bool {
        self.0.try_wait().expect("the program can be asked").is_none()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // An error means that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The built server over the database of a test. The tokens of a world's clients are good there too.
pub struct Process {
    pub program: Program,
    command: Command,
    port: u16,
}

impl Process {
    pub async fn start(database: &Database, settings: &[(&str, &str)]) -> Self {
        Self::begin(database, settings, Stdio::inherit()).await
    }

    /// The same with its log in a file.
    pub async fn logging(database: &Database, settings: &[(&str, &str)], log: File) -> Self {
        Self::begin(database, settings, log.into()).await
    }

    async fn begin(database: &Database, settings: &[(&str, &str)], log: Stdio) -> Self {
        let port = free_port();
        let mut command = Command::new(environment("TRELLIS_TEST_BIN"));
        command
            .arg("serve")
            .env("DATABASE_URL", database.url())
            .env("REDIS_URL", environment("TRELLIS_TEST_REDIS_URL"))
            .env("TRELLIS_REDIS_PREFIX", format!("{}:process:", database.name()))
            .env("TRELLIS_LISTEN", format!("127.0.0.1:{port}"))
            .env("TRELLIS_DATABASE_CONNECTIONS", "8")
            .env("TRELLIS_LOG", "warn")
            .envs(settings.iter().copied())
            .stderr(log);
        let process = Self { program: Program::start(&mut command), command, port };
        process.is_ready().await;
        process
    }

    /// Stops the server as an operator would, and starts another in its place.
    pub async fn restart(&mut self) {
        self.program.end().await;
        self.program = Program::start(&mut self.command);
        self.is_ready().await;
    }

    async fn is_ready(&self) {
        let ready = self.at("/health/ready");
        eventually("the server is ready", async || {
            reqwest::get(&ready).await.ok().filter(|answer| answer.status().is_success())
        })
        .await;
    }

    /// The address of a path.
    pub fn at(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The most memory that it has held at once.
    pub fn peak_bytes(&self) -> u64 {
        self.program.memory_bytes("VmHWM:")
    }

    /// The memory that it holds now.
    pub fn resident_bytes(&self) -> u64 {
        self.program.memory_bytes("VmRSS:")
    }

    /// What it has had of the processor since it began.
    pub fn processor_time(&self) -> Duration {
        self.program.processor_time()
    }

    /// The same person as a client of this server.
    pub fn client(&self, person: &Client) -> Client {
        person.of(&self.at("/graphql"))
    }
}
