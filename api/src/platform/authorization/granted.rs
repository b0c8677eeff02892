//! Proof that a row was locked, checked and may be acted on.

use std::ops::Deref;

use sea_orm::sea_query::LockType;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};

use super::{Action, Resource, permitted};
use crate::platform::errors::{Error, Result};
use crate::platform::viewer::Viewer;

/// A row that the viewer was granted an action on, locked until the write ends.
#[derive(Clone, Debug)]
pub struct Granted<E: EntityTrait> {
    row: E::Model,
    action: Action,
}

impl<E: EntityTrait> Granted<E> {
    /// The action that was granted.
    pub fn action(&self) -> Action {
        self.action
    }

    pub fn row(&self) -> &E::Model {
        &self.row
    }

    pub fn into_row(self) -> E::Model {
        self.row
    }
}

impl<E: EntityTrait> Deref for Granted<E> {
    type Target = E::Model;

    fn deref(&self) -> &E::Model {
        &self.row
    }
}

/// Whatever allows a new row to be written: a grant on its parent, the viewer acting for itself, or the system.
pub trait Authority: sealed::Sealed + Sync {}

impl<E: EntityTrait> Authority for Granted<E> where E::Model: Sync {}
impl Authority for ViewerAuthority {}
impl Authority for SystemAuthority {}

/// The viewer acting for itself: its own settings, sessions, a new organization.
#[derive(Debug)]
pub struct ViewerAuthority(());

/// The server acting by itself, with the reason said.
#[derive(Debug)]
pub struct SystemAuthority(());

mod sealed {
    pub trait Sealed {}
    impl<E: sea_orm::EntityTrait> Sealed for super::Granted<E> {}
    impl Sealed for super::ViewerAuthority {}
    impl Sealed for super::SystemAuthority {}
}

pub(in crate::platform) fn viewer_itself(viewer: &Viewer) -> Result<ViewerAuthority> {
    match viewer {
        Viewer::Anonymous => Err(Error::Unauthenticated),
        // What nobody granted needs a person.
        Viewer::ApiKey(_) => Err(Error::Forbidden),
        Viewer::User(_) | Viewer::System(_) => Ok(ViewerAuthority(())),
    }
}

pub(in crate::platform) fn system(reason: &'static str) -> SystemAuthority {
    tracing::trace!(reason, "as system");
    SystemAuthority(())
}

/// Loads the row under a lock and checks the viewer's right to the action.
/// Not visible is `NotFound`, visible but not allowed is `Forbidden`.
pub(in crate::platform) async fn lock_and_check<E: Resource>(
    connection: &impl ConnectionTrait,
    viewer: &Viewer,
    id: E::Id,
    action: Action,
    lock: LockType,
) -> Result<Granted<E>> {
    if matches!(viewer, Viewer::Anonymous) {
        return Err(Error::Unauthenticated);
    }
    #[expect(clippy::disallowed_methods, reason = "the one place that loads a row to be written")]
    let row = E::find()
        .filter(E::id_column().eq(Into::<uuid::Uuid>::into(id)))
        .lock(lock)
        .one(connection)
        .await?
        .ok_or(Error::NotFound)?;
    let permitted = permitted::<E>(viewer, &row);
    if !permitted.contains(Action::Read) {
        return Err(Error::NotFound);
    }
    if !permitted.contains(action) {
        return Err(Error::Forbidden);
    }
    Ok(Granted { row, action })
}
