//! Who may do what, in the data path. A resource says once, in one exhaustive table, what each role may do with a row;
//! reading, writing and `viewerCan` all come from there.
//! Invariant: `Granted` is built here alone, so no write happens without its check.

mod actions;
mod granted;
mod reading;
mod records;
mod scopes;

use std::fmt::Debug;
use std::hash::Hash;

use sea_orm::{Condition, EntityTrait};
use uuid::Uuid;

pub use actions::{Action, ActionSet};
pub use granted::{Authority, Granted, SystemAuthority, ViewerAuthority};
pub(in crate::platform) use granted::{lock_and_check, system, viewer_itself};
pub use reading::{Read, RowById};
pub use records::{administered_projects, readable_records, reads_record};
pub use scopes::{Scope, ScopeSet};

use super::viewer::Viewer;

/// A table whose rows are granted or not.
pub trait Resource: EntityTrait<Model: Clone + Debug + Send + Sync> + 'static {
    type Id: Copy + Debug + Eq + Hash + Send + Sync + From<Uuid> + Into<Uuid>;

    /// What an API key with each of these scopes may do with such rows, as far as its creator may. Nothing else is done
    /// with a key; what no scope allows is for people alone.
    const SCOPES: &'static [(Scope, ActionSet)];

    fn id(row: &Self::Model) -> Self::Id;

    /// The column of the id.
    fn id_column() -> Self::Column;

    /// What an id tells of when its row was made.
    const DATED: Dated<Self::Column> = Dated::Nothing;

    /// What the viewer may do with the row. `Action::Read` absent means: for this viewer it does not exist.
    fn permitted(viewer: &Viewer, row: &Self::Model) -> ActionSet;

    /// The rows the viewer may read, as a condition.
    /// Invariant: agrees with `permitted` on `Action::Read`; a test compares them.
    fn reach(viewer: &Viewer) -> Condition;
}

/// What the id of a row, a UUIDv7, tells of when the row was made, for a table that is partitioned by that time: only the
/// partitions of then are looked into.
#[derive(Clone, Copy, Debug)]
pub enum Dated<C> {
    /// Nothing that helps: the table has one part.
    Nothing,
    /// They are made at one time. The column holds it.
    Here(C),
    /// Mostly so, but whoever has the row made may choose its id, with a time that is off (`checks::new_id`).
    ByCallers(C),
}

/// What the viewer may do with the row; the system may do everything, and a key what its scopes allow of it.
pub fn permitted<E: Resource>(viewer: &Viewer, row: &E::Model) -> ActionSet {
    if viewer.is_system() { ActionSet::ALL } else { E::permitted(viewer, row).only(within_scopes::<E>(viewer)) }
}

/// What may be done with rows of this kind at most: everything, unless the viewer is a key.
pub fn within_scopes<E: Resource>(viewer: &Viewer) -> ActionSet {
    viewer.key().map_or(ActionSet::ALL, |key| key.scopes.allow(E::SCOPES))
}

/// The rows of this kind that the viewer may read.
pub(in crate::platform) fn reach<E: Resource>(viewer: &Viewer) -> Condition {
    if viewer.is_system() {
        return everything();
    }
    if within_scopes::<E>(viewer).contains(Action::Read) { E::reach(viewer) } else { nothing() }
}

/// The condition that no row meets.
pub fn nothing() -> Condition {
    Condition::all().add(sea_orm::sea_query::Expr::value(false))
}

/// The condition that every row meets: for the system alone.
pub fn everything() -> Condition {
    Condition::all()
}
