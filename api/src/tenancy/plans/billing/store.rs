//! How events of the provider are recorded, and in which order they happened.

use chrono::{DateTime, Utc};
use entity::ids::SubscriptionId;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::event::Event;
use crate::platform::errors::{Error, Result};
use crate::platform::write::Write;

/// What came of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What it tells is so now.
    Applied,
    /// A newer one was there before.
    Stale,
    /// It is about nothing that is known here.
    Ignored,
    /// It was received before.
    Replayed,
}

/// Records the event, which is nobody's yet; whether it is the first of its id. Whoever brings the same one at the same
/// time waits here.
pub async fn claim(write: &Write<'_>, event: &Event, body: &[u8], happened_at: DateTime<Utc>) -> Result<bool> {
    let sql = "INSERT INTO tenancy.billing_events (id, event_type, payload_hash, outcome, happened_at, created_at) \
               VALUES ($1, $2, $3, 'ignored', $4, $5) ON CONFLICT (id) DO NOTHING";
    let values = [
        event.id.as_str().into(),
        event.kind.as_str().into(),
        Sha256::digest(body).to_vec().into(),
        happened_at.into(),
        write.request().now().into(),
    ];
    Ok(write.connection().execute_raw(statement(sql, values)).await?.rows_affected() > 0)
}

/// Notes whose the event is and what came of it.
pub async fn note(
    write: &Write<'_>,
    event: &Event,
    subscription: Option<SubscriptionId>,
    outcome: Outcome,
) -> Result<()> {
    let outcome = match outcome {
        Outcome::Applied => "applied",
        Outcome::Stale => "stale",
        Outcome::Ignored | Outcome::Replayed => "ignored",
    };
    let sql = "UPDATE tenancy.billing_events SET subscription_id = $2, outcome = $3 WHERE id = $1";
    let values = [event.id.as_str().into(), subscription.map(SubscriptionId::uuid).into(), outcome.into()];
    write.connection().execute_raw(statement(sql, values)).await?;
    Ok(())
}

/// Where the newest events stand that changed a subscription.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub struct Latest {
    /// Of those that tell how it is.
    pub of_subscription: Option<i64>,
    /// Of these and of invoices.
    pub of_anything: Option<i64>,
}

/// Places within a second, which is as exact as the provider's times are: a subscription is created before it is changed
/// and deleted last, and how it is says more than an invoice does.
const PLACES: i64 = 4;

/// Where an event stands in the order of events.
pub fn order(event: &Event, happened_at: DateTime<Utc>) -> i64 {
    let place = match event.kind.as_str() {
        "customer.subscription.created" => 1,
        "customer.subscription.deleted" => 3,
        _ if event.is_snapshot() => 2,
        _ => 0,
    };
    happened_at.timestamp() * PLACES + place
}

const LATEST_SQL: &str = "SELECT max(place) FILTER (WHERE event_type LIKE 'customer.subscription.%') AS of_subscription, \
     max(place) AS of_anything FROM ( \
         SELECT event_type, extract(epoch FROM happened_at)::bigint * $2 + CASE \
             WHEN event_type = 'customer.subscription.created' THEN 1 \
             WHEN event_type = 'customer.subscription.deleted' THEN 3 \
             WHEN event_type LIKE 'customer.subscription.%' THEN 2 \
             ELSE 0 END AS place \
         FROM tenancy.billing_events WHERE subscription_id = $1 AND outcome = 'applied') AS applied";

/// Where the newest applied events of a locked subscription stand.
pub async fn latest(write: &Write<'_>, id: SubscriptionId) -> Result<Latest> {
    let row = write.connection().query_one_raw(statement(LATEST_SQL, [id.uuid().into(), PLACES.into()])).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    Ok(Latest::from_query_result(&row, "")?)
}

fn statement<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
