//! How the active context is kept: in the row of the session.

use std::collections::HashMap;

use entity::identity::session::{self, Column, Entity, Model};
use entity::ids::{OrganizationId, SessionId, SpaceId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, QueryFilter};

use crate::platform::authorization::{Authority, Read};
use crate::platform::errors::Result;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::write::Write;

/// The viewer's own session.
pub struct Sessions;

impl Load for Sessions {
    type Key = SessionId;
    type Value = Option<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<SessionId>) -> Result<HashMap<SessionId, Self::Value>> {
        let sessions = Read::new(context.viewer.clone()).through_granted_row::<Entity>("the viewer's own session");
        let rows = sessions.filter(Column::Id.eq_any(keys)).all(&context.connection).await?;
        Ok(rows.into_iter().map(|row| (row.id, Some(row))).collect())
    }
}

pub async fn set(
    write: &Write<'_>,
    authority: &dyn Authority,
    id: SessionId,
    organization: Option<OrganizationId>,
    space: Option<SpaceId>,
) -> Result<Model> {
    let row = session::ActiveModel {
        id: Set(id),
        active_organization_id: Set(organization),
        active_space_id: Set(space),
        ..Default::default()
    };
    write.update_below(authority, row).await
}
