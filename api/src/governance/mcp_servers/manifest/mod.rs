//! `server.json`, the description of a server that registries exchange (schema 2025-12-11): read into a way of reaching
//! the server, and written from one. What a form registered comes back as it was.

mod format;
mod reading;
#[cfg(test)]
mod tests;
mod writing;

pub use reading::{Choice, Imported, import};
pub use writing::{Exported, export};

/// The schema that is written.
const SCHEMA: &str = "https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json";

/// The schemas that are read: those whose fields are called as they are now.
const READABLE_SCHEMAS: [&str; 4] = ["2025-12-11", "2025-10-17", "2025-09-29", "2025-09-16"];

/// Bytes of a file at most.
pub const MOST_BYTES: usize = 256 * 1024;

/// Where a command stands that is no package of a known registry.
const LAUNCH_KEY: &str = "dev.trellis/launch";
