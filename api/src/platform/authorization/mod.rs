//! Who may do what, in the data path. A resource says once, in one exhaustive table, what each role may do with a row;
//! reading, writing and `viewerCan` all come from there.
//! Invariant: `Granted` is built here alone, so no write happens without its check.

mod actions;
mod granted;
mod reading;

use std::fmt::Debug;
use std::hash::Hash;

use sea_orm::{Condition, EntityTrait};
use uuid::Uuid;

pub use actions::{Action, ActionSet};
pub use granted::{Authority, Granted, SystemAuthority, ViewerAuthority};
pub(in crate::platform) use granted::{lock_and_check, system, viewer_itself};
pub use reading::{Read, RowById};

use super::viewer::Viewer;

/// A table whose rows are granted or not.
pub trait Resource: EntityTrait<Model: Clone + Debug + Send + Sync> + 'static {
    type Id: Copy + Debug + Eq + Hash + Send + Sync + From<Uuid> + Into<Uuid>;

    fn id(row: &Self::Model) -> Self::Id;

    /// The column of the id.
    fn id_column() -> Self::Column;

    /// What the viewer may do with the row. `Action::Read` absent means: for this viewer it does not exist.
    fn permitted(viewer: &Viewer, row: &Self::Model) -> ActionSet;

    /// The rows the viewer may read, as a condition.
    /// Invariant: agrees with `permitted` on `Action::Read`; a test compares them.
    fn reach(viewer: &Viewer) -> Condition;
}

/// What the viewer may do with the row; the system may do everything.
pub fn permitted<E: Resource>(viewer: &Viewer, row: &E::Model) -> ActionSet {
    if viewer.is_system() { ActionSet::ALL } else { E::permitted(viewer, row) }
}

/// The condition that no row meets.
pub fn nothing() -> Condition {
    Condition::all().add(sea_orm::sea_query::Expr::value(false))
}

/// The condition that every row meets: for the system alone.
pub fn everything() -> Condition {
    Condition::all()
}
