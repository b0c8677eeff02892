//! The commands of `trellis`.

use std::process::ExitCode;

use api::app;
use api::commands::{self, DemoArguments, Failure, ImportArguments};
use api::platform::config::{Config, Stores};
use api::platform::database::Database;
use api::platform::{telemetry, upkeep};
use clap::{Parser, Subcommand};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One typed graph for the workspaces where people write and the tools that work in them.
#[derive(Parser)]
#[command(name = "trellis", version, about)]
struct Trellis {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer requests until told to stop.
    Serve(Box<Config>),
    /// Bring the database to the schema of this version, or back.
    Migrate {
        #[command(subcommand)]
        direction: Direction,
        #[command(flatten)]
        stores: Stores,
    },
    /// Print the GraphQL schema.
    Schema,
    /// Make partitions ahead and remove what nobody asks for any more. A running server does it each day.
    Maintain(Box<Config>),
    Import(Box<ImportArguments>),
    Demo(Box<DemoArguments>),
}

#[derive(Clone, Copy, Subcommand)]
enum Direction {
    /// Apply what is missing.
    Up,
    /// Take back the latest steps.
    Down {
        /// How many.
        #[arg(default_value_t = 1)]
        steps: u32,
    },
    /// Say what is applied.
    Status,
}

#[tokio::main]
async fn main() -> ExitCode {
    let command = Trellis::parse().command;
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("trellis: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(config) => serve(*config).await,
        Command::Migrate { direction, stores } => migrate(direction, &stores).await,
        Command::Schema => {
            print!("{}", api::schema::sdl());
            Ok(())
        }
        Command::Maintain(config) => maintain(*config).await,
        Command::Import(arguments) => commands::import(*arguments).await,
        Command::Demo(arguments) => commands::demo(*arguments).await,
    }
}

async fn serve(config: Config) -> Result<(), Failure> {
    config.check()?;
    telemetry::start(config.environment);
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", config.listen))?;
    let platform = app::platform(config).await?;
    let welcome = app::welcome(&platform).await;
    tokio::spawn(upkeep::daily(platform.clone()));
    let door = app::door(platform, welcome)?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    app::serve(listener, door, stopped()).await?;
    Ok(())
}

async fn maintain(config: Config) -> Result<(), Failure> {
    let platform = app::platform(config).await?;
    let done = upkeep::once(&platform).await;
    platform.feed.shut_down().await;
    println!("{:?}", done?);
    Ok(())
}

/// Completes when the process is asked to stop.
async fn stopped() {
    let mut terminate = match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
        Ok(signal) => signal,
        Err(error) => {
            tracing::warn!(%error, "SIGTERM cannot be listened for");
            return std::future::pending().await;
        }
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = tokio::signal::ctrl_c() => {}
    }
}

async fn migrate(direction: Direction, stores: &Stores) -> Result<(), Failure> {
    let database = Database::connect_as_owner(stores).await?;
    match direction {
        Direction::Up => migration::up(database.connection()).await?,
        Direction::Down { steps } => migration::down(database.connection(), steps).await?,
        Direction::Status => {
            for step in migration::status(database.connection()).await? {
                println!("{} {}", if step.applied { "applied" } else { "missing" }, step.name);
            }
        }
    }
    Ok(())
}
