//! Admits a call within every limit that a decision names: the rates first, all or none, then the budgets, all or none.
//! Hard limits of requests in a minute or an hour are rates, kept in Redis; every other limit is a budget, kept in the
//! ledger. Soft limits and those of policies that are only monitored are counted and refuse nothing.

mod call;
mod peek;
mod rates;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::DecisionId;
use rust_decimal::Decimal;
use uuid::Uuid;

pub use call::{Subjects, Usage};
pub use peek::{peek, reached};

use super::budgets;
use crate::governance::decision::{AppliedLimit, Enforcement};
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Platform, Request};

/// A limit and whose use it counts.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a> {
    pub limit: &'a AppliedLimit,
    pub subject: Uuid,
}

impl Counted<'_> {
    /// Whether a call is refused for want of room.
    pub fn refuses(&self) -> bool {
        self.limit.enforced && self.limit.limit.enforcement == Enforcement::Hard
    }

    fn is_rate(&self) -> bool {
        self.limit.limit.is_rate()
    }
}

/// Where a limit stands.
#[derive(Clone, Debug, PartialEq)]
pub struct LimitStanding {
    pub limit: AppliedLimit,
    pub subject: Uuid,
    pub remaining: Decimal,
    /// When all of it is there again.
    pub resets_at: DateTime<Utc>,
    /// Whether it has room. Where it does not and the call was admitted, it refuses nothing.
    pub has_room: bool,
}

/// A limit that has no room: of several, the one to wait for longest.
#[derive(Clone, Debug, PartialEq)]
pub struct Reached {
    pub standing: LimitStanding,
    /// When there may be room.
    pub retry_after: Duration,
}

/// Why a call is not admitted.
#[derive(Debug)]
pub enum Refused {
    Reached(Box<Reached>),
    Failed(Error),
}

impl From<Error> for Refused {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Reached(reached) => Error::RateLimited { retry_after: reached.retry_after },
            Refused::Failed(error) => error,
        }
    }
}

/// A call that may be made. What it may cost is held until it is settled or released; dropped, it is released.
#[must_use = "settle it with what the call used, or release it"]
#[derive(Debug)]
pub struct Admission {
    platform: Platform,
    decision: DecisionId,
    has_reservations: bool,
    /// Where each limit stands, for the trace of the decision.
    pub standings: Vec<LimitStanding>,
}

/// Admits a call within the limits of its decision, with what it may use at most.
pub async fn admit(
    request: &Request,
    limits: &[AppliedLimit],
    subjects: &Subjects,
    estimate: Usage,
) -> Result<Admission, Refused> {
    let counted = limits.iter().filter_map(|limit| {
        let subject = subjects.of(limit.limit.counted_by)?;
        Some(Counted { limit, subject })
    });
    let (rates, budgets): (Vec<Counted<'_>>, Vec<Counted<'_>>) = counted.partition(Counted::is_rate);
    let standings = rates::charge(request, &rates, estimate).await?;
    // Before it is known whether there is room: whoever goes away meanwhile leaves nothing behind.
    let mut admission = Admission {
        platform: request.platform.clone(),
        decision: subjects.decision,
        has_reservations: !budgets.is_empty(),
        standings,
    };
    match budgets::reserve(request, &budgets, subjects, estimate).await {
        Ok(standings) => admission.standings.extend(standings),
        Err(refused) => {
            // Nothing is held where there was no room; what failed may have held something all the same.
            admission.has_reservations &= matches!(refused, Refused::Failed(_));
            return Err(refused);
        }
    }
    Ok(admission)
}

impl Admission {
    /// Counts what the call did use.
    pub async fn settle(self, actual: Usage) -> Result<()> {
        self.end(Some(actual)).await
    }

    /// The call was not made: what was reserved is free again. Rates stay charged.
    pub async fn release(self) -> Result<()> {
        self.end(None).await
    }

    async fn end(mut self, actual: Option<Usage>) -> Result<()> {
        match std::mem::take(&mut self.has_reservations) {
            true => budgets::end(&self.platform, self.decision, actual).await,
            false => Ok(()),
        }
    }
}

impl Drop for Admission {
    fn drop(&mut self) {
        if self.has_reservations {
            let (platform, decision) = (self.platform.clone(), self.decision);
            tokio::spawn(async move {
                if let Err(error) = budgets::end(&platform, decision, None).await {
                    tracing::warn!(%error, %decision, "what a call held of its budgets is let go later");
                }
            });
        }
    }
}

/// The instant so long after another.
fn after(now: DateTime<Utc>, duration: Duration) -> DateTime<Utc> {
    TimeDelta::from_std(duration).ok().and_then(|duration| now.checked_add_signed(duration)).unwrap_or(now)
}
