//! Discoveries: each a real connection to a server, and what it said. One goes on at a time for each server and a few in
//! each process; none holds a transaction while it waits for the server. One whose process died is found and ended by the
//! recheck, which also looks at approved servers now and then.

mod graphql;
mod recheck;
mod rules;
mod running;
mod store;
mod trouble;

pub use graphql::{McpDiscovery, McpDiscoveryMutation, of_server};
pub use recheck::{look_again, recheck};
pub use store::has_succeeded;
