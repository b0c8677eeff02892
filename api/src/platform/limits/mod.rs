//! How often something may be done: the generic cell rate algorithm (GCRA), which needs one time stamp for each key.
//! Redis keeps the stamps for all servers by its own clock, and charges every key of an action in one script, all or none.
//! While it is away each limit keeps its own promise: by default each process counts for itself, so that nobody gains
//! free attempts by cutting it off.

mod charge;
mod graphql;
mod local;
pub mod requests;
mod script;

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use sha2::{Digest, Sha256};

pub use charge::{Charge, Rate, Refused, Standing, TooMany, WhenAway};
pub use graphql::RateLimitQuery;

use self::local::Local;
use self::script::Purpose;
use super::cache::Cache;
use super::clock::SharedClock;

/// How long Redis is left alone after it failed, in microseconds: whoever asks meanwhile does not wait for it.
const LEFT_ALONE: i64 = 500_000;

/// Counts attempts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimits {
    cache: Cache,
    clock: SharedClock,
    local: Arc<Local>,
    /// Until when Redis is left alone, in microseconds.
    away_until: Arc<AtomicI64>,
}

impl RateLimits {
    pub fn new(cache: Cache, clock: SharedClock) -> Self {
        Self { cache, clock, local: Arc::default(), away_until: Arc::default() }
    }

    /// Counts one attempt at `operation` by or on `subject`, if there is one left.
    pub async fn take(&self, operation: &str, subject: &str, rate: Rate) -> Result<(), TooMany> {
        match self.charge(&[Charge::new(operation, subject, rate)]).await {
            Ok(_) => Ok(()),
            Err(refused) => Err(TooMany { retry_after: refused.retry_after() }),
        }
    }

    /// Charges every key, or none where one that refuses has no room. Gives where each stands then, in the same order.
    pub async fn charge(&self, charges: &[Charge]) -> Result<Vec<Standing>, Refused> {
        let now = self.clock.now().timestamp_micros();
        if charges.is_empty() {
            return Ok(Vec::new());
        }
        if now >= self.away_until.load(Ordering::Relaxed) {
            match script::run(&self.cache, charges, Purpose::Charge).await {
                Ok(found) => return charge::judged(charges, &found),
                Err(error) => self.leave_alone(&error, now),
            }
        }
        self.local.charge(charges, now)
    }

    /// Where each key stands, and whether it has room. Nothing is charged.
    pub async fn look(&self, charges: &[Charge]) -> Vec<Standing> {
        let now = self.clock.now().timestamp_micros();
        if charges.is_empty() {
            return Vec::new();
        }
        if now >= self.away_until.load(Ordering::Relaxed) {
            match script::run(&self.cache, charges, Purpose::Look).await {
                Ok(found) => return charge::looked(charges, &found),
                Err(error) => self.leave_alone(&error, now),
            }
        }
        self.local.look(charges, now)
    }

    fn leave_alone(&self, error: &redis::RedisError, now: i64) {
        tracing::debug!(%error, "limits are kept without Redis");
        self.away_until.store(now + LEFT_ALONE, Ordering::Relaxed);
    }

    /// Forgets the attempts: the last one was good.
    pub async fn forget(&self, operation: &str, subject: &str) {
        let key = key(operation, subject);
        self.local.forget(&key);
        self.cache.remove(&key).await;
    }
}

/// Subjects may be addresses of people, which are nobody's business in Redis.
fn key(operation: &str, subject: &str) -> String {
    let digest = Sha256::digest(subject.as_bytes());
    let short: String = digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect();
    format!("ratelimit:{short}:{operation}")
}

/// One IPv6 subscriber holds a /64, so that is what counts as one address.
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << 64)).into(),
        address @ IpAddr::V4(_) => address,
    }
}
