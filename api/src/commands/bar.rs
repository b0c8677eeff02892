//! Progress on the terminal: a bar where somebody can see it, a line now and then where not.

use std::io::IsTerminal;
use std::sync::{Mutex, MutexGuard, PoisonError};

use indicatif::{ProgressBar, ProgressStyle};

use crate::platform::progress::Progress;

/// Progress on standard error.
pub struct Bar {
    terminal: bool,
    stretch: Mutex<Stretch>,
}

/// The stretch of work that is under way.
struct Stretch {
    bar: ProgressBar,
    what: String,
    steps: usize,
    done: usize,
    told: usize,
}

/// Lines at most that one stretch tells where there is no terminal.
const LINES: usize = 4;

impl Bar {
    pub fn new() -> Self {
        let stretch = Stretch { bar: ProgressBar::hidden(), what: String::new(), steps: 0, done: 0, told: 0 };
        Self { terminal: std::io::stderr().is_terminal(), stretch: Mutex::new(stretch) }
    }

    fn stretch(&self) -> MutexGuard<'_, Stretch> {
        self.stretch.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn style(steps: usize) -> ProgressStyle {
    let form = if steps == 0 { "{msg} {pos}" } else { "{msg:<10} {bar:40} {human_pos}/{human_len} {eta}" };
    ProgressStyle::with_template(form).unwrap_or_else(|_| ProgressStyle::default_bar())
}

impl Progress for Bar {
    fn begin(&self, what: &str, steps: usize) {
        let mut stretch = self.stretch();
        let bar = if self.terminal { ProgressBar::new(steps as u64) } else { ProgressBar::hidden() };
        bar.set_style(style(steps));
        bar.set_message(what.to_owned());
        *stretch = Stretch { bar, what: what.to_owned(), steps, done: 0, told: 0 };
    }

    fn advance(&self, steps: usize) {
        let mut stretch = self.stretch();
        stretch.done += steps;
        stretch.bar.inc(steps as u64);
        let quarter = stretch.done * LINES / stretch.steps.max(1);
        if !self.terminal && stretch.steps >= 100 && quarter > stretch.told {
            stretch.told = quarter;
            eprintln!("{} {} of {}", stretch.what, stretch.done, stretch.steps);
        }
    }

    fn tell(&self, line: &str) {
        if self.terminal {
            self.stretch().bar.suspend(|| eprintln!("{line}"));
        } else {
            eprintln!("{line}");
        }
    }

    fn end(&self) {
        self.stretch().bar.finish_and_clear();
    }
}
