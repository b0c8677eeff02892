//! How the feed is doing.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use super::Shared;
use super::relay::Role;

/// How the feed is doing, for health and metrics.
#[derive(Clone, Copy, Debug)]
pub struct FeedStatus {
    /// Whether this process leads; the other numbers of the relay are known to the leader alone.
    pub is_leader: bool,
    pub is_redis_connected: bool,
    /// Streams that are open in this process.
    pub followers: usize,
    /// The position given last.
    pub last_position: i64,
    /// Committed events that an older open transaction holds back; counted up to one batch.
    pub held_back: i64,
    /// The age of the oldest of them.
    pub held_back_ms: u64,
    /// Positions that have not reached Redis.
    pub unpublished: i64,
}

impl FeedStatus {
    pub(super) fn of(shared: &Shared) -> Self {
        let gauges = &shared.gauges;
        let last_position = gauges.last_position.load(Ordering::Relaxed);
        Self {
            is_leader: *shared.role.borrow() == Role::Leader,
            is_redis_connected: shared.channels.is_connected(),
            followers: shared.hub.followers(),
            last_position,
            held_back: gauges.held_back.load(Ordering::Relaxed),
            held_back_ms: gauges.held_back_ms.load(Ordering::Relaxed),
            unpublished: (last_position - gauges.published_position.load(Ordering::Relaxed)).max(0),
        }
    }
}

/// The numbers that the tasks note for the status.
#[derive(Debug, Default)]
pub(super) struct Gauges {
    last_position: AtomicI64,
    held_back: AtomicI64,
    held_back_ms: AtomicU64,
    published_position: AtomicI64,
}

impl Gauges {
    pub(super) fn placed(&self, last_position: i64, held_back: i64, held_for: Duration) {
        self.last_position.store(last_position, Ordering::Relaxed);
        self.held_back.store(held_back, Ordering::Relaxed);
        self.held_back_ms.store(u64::try_from(held_for.as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The relay and the delivery both tell, and the higher is the newer.
    pub(super) fn published(&self, position: i64) {
        self.published_position.fetch_max(position, Ordering::Relaxed);
    }
}
