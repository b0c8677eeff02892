//! The front door, measured: what door, guard and viewer add to a request, what refusals cost, how many connections and
//! sign-ins there are in a second, and what an idle connection holds.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use serde_json::{Value, json};
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep};

use crate::Result;
use crate::database;
use crate::idle::{self, Held};
use crate::load::{Connection, Slice, Target};
use crate::numbers::{self, Number};
use crate::peers::{Ground, Kind, Peer, Tokens};

/// Connections held open to learn what one of them holds, after some that are not counted.
const HELD: usize = 2_000;
const FIRST: usize = 100;
const REFUSALS: usize = 500;
const SIGN_INS: usize = 32;

/// How to measure.
#[derive(clap::Args, Debug)]
pub struct Settings {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// For how long each time.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::ALL)]
    parts: Vec<Part>,
    /// A PostgreSQL server on which the database of the benchmark may be made.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    redis_url: String,
    /// The `trellis` to measure, built for release.
    #[arg(long, env = "TRELLIS_BIN")]
    trellis: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// What is added to a request.
    Added,
    /// What refusals cost.
    Refusals,
    /// Connections in a second.
    Connections,
    /// What idle connections hold.
    Held,
    /// Sign-ins in a second, and what a query takes meanwhile.
    SignIns,
}

impl Part {
    const ALL: [Part; 5] = [Part::Added, Part::Refusals, Part::Connections, Part::Held, Part::SignIns];
}

pub async fn run(settings: Settings) -> Result<()> {
    let folder = tempfile::tempdir()?;
    let database = database::prepare(&settings.database_url, &settings.trellis).await?;
    let tokens = Tokens::new()?;
    let ground =
        Ground { database_url: &database.url, redis_url: &settings.redis_url, tokens: &tokens, folder: folder.path() };
    let server = ground.trellis(&settings.trellis).await?;
    let reader = database.readers.get(1).ok_or("the database has no readers")?;
    let plain = ground.own(Kind::Plain).await?;
    let door = Door { server, plain, token: tokens.of(reader)?, length: Duration::from_secs_f64(settings.seconds) };
    let mut numbers = Vec::new();
    for part in &settings.parts {
        match part {
            Part::Added => door.added(&mut numbers).await?,
            Part::Refusals => door.refusals(&mut numbers).await?,
            Part::Connections => door.connections(&mut numbers).await?,
            Part::Held => held(&ground, &settings.trellis, &door.token, &mut numbers).await?,
            Part::SignIns => door.sign_ins(&mut numbers).await?,
        }
    }
    numbers::print("door", &numbers, settings.json);
    Ok(())
}

struct Door {
    server: Peer,
    /// What the engine's own integration takes, without a guard and without anything to remember.
    plain: Peer,
    token: String,
    length: Duration,
}

impl Door {
    fn post(&self, content: &Value, token: Option<&str>) -> Result<Request<Full<Bytes>>> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header(HOST, self.server.address.to_string())
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header(AUTHORIZATION, format!("Bearer {token}"));
        }
        Ok(request.body(Full::new(Bytes::from(content.to_string())))?)
    }

    async fn slice(&self, requests: Vec<Request<Full<Bytes>>>) -> Result<Slice> {
        self.slice_of(&self.server, requests).await
    }

    async fn slice_of(&self, peer: &Peer, requests: Vec<Request<Full<Bytes>>>) -> Result<Slice> {
        let target = Rc::new(Target::learn(peer.kind.name(), peer.address, requests).await?);
        target.load(1, self.length, 1).await
    }

    /// What a request takes beyond one that is answered without looking at anything, and beyond the same request to the
    /// engine's own integration.
    async fn added(&self, numbers: &mut Vec<Number>) -> Result<()> {
        let host = self.server.address.to_string();
        let live = Request::builder().uri("/health/live").header(HOST, host).body(Full::default())?;
        let typename = json!({ "query": "query Nothing { __typename }" });
        let fields: String = (0..12)
            .map(|index| {
                format!(
                    "f{index}: organization(slug: \"none\") @include(if: $no) \
                     {{ id name slug spaces(first: 5) {{ nodes {{ id name }} }} }} "
                )
            })
            .collect();
        let long = format!("query Long($no: Boolean!) {{ {fields} __typename }}");
        let cached = json!({ "query": long, "variables": { "no": false } });
        let uncached: Vec<Value> = (0..4_000)
            .map(|number| json!({ "query": format!("{long} # {number:05}"), "variables": { "no": false } }))
            .collect();

        // The first one warms the server up.
        self.slice(vec![live.clone()]).await?;
        let live = microseconds(self.slice(vec![live]).await?);
        let plain = microseconds(self.slice_of(&self.plain, vec![self.post(&typename, None)?]).await?);
        let anonymous = microseconds(self.slice(vec![self.post(&typename, None)?]).await?);
        let signed_in = microseconds(self.slice(vec![self.post(&typename, Some(&self.token))?]).await?);
        let cached = microseconds(self.slice(vec![self.post(&cached, None)?]).await?);
        let uncached: Result<Vec<_>> = uncached.iter().map(|content| self.post(content, None)).collect();
        let uncached = microseconds(self.slice_once(uncached?).await?);
        let mut note = |case: &str, value, goal| {
            numbers.push(Number { case: case.to_owned(), value, unit: "µs", goal });
        };
        note("a request that is answered without looking, p50", live, None);
        note("door, guard and engine add, p50", anonymous - live, Some(60.0));
        note("door and guard add to async-graphql-axum, p50", anonymous - plain, None);
        note("the viewer adds (one statement), p50", signed_in - anonymous, None);
        note("a long document that is remembered adds, p50", cached - live, None);
        note("a long document that is new adds, p50", uncached - live, None);
        Ok(())
    }

    /// Each request once, so that none is remembered.
    async fn slice_once(&self, requests: Vec<Request<Full<Bytes>>>) -> Result<Slice> {
        let mut connection = Connection::open(self.server.address).await?;
        let mut slice = Slice::default();
        for request in requests {
            let start = Instant::now();
            connection.ask(request).await?;
            slice.latencies.push(start.elapsed());
        }
        Ok(slice)
    }

    /// What hostile documents cost: the time of an answer with nothing else going on is nearly all processor.
    async fn refusals(&self, numbers: &mut Vec<Number>) -> Result<()> {
        let before = self.server.process.memory();
        for (name, query) in hostile() {
            let request = self.post(&json!({ "query": query }), None)?;
            let mut connection = Connection::open(self.server.address).await?;
            let mut latencies = Vec::with_capacity(REFUSALS);
            for _ in 0..REFUSALS {
                let start = Instant::now();
                let (_, answer) = connection.ask(request.clone()).await?;
                latencies.push(start.elapsed());
                if !answer.windows(8).any(|part| part == b"\"errors\"") {
                    return Err(format!("{name} was not refused").into());
                }
            }
            let value = percentile(latencies, 99) / 1_000.0;
            numbers.push(Number { case: format!("refusal of {name}, p99"), value, unit: "ms", goal: Some(5.0) });
        }
        sleep(Duration::from_secs(2)).await;
        if let (Some(before), Some(after)) = (before, self.server.process.memory()) {
            let value = (after.now as f64 - before.now as f64) / 1_000_000.0;
            numbers.push(Number { case: "memory after all of them".into(), value, unit: "MB more", goal: None });
        }
        Ok(())
    }

    /// Connections that are opened, used once and closed, one after the other.
    async fn connections(&self, numbers: &mut Vec<Number>) -> Result<()> {
        let content = json!({ "query": "{ __typename }" });
        let end = Instant::now() + self.length;
        let mut opened = 0_u32;
        while Instant::now() < end {
            Connection::open(self.server.address).await?.ask(self.post(&content, None)?).await?;
            opened += 1;
        }
        let value = f64::from(opened) / self.length.as_secs_f64();
        numbers.push(Number { case: "HTTP connections, by one client".into(), value, unit: "/s", goal: None });
        let end = Instant::now() + self.length;
        let mut opened = 0_u32;
        while Instant::now() < end {
            idle::socket(self.server.address, &self.token, None).await?;
            opened += 1;
        }
        let value = f64::from(opened) / self.length.as_secs_f64();
        numbers.push(Number { case: "WebSockets, by one client".into(), value, unit: "/s", goal: None });
        Ok(())
    }

    /// Sign-ins, and what a query takes meanwhile.
    async fn sign_ins(&self, numbers: &mut Vec<Number>) -> Result<()> {
        let content = json!({ "query": "mutation($input: SignInInput!) { signIn(input: $input) { userErrors { code } } }",
            "variables": { "input": { "email": "nobody@bench.example", "password": "a wrong password" } } });
        let query = self.post(&json!({ "query": "{ viewer { user { id } } }" }), Some(&self.token))?;
        let target = Rc::new(Target::learn(Kind::Trellis.name(), self.server.address, vec![query]).await?);
        let alone = target.load(1, self.length, 1).await?;
        let end = Instant::now() + self.length;
        let local = LocalSet::new();
        let mut clients = tokio::task::JoinSet::new();
        for _ in 0..SIGN_INS {
            let (address, request) = (self.server.address, self.post(&content, None)?);
            clients.spawn_local_on(
                async move {
                    let mut connection = Connection::open(address).await?;
                    let mut done = 0_u32;
                    while Instant::now() < end {
                        connection.ask(request.clone()).await?;
                        done += 1;
                    }
                    Ok::<u32, crate::Failure>(done)
                },
                &local,
            );
        }
        let (beside, done) = local
            .run_until(async {
                let beside = target.load(1, self.length, 1).await?;
                let mut done = 0;
                while let Some(client) = clients.join_next().await {
                    done += client??;
                }
                Ok::<_, crate::Failure>((beside, done))
            })
            .await?;
        let per_second = f64::from(done) / self.length.as_secs_f64();
        numbers.push(Number {
            case: "sign-ins attempted by 32 clients".into(),
            value: per_second,
            unit: "/s",
            goal: None,
        });
        for (case, slice) in [("a query alone, p99", alone), ("a query beside them, p99", beside)] {
            let value = percentile(slice.latencies, 99) / 1_000.0;
            numbers.push(Number { case: case.into(), value, unit: "ms", goal: None });
        }
        Ok(())
    }
}

/// Memory that connections hold while nothing happens, each kind of them on a server of its own: what another kind gave
/// back would be used again.
async fn held(ground: &Ground<'_>, trellis: &Path, token: &str, numbers: &mut Vec<Number>) -> Result<()> {
    for (name, kind, goal) in [
        ("an HTTP connection", Held::Http, None),
        ("a WebSocket", Held::Socket, Some(12.0)),
        ("a WebSocket with a subscription", Held::Subscribed, Some(12.0)),
        ("an event stream with a subscription", Held::Events, Some(12.0)),
    ] {
        let server = ground.trellis(trellis).await?;
        // What the first ones need is there for all.
        let first = idle::hold(server.address, token, kind, FIRST).await?;
        sleep(Duration::from_secs(1)).await;
        let before = server.process.memory();
        let held = idle::hold(server.address, token, kind, HELD).await?;
        sleep(Duration::from_secs(1)).await;
        let followers = idle::followers(server.address).await?;
        let expected = if matches!(kind, Held::Subscribed | Held::Events) { FIRST + HELD } else { 0 };
        if followers != expected {
            return Err(format!("{followers} subscriptions run, not {expected}").into());
        }
        if let (Some(before), Some(after)) = (before, server.process.memory()) {
            let value = (after.now as f64 - before.now as f64) / HELD as f64 / 1024.0;
            numbers.push(Number { case: format!("memory of {name}"), value, unit: "KiB", goal });
        }
        drop((first, held));
    }
    Ok(())
}

/// Documents that ask for too much, by what they do.
fn hostile() -> Vec<(&'static str, String)> {
    let doubling = (0..60).map(|level| format!(" fragment F{level} on User {{ ...F{} ...F{} }}", level + 1, level + 1));
    let doubling: String = doubling.collect();
    let nest = |open: &str, close: &str, depth: usize| format!("{}{}", open.repeat(depth), close.repeat(depth));
    let aliases: String = (0..10_000).map(|index| format!("a{index}: __typename ")).collect();
    vec![
        ("nested lists", format!("{{ __typename(x: {}) }}", nest("[", "]", 30_000))),
        ("nested objects", format!("{{ __typename(x: {}) }}", nest("{a:", "}", 15_000))),
        ("nested selections", nest("{a", "}", 20_000)),
        ("a megabyte of brackets", "[".repeat(1_000_000)),
        (
            "fragments doubled 60 times",
            format!("{{ viewer {{ user {{ ...F0 }} }} }}{doubling} fragment F60 on User {{ id }}"),
        ),
        ("10,000 aliases", format!("{{ {aliases} }}")),
        (
            "a list of lists of lists",
            "{ organization(slug: \"a\") { spaces(first: 100) { nodes { documents(first: 100) { nodes { \
            tags(first: 100) { nodes { id } } } } } } } }"
                .to_owned(),
        ),
    ]
}

fn microseconds(slice: Slice) -> f64 {
    percentile(slice.latencies, 50)
}

/// In microseconds.
fn percentile(mut latencies: Vec<Duration>, percent: usize) -> f64 {
    latencies.sort_unstable();
    let found = latencies.get(latencies.len() * percent / 100).copied();
    found.map_or(f64::NAN, |found| found.as_secs_f64() * 1_000_000.0)
}
