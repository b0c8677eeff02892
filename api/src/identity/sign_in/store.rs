//! How sessions are stored.

use chrono::Duration;
use entity::identity::{session, user};
use entity::ids::{SessionId, UserId};
use ipnetwork::IpNetwork;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, QueryFilter, QuerySelect};

use super::refresh_tokens;
use crate::platform::errors::Result;
use crate::platform::write::Write;

pub async fn insert_session(write: &Write<'_>, id: SessionId, user_id: UserId, refresh_token: &str) -> Result<()> {
    let request = write.request();
    let now = request.now();
    let row = session::ActiveModel {
        id: Set(id),
        user_id: Set(user_id),
        token_hash: Set(refresh_tokens::digest(refresh_token).into()),
        family_id: Set(request.new_id()),
        user_agent: Set(request.origin.user_agent.clone()),
        ip_address: Set(request.origin.ip.map(IpNetwork::from)),
        device_info: Set(session::DeviceInfo::default()),
        expires_at: Set(now + Duration::days(request.platform.config.refresh_token_days)),
        last_activity_at: Set(now),
        created_at: Set(now),
        ..Default::default()
    };
    let authority = write.as_system("a session is opened by somebody who proved who they are");
    write.insert(&authority, row).await?;
    Ok(())
}

/// Locks the session of a refresh token.
pub async fn lock_session(write: &Write<'_>, id: SessionId) -> Result<Option<session::Model>> {
    let sessions = write.read().through_granted_row::<session::Entity>("the refresh token is the grant");
    Ok(sessions.filter(session::Column::Id.eq(id)).lock_exclusive().one(write.connection()).await?)
}

pub async fn rotate(write: &Write<'_>, session: &session::Model, refresh_token: &str) -> Result<()> {
    let request = write.request();
    let now = request.now();
    let row = session::ActiveModel {
        id: Set(session.id),
        token_hash: Set(refresh_tokens::digest(refresh_token).into()),
        previous_token_hash: Set(Some(session.token_hash.clone())),
        traded_at: Set(Some(now)),
        expires_at: Set(now + Duration::days(request.platform.config.refresh_token_days)),
        last_activity_at: Set(now),
        ..Default::default()
    };
    let authority = write.as_system("the refresh token is the grant");
    write.update_below(&authority, row).await?;
    Ok(())
}

pub async fn revoke(write: &Write<'_>, id: SessionId) -> Result<()> {
    let row = session::ActiveModel { id: Set(id), revoked_at: Set(Some(write.request().now())), ..Default::default() };
    let authority = write.as_system("a session is ended by who holds it");
    write.update_below(&authority, row).await?;
    Ok(())
}

/// Notes when and from where the user last signed in.
pub async fn note_sign_in(write: &Write<'_>, id: UserId) -> Result<()> {
    let request = write.request();
    let row = user::ActiveModel {
        id: Set(id),
        last_login_at: Set(Some(request.now())),
        last_login_ip: Set(request.origin.ip.map(IpNetwork::from)),
        ..Default::default()
    };
    let authority = write.as_system("the user proved who they are");
    write.update_below(&authority, row).await?;
    Ok(())
}
