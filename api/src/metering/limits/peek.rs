//! Where limits stand before a call is made. Nothing is charged or reserved.

use super::{Counted, LimitStanding, Subjects, rates};
use crate::governance::decision::AppliedLimit;
use crate::metering::budgets;
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// Where the limits stand, and whether each has room for one request. Those that count somebody who has no part in it are
/// left out, as they do not apply.
pub async fn peek(request: &Request, limits: &[AppliedLimit], subjects: &Subjects) -> Result<Vec<LimitStanding>> {
    let counted = limits.iter().filter_map(|limit| {
        let subject = subjects.of(limit.limit.counted_by)?;
        Some(Counted { limit, subject })
    });
    let (rates, budgets): (Vec<Counted<'_>>, Vec<Counted<'_>>) = counted.partition(Counted::is_rate);
    let mut standings = rates::look(request, &rates).await;
    standings.extend(budgets::look(request, &budgets, subjects).await?);
    Ok(standings)
}

impl LimitStanding {
    fn counted(&self) -> Counted<'_> {
        Counted { limit: &self.limit, subject: self.subject }
    }

    /// Whether a call is refused for want of room in it.
    pub fn refuses(&self) -> bool {
        !self.has_room && self.counted().refuses()
    }
}

/// The limit that a call is refused for: rates come before budgets, and of several the one to wait for longest is told.
pub fn reached(standings: &[LimitStanding]) -> Option<&LimitStanding> {
    let refusing = standings.iter().filter(|standing| standing.refuses());
    refusing.max_by_key(|standing| (standing.counted().is_rate(), standing.resets_at))
}
