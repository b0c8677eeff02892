//! How long two kinds of requests take, side by side: what differs tells a stranger something.

use std::time::{Duration, Instant};

/// The times that two kinds of requests take, measured in turns, so that a busy machine slows both alike. Neither always
/// goes first.
pub async fn times(
    rounds: usize,
    mut first: impl AsyncFnMut(usize),
    mut second: impl AsyncFnMut(usize),
) -> [Vec<Duration>; 2] {
    let mut times = [Vec::new(), Vec::new()];
    for round in 0..rounds {
        for turn in [round % 2, 1 - round % 2] {
            let start = Instant::now();
            match turn {
                0 => first(round).await,
                _ => second(round).await,
            }
            times[turn].push(start.elapsed());
        }
    }
    times
}

/// The times are of one kind, as far as who measured them can tell. By the middle: half as long again would be seen at a
/// glance. By their ranks: in the test of Mann and Whitney, times of one kind stray four standard deviations from the
/// middle once in 15,000 runs, while a password hash or a letter more would have every time of one above every time of
/// the other, eight deviations away.
#[track_caller]
pub fn alike([known, unknown]: [Vec<Duration>; 2]) {
    let middle = |times: &[Duration]| {
        let mut times = times.to_vec();
        times.sort();
        times[times.len() / 2]
    };
    let (known_middle, unknown_middle) = (middle(&known), middle(&unknown));
    let (less, more) = (known_middle.min(unknown_middle), known_middle.max(unknown_middle));
    let astray = deviations(&known, &unknown);
    let told = format!("known {known_middle:?}, unknown {unknown_middle:?}, ranks {astray:.1} deviations apart");
    assert!(more < less.mul_f64(1.5) + Duration::from_millis(5), "{told}");
    assert!(astray.abs() < 4.0, "{told}");
}

/// How many standard deviations the ranks of the first stray from those of times of one kind (Mann and Whitney, 1947).
/// Times in nanoseconds are hardly ever equal.
fn deviations(first: &[Duration], second: &[Duration]) -> f64 {
    let above = |one: &Duration| second.iter().filter(|other| *other < one).count();
    let count = |times: &[Duration]| f64::from(u32::try_from(times.len()).expect("not that many"));
    let wins: usize = first.iter().map(above).sum();
    let wins = f64::from(u32::try_from(wins).expect("not that many"));
    let (first, second) = (count(first), count(second));
    let deviation = (first * second * (first + second + 1.0) / 12.0).sqrt();
    (wins - first * second / 2.0) / deviation
}

#[test]
fn ranks_tell_what_differs_from_what_does_not() {
    let times =
        |from: u64, step: u64| (0..41).map(|number| Duration::from_micros(from + number * step)).collect::<Vec<_>>();
    assert!(deviations(&times(100, 10), &times(105, 10)).abs() < 1.0);
    assert!(deviations(&times(100, 10), &times(300, 10)) < -4.0, "half of them are quicker than all others");
    assert!(deviations(&times(900, 10), &times(100, 10)) > 7.0);
}
