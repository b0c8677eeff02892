//! Settings of the front door: what may come in, and what one query may ask for.

use std::path::PathBuf;

use clap::{Args, value_parser};
use ipnetwork::IpNetwork;

use super::guard::Limits;
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

    /// Seconds that a server which was told to stop gives those whom it told in turn.
    #[arg(long, env = "TRELLIS_STOP_SECONDS", default_value_t = 15, value_parser = value_parser!(u64).range(1..=3_600))]
    pub stop_seconds: u64,

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

/// What one query may hold and cost.
#[derive(Args, Clone, Debug)]
pub struct QuerySettings {
    /// Bytes of query text at most.
    #[arg(long, env = "TRELLIS_QUERY_BYTES", default_value_t = 64 * 1024, value_parser = value_parser!(u64).range(256..=16_777_216))]
    pub query_bytes: u64,

    /// Tokens of query text at most.
    #[arg(long, env = "TRELLIS_QUERY_TOKENS", default_value_t = 2_000, value_parser = value_parser!(u64).range(16..=1_000_000))]
    pub query_tokens: u64,

    /// Brackets of query text within each other at most, and lists and objects in the value of a variable.
    #[arg(long, env = "TRELLIS_QUERY_BRACKETS", default_value_t = 50, value_parser = value_parser!(u64).range(8..=150))]
    pub query_brackets: u64,

    /// Depth of a query at most.
    #[arg(long, env = "TRELLIS_QUERY_DEPTH", default_value_t = 15, value_parser = value_parser!(u64).range(2..=100))]
    pub query_depth: u64,

    /// Depth of a query of the schema at most.
    #[arg(long, env = "TRELLIS_QUERY_INTROSPECTION_DEPTH", default_value_t = 20, value_parser = value_parser!(u64).range(2..=100))]
    pub query_introspection_depth: u64,

    /// Lists of the schema within each other at most: fields, interfaces, possibleTypes and inputFields.
    #[arg(long, env = "TRELLIS_QUERY_INTROSPECTION_LISTS", default_value_t = 2, value_parser = value_parser!(u64).range(1..=10))]
    pub query_introspection_lists: u64,

    /// Selection sets within each other at most, those of fragments too.
    #[arg(long, env = "TRELLIS_QUERY_NESTING", default_value_t = 50, value_parser = value_parser!(u64).range(2..=150))]
    pub query_nesting: u64,

    /// Aliases of one field at most.
    #[arg(long, env = "TRELLIS_QUERY_ALIASES", default_value_t = 30, value_parser = value_parser!(u64).range(1..=10_000))]
    pub query_aliases: u64,

    /// Root fields of one operation at most.
    #[arg(long, env = "TRELLIS_QUERY_ROOT_FIELDS", default_value_t = 20, value_parser = value_parser!(u64).range(1..=10_000))]
    pub query_root_fields: u64,

    /// Directives in a query at most.
    #[arg(long, env = "TRELLIS_QUERY_DIRECTIVES", default_value_t = 50, value_parser = value_parser!(u64).range(0..=10_000))]
    pub query_directives: u64,

    /// Directives at one place of a query at most.
    #[arg(long, env = "TRELLIS_QUERY_DIRECTIVES_PER_PLACE", default_value_t = 5, value_parser = value_parser!(u64).range(0..=1_000))]
    pub query_directives_per_place: u64,

    /// Fields of a query at most once each fragment is written out where it is spread.
    #[arg(long, env = "TRELLIS_QUERY_EXPANDED_FIELDS", default_value_t = 5_000, value_parser = value_parser!(u64).range(16..=1_000_000))]
    pub query_expanded_fields: u64,

    /// Bytes of arguments of a query at most once each fragment is written out.
    #[arg(long, env = "TRELLIS_QUERY_EXPANDED_BYTES", default_value_t = 1024 * 1024, value_parser = value_parser!(u64).range(256..=1_073_741_824))]
    pub query_expanded_bytes: u64,

    /// Cost of one operation at most: fields, multiplied by the lists they stand in.
    #[arg(long, env = "TRELLIS_QUERY_COST", default_value_t = 10_000, value_parser = value_parser!(u64).range(1..=1_000_000_000))]
    pub query_cost: u64,

    /// Cost of operations that each person may use in a minute at most; 0 for no limit. Default: 1,000,000 in production,
    /// none in development.
    #[arg(long, env = "TRELLIS_COST_PER_MINUTE", value_parser = value_parser!(u32).range(0..=60_000_000))]
    pub cost_per_minute: Option<u32>,

    /// The same for each API key, beside what counts for the person in whose name it acts. Default: 500,000 in production,
    /// none in development.
    #[arg(long, env = "TRELLIS_KEY_COST_PER_MINUTE", value_parser = value_parser!(u32).range(0..=60_000_000))]
    pub key_cost_per_minute: Option<u32>,

    /// The same for each network (an address; of IPv6, one /64) of those who are not signed in. Default: 200,000 in
    /// production, none in development.
    #[arg(long, env = "TRELLIS_ANONYMOUS_COST_PER_MINUTE", value_parser = value_parser!(u32).range(0..=60_000_000))]
    pub anonymous_cost_per_minute: Option<u32>,

    /// Bytes of document content that the operations of one request may read at most.
    #[arg(long, env = "TRELLIS_QUERY_CONTENT_BYTES", default_value_t = 32 * 1024 * 1024, value_parser = value_parser!(u64).range(1..=1_073_741_824))]
    pub query_content_bytes: u64,
}

impl QuerySettings {
    /// As the guard counts them.
    pub fn limits(&self) -> Limits {
        Limits {
            query_bytes: self.query_bytes,
            tokens: self.query_tokens,
            bracket_depth: self.query_brackets,
            depth: self.query_depth,
            introspection_depth: self.query_introspection_depth,
            introspection_lists: self.query_introspection_lists,
            nesting: self.query_nesting,
            aliases_per_field: self.query_aliases,
            root_fields: self.query_root_fields,
            directives: self.query_directives,
            directives_per_place: self.query_directives_per_place,
            expanded_fields: self.query_expanded_fields,
            expanded_bytes: self.query_expanded_bytes,
            cost: self.query_cost,
            ..Limits::default()
        }
    }
}
