//! How long two kinds of requests take, side by side: what differs tells a stranger something.

use std::time::{Duration, Instant};

/// The times that two kinds of requests take, measured in turns, so that a busy machine slows both alike.
pub async fn medians(
    rounds: usize,
    mut first: impl AsyncFnMut(usize),
    mut second: impl AsyncFnMut(usize),
) -> [Duration; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        let start = Instant::now();
        first(round).await;
        times[0].push(start.elapsed());
        let start = Instant::now();
        second(round).await;
        times[1].push(start.elapsed());
    }
    times.map(|mut times| {
        times.sort();
        times[times.len() / 2]
    })
}

/// Half as long again would be seen from outside; a password hash or a letter more would be far beyond.
#[track_caller]
pub fn alike([known, unknown]: [Duration; 2]) {
    let (less, more) = (known.min(unknown), known.max(unknown));
    assert!(more < less.mul_f64(1.5) + Duration::from_millis(5), "known {known:?}, unknown {unknown:?}");
}
