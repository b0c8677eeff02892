//! Whether a key is good, and how it ended if it is not.

use async_graphql::Enum;
use chrono::{DateTime, Utc};
use entity::governance::api_key::Model;

/// Whether an API key is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Enum)]
pub enum ApiKeyState {
    /// It is good.
    Active,
    /// Another key took its place; it is good until graceEndsAt.
    Replaced,
    /// Its time, or its time of grace, is over.
    Expired,
    /// It was ended before its time.
    Revoked,
}

impl ApiKeyState {
    /// Invariant: what the query that confirms keys says, and the filter of lists.
    pub fn of(row: &Model, now: DateTime<Utc>) -> Self {
        let is_over = |end: Option<DateTime<Utc>>| end.is_some_and(|end| end <= now);
        if row.revoked_at.is_some() {
            Self::Revoked
        } else if is_over(row.expires_at) || is_over(row.grace_ends_at) {
            Self::Expired
        } else if row.grace_ends_at.is_some() {
            Self::Replaced
        } else {
            Self::Active
        }
    }
}
