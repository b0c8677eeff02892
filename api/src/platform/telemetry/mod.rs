//! The log: lines for people in development, one JSON object per line in production. `TRELLIS_LOG` chooses what is told.

use tracing_subscriber::EnvFilter;

use super::config::Environment;

/// Starts the log on standard error. Call once, before anything is told.
pub fn start(environment: Environment) {
    let filter = EnvFilter::try_from_env("TRELLIS_LOG").unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn"));
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match environment {
        Environment::Development => builder.compact().init(),
        Environment::Production => builder.json().flatten_event(true).init(),
    }
}
