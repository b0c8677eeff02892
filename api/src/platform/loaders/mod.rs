//! Loading without N+1. Resolvers ask for one key each; when the operation's future has nothing left to do,
//! the keys of a level are complete, so they are loaded then, in one statement and without a timer.
//! Loads of rows by id are also merged between concurrent requests (`merger`).

mod dispatch;
mod merger;
mod queue;

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::sync::Arc;

pub use dispatch::Dispatched;
pub use merger::Mergers;
pub use queue::Loaders;

use super::database::Counted;
use super::errors::Result;
use super::held::HeldRows;
use super::viewer::Viewer;

/// What a load may lean on.
#[derive(Clone, Debug)]
pub struct LoadContext {
    pub connection: Counted,
    /// The rows that were decoded before.
    pub held_rows: Arc<HeldRows>,
    /// Whose reach limits lists. A merged load has none: its rows are checked afterwards, per viewer, or
    /// reached through a row that was.
    pub viewer: Viewer,
}

/// A way to load many keys at once.
///
/// Keys that the answer leaves out take the value's default (nothing found, an empty list).
pub trait Load: Sized + Send + Sync + 'static {
    type Key: Clone + Debug + Eq + Hash + Send + Sync;
    type Value: Clone + Default + Send + Sync;

    /// Whether keys of concurrent requests may share a statement.
    /// Only for loads that do not look at `LoadContext::viewer`.
    const MERGED: bool;

    fn load(
        context: &LoadContext,
        keys: Vec<Self::Key>,
    ) -> impl Future<Output = Result<HashMap<Self::Key, Self::Value>>> + Send;
}
