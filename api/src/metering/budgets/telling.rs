//! Telling that a budget runs out: once for each threshold and window, by an event and, where the window is a day or
//! longer, by mail. It is noted in the transaction that tells, so that it is told once, whoever notices.

use chrono::TimeDelta;
use entity::ids::BudgetId;
use rust_decimal::Decimal;

use super::{letter, store};
use crate::metering::events::MeteringEvent;
use crate::platform::errors::Result;
use crate::platform::request::{Platform, Request};

/// In percent of the amount.
const THRESHOLDS: [i32; 2] = [80, 100];

/// How much of a budget is used or reserved, and of which thresholds was told.
#[derive(Clone, Debug)]
pub struct Level {
    pub budget: BudgetId,
    pub amount: Decimal,
    pub taken: Decimal,
    pub told: Vec<i32>,
}

impl Level {
    /// The thresholds that are reached and not told of.
    fn untold(&self) -> impl Iterator<Item = i32> + '_ {
        let reached = |percent: &i32| self.taken * Decimal::ONE_HUNDRED >= self.amount * Decimal::from(*percent);
        THRESHOLDS.into_iter().filter(reached).filter(|percent| !self.told.contains(percent))
    }
}

/// Tells of what is reached. A call does not fail because nobody could be told of it: the next one tries again.
pub async fn tell(platform: &Platform, levels: Vec<Level>) {
    for level in levels {
        for percent in level.untold() {
            if let Err(error) = tell_once(platform, level.budget, percent).await {
                tracing::warn!(%error, percent, "that a budget runs out is told later");
            }
        }
    }
}

async fn tell_once(platform: &Platform, budget: BudgetId, percent: i32) -> Result<()> {
    let request = Request::as_system(platform, "a threshold of a budget is reached");
    let mut write = request.begin_write().await?;
    let Some(row) = store::note_told(&write, budget, percent).await? else { return Ok(()) };
    if row.window_end - row.window_start > TimeDelta::hours(2) {
        let policy = store::policy_name(&write, row.policy_id.uuid()).await?;
        for address in store::addresses(&write, row.organization_id).await? {
            write.send(letter::running_out(&address, &policy, &row, percent));
        }
    }
    write.record(&MeteringEvent::ThresholdReached { budget: Box::new(row), percent });
    write.commit(()).await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn each_threshold_is_reached_at_its_percentage_and_told_of_until_it_was() {
        let untold = |taken: i64, told: &[i32]| {
            let (amount, taken) = (Decimal::from(1_000), Decimal::from(taken));
            let level = Level { budget: BudgetId(Uuid::nil()), amount, taken, told: told.to_vec() };
            level.untold().collect::<Vec<_>>()
        };
        assert_eq!((untold(799, &[]), untold(800, &[]), untold(999, &[])), (vec![], vec![80], vec![80]));
        assert_eq!(
            (untold(1_000, &[]), untold(1_000, &[80]), untold(2_000, &[80, 100])),
            (vec![80, 100], vec![100], vec![])
        );
    }
}
