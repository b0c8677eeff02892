//! How preferences are stored.

use std::collections::HashMap;
use std::sync::Arc;

use entity::identity::{user, user_settings};
use entity::ids::UserId;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use crate::platform::authorization::{Granted, Read};
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::write::Write;

/// The settings of a user, reached through its own account.
pub struct Settings;

impl Load for Settings {
    type Key = UserId;
    type Value = Option<Arc<user_settings::Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<UserId>) -> Result<HashMap<UserId, Self::Value>> {
        let rows = Read::new(context.viewer.clone())
            .through_granted_row::<user_settings::Entity>("settings hang on the viewer's own account")
            .filter(user_settings::Column::UserId.eq_any(keys))
            .all(&context.connection)
            .await?;
        Ok(rows.into_iter().map(|row| (row.user_id, Some(Arc::new(row)))).collect())
    }
}

pub(super) async fn lock(write: &Write<'_>, user: &Granted<user::Entity>) -> Result<user_settings::Model> {
    let row = write
        .request()
        .read()
        .through_granted_row::<user_settings::Entity>("settings hang on the viewer's own account")
        .filter(user_settings::Column::UserId.eq(user.id))
        .lock_exclusive()
        .one(write.connection())
        .await?;
    row.ok_or(Error::NotFound)
}

pub(super) async fn update(
    write: &Write<'_>,
    user: &Granted<user::Entity>,
    settings: user_settings::Model,
) -> Result<user_settings::Model> {
    let row = user_settings::ActiveModel {
        user_id: Set(user.id),
        theme: Set(settings.theme),
        language: Set(settings.language),
        editor_settings: Set(settings.editor_settings),
        render_settings: Set(settings.render_settings),
        notification_settings: Set(settings.notification_settings),
        version: Set(settings.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    write.update_below(user, row).await
}
