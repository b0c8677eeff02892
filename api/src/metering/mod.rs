//! What is used and what it may cost. `limits` admits a call within every rate and budget that a decision names; `budgets`
//! is the ledger that this stands on. `mcp_usage` is the record of the calls of tools.

pub mod budgets;
mod events;
pub mod limits;
pub mod mcp_usage;
