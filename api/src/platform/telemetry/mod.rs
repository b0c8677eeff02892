//! The log: lines for people in development, one JSON object per line in production. `TRELLIS_LOG` chooses
//! what is told.

use tracing_subscriber::EnvFilter;

use super::config::{Config, Environment};

/// Starts the log on standard error. Call once, before anything is told.
pub fn start(config: &Config) {
    let filter = EnvFilter::new(&config.log);
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match config.environment {
        Environment::Development => builder.compact().init(),
        Environment::Production => builder.json().flatten_event(true).init(),
    }
}
