//! The record of the calls of tools: who called what, how it ended, how long it took and how large it was. Neither
//! arguments nor results are kept.

mod events;
mod filter;
mod graphql;
mod recording;
mod rules;
mod store;

pub use events::{CallEvent, ENDED, PROGRESSED, Told, Whose};
pub use filter::McpCallFilter;
pub use graphql::{McpCall, of_project};
pub use recording::Ended;
pub use store::{Claim, claim};
