//! The server under test: the real start-up code in this process, on a port of its own.

use api::app;
use api::platform::config::Config;
use api::platform::http::graphiql::Welcome;
use api::platform::request::Platform;
use clap::Parser;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use super::database::{Database, environment};
use super::mail::Letters;

/// A server that answers until it is dropped.
pub struct Server {
    address: String,
    platform: Platform,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
    /// Where its mail is put, unless the settings send it elsewhere.
    mail: TempDir,
}

#[derive(Parser)]
struct Defaults {
    #[command(flatten)]
    config: Config,
}

/// The settings as they are when nothing is said.
pub fn defaults() -> Config {
    Defaults::parse_from(["tests"]).config
}

impl Server {
    /// Starts a server over the database, with changed settings.
    pub async fn start(database: &Database, change: impl FnOnce(&mut Config)) -> Self {
        log();
        let mut config = defaults();
        config.stores.database_url = database.url().into();
        config.stores.redis_url = environment("TRELLIS_TEST_REDIS_URL").into();
        config.stores.redis_prefix = format!("{}:", database.name());
        config.stores.database_connections = 8;
        let mail = TempDir::new().expect("a folder for mail");
        config.mail_dir = Some(mail.path().to_owned());
        change(&mut config);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound address").to_string();
        let platform = app::platform(config).await.expect("the server connects");
        let door = app::door(platform.clone(), Welcome::default()).expect("the server's handles are built");
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(app::serve(
            listener,
            door,
            Box::pin(async {
                // An error means that the server was dropped, which stops it as well.
                let _ = stopped.await;
            }),
        ));
        Self { address, platform, stop: Some(stop), serving, mail }
    }

    /// The address of the graph.
    pub fn graphql(&self) -> String {
        self.at("/graphql")
    }

    /// The address of a path.
    pub fn at(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The address of the graph for WebSockets.
    pub fn websocket(&self) -> String {
        format!("ws://{}/graphql", self.address)
    }

    /// The mail it sent.
    pub fn letters(&self) -> Letters {
        Letters::new(self.mail.path().to_owned())
    }

    pub fn platform(&self) -> &Platform {
        &self.platform
    }

    /// Lets what is under way finish and stops.
    pub async fn stop(mut self) {
        drop(self.stop.take());
        (&mut self.serving).await.expect("the server does not panic");
        self.platform.database.pool().close().await;
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Warnings of the server go to the output of the test that caused them.
fn log() {
    let level = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "warn".into());
    // An error means that it is set already.
    let _ = tracing_subscriber::fmt().with_env_filter(level).with_test_writer().try_init();
}
