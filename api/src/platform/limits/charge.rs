//! What is charged on which key, and where it stands then. Pure.

use std::time::Duration;

/// So many at once, and one more after each pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rate {
    pub burst: u32,
    pub pause: Duration,
}

impl Rate {
    /// So many in each window, all of them at once if need be. None of nothing.
    pub fn of(amount: u32, window: Duration) -> Option<Self> {
        Some(Self { burst: amount, pause: window.checked_div(amount)? })
    }

    /// The pause in microseconds. Of a large amount it is less than one.
    pub(super) fn pause_micros(self) -> f64 {
        self.pause.as_nanos() as f64 / 1_000.0
    }
}

/// There was one attempt too many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany {
    /// When the next is allowed.
    pub retry_after: Duration,
}

/// What a limit promises while Redis does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum WhenAway {
    /// Nothing is allowed.
    Deny,
    /// Everything is.
    Allow,
    /// Each process counts for itself.
    #[default]
    Local,
}

/// What one key is charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    pub(super) key: String,
    pub rate: Rate,
    /// How many attempts this one counts as. What is above the burst counts as the burst.
    pub cost: u32,
    /// Without this there is no refusal for want of room; then nothing is charged.
    pub refuses: bool,
    pub when_away: WhenAway,
}

impl Charge {
    /// One attempt at `operation` by or on `subject`.
    pub fn new(operation: &str, subject: &str, rate: Rate) -> Self {
        let key = super::key(operation, subject);
        Self { key, rate, cost: 1, refuses: true, when_away: WhenAway::Local }
    }

    pub(super) fn cost(&self) -> u32 {
        self.cost.min(self.rate.burst)
    }
}

/// What is found of a key, in microseconds: how long until it is as good as new, and how long to wait for room.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    pub full_after: f64,
    pub wait: f64,
}

impl Found {
    /// How a key stands that is as good as new at `full_at`, where there is room for the charge.
    pub fn of(charge: &Charge, full_at: Option<f64>, now: f64) -> Self {
        let pause = charge.rate.pause_micros();
        let held = full_at.unwrap_or(now).max(now);
        let full_after = held - now;
        let wait = full_after + pause * f64::from(charge.cost()) - pause * f64::from(charge.rate.burst);
        Self { full_after, wait }
    }

    pub fn has_room(&self) -> bool {
        self.wait <= 0.0
    }
}

/// Where a key stands after a charge, or after a refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    pub limit: u32,
    pub remaining: u32,
    /// When all of it is there again.
    pub reset_after: Duration,
    /// When there is room for this charge; nothing where there was.
    pub retry_after: Duration,
}

/// At least one key has no room, and none was charged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// Where each key stands.
    pub standings: Vec<Standing>,
    /// The key to wait for longest.
    pub tightest: usize,
}

impl Refused {
    pub fn retry_after(&self) -> Duration {
        self.standings.get(self.tightest).map_or(Duration::ZERO, |standing| standing.retry_after)
    }
}

/// What was found, in the words of a client: refused where a key that refuses has no room.
pub(super) fn judged(charges: &[Charge], found: &[Found]) -> Result<Vec<Standing>, Refused> {
    let refused = charges.iter().zip(found).any(|(charge, found)| charge.refuses && !found.has_room());
    let standings: Vec<Standing> =
        charges.iter().zip(found).map(|(charge, found)| standing(charge, found, refused)).collect();
    if !refused {
        return Ok(standings);
    }
    let waits = charges.iter().zip(&standings).enumerate().filter(|(_, (charge, _))| charge.refuses);
    let tightest = waits.max_by_key(|(_, (_, standing))| standing.retry_after).map_or(0, |(index, _)| index);
    Err(Refused { standings, tightest })
}

/// The same where nothing was charged: what is left is what there is.
pub(super) fn looked(charges: &[Charge], found: &[Found]) -> Vec<Standing> {
    charges.iter().zip(found).map(|(charge, found)| standing(charge, found, true)).collect()
}

fn standing(charge: &Charge, found: &Found, is_free: bool) -> Standing {
    let pause = charge.rate.pause_micros();
    let is_charged = !is_free && found.has_room();
    let full_after = if is_charged { found.full_after + pause * f64::from(charge.cost()) } else { found.full_after };
    let whole = pause * f64::from(charge.rate.burst);
    // A thousandth of a microsecond is what the stamps may be off.
    let remaining = ((whole - full_after + 0.001) / pause).floor().max(0.0);
    Standing {
        limit: charge.rate.burst,
        remaining: (remaining as u32).min(charge.rate.burst),
        reset_after: micros(full_after),
        retry_after: micros(found.wait),
    }
}

fn micros(micros: f64) -> Duration {
    Duration::from_secs_f64(micros.max(0.0) / 1_000_000.0)
}
