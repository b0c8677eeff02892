//! `bench`: measures Trellis beside its peers, on one machine and one database, and prints ratios.
//! `database` fills the database, `peers` starts the servers, `answers` compares what they say, `load` asks them,
//! `read` is the benchmark itself and `report` what it prints. `handwritten` and `plain` are peers. `door` measures the
//! front door alone, with `idle` connections; `governance` what deciding takes and adds to `calls` of tools; both print
//! `numbers`.

use std::ffi::OsString;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod answers;
mod calls;
mod database;
mod door;
mod governance;
mod handwritten;
mod idle;
mod load;
mod numbers;
mod peers;
mod plain;
mod processes;
mod read;
mod report;

// The same as in the server that it is measured against.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Failure = Box<dyn std::error::Error + Send + Sync>;
type Result<T, E = Failure> = std::result::Result<T, E>;

/// Measures Trellis beside its peers.
#[derive(Parser)]
#[command(name = "bench")]
struct Bench {
    #[command(subcommand)]
    case: Case,
}

/// Every benchmark, in the order they are run in when none is named.
const ALL: [&str; 3] = ["read", "door", "governance"];

#[derive(Subcommand)]
enum Case {
    /// Read an organization with its spaces, their latest documents, and the owner and tags of each.
    Read(read::Settings),
    /// What the front door adds to a request, refuses, opens and holds.
    Door(door::Settings),
    /// What decisions and simulations cost.
    Governance(governance::Settings),
    /// Serve the hand-written endpoint: a peer of the benchmark, started by it.
    #[command(hide = true)]
    Handwritten(handwritten::Settings),
    /// Serve the plain async-graphql server: another peer.
    #[command(hide = true)]
    Plain(handwritten::Settings),
}

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let (program, settings) = arguments.split_at(arguments.len().min(1));
    let first = settings.first().and_then(|first| first.to_str()).unwrap_or_default();
    let is_setting = first.starts_with('-') && !["-h", "--help"].contains(&first);
    if !settings.is_empty() && !is_setting {
        return run(Bench::parse().case);
    }
    // Settings without a name are for all of them.
    for name in ALL {
        let named = program.iter().cloned().chain([name.into()]).chain(settings.iter().cloned());
        let ended = run(Bench::parse_from(named).case);
        if ended != ExitCode::SUCCESS {
            return ended;
        }
    }
    ExitCode::SUCCESS
}

fn run(case: Case) -> ExitCode {
    let ended = match case {
        // One thread is enough to ask, and leaves the processors to those who answer.
        Case::Read(settings) => in_runtime(tokio::runtime::Builder::new_current_thread(), read::run(settings)),
        Case::Door(settings) => in_runtime(tokio::runtime::Builder::new_current_thread(), door::run(settings)),
        Case::Governance(settings) => {
            in_runtime(tokio::runtime::Builder::new_current_thread(), governance::run(settings))
        }
        Case::Handwritten(settings) => {
            in_runtime(tokio::runtime::Builder::new_multi_thread(), handwritten::serve(settings))
        }
        Case::Plain(settings) => in_runtime(tokio::runtime::Builder::new_multi_thread(), plain::serve(settings)),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("bench: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn in_runtime(mut builder: tokio::runtime::Builder, work: impl Future<Output = Result<()>>) -> Result<()> {
    builder.enable_all().build()?.block_on(work)
}
