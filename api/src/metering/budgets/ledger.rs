//! Reserving, settling, and letting go of what is overdue.

use std::time::Duration;

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use entity::ids::DecisionId;
use rust_decimal::Decimal;

use super::store::{self, Reserved, Wanted};
use super::{telling, windows};
use crate::governance::decision::{CountedBy, Measure};
use crate::metering::limits::{Counted, LimitStanding, Reached, Refused, Subjects, Usage};
use crate::platform::errors::Result;
use crate::platform::request::{Platform, Request};

/// How long what a call may cost is held for it: longer than any call lasts.
const HELD: Duration = Duration::from_mins(15);
/// Between two looks for what is overdue.
const EACH: Duration = Duration::from_mins(1);

/// Reserves the estimate in every budget, or in none where one that refuses has no room.
pub async fn reserve(
    request: &Request,
    counted: &[Counted<'_>],
    subjects: &Subjects,
    estimate: Usage,
) -> Result<Vec<LimitStanding>, Refused> {
    if counted.is_empty() {
        return Ok(Vec::new());
    }
    let now = request.now();
    let wanted = wanted(request, counted, subjects, estimate).await?;
    let reserved = store::reserve(request, &wanted, subjects.decision, now + HELD).await?;
    let told = reserved.iter().filter_map(|reserved| {
        let (counted, wanted) = (counted.get(reserved.at())?, wanted.get(reserved.at())?);
        Some((counted, standing(counted, wanted, reserved), reserved))
    });
    let told: Vec<(&Counted<'_>, LimitStanding, &Reserved)> = told.collect();
    if told.iter().all(|(_, _, reserved)| reserved.is_reserved) {
        let amount = |reserved: &Reserved| wanted.get(reserved.at()).map_or(Decimal::ZERO, |wanted| wanted.amount);
        let levels = reserved.iter().map(|reserved| reserved.level(amount(reserved)));
        telling::tell(&request.platform, levels.collect()).await;
        return Ok(told.into_iter().map(|(_, standing, _)| standing).collect());
    }
    let full = told.into_iter().filter(|(counted, standing, _)| counted.refuses() && !standing.has_room);
    let Some((_, standing, _)) = full.max_by_key(|(_, standing, _)| standing.resets_at) else {
        return Err(crate::platform::errors::Error::internal("no budget has too little room").into());
    };
    let retry_after = (standing.resets_at - now).to_std().unwrap_or_default();
    Err(Refused::Reached(Box::new(Reached { standing, retry_after })))
}

/// What a call wants of each budget, in the windows of this moment.
pub(super) async fn wanted(
    request: &Request,
    counted: &[Counted<'_>],
    subjects: &Subjects,
    estimate: Usage,
) -> Result<Vec<Wanted>> {
    let zone = store::time_zone(request, subjects.organization).await?.parse().unwrap_or(Tz::UTC);
    let wanted = counted.iter().enumerate();
    Ok(wanted.map(|(place, counted)| want(request, place, counted, subjects, estimate, zone)).collect())
}

fn want(
    request: &Request,
    place: usize,
    counted: &Counted<'_>,
    subjects: &Subjects,
    estimate: Usage,
    zone: Tz,
) -> Wanted {
    let limit = &counted.limit.limit;
    let (window_start, window_end) = windows::around(limit.window, request.now(), zone);
    Wanted {
        place: i32::try_from(place).unwrap_or(i32::MAX),
        id: request.new_id(),
        reservation_id: request.new_id(),
        project_id: subjects.project_of(limit.counted_by).map(|id| id.uuid()),
        policy_id: counted.limit.policy_id,
        limit_index: i32::try_from(counted.limit.index).unwrap_or(i32::MAX),
        subject_type: subject_type(limit.counted_by),
        subject_id: counted.subject,
        measure: measure(limit.measure),
        amount: limit.amount,
        window_start,
        window_end,
        estimate: estimate.of(limit.measure),
        refuses: counted.refuses(),
    }
}

fn standing(counted: &Counted<'_>, wanted: &Wanted, reserved: &Reserved) -> LimitStanding {
    LimitStanding {
        limit: counted.limit.clone(),
        subject: counted.subject,
        remaining: (wanted.amount - reserved.used - reserved.reserved).max(Decimal::ZERO),
        resets_at: wanted.window_end,
        has_room: reserved.has_room,
    }
}

fn subject_type(counted_by: CountedBy) -> &'static str {
    use entity::enums::BudgetSubject;
    let subject = match counted_by {
        CountedBy::Organization => BudgetSubject::Organization,
        CountedBy::Project => BudgetSubject::Project,
        CountedBy::User => BudgetSubject::User,
        CountedBy::Key => BudgetSubject::Key,
        CountedBy::Server => BudgetSubject::Server,
        CountedBy::Tool => BudgetSubject::Tool,
    };
    subject.as_str()
}

fn measure(measure: Measure) -> &'static str {
    use entity::enums::BudgetMeasure;
    let measure = match measure {
        Measure::Requests => BudgetMeasure::Requests,
        Measure::Tokens => BudgetMeasure::Tokens,
        Measure::CostUsd => BudgetMeasure::CostUsd,
    };
    measure.as_str()
}

/// Ends the reservations of a call: with what it used, or without anything where it was not made.
pub async fn end(platform: &Platform, decision: DecisionId, actual: Option<Usage>) -> Result<()> {
    let levels = store::settle(platform, decision, actual).await?;
    telling::tell(platform, levels).await;
    Ok(())
}

/// Lets go what calls never settled, and says how many reservations that were.
pub async fn let_go(platform: &Platform, now: DateTime<Utc>) -> Result<u64> {
    store::expire(platform, now).await
}

/// Lets go what is overdue now and then, until the process ends.
pub async fn look_after(platform: Platform) {
    let mut looks = tokio::time::interval(EACH);
    loop {
        looks.tick().await;
        if let Err(error) = let_go(&platform, platform.clock.now()).await {
            tracing::warn!(%error, "overdue reservations are let go later");
        }
    }
}
