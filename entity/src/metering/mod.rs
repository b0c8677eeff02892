//! What is used, and what it may cost.

pub mod budget;
pub mod mcp_usage;
pub mod reservation;
