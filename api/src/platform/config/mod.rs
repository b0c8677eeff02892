//! Settings: environment variables `TRELLIS_*`, each with a default that suits development.
//! `trellis serve --help` lists them. What cannot work, or is too weak for production, is refused in `fitness`.

mod fitness;
mod plans;

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

use clap::builder::RangedU64ValueParser;
use clap::{Args, ValueEnum, value_parser};
use serde::Deserialize;
use tracing_subscriber::EnvFilter;

pub use fitness::ConfigError;
pub use plans::{PlanLimits, PlanSettings, Price};

use super::http::settings::{HttpSettings, QuerySettings};
use super::mcp::McpSettings;
use super::openid::OpenIdSettings;

/// A value that never shows in logs or debug output.
#[derive(Clone, Deserialize)]
#[serde(from = "String")]
pub struct SecretText {
    text: String,
    is_secret: bool,
}

impl SecretText {
    /// A value that stands among secrets and is none.
    pub fn in_the_open(text: String) -> Self {
        Self { text, is_secret: false }
    }

    pub fn reveal(&self) -> &str {
        &self.text
    }

    /// Whether it must not be told, wherever it stands.
    pub fn is_secret(&self) -> bool {
        self.is_secret
    }
}

impl From<String> for SecretText {
    fn from(text: String) -> Self {
        Self { text, is_secret: true }
    }
}

impl From<&str> for SecretText {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl std::fmt::Debug for SecretText {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("[redacted]")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Environment {
    /// GraphiQL and introspection on, weak defaults accepted.
    Development,
    /// GraphiQL and introspection off unless set; secrets required.
    Production,
}

/// How people sign up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SignUp {
    /// The account is made and signed in to at once. Whoever tries an address learns whether it has an account.
    AtOnce,
    /// The account is made once a link in a letter was followed. Nobody learns anything of an address that is not theirs.
    ByMail,
}

/// Where the data lives.
#[derive(Args, Clone, Debug)]
pub struct Stores {
    /// PostgreSQL 15 or newer.
    #[arg(long, env = "DATABASE_URL", default_value = "postgres://127.0.0.1/trellis", hide_env_values = true)]
    pub database_url: SecretText,

    /// Redis 7 or newer. The server works without it; events then arrive by polling.
    #[arg(long, env = "REDIS_URL", default_value = "redis://127.0.0.1:6379", hide_env_values = true)]
    pub redis_url: SecretText,

    /// Prefix of every Redis key and channel.
    #[arg(long, env = "TRELLIS_REDIS_PREFIX", default_value = "trellis:")]
    pub redis_prefix: String,

    /// Connections to PostgreSQL kept at most.
    #[arg(long, env = "TRELLIS_DATABASE_CONNECTIONS", default_value_t = 16, value_parser = value_parser!(u32).range(1..=10_000))]
    pub database_connections: u32,

    /// Rows of each table that are held decoded in memory, to be used again while PostgreSQL has them in the same
    /// version. One takes about a kilobyte.
    #[arg(long, env = "TRELLIS_HELD_ROWS", default_value_t = 50_000)]
    pub held_rows: usize,

    /// The database role the server works as; it may add to the audit log but not change it. Empty keeps the role of the URL.
    #[arg(long, env = "TRELLIS_DATABASE_ROLE", default_value = "trellis_server")]
    pub database_role: String,
}

/// Everything `trellis serve` can be told.
#[derive(Args, Clone, Debug)]
pub struct Config {
    #[command(flatten)]
    pub stores: Stores,

    #[command(flatten)]
    pub http: HttpSettings,

    #[command(flatten)]
    pub query: QuerySettings,

    #[command(flatten)]
    pub openid: OpenIdSettings,

    #[command(flatten)]
    pub mcp: McpSettings,

    #[command(flatten)]
    pub plans: PlanSettings,

    /// Address and port to listen on.
    #[arg(long, env = "TRELLIS_LISTEN", default_value = "127.0.0.1:8080")]
    pub listen: SocketAddr,

    /// Development suits a laptop; production refuses weak settings.
    #[arg(long, env = "TRELLIS_ENV", value_enum, default_value_t = Environment::Development)]
    pub environment: Environment,

    /// What is logged: filters of the `tracing` crate, such as info,sqlx=warn.
    #[arg(long, env = "TRELLIS_LOG", default_value = "info,sqlx=warn", value_parser = log_filter)]
    pub log: String,

    /// Key that signs access tokens, at least 32 bytes. Required in production.
    #[arg(long, env = "TRELLIS_TOKEN_SECRET", hide_env_values = true)]
    pub token_secret: Option<SecretText>,

    /// Keys that encrypt stored secrets, as NUMBER:BASE64 of 32 bytes each, separated by commas: the first seals, all
    /// open. To change the key put a new one in front, run `trellis maintain`, then drop the old. Required in production.
    #[arg(long, env = "TRELLIS_SEALING_KEYS", hide_env_values = true)]
    pub sealing_keys: Option<SecretText>,

    /// Where people reach this product's pages: links in mails begin with it. Default in development: the address
    /// the server listens on. Required in production.
    #[arg(long, env = "TRELLIS_PUBLIC_URL")]
    pub public_url: Option<String>,

    /// The server that mail is sent through, such as smtps://user:password@mail.example.com or
    /// smtp://user:password@mail.example.com:587?tls=required. Without one, mail is put into the folder of TRELLIS_MAIL_DIR.
    #[arg(long, env = "TRELLIS_MAIL_URL", hide_env_values = true)]
    pub mail_url: Option<SecretText>,

    /// Who mail comes from.
    #[arg(long, env = "TRELLIS_MAIL_FROM", default_value = "Trellis <trellis@localhost>")]
    pub mail_from: String,

    /// The folder for mail that is not sent, one file for each. Production needs it or TRELLIS_MAIL_URL.
    #[arg(long, env = "TRELLIS_MAIL_DIR")]
    pub mail_dir: Option<PathBuf>,

    /// How people sign up. Default: at-once in development, by-mail in production.
    #[arg(long, env = "TRELLIS_SIGN_UP", value_enum)]
    pub sign_up: Option<SignUp>,

    /// Life of an access token, in seconds.
    #[arg(long, env = "TRELLIS_ACCESS_TOKEN_SECONDS", default_value_t = 15 * 60, value_parser = value_parser!(i64).range(1..=86_400))]
    pub access_token_seconds: i64,

    /// Life of a refresh token, in days.
    #[arg(long, env = "TRELLIS_REFRESH_TOKEN_DAYS", default_value_t = 30, value_parser = value_parser!(i64).range(1..=365))]
    pub refresh_token_days: i64,

    /// Seconds for which a given password or code allows dangerous changes.
    #[arg(long, env = "TRELLIS_REAUTHENTICATION_SECONDS", default_value_t = 10 * 60, value_parser = value_parser!(i64).range(1..=86_400))]
    pub reauthentication_seconds: i64,

    /// Attempts to sign in, to sign up, to use a link or to have mail sent: so many of each in 15 minutes from one network
    /// (an address; of IPv6, one /64). Raise it where many people share an address.
    #[arg(long, env = "TRELLIS_ATTEMPTS_PER_NETWORK", default_value_t = 100, value_parser = value_parser!(u32).range(1..=1_000_000))]
    pub attempts_per_network: u32,

    /// Days for which deleted organizations, projects and spaces are kept before they are removed for good.
    #[arg(long, env = "TRELLIS_DELETED_DAYS", default_value_t = 30, value_parser = value_parser!(i32).range(0..=3_650))]
    pub deleted_days: i32,

    /// Months before the present one for which decisions of policies are kept.
    #[arg(long, env = "TRELLIS_DECISION_MONTHS", default_value_t = 12, value_parser = value_parser!(i32).range(1..=1_200))]
    pub decision_months: i32,

    /// Let projects have MCP servers at private addresses and without TLS. Default: only in development.
    #[arg(long, env = "TRELLIS_MCP_PRIVATE")]
    pub mcp_private: Option<bool>,

    /// Seconds after which an approved MCP server is connected to again, to see whether it answers and what it offers.
    #[arg(long, env = "TRELLIS_MCP_RECHECK_SECONDS", default_value_t = 3_600, value_parser = value_parser!(u64).range(1..=2_592_000))]
    pub mcp_recheck_seconds: u64,

    /// MCP servers that this process connects to at once to list their tools.
    #[arg(long, env = "TRELLIS_MCP_RUNS", default_value_t = 4, value_parser = size(1..=64))]
    pub mcp_runs: usize,

    /// Serve GraphiQL. Default: only in development.
    #[arg(long, env = "TRELLIS_GRAPHIQL")]
    pub graphiql: Option<bool>,

    /// Answer introspection queries. Default: only in development.
    #[arg(long, env = "TRELLIS_INTROSPECTION")]
    pub introspection: Option<bool>,

    /// Seconds an operation may take.
    #[arg(long, env = "TRELLIS_OPERATION_SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..=300))]
    pub operation_seconds: u64,

    /// Operations in one batch at most.
    #[arg(long, env = "TRELLIS_BATCH", default_value_t = 10, value_parser = size(1..=1_000))]
    pub batch: usize,

    /// Streams open on one WebSocket at most.
    #[arg(long, env = "TRELLIS_SOCKET_STREAMS", default_value_t = 64, value_parser = size(1..=10_000))]
    pub socket_streams: usize,

    /// Seconds a WebSocket has for introducing itself (connection_init).
    #[arg(long, env = "TRELLIS_SOCKET_INIT_SECONDS", default_value_t = 10, value_parser = value_parser!(u64).range(1..=300))]
    pub socket_init_seconds: u64,

    /// Seconds between two pings to a WebSocket; one that gives no sign of life in between is closed.
    #[arg(long, env = "TRELLIS_SOCKET_PING_SECONDS", default_value_t = 20, value_parser = value_parser!(u64).range(1..=3_600))]
    pub socket_ping_seconds: u64,

    /// Seconds between two looks whether the sessions of open WebSockets and event streams still live.
    #[arg(long, env = "TRELLIS_SESSION_LOOK_SECONDS", default_value_t = 5, value_parser = value_parser!(u64).range(1..=300))]
    pub session_look_seconds: u64,

    /// Seconds between two writes of how often and when last API keys were used.
    #[arg(long, env = "TRELLIS_KEY_USAGE_SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=3_600))]
    pub key_usage_seconds: u64,

    /// Seconds whoever reads an answer, a WebSocket or an event stream may take for the next 64 KiB.
    #[arg(long, env = "TRELLIS_SOCKET_SEND_SECONDS", default_value_t = 30, value_parser = value_parser!(u64).range(1..=3_600))]
    pub socket_send_seconds: u64,

    /// Largest message to a WebSocket, in bytes: a query with its variables.
    #[arg(long, env = "TRELLIS_SOCKET_MESSAGE_BYTES", default_value_t = 1024 * 1024, value_parser = size(1_024..=1_073_741_824))]
    pub socket_message_bytes: usize,

    /// WebSockets and event streams open at once at most.
    #[arg(long, env = "TRELLIS_CONNECTIONS", default_value_t = 10_000, value_parser = size(1..=1_000_000))]
    pub connections: usize,

    /// Of these, how many from one address (of IPv6, one /64). Raise it behind a proxy.
    #[arg(long, env = "TRELLIS_CONNECTIONS_PER_ADDRESS", default_value_t = 1_000, value_parser = size(1..=1_000_000))]
    pub connections_per_address: usize,

    /// What Prometheus must present as Bearer to read /metrics. Without it, /metrics is served in development only.
    #[arg(long, env = "TRELLIS_METRICS_TOKEN", hide_env_values = true)]
    pub metrics_token: Option<SecretText>,

    /// Where traces go: a collector that speaks OTLP over HTTP, such as http://127.0.0.1:4318. Default: nowhere.
    #[arg(long, env = "TRELLIS_TRACES_ENDPOINT")]
    pub traces_endpoint: Option<String>,
}

pub fn size(range: RangeInclusive<u64>) -> RangedU64ValueParser<usize> {
    RangedU64ValueParser::new().range(range)
}

fn log_filter(text: &str) -> Result<String, String> {
    EnvFilter::try_new(text).map(|_| text.to_owned()).map_err(|error| error.to_string())
}

impl Config {
    /// The address of a page, for a link in a mail. What follows the `#` stays in the browser, out of every log.
    pub fn page(&self, path: &str, secret: &str) -> String {
        format!("{}/{path}#{secret}", self.pages())
    }

    /// Where the product's pages are, without a slash at the end.
    fn pages(&self) -> String {
        match &self.public_url {
            Some(url) => url.trim_end_matches('/').to_owned(),
            None => format!("http://{}", self.listen),
        }
    }

    /// The pages that providers may send people back to, without the provider's id.
    pub fn callbacks(&self) -> Vec<String> {
        match self.openid.openid_callbacks.as_slice() {
            [] => vec![format!("{}/sign-in", self.pages())],
            set => set.iter().map(|url| url.trim_end_matches('/').to_owned()).collect(),
        }
    }

    pub fn is_development(&self) -> bool {
        self.environment == Environment::Development
    }

    pub fn sign_up(&self) -> SignUp {
        self.sign_up.unwrap_or(if self.is_development() { SignUp::AtOnce } else { SignUp::ByMail })
    }

    pub fn mcp_private_allowed(&self) -> bool {
        self.mcp_private.unwrap_or(self.is_development())
    }

    pub fn graphiql_enabled(&self) -> bool {
        self.graphiql.unwrap_or(self.is_development())
    }

    pub fn introspection_enabled(&self) -> bool {
        self.introspection.unwrap_or(self.is_development())
    }

    /// What each person may use in a minute; none for no limit.
    pub fn cost_per_minute(&self) -> Option<u32> {
        let usual = (!self.is_development()).then_some(1_000_000);
        self.query.cost_per_minute.or(usual).filter(|limit| *limit > 0)
    }

    /// What each API key may use in a minute; none for no limit of its own.
    pub fn key_cost_per_minute(&self) -> Option<u32> {
        let usual = (!self.is_development()).then_some(500_000);
        self.query.key_cost_per_minute.or(usual).filter(|limit| *limit > 0)
    }

    /// What each network may use in a minute by those who are not signed in; none for no limit.
    pub fn anonymous_cost_per_minute(&self) -> Option<u32> {
        let usual = (!self.is_development()).then_some(200_000);
        self.query.anonymous_cost_per_minute.or(usual).filter(|limit| *limit > 0)
    }

    pub fn operation_timeout(&self) -> Duration {
        Duration::from_secs(self.operation_seconds)
    }

    /// The key that signs access tokens; development has a fixed one, so that a restart keeps people signed in.
    pub fn token_secret(&self) -> &str {
        self.token_secret.as_ref().map_or("development only: set TRELLIS_TOKEN_SECRET", SecretText::reveal)
    }
}
