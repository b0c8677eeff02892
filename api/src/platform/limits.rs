//! How often something may be tried: the generic cell rate algorithm (GCRA), which needs one time stamp for each key.
//! Redis keeps the stamps for all servers by its own clock; while it is away each process counts for itself, so that
//! nobody gains free attempts by cutting it off.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::Duration;

use redis::Script;
use sha2::{Digest, Sha256};

use super::cache::Cache;
use super::clock::SharedClock;

/// So many at once, and one more after each pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub pause: Duration,
}

/// There was one attempt too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// When the next is allowed.
    pub retry_after: Duration,
}

/// Keys that one process remembers while Redis is away.
const REMEMBERED: usize = 100_000;

/// Counts attempts. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RateLimits {
    cache: Cache,
    clock: SharedClock,
    /// When each key is as good as new, in microseconds.
    local: Arc<Mutex<HashMap<String, i64>>>,
}

/// Gives the microseconds to wait: none when the attempt is counted.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local time = redis.call('TIME')
        local now = time[1] * 1000000 + time[2]
        local pause, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
        local full_at = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + pause
        local wait = full_at - pause * burst - now
        if wait > 0 then return wait end
        redis.call('SET', KEYS[1], string.format('%.0f', full_at), 'PX', math.ceil((full_at - now) / 1000))
        return 0
        ",
    )
});

impl RateLimits {
    pub fn new(cache: Cache, clock: SharedClock) -> Self {
        Self { cache, clock, local: Arc::default() }
    }

    /// Counts one attempt at `operation` by or on `subject`, if there is one left.
    pub async fn take(&self, operation: &str, subject: &str, rate: Rate) -> Result<(), TooMany> {
        let key = key(operation, subject);
        let pause = i64::try_from(rate.pause.as_micros()).unwrap_or(i64::MAX);
        let wait = match self.cache.run(&TAKE, &key, &[pause, i64::from(rate.burst)]).await {
            Ok(wait) => wait,
            Err(error) => {
                tracing::debug!(%error, "attempts are counted in this process");
                self.take_here(key, pause, i64::from(rate.burst))
            }
        };
        match u64::try_from(wait) {
            Ok(wait) if wait > 0 => Err(TooMany { retry_after: Duration::from_micros(wait) }),
            _ => Ok(()),
        }
    }

    fn take_here(&self, key: String, pause: i64, burst: i64) -> i64 {
        let now = self.clock.now().timestamp_micros();
        let mut local = self.local.lock().unwrap_or_else(PoisonError::into_inner);
        if local.len() >= REMEMBERED {
            local.retain(|_, full_at| *full_at > now);
        }
        let full_at = local.get(&key).copied().unwrap_or(now).max(now) + pause;
        let wait = full_at - pause * burst - now;
        if wait <= 0 {
            local.insert(key, full_at);
        }
        wait.max(0)
    }

    /// Forgets the attempts: the last one was good.
    pub async fn forget(&self, operation: &str, subject: &str) {
        let key = key(operation, subject);
        self.local.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
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
