//! Settings of the front door.

use std::path::PathBuf;

use clap::{Args, value_parser};
use ipnetwork::IpNetwork;

use crate::platform::config::size;

/// What may come in over HTTP, from where, and how fast it must.
#[derive(Args, Clone, Debug)]
pub struct HttpSettings {
    /// HTTP connections open at once at most.
    #[arg(long, env = "TRELLIS_HTTP_CONNECTIONS", default_value_t = 20_000, value_parser = size(1..=1_000_000))]
    pub http_connections: usize,

    /// Of these, how many from one address (of IPv6, one /64). Raise it behind a proxy.
    #[arg(long, env = "TRELLIS_HTTP_CONNECTIONS_PER_ADDRESS", default_value_t = 2_000, value_parser = size(1..=1_000_000))]
    pub http_connections_per_address: usize,

    /// Seconds a connection may take for the head of its next request, or be idle.
    #[arg(long, env = "TRELLIS_HTTP_HEAD_SECONDS", default_value_t = 30, value_parser = value_parser!(u64).range(1..=3_600))]
    pub http_head_seconds: u64,

    /// Seconds a request may take to send its body.
    #[arg(long, env = "TRELLIS_HTTP_BODY_SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=3_600))]
    pub http_body_seconds: u64,

    /// Largest request body, in bytes, also once it is decompressed.
    #[arg(long, env = "TRELLIS_BODY_BYTES", default_value_t = 16 * 1024 * 1024, value_parser = size(1_024..=1_073_741_824))]
    pub body_bytes: usize,

    /// Origins whose pages may ask this server from a browser, such as `https://app.example.com`; * for any. Default: none.
    #[arg(long, env = "TRELLIS_CORS_ORIGINS", value_delimiter = ',')]
    pub cors_origins: Vec<String>,

    /// The networks of proxies before this server, such as 10.0.0.0/8, separated by commas. They alone are believed when they
    /// name their client in X-Forwarded-For.
    #[arg(long, env = "TRELLIS_TRUSTED_PROXIES", value_delimiter = ',')]
    pub trusted_proxies: Vec<IpNetwork>,

    /// A file of documents beside which nothing else is run: JSON, either {id: text} as Relay writes it or Apollo's manifest.
    #[arg(long, env = "TRELLIS_TRUSTED_DOCUMENTS")]
    pub trusted_documents: Option<PathBuf>,
}
