//! What operations cost whoever asks: charged by the guard's reckoning, for each person, for each API key beside the
//! person in whose name it acts, and for each network of those who are not signed in.

use std::time::Duration;

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use quick_cache::sync::Cache;

use super::{Charge, Rate, Standing, network};
use crate::platform::config::Config;
use crate::platform::request::{Origin, Platform};
use crate::platform::viewer::Viewer;

/// The window of the limits.
const WINDOW: Duration = Duration::from_secs(60);
/// For so many who pay it is remembered what was left.
const MOST_REMEMBERED: usize = 10_000;

/// What one operation cost, and what is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// In a minute.
    pub limit: u32,
    pub cost: u32,
    pub remaining: u32,
    pub reset_after: Duration,
    /// When all of it is there again.
    pub reset_at: DateTime<Utc>,
    /// When there is room for the operation that was refused.
    pub retry_after: Option<Duration>,
}

impl Allowance {
    fn new(standing: &Standing, cost: u32, is_refused: bool, now: DateTime<Utc>) -> Self {
        let Standing { limit, remaining, reset_after, retry_after } = *standing;
        let after = TimeDelta::from_std(reset_after).unwrap_or(TimeDelta::zero());
        let reset_at = now.checked_add_signed(after).unwrap_or(now).trunc_subsecs(3);
        Self { limit, cost, remaining, reset_after, reset_at, retry_after: is_refused.then_some(retry_after) }
    }

    /// The seconds to wait, rounded up.
    pub fn seconds(duration: Duration) -> u64 {
        duration.as_secs() + u64::from(duration.subsec_nanos() > 0)
    }

    /// What the headers of RateLimit say, as the IETF's draft has it.
    pub fn headers(&self) -> [(&'static str, String); 4] {
        [
            ("ratelimit-limit", self.limit.to_string()),
            ("ratelimit-remaining", self.remaining.to_string()),
            ("ratelimit-reset", Self::seconds(self.reset_after).to_string()),
            ("ratelimit-policy", format!("{};w={}", self.limit, WINDOW.as_secs())),
        ]
    }
}

/// What an operation is to be charged: to a person, together with the key in use, or to a network.
#[derive(Debug)]
pub struct Bill {
    charges: Vec<Charge>,
    cost: u32,
}

impl Bill {
    pub fn new(platform: &Platform, viewer: &Viewer, origin: &Origin, cost: u64) -> Self {
        let cost = u32::try_from(cost.max(1)).unwrap_or(u32::MAX);
        let charges = payers(&platform.config, viewer, origin).into_iter().filter_map(|(limit, operation, subject)| {
            Some(Charge { cost, ..Charge::new(operation, &subject, Rate::of(limit?, WINDOW)?) })
        });
        Self { charges: charges.collect(), cost }
    }

    /// Sets the cost aside where each limit had half of itself and twice this cost left after its last charge. Says whether it
    /// did: then the charge will hardly be refused, however many come at once.
    pub fn set_aside(&self, platform: &Platform) -> bool {
        let last = platform.kept.of::<LastRemaining>();
        self.charges.iter().all(|charge| {
            let remaining = last.0.get(&charge.key).unwrap_or(0);
            let is_covered = remaining >= charge.rate.burst / 2 && remaining / 2 >= self.cost;
            if is_covered {
                last.0.insert(charge.key.clone(), remaining - self.cost);
            }
            is_covered
        })
    }

    /// Charges all who pay, or none. Gives nothing where nothing limits it, and of two limits the one that has less left.
    ///
    /// # Errors
    /// Where less is left than it costs: what is left, and how long to wait.
    pub async fn charge(&self, platform: &Platform) -> Result<Option<Allowance>, (Allowance, Duration)> {
        let now = platform.clock.now();
        let charged = platform.limits.charge(&self.charges).await;
        let standings = charged.as_ref().unwrap_or_else(|refused| &refused.standings);
        let last = platform.kept.of::<LastRemaining>();
        for (charge, standing) in self.charges.iter().zip(standings) {
            last.0.insert(charge.key.clone(), standing.remaining);
        }
        let (tightest, is_refused) = match &charged {
            Ok(standings) => (standings.iter().min_by_key(|standing| standing.remaining), false),
            Err(refused) => (refused.standings.get(refused.tightest), true),
        };
        let allowance = tightest.map(|standing| Allowance::new(standing, self.cost, is_refused, now));
        match allowance.and_then(|allowance| Some((allowance, allowance.retry_after?))) {
            Some(refused) => Err(refused),
            None => Ok(allowance),
        }
    }
}

/// What the last charge by this process left to each who pays, without what was set aside since.
struct LastRemaining(Cache<String, u32>);

impl Default for LastRemaining {
    fn default() -> Self {
        Self(Cache::new(MOST_REMEMBERED))
    }
}

/// The limit of each who pays, what it is counted as, and for whom.
fn payers(config: &Config, viewer: &Viewer, origin: &Origin) -> Vec<(Option<u32>, &'static str, String)> {
    if viewer.is_system() {
        return Vec::new();
    }
    let Some(user) = viewer.user_id() else {
        let address = origin.ip.map(|ip| network(ip).to_string()).unwrap_or_default();
        return vec![(config.anonymous_cost_per_minute(), "cost_network", address)];
    };
    let key = viewer.key().map(|key| (config.key_cost_per_minute(), "cost_key", key.id.to_string()));
    std::iter::once((config.cost_per_minute(), "cost_user", user.to_string())).chain(key).collect()
}
