//! What one process counts while Redis is away.

use std::collections::HashMap;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::charge::{Charge, Found, Refused, Standing, WhenAway, judged, looked};

/// Keys that are remembered.
const REMEMBERED: usize = 100_000;
/// When to ask again for what is denied while Redis is away.
const RETURN: Duration = Duration::from_secs(1);

#[derive(Debug, Default)]
pub struct Local {
    /// When each key is as good as new, in microseconds.
    full_at: Mutex<HashMap<String, f64>>,
    /// The latest time of anybody who asked. Many ask at once, and who comes to it last may have looked at the clock first.
    latest: AtomicI64,
}

impl Local {
    /// Charges every key, or none where one that refuses has no room, each as it promises for the time without Redis.
    pub fn charge(&self, charges: &[Charge], now: i64) -> Result<Vec<Standing>, Refused> {
        if charges.iter().any(denies) {
            return Err(denied(charges));
        }
        let mut full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let now = self.latest(now);
        let found = found(charges, &full_at, now);
        let standings = judged(charges, &found)?;
        if full_at.len() >= REMEMBERED {
            full_at.retain(|_, full_at| *full_at > now);
        }
        for (charge, found) in charges.iter().zip(&found) {
            if charge.when_away == WhenAway::Local && found.has_room() {
                let charged = charge.rate.pause_micros() * f64::from(charge.cost());
                full_at.insert(charge.key.clone(), now + found.full_after + charged);
            }
        }
        Ok(standings)
    }

    /// Where each key stands, as it promises for the time without Redis. Nothing is charged.
    pub fn look(&self, charges: &[Charge], now: i64) -> Vec<Standing> {
        let full_at = self.full_at.lock().unwrap_or_else(PoisonError::into_inner);
        let standings = looked(charges, &found(charges, &full_at, self.latest(now)));
        charges
            .iter()
            .zip(standings)
            .map(|(charge, standing)| if denies(charge) { none_now(charge) } else { standing })
            .collect()
    }

    fn latest(&self, now: i64) -> f64 {
        self.latest.fetch_max(now, Ordering::Relaxed).max(now) as f64
    }

    pub fn forget(&self, key: &str) {
        self.full_at.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

fn found(charges: &[Charge], full_at: &HashMap<String, f64>, now: f64) -> Vec<Found> {
    let of = |charge: &Charge| match charge.when_away {
        WhenAway::Local => Found::of(charge, full_at.get(&charge.key).copied(), now),
        WhenAway::Allow | WhenAway::Deny => Found::of(charge, None, now),
    };
    charges.iter().map(of).collect()
}

fn denies(charge: &Charge) -> bool {
    charge.when_away == WhenAway::Deny && charge.refuses
}

/// How a key stands that lets nothing through while Redis is away.
fn none_now(charge: &Charge) -> Standing {
    Standing { limit: charge.rate.burst, remaining: 0, reset_after: RETURN, retry_after: RETURN }
}

fn denied(charges: &[Charge]) -> Refused {
    let standing = |charge: &Charge| match denies(charge) {
        true => none_now(charge),
        false => {
            let (limit, wait) = (charge.rate.burst, Duration::ZERO);
            Standing { limit, remaining: limit, reset_after: wait, retry_after: wait }
        }
    };
    let tightest = charges.iter().position(denies);
    Refused { standings: charges.iter().map(standing).collect(), tightest: tightest.unwrap_or(0) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::limits::Rate;

    const SECOND: i64 = 1_000_000;

    fn charge(operation: &str, burst: u32) -> Charge {
        let rate = Rate::of(burst, Duration::from_secs(60)).expect("a rate");
        Charge::new(operation, "somebody", rate)
    }

    #[test]
    fn as_many_are_admitted_as_the_rate_says_and_one_more_after_each_pause() {
        let local = Local::default();
        let charges = [charge("a", 6)];
        let admitted = (0..20).filter(|_| local.charge(&charges, 0).is_ok()).count();
        assert_eq!(admitted, 6);
        let refused = local.charge(&charges, 0).expect_err("the seventh");
        assert_eq!((refused.retry_after(), refused.standings[0].remaining), (Duration::from_secs(10), 0));
        assert!(local.charge(&charges, 10 * SECOND - 1).is_err());
        let standing = local.charge(&charges, 10 * SECOND).expect("after the pause")[0];
        assert_eq!((standing.remaining, standing.reset_after), (0, Duration::from_secs(60)));
    }

    #[test]
    fn who_looked_at_the_clock_earlier_finds_as_much_room() {
        let local = Local::default();
        let charges = [charge("a", 6)];
        let admitted = (0..20).filter(|number| local.charge(&charges, 1_000 - number).is_ok()).count();
        assert_eq!(admitted, 6);
    }

    #[test]
    fn all_keys_are_charged_or_none_and_the_tightest_is_waited_for() {
        let local = Local::default();
        let both = [charge("wide", 60), charge("narrow", 2)];
        assert_eq!((0..9).filter(|_| local.charge(&both, 0).is_ok()).count(), 2);
        assert_eq!(local.charge(&both, 0).expect_err("no room").tightest, 1);
        assert_eq!(local.charge(&both[..1], 0).expect("room")[0].remaining, 57, "refusals cost nothing");
    }

    #[test]
    fn what_is_only_watched_refuses_nothing_and_says_that_it_would() {
        let local = Local::default();
        let watched = Charge { refuses: false, ..charge("watched", 1) };
        assert_eq!(local.charge(std::slice::from_ref(&watched), 0).expect("room")[0].retry_after, Duration::ZERO);
        let standing = local.charge(&[watched], 0).expect("it refuses nothing")[0];
        assert_eq!(standing.retry_after, Duration::from_secs(60));
    }

    #[test]
    fn each_limit_keeps_its_own_promise_without_redis() {
        let local = Local::default();
        let of = |when_away| [Charge { when_away, ..charge("a", 1) }];
        let admitted = |when_away| (0..5).filter(|_| local.charge(&of(when_away), 0).is_ok()).count();
        assert_eq!((admitted(WhenAway::Allow), admitted(WhenAway::Deny), admitted(WhenAway::Local)), (5, 0, 1));
        let mixed = [of(WhenAway::Allow), of(WhenAway::Deny)].concat();
        assert_eq!(local.charge(&mixed, 0).expect_err("one denies").tightest, 1);
    }

    #[test]
    fn looking_tells_what_is_left_and_takes_nothing() {
        let local = Local::default();
        let charges = [charge("a", 2)];
        let seen = || local.look(&charges, 0)[0];
        assert_eq!((seen().remaining, seen().remaining, seen().retry_after), (2, 2, Duration::ZERO));
        assert_eq!((0..5).filter(|_| local.charge(&charges, 0).is_ok()).count(), 2);
        assert_eq!((seen().remaining, seen().retry_after), (0, Duration::from_secs(30)));
        let denying = [Charge { when_away: WhenAway::Deny, ..charge("b", 2) }];
        assert_eq!((local.look(&denying, 0)[0].remaining, local.look(&denying, 0)[0].retry_after), (0, RETURN));
    }

    #[test]
    fn a_charge_above_the_burst_takes_all_of_it() {
        let local = Local::default();
        let large = [Charge { cost: 100, ..charge("a", 6) }];
        assert_eq!(local.charge(&large, 0).expect("room")[0].remaining, 0);
        assert_eq!(local.charge(&large, 0).expect_err("no room").retry_after(), Duration::from_secs(60));
    }
}
