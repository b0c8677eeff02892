//! Whether a server may be used: who runs the organization says so, once it was submitted, connected to and scanned.
//! Approving pins every tool as it was found.

pub mod graphql;
mod rules;

pub use graphql::McpApprovalBlocker;
pub use rules::blockers;
