//! The servers that are measured, each a process of its own on the same database with as many connections to it:
//! how it is started, and how the canonical read is asked of it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use jsonwebtoken::{EncodingKey, Header};
use serde::Serialize;
use serde_json::json;
use tokio::process::Command;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::Result;
use crate::database::Reader;
use crate::load::Connection;
use crate::processes::{Process, free_address, output};

/// Connections to PostgreSQL of each server.
pub const CONNECTIONS: usize = 16;

/// What /metrics is asked with.
pub const METRICS_TOKEN: &str = "a token of the benchmark";

const START_LIMIT: Duration = Duration::from_secs(60);

const TRELLIS_QUERY: &str = "query Read($slug: String!) {
  organization(slug: $slug) { name spaces(first: 5) { nodes { id name
    documents(first: 20, orderBy: UPDATED_AT_DESC) { nodes {
      id title status createdAt owner { name email } tags(first: 5) { nodes { name } }
    } } } } }
}";

/// The same by the names that PostGraphile gives: a unique slug is a condition there, because the index is partial,
/// and so is what is not deleted. Tags come through their join table, by id and not by name.
const POSTGRAPHILE_QUERY: &str = "query Read($slug: String!) {
  organizations: allTenancyOrganizations(first: 1, condition: {slug: $slug, deletedAt: null}) { nodes { name
    spaces: tenancySpacesByOrganizationId(
      first: 5, orderBy: [NAME_ASC, PRIMARY_KEY_ASC], condition: {deletedAt: null}
    ) { nodes { id: rowId name
      documents: contentDocumentsBySpaceId(
        first: 20, orderBy: [UPDATED_AT_DESC, PRIMARY_KEY_DESC], condition: {deletedAt: null}
      ) { nodes {
        id: rowId title status createdAt owner: userByOwnerId { name email }
        tags: contentDocumentTagsByDocumentIdAndSpaceId(first: 5) { nodes { tag: contentTagByTagIdAndSpaceId { name } } }
      } } } } } }
}";

/// What a process is asked, and so which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Trellis,
    Handwritten,
    /// The same, and PostgreSQL plans each of its statements once, as Trellis asks of it.
    HandwrittenPlanned,
    /// async-graphql as its guides teach it.
    Plain,
    Postgraphile,
}

impl Kind {
    pub const PEERS: [Self; 4] = [Self::Handwritten, Self::HandwrittenPlanned, Self::Plain, Self::Postgraphile];

    pub fn name(self) -> &'static str {
        match self {
            Self::Trellis => "trellis",
            Self::Handwritten => "handwritten",
            Self::HandwrittenPlanned => "handwritten-planned",
            Self::Plain => "plain",
            Self::Postgraphile => "postgraphile",
        }
    }
}

/// A running server.
pub struct Peer {
    pub kind: Kind,
    pub address: SocketAddr,
    pub process: Process,
}

/// What all servers are given.
pub struct Ground<'a> {
    pub database_url: &'a str,
    pub redis_url: &'a str,
    pub tokens: &'a Tokens,
    /// Where logs are written.
    pub folder: &'a Path,
}

impl Ground<'_> {
    pub async fn trellis(&self, program: &Path) -> Result<Peer> {
        let address = free_address()?;
        let mut command = Command::new(program);
        command
            .arg("serve")
            .env("DATABASE_URL", self.database_url)
            .env("REDIS_URL", self.redis_url)
            .env("TRELLIS_REDIS_PREFIX", "trellis-bench:")
            .env("TRELLIS_DATABASE_CONNECTIONS", CONNECTIONS.to_string())
            .env("TRELLIS_ENV", "production")
            .env("TRELLIS_LISTEN", address.to_string())
            .env("TRELLIS_CONNECTIONS_PER_ADDRESS", "100000")
            .env("TRELLIS_HTTP_CONNECTIONS_PER_ADDRESS", "100000")
            .env("TRELLIS_TOKEN_SECRET", &self.tokens.secret)
            .env("TRELLIS_SEALING_KEYS", "1:4nSPTjcI2Q8cS0qqvQbV0YyVxq0wJ1mGmX7r5UeZkLA=")
            .env("TRELLIS_PUBLIC_URL", "https://trellis.example")
            .env("TRELLIS_MAIL_DIR", std::env::temp_dir().join("trellis-bench-mail"))
            .env("TRELLIS_METRICS_TOKEN", METRICS_TOKEN)
            .env("TRELLIS_MCP_PRIVATE", "true")
            // Everybody who asks comes from one address.
            .env("TRELLIS_ANONYMOUS_COST_PER_MINUTE", "0")
            .env("TRELLIS_LOG", "error");
        self.start(Kind::Trellis, address, command).await
    }

    /// A peer that this program is itself: any but Trellis and PostGraphile.
    pub async fn own(&self, kind: Kind) -> Result<Peer> {
        let address = free_address()?;
        let plans = if kind == Kind::HandwrittenPlanned { "force_generic_plan" } else { "auto" };
        let mut command = Command::new(std::env::current_exe()?);
        command
            .arg(if kind == Kind::Plain { "plain" } else { "handwritten" })
            .env("DATABASE_URL", self.database_url)
            .env("TRELLIS_TOKEN_SECRET", &self.tokens.secret)
            .env("BENCH_CONNECTIONS", CONNECTIONS.to_string())
            .env("BENCH_PORT", address.port().to_string())
            .env("BENCH_PLANS", plans);
        self.start(kind, address, command).await
    }

    /// PostGraphile, in as many processes that share the connections. Its packages are installed when they are missing.
    pub async fn postgraphile(&self, node: &Path, processes: usize) -> Result<Peer> {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("bench/postgraphile");
        install(&source).await?;
        let address = free_address()?;
        let mut command = Command::new(node);
        command
            .arg("server.mjs")
            .current_dir(&source)
            .env("NODE_ENV", "production")
            .env("GRAPHILE_ENV", "production")
            .env("DATABASE_URL", self.database_url)
            .env("BENCH_CONNECTIONS", CONNECTIONS.to_string())
            .env("BENCH_PROCESSES", processes.to_string())
            .env("BENCH_PORT", address.port().to_string());
        self.start(Kind::Postgraphile, address, command).await
    }

    /// Starts the server and waits until it listens.
    async fn start(&self, kind: Kind, address: SocketAddr, command: Command) -> Result<Peer> {
        let log = self.folder.join(format!("{}.log", kind.name()));
        let mut process = Process::start(command, log)?;
        let limit = Instant::now() + START_LIMIT;
        while Connection::open(address).await.is_err() {
            process.check().map_err(|error| format!("{} did not start: {error}", kind.name()))?;
            if Instant::now() > limit {
                let words = process.last_words();
                return Err(format!("{} does not listen after {START_LIMIT:?}:\n{words}", kind.name()).into());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Ok(Peer { kind, address, process })
    }
}

/// Installs what the lock file names, once.
async fn install(source: &Path) -> Result<()> {
    let lock = std::fs::read(source.join("package-lock.json"))?;
    let installed: PathBuf = source.join("node_modules/.installed-lock.json");
    if std::fs::read(&installed).is_ok_and(|held| held == lock) {
        return Ok(());
    }
    eprintln!("bench: installing PostGraphile");
    let mut command = Command::new("npm");
    command.args(["ci", "--no-audit", "--no-fund", "--ignore-scripts"]).current_dir(source);
    output(command).await?;
    std::fs::write(installed, lock)?;
    Ok(())
}

impl Peer {
    /// The canonical read of one organization. PostGraphile authorizes nobody and is sent no token.
    pub fn request(&self, slug: &str, token: Option<&str>) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder().header(HOST, self.address.to_string());
        if let Some(token) = token.filter(|_| self.kind != Kind::Postgraphile) {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        let graphql = |request: hyper::http::request::Builder, query: &str| {
            let body = json!({ "query": query, "variables": { "slug": slug } }).to_string();
            let request = request.method(Method::POST).uri("/graphql").header(CONTENT_TYPE, "application/json");
            request.body(Full::new(Bytes::from(body)))
        };
        Ok(match self.kind {
            Kind::Trellis | Kind::Plain => graphql(request, TRELLIS_QUERY)?,
            Kind::Postgraphile => graphql(request, POSTGRAPHILE_QUERY)?,
            Kind::Handwritten | Kind::HandwrittenPlanned => {
                request.uri(format!("/organizations/{slug}")).body(Full::default())?
            }
        })
    }

    /// The answer to one request, whole.
    pub async fn ask(&self, slug: &str, token: Option<&str>) -> Result<(StatusCode, Bytes)> {
        let request = self.request(slug, token)?;
        let answered = async { Connection::open(self.address).await?.ask(request).await };
        answered.await.map_err(|error: crate::Failure| {
            format!("{} does not answer: {error}\n{}", self.kind.name(), self.process.last_words()).into()
        })
    }
}

/// Signs access tokens as Trellis does, with a secret of this run.
pub struct Tokens {
    secret: String,
    key: EncodingKey,
    now: u64,
}

#[derive(Serialize)]
struct Claims {
    iss: &'static str,
    sub: Uuid,
    sid: Uuid,
    iat: u64,
    exp: u64,
}

impl Tokens {
    #[expect(clippy::disallowed_methods, reason = "there is no request whose clock could be asked")]
    pub fn new() -> Result<Self> {
        let secret = format!("{}{}", Uuid::new_v4().simple(), Uuid::new_v4().simple());
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?.as_secs();
        Ok(Self { key: EncodingKey::from_secret(secret.as_bytes()), secret, now })
    }

    /// A token that outlives the benchmark.
    pub fn of(&self, reader: &Reader) -> Result<String> {
        self.ending(reader, self.now + 24 * 60 * 60)
    }

    /// A token that ended an hour ago.
    pub fn expired(&self, reader: &Reader) -> Result<String> {
        self.ending(reader, self.now - 60 * 60)
    }

    fn ending(&self, reader: &Reader, exp: u64) -> Result<String> {
        let claims = Claims { iss: "trellis", sub: reader.user, sid: reader.session, iat: self.now, exp };
        Ok(jsonwebtoken::encode(&Header::default(), &claims, &self.key)?)
    }
}
