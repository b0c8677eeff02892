//! `bench`: measures Trellis beside its peers, on one machine and one database, and prints ratios.
//! `database` fills the database, `peers` starts the servers, `answers` compares what they say, `load` asks them,
//! `read` is the benchmark itself and `report` what it prints. `handwritten` is one of the peers.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

mod answers;
mod database;
mod handwritten;
mod load;
mod peers;
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

#[derive(Subcommand)]
enum Case {
    /// Read an organization with its spaces, their latest documents, and the owner and tags of each.
    Read(read::Settings),
    /// Serve the hand-written endpoint: a peer of the benchmark, started by it.
    #[command(hide = true)]
    Handwritten(handwritten::Settings),
}

fn main() -> ExitCode {
    let ended = match Bench::parse().case {
        // One thread is enough to ask, and leaves the processors to those who answer.
        Case::Read(settings) => in_runtime(tokio::runtime::Builder::new_current_thread(), read::run(settings)),
        Case::Handwritten(settings) => {
            in_runtime(tokio::runtime::Builder::new_multi_thread(), handwritten::serve(settings))
        }
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
