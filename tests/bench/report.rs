//! What was measured, as a table or as JSON: ratios by round, and of those the median and how far they spread.

use std::fmt::Write as _;
use std::time::Duration;

use serde_json::json;

use crate::load::Slice;
use crate::peers::Kind;
use crate::processes::Memory;

/// One slice of one server.
pub struct Measured {
    pub round: usize,
    pub clients: usize,
    pub name: &'static str,
    pub slice: Slice,
}

/// Everything that was measured.
pub struct Report {
    case: &'static str,
    measured: Vec<Measured>,
    /// Memory of Trellis before the first request.
    idle: Option<Memory>,
    /// The same after the last one.
    pub loaded: Option<Memory>,
}

/// Trellis beside one peer: how many times as fast it is.
struct Comparison {
    clients: usize,
    peer: &'static str,
    ratio: f64,
    low: f64,
    high: f64,
    ours: Speed,
    theirs: Speed,
}

struct Speed {
    per_second: f64,
    median: Option<Duration>,
    slowest_percent: Option<Duration>,
}

impl Report {
    pub fn new(case: &'static str, idle: Option<Memory>) -> Self {
        Self { case, measured: Vec::new(), idle, loaded: None }
    }

    pub fn add(&mut self, measured: Measured) {
        self.measured.push(measured);
    }

    pub fn json(&self) -> String {
        let rounded = |number: f64| (number * 1000.0).round() / 1000.0;
        let results: Vec<_> = self
            .comparisons()
            .iter()
            .map(|found| {
                json!({
                    "case": self.case, "clients": found.clients, "peer": found.peer, "ratio": rounded(found.ratio),
                    "low": rounded(found.low), "high": rounded(found.high),
                })
            })
            .collect();
        format!("{}\n", json!({ "bench": "read", "results": results }))
    }

    pub fn table(&self) -> String {
        let mut text = String::from(
            "\nRatio: how many times as many requests a second Trellis answers. Median of the rounds, lowest, highest.\n\
             Latencies are in milliseconds, Trellis before the peer.\n\n\
             clients  peer          ratio    low   high    requests/s         p50              p99\n",
        );
        for found in self.comparisons() {
            let Comparison { clients, peer, ratio, low, high, ours, theirs } = found;
            let both =
                |of: fn(&Speed) -> Option<Duration>| format!("{:>6} {:>6}", shown(of(&ours)), shown(of(&theirs)));
            // Writing to a String cannot fail.
            let _ = writeln!(
                text,
                "{clients:>7}  {peer:<12} {ratio:>6.2} {low:>6.2} {high:>6.2}   {:>6.0} {:>6.0}   {}    {}",
                ours.per_second,
                theirs.per_second,
                both(|speed| speed.median),
                both(|speed| speed.slowest_percent),
            );
        }
        if let (Some(idle), Some(loaded)) = (self.idle, self.loaded) {
            let megabytes = |bytes: u64| bytes as f64 / 1_000_000.0;
            let _ = writeln!(
                text,
                "\nMemory of Trellis: {:.1} MB idle, {:.1} MB after the load, {:.1} MB at most.",
                megabytes(idle.now),
                megabytes(loaded.now),
                megabytes(loaded.most)
            );
        }
        text
    }

    fn comparisons(&self) -> Vec<Comparison> {
        let ours = Kind::Trellis.name();
        let mut combinations: Vec<(usize, &'static str)> = Vec::new();
        for measured in self.measured.iter().filter(|measured| measured.name != ours) {
            if !combinations.contains(&(measured.clients, measured.name)) {
                combinations.push((measured.clients, measured.name));
            }
        }
        combinations.sort_by_key(|(clients, _)| *clients);
        combinations
            .into_iter()
            .map(|(clients, peer)| {
                let theirs = self.of(clients, peer);
                let ratios = theirs.iter().filter_map(|theirs| {
                    let ours = self.of(clients, ours).into_iter().find(|ours| ours.round == theirs.round)?;
                    Some(ours.slice.per_second / theirs.slice.per_second)
                });
                let ratios = sorted(ratios.collect());
                Comparison {
                    clients,
                    peer,
                    ratio: middle(&ratios),
                    low: ratios.first().copied().unwrap_or(f64::NAN),
                    high: ratios.last().copied().unwrap_or(f64::NAN),
                    ours: speed(&self.of(clients, ours)),
                    theirs: speed(&theirs),
                }
            })
            .collect()
    }

    fn of(&self, clients: usize, name: &str) -> Vec<&Measured> {
        self.measured.iter().filter(|measured| measured.clients == clients && measured.name == name).collect()
    }
}

fn speed(rounds: &[&Measured]) -> Speed {
    let mut latencies: Vec<Duration> =
        rounds.iter().flat_map(|measured| measured.slice.latencies.iter().copied()).collect();
    latencies.sort_unstable();
    let at = |percent: usize| latencies.get(latencies.len() * percent / 100).copied();
    let per_second = middle(&sorted(rounds.iter().map(|measured| measured.slice.per_second).collect()));
    Speed { per_second, median: at(50), slowest_percent: at(99) }
}

fn sorted(mut numbers: Vec<f64>) -> Vec<f64> {
    numbers.sort_by(f64::total_cmp);
    numbers
}

/// The median.
fn middle(sorted: &[f64]) -> f64 {
    match (sorted.len(), sorted.len() / 2) {
        (0, _) => f64::NAN,
        (length, half) if length % 2 == 1 => sorted[half],
        (_, half) => (sorted[half - 1] + sorted[half]) / 2.0,
    }
}

fn shown(time: Option<Duration>) -> String {
    time.map_or_else(|| "-".to_owned(), |time| format!("{:.2}", time.as_secs_f64() * 1000.0))
}
