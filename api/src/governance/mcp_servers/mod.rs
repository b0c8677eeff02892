//! MCP servers of a project: how each is reached (in versions that never change), whether it was approved, and whether it
//! answers, which is another question. A new version goes back to review: until it is approved, nothing is called.
//! Other domains ask `callable` what stands between a caller and a tool.

mod callable;
mod events;
mod graphql;
mod input;
mod letter;
mod listing;
pub mod manifest;
mod mutations;
mod registering;
mod resolving;
mod review;
mod rules;
mod store;
mod subscription;
mod telling;
pub mod transport;
mod versions;

pub use callable::{Callable, CallableTool, Route, callable, callable_of_project};
pub use events::{Happened, McpServerEvent};
pub use graphql::McpServer;
pub use listing::filter::McpServerFilter;
pub use listing::graphql::{of_organization, of_project};
pub use mutations::McpServerMutation;
pub use resolving::{Reach, Unresolved, resolve_route, resolve_version};
pub use review::graphql::McpReviewMutation;
pub use rules::{check_live_project, may_call, private_allowed};
pub use store::{set_found, set_health, version};
pub use subscription::McpSubscription;
pub use telling::tell_of_drift;
pub use versions::McpServerVersion;
