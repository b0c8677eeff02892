//! How long work tells that it moves on: to a bar on a terminal, to lines elsewhere, to nobody in a test.

/// Whoever watches the work.
pub trait Progress: Sync {
    /// A stretch of work begins, of so many steps.
    fn begin(&self, what: &str, steps: usize);

    /// So many more steps of the stretch are done.
    fn advance(&self, steps: usize);

    /// Something worth a line of its own.
    fn tell(&self, line: &str);

    /// The stretch is over.
    fn end(&self);
}

/// Nobody watches.
#[derive(Debug, Default)]
pub struct Unwatched;

impl Progress for Unwatched {
    fn begin(&self, _what: &str, _steps: usize) {}
    fn advance(&self, _steps: usize) {}
    fn tell(&self, _line: &str) {}
    fn end(&self) {}
}
