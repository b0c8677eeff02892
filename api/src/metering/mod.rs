//! What is used and what it may cost. `limits` admits a call within every rate and budget that a decision names; `budgets`
//! is the ledger that this stands on.

pub mod budgets;
mod events;
pub mod limits;
