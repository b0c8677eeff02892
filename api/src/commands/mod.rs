//! The commands of `trellis`: what they take, and what they tell the operator.

mod bar;
mod demo;
mod import;

use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use demo::{DemoArguments, demo};
use import::{ImportArguments, import};

use crate::app;
use crate::platform::config::{Config, ConfigError, Stores};
use crate::platform::database::Database;
use crate::platform::{mcp, telemetry, upkeep};

/// A sentence for the operator.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

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
    /// Make partitions ahead, remove what nobody asks for any more, and seal stored secrets under the present key. A running
    /// server does it each day; run this each day as well, as the owner of the database, to remove audit entries whose
    /// time is over.
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

/// Runs the command of the process.
#[tokio::main]
pub async fn main() -> ExitCode {
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
            print!("{}", crate::schema::sdl());
            Ok(())
        }
        Command::Maintain(config) => maintain(*config).await,
        Command::Import(arguments) => import(*arguments).await,
        Command::Demo(arguments) => demo(*arguments).await,
    }
}

async fn serve(config: Config) -> Result<(), Failure> {
    fit(config.check());
    let telemetry = telemetry::start(&config)?;
    // In development, ./dev knows its server by that environment.
    if !config.is_development() {
        mcp::hide_environment()?;
    }
    mcp::remove_left_homes();
    let listener = tokio::net::TcpListener::bind(config.listen)
        .await
        .map_err(|error| format!("{} cannot be listened on: {error}", config.listen))?;
    let platform = app::platform(config).await?;
    let welcome = app::welcome(&platform).await;
    tokio::spawn(upkeep::daily(platform.clone(), app::CHORES));
    let door = app::door(platform, welcome)?;
    tracing::info!(address = %listener.local_addr()?, "listening");
    app::serve(listener, door, Box::pin(stopped())).await;
    telemetry.end().await;
    Ok(())
}

/// Ends the program as one whose arguments are wrong, unless the settings are fit.
fn fit(settings: Result<(), ConfigError>) {
    if let Err(error) = settings {
        Trellis::command().error(ErrorKind::ValueValidation, error).exit();
    }
}

async fn maintain(config: Config) -> Result<(), Failure> {
    fit(config.check());
    let stores = config.stores.clone();
    let platform = app::platform(config).await?;
    let done = upkeep::once(&platform, app::CHORES).await;
    platform.feed.shut_down().await;
    println!("{}", done?);
    println!("{}", upkeep::remove_expired_audit(&stores).await?);
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
    fit(stores.check());
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

/// The configuration of the server with these stores, and else from the environment alone.
fn configuration(stores: Stores) -> Result<Config, Failure> {
    let nothing: [&str; 0] = [];
    let matches =
        Config::augment_args(clap::Command::new("trellis").no_binary_name(true)).try_get_matches_from(nothing)?;
    let config = Config { stores, ..Config::from_arg_matches(&matches)? };
    config.check()?;
    Ok(config)
}
