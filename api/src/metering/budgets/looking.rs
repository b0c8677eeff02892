//! Where budgets stand, without reserving anything.

use rust_decimal::Decimal;

use super::ledger::wanted;
use super::store;
use crate::metering::limits::{Counted, LimitStanding, Subjects, Usage};
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// Where every budget stands, and whether it has room for one request. One that nobody used yet in its window has all of it.
pub async fn look(request: &Request, counted: &[Counted<'_>], subjects: &Subjects) -> Result<Vec<LimitStanding>> {
    if counted.is_empty() {
        return Ok(Vec::new());
    }
    let wanted = wanted(request, counted, subjects, Usage::request()).await?;
    let taken = store::taken(request, &wanted).await?;
    let standings = counted.iter().zip(&wanted).map(|(counted, wanted)| {
        let taken = taken.get(&wanted.place).copied().unwrap_or_default();
        LimitStanding {
            limit: counted.limit.clone(),
            subject: counted.subject,
            remaining: (wanted.amount - taken).max(Decimal::ZERO),
            resets_at: wanted.window_end,
            has_room: taken < wanted.amount && taken + wanted.estimate <= wanted.amount,
        }
    });
    Ok(standings.collect())
}
