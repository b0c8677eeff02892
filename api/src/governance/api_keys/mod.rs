//! API keys: how programs come in. A key is `tr_live_` or `tr_test_` and 256 random bits; it is shown once, and only the
//! beginning and the SHA-256 are stored. It acts in the name of its creator, never further than its creator reaches now,
//! and is narrowed by its project, its scopes and its networks: `platform::viewer` and `Resource::SCOPES` see to that.

mod events;
mod filter;
mod graphql;
mod rules;
mod state;
mod store;

pub use filter::ApiKeyFilter;
pub use graphql::{ApiKey, ApiKeyMutation, of_project, of_user, of_viewer};
