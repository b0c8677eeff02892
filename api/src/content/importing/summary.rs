//! What an import ended with.

use std::fmt;

use super::scan::Skipped;

/// Counts of an import, and what deserves a line each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    pub created: usize,
    /// Documents whose content or properties changed.
    pub updated: usize,
    /// Documents that went below another one; they may be among the updated too.
    pub moved: usize,
    pub unchanged: usize,
    /// Files and folders that cannot be imported as they are.
    pub skipped: Vec<Skipped>,
    /// What should have been written and was not.
    pub failed: Vec<Skipped>,
    /// Front matter that was not used as it seems to be meant.
    pub remarks: Vec<Skipped>,
    /// Documents of an earlier import whose file is gone. They are left.
    pub gone: Vec<String>,
}

impl fmt::Display for Summary {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            formatter,
            "{} created, {} updated, {} moved, {} unchanged, {} skipped",
            self.created,
            self.updated,
            self.moved,
            self.unchanged,
            self.skipped.len()
        )?;
        if !self.failed.is_empty() {
            write!(formatter, ", {} FAILED", self.failed.len())?;
        }
        if !self.gone.is_empty() {
            write!(formatter, "; {} no longer in the folder and left as they are", self.gone.len())?;
        }
        Ok(())
    }
}
