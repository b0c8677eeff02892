//! Signing in through identity providers: sending somebody there and taking them back, once, in the same browser, within
//! ten minutes; and the people behind access tokens of other issuers.
//! What the provider says of somebody is checked by `platform::openid`; here it becomes an account.

mod accounts;
mod bearers;
mod graphql;
mod journeys;
mod rules;
mod store;

pub use bearers::Bearers;
pub use graphql::{OpenIdMutation, OpenIdQuery};
