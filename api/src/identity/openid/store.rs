//! How those are stored who are on the way to a provider.

use chrono::{DateTime, Utc};
use entity::enums::OpenIdPurpose;
use entity::identity::openid_journey::{self, Column, Entity, Model};
use entity::ids::{OpenIdJourneyId, SessionId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use crate::platform::authorization::Read;
use crate::platform::clock::token_hash;
use crate::platform::errors::Result;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

/// What the row of a new journey is made from.
pub struct NewJourney<'a> {
    pub id: OpenIdJourneyId,
    pub provider: &'a str,
    pub purpose: OpenIdPurpose,
    pub session_id: Option<SessionId>,
    pub callback: &'a str,
    pub state: &'a str,
    pub browser_secret: &'a str,
    pub expires_at: DateTime<Utc>,
}

pub async fn insert(write: &Write<'_>, new: NewJourney<'_>) -> Result<()> {
    let row = openid_journey::ActiveModel {
        id: Set(new.id),
        provider: Set(new.provider.to_owned()),
        purpose: Set(new.purpose),
        session_id: Set(new.session_id),
        callback: Set(new.callback.to_owned()),
        state_token_hash: Set(token_hash(new.state).into()),
        browser_token_hash: Set(token_hash(new.browser_secret).into()),
        expires_at: Set(new.expires_at),
        used_at: Set(None),
        created_at: Set(write.request().now()),
    };
    write.insert(&write.as_system("anybody may set out for a provider"), row).await?;
    Ok(())
}

/// Finds and locks the open journey of a state, in the browser that began it.
pub async fn lock(write: &Write<'_>, state: &str, browser_secret: &str) -> Result<Option<Model>> {
    let journeys = Read::new(Viewer::System("somebody comes back from a provider"));
    Ok(journeys
        .through_granted_row::<Entity>("the state and the browser's secret are the grant")
        .filter(Column::StateTokenHash.eq(token_hash(state)))
        .filter(Column::BrowserTokenHash.eq(token_hash(browser_secret)))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(write.request().now()))
        .lock_exclusive()
        .one(write.connection())
        .await?)
}

/// The journey is over, whatever comes of it.
pub async fn use_up(write: &Write<'_>, id: OpenIdJourneyId) -> Result<()> {
    let now = write.request().now();
    let row = openid_journey::ActiveModel { id: Set(id), used_at: Set(Some(now)), ..Default::default() };
    write.update_below(&write.as_system("a journey ends once"), row).await?;
    Ok(())
}
