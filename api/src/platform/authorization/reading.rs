//! Reading: lists start at the viewer's reach, rows by id are checked after loading.

use std::collections::HashMap;
use std::marker::PhantomData;
use std::sync::Arc;

use sea_orm::{EntityTrait, QueryFilter, Select};

use super::{Resource, reach};
use crate::platform::errors::Result;
use crate::platform::held;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::viewer::Viewer;

/// The door to lists: every query starts within the viewer's reach.
#[derive(Clone, Debug)]
pub struct Read {
    viewer: Viewer,
}

impl Read {
    pub fn new(viewer: Viewer) -> Self {
        Self { viewer }
    }

    /// The rows the viewer may read.
    #[expect(clippy::disallowed_methods, reason = "the one place that starts a list")]
    pub fn visible<E: Resource>(&self) -> Select<E> {
        E::find().filter(reach::<E>(&self.viewer))
    }

    /// All rows, for tables that are not granted row by row but reached through a row that was. Says why that is right.
    #[expect(clippy::disallowed_methods, reason = "named so that it is seen")]
    pub fn through_granted_row<E: EntityTrait>(&self, reason: &'static str) -> Select<E> {
        tracing::trace!(reason, "read through a granted row");
        E::find()
    }
}

/// Rows of a resource by id, shared between concurrent requests; each viewer's right is checked after loading.
#[derive(Debug)]
pub struct RowById<E>(PhantomData<E>);

impl<E: Resource> Load for RowById<E> {
    type Key = E::Id;
    type Value = Option<Arc<E::Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<E::Id>) -> Result<HashMap<E::Id, Self::Value>> {
        let rows = held::by_id::<E>(context, keys.into_iter().map(Into::into).collect()).await?;
        Ok(rows.into_iter().map(|row| (E::id(&row), Some(row))).collect())
    }
}
