//! MCP servers of a project: how each is reached (in versions that never change), whether it was approved, and whether it
//! answers, which is another question. A new version goes back to review: until it is approved, nothing is called.
//! Other domains ask `callable` what stands between a caller and a tool.

mod callable;
mod events;
mod graphql;
mod input;
mod letter;
pub mod manifest;
mod mutations;
mod registering;
mod review;
mod rules;
mod store;
mod subscription;
pub mod transport;
mod versions;

pub use callable::{Callable, CallableTool, Route, callable, callable_of_project};
pub use events::{Happened, McpServerEvent};
pub use graphql::{McpServer, of_project};
pub use letter::drifted;
pub use mutations::McpServerMutation;
pub use review::graphql::McpReviewMutation;
pub use rules::{check_live_project, private_allowed};
pub use store::{Recipient, approvers, set_found, set_health};
pub use subscription::McpSubscription;
pub use versions::McpServerVersion;
