//! What is left of a client's limit, as a client sees it.

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};

use super::requests::Allowance;
use crate::platform::request::RequestContext;

/// What you may ask of this server: the cost of operations in a minute.
#[derive(Clone, Copy, Debug, SimpleObject)]
struct RateLimit {
    /// The cost that may be used in a minute.
    limit: u32,
    /// What this operation costs.
    cost: u32,
    /// What is left after it.
    remaining: u32,
    /// When all of it is there again, if nothing is asked meanwhile.
    reset_at: DateTime<Utc>,
}

/// Queries of limits.
#[derive(Default)]
pub struct RateLimitQuery;

#[Object]
impl RateLimitQuery {
    /// What is left of your limit, counted for your account, or for your network when you are not signed in; with an API
    /// key that of the key, where less is left of it. Null when this server sets none.
    async fn rate_limit(&self, ctx: &Context<'_>) -> Option<RateLimit> {
        let allowance = ctx.request().allowance()?;
        let Allowance { limit, cost, remaining, reset_at, .. } = allowance;
        Some(RateLimit { limit, cost, remaining, reset_at })
    }
}
