//! The commands of `trellis` that work on the data and end: what they take, and what they tell the operator.

mod bar;
mod demo;
mod import;

use clap::{Args, Command, FromArgMatches};

pub use demo::{DemoArguments, demo};
pub use import::{ImportArguments, import};

use crate::platform::config::{Config, Stores};

/// A sentence for the operator.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// The configuration of the server with these stores, and else from the environment alone.
fn configuration(stores: Stores) -> Result<Config, Failure> {
    let nothing: [&str; 0] = [];
    let matches = Config::augment_args(Command::new("trellis").no_binary_name(true)).try_get_matches_from(nothing)?;
    let config = Config { stores, ..Config::from_arg_matches(&matches)? };
    config.check()?;
    Ok(config)
}
