//! The canonical read, measured: in each round every server is asked by as many clients for a slice of time, in an
//! order that turns, and ratios are taken within the round, so that what slows the machine slows all of them.

use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use tokio::process::Command;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use crate::database::{self, Database, ORGANIZATIONS};
use crate::load::{Slice, Target};
use crate::peers::{CONNECTIONS, Ground, Kind, Peer, Tokens};
use crate::processes::output;
use crate::report::{Measured, Report};
use crate::{Result, answers, handwritten};

const CASE: &str = "organization";
const PGBENCH: &str = "pgbench";
/// Between two slices, so that the work of the one does not reach into the other.
const PAUSE: Duration = Duration::from_millis(200);
/// Only then has the allocator given back what starting took.
const LEFT_ALONE: Duration = Duration::from_secs(10);
const WARM_UP: Duration = Duration::from_secs(3);

/// How to measure.
#[derive(clap::Args, Debug)]
pub struct Settings {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// How often each combination is measured.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// For how long, each time.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// How many clients ask at once.
    #[arg(long, value_delimiter = ',', default_values_t = [1, 16, 64])]
    clients: Vec<usize>,
    /// Which peers to measure beside Trellis.
    #[arg(long, value_delimiter = ',', default_values_t = Kind::PEERS.map(|kind| kind.name().to_owned()).into_iter().chain([PGBENCH.to_owned()]))]
    peers: Vec<String>,
    /// Processes of PostGraphile, which runs on one processor each. They share its connections.
    #[arg(long, default_value_t = 1)]
    postgraphile_processes: usize,
    /// A PostgreSQL server on which the database of the benchmark may be made.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    redis_url: String,
    /// The `trellis` to measure, built for release.
    #[arg(long, env = "TRELLIS_BIN")]
    trellis: PathBuf,
    /// A Node.js 22 or newer, for PostGraphile.
    #[arg(long, env = "TRELLIS_NODE", default_value = "node")]
    node: PathBuf,
    /// Where PostgreSQL's programs are; the search path when it is not said.
    #[arg(long, env = "TRELLIS_PG_BIN")]
    pg_bin: Option<PathBuf>,
}

/// Measures and prints, unless it is told to stop. Everything that was started ends with it.
pub async fn run(settings: Settings) -> Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        measured = measure(&settings) => {
            let report = measured?;
            print!("{}", if settings.json { report.json() } else { report.table() });
            Ok(())
        }
        _ = tokio::signal::ctrl_c() => Err("stopped".into()),
        _ = terminate.recv() => Err("stopped".into()),
    }
}

async fn measure(settings: &Settings) -> Result<Report> {
    let folder = tempfile::tempdir()?;
    let database = database::prepare(&settings.database_url, &settings.trellis).await?;
    let tokens = Tokens::new()?;
    let ground =
        Ground { database_url: &database.url, redis_url: &settings.redis_url, tokens: &tokens, folder: folder.path() };
    let is_wanted = |name: &str| settings.peers.iter().any(|peer| peer == name);
    let trellis = ground.trellis(&settings.trellis).await?;
    sleep(LEFT_ALONE).await;
    let idle = trellis.process.memory();
    let mut peers = Vec::new();
    for kind in [Kind::Handwritten, Kind::HandwrittenPlanned, Kind::Plain] {
        if is_wanted(kind.name()) {
            peers.push(ground.own(kind).await?);
        }
    }
    if is_wanted(Kind::Postgraphile.name()) {
        peers.push(ground.postgraphile(&settings.node, settings.postgraphile_processes).await?);
    }
    let content = answers::compare(&trellis, &peers.iter().collect::<Vec<_>>(), &database, &tokens).await?;
    eprintln!(
        "bench: the answers agree; each holds {} documents, {} fields, {} bytes",
        content.documents, content.fields, content.bytes
    );

    let mut contestants = vec![contestant(&trellis, &database, &tokens).await?];
    for peer in &peers {
        contestants.push(contestant(peer, &database, &tokens).await?);
    }
    if is_wanted(PGBENCH) {
        let script = folder.path().join("read.sql");
        std::fs::write(&script, floor())?;
        let program = settings.pg_bin.as_ref().map_or_else(|| PGBENCH.into(), |folder| folder.join(PGBENCH));
        contestants.push(Contestant::Pgbench { program, script, url: database.url.clone() });
    }
    let mut report = Report::new(CASE, idle);
    for contestant in &contestants {
        contestant.slice(16, WARM_UP, 0).await?;
    }
    for round in 0..settings.rounds {
        eprintln!("bench: round {} of {}", round + 1, settings.rounds);
        for &clients in turned(&settings.clients, round) {
            for contestant in turned(&contestants, round) {
                sleep(PAUSE).await;
                let slice = contestant.slice(clients, Duration::from_secs_f64(settings.seconds), round as u64).await?;
                report.add(Measured { round, clients, name: contestant.name(), slice });
            }
        }
    }
    report.loaded = trellis.process.memory();
    Ok(report)
}

/// The same things from another one on.
fn turned<T>(things: &[T], by: usize) -> impl Iterator<Item = &T> {
    things.iter().cycle().skip(by % things.len().max(1)).take(things.len())
}

enum Contestant {
    Server(Rc<Target>),
    Pgbench { program: PathBuf, script: PathBuf, url: String },
}

async fn contestant(peer: &Peer, database: &Database, tokens: &Tokens) -> Result<Contestant> {
    let mut requests = Vec::with_capacity(ORGANIZATIONS);
    for (organization, reader) in database.readers.iter().enumerate().skip(1) {
        requests.push(peer.request(&format!("organization-{organization}"), Some(&tokens.of(reader)?))?);
    }
    Ok(Contestant::Server(Rc::new(Target::learn(peer.kind.name(), peer.address, requests).await?)))
}

impl Contestant {
    fn name(&self) -> &'static str {
        match self {
            Self::Server(target) => target.name,
            Self::Pgbench { .. } => PGBENCH,
        }
    }

    async fn slice(&self, clients: usize, length: Duration, seed: u64) -> Result<Slice> {
        match self {
            Self::Server(target) => target.load(clients, length, seed).await,
            Self::Pgbench { program, script, url } => pgbench(program, script, url, clients, length).await,
        }
    }
}

/// The statements of the hand-written endpoint as a script for pgbench: what the database alone can do.
fn floor() -> String {
    let session = "('00000000-0000-7000-8000-' || lpad(:organization::text, 12, '0'))::uuid";
    let spaces = handwritten::SPACES_SQL
        .replace("$1 AND s.user_id = $2", session)
        .replace("$3", "('organization-' || :organization)");
    let documents = handwritten::DOCUMENTS_SQL
        .replace("$1::", "(:spaces)::")
        .replace("$2::", "(:granted)::")
        .replace("$3", "(:viewer)::uuid")
        .replace("$4", "(:organizations)::uuid[]");
    let spaces = spaces.replace("SELECT viewer.organizations,", "SELECT viewer.user_id, viewer.organizations,");
    format!(
        "\\set organization random(1, {ORGANIZATIONS})\n\
         SELECT min(user_id::text) AS viewer, min(organizations::text) AS organizations, \
         array_agg(space_id) AS spaces, array_agg(granted) AS granted FROM ({spaces}) AS one\n\\gset\n{documents};\n"
    )
}

/// More connections than the servers have would not be the same work.
async fn pgbench(program: &Path, script: &Path, url: &str, clients: usize, length: Duration) -> Result<Slice> {
    let connections = clients.min(CONNECTIONS).to_string();
    let seconds = length.as_secs().max(1).to_string();
    let mut command = Command::new(program);
    command.args(["-n", "-M", "prepared", "-c", &connections, "-T", &seconds, "-f"]).arg(script).arg(url);
    let said = output(command).await?;
    let per_second = said.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    let per_second = per_second.ok_or_else(|| format!("pgbench said nothing of its speed:\n{said}"))?;
    Ok(Slice { per_second, latencies: Vec::new() })
}
