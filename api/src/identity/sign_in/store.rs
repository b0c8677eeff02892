//! How sessions are stored.

use chrono::Duration;
use entity::identity::{session, user};
use entity::ids::{SessionId, UserId};
use ipnetwork::IpNetwork;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter, QuerySelect};
use sha2::{Digest, Sha256};

use crate::platform::authorization::Read;
use crate::platform::errors::Result;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

fn token_hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

pub async fn insert_session(write: &Write<'_>, user_id: UserId, refresh_token: &str) -> Result<SessionId> {
    let request = write.request();
    let now = request.now();
    let id = SessionId(request.new_id());
    let row = session::ActiveModel {
        id: Set(id),
        user_id: Set(user_id),
        token_hash: Set(token_hash(refresh_token).into()),
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
    Ok(id)
}

/// A session found by a refresh token.
pub struct FoundSession {
    pub session: session::Model,
    /// The token is the one before the present one.
    pub was_traded: bool,
}

/// Finds and locks the session of a refresh token, present or traded.
pub async fn lock_session_of(write: &Write<'_>, refresh_token: &str) -> Result<Option<FoundSession>> {
    let hash = token_hash(refresh_token);
    let row = Read::new(Viewer::System("a refresh token is looked up"))
        .through_granted_row::<session::Entity>("the refresh token is the grant")
        .filter(
            Condition::any()
                .add(session::Column::TokenHash.eq(hash.clone()))
                .add(session::Column::PreviousTokenHash.eq(hash.clone())),
        )
        .lock_exclusive()
        .one(write.connection())
        .await?;
    Ok(row.map(|session| {
        let was_traded = *session.token_hash.expose() != hash;
        FoundSession { session, was_traded }
    }))
}

pub async fn rotate(write: &Write<'_>, session: &session::Model, refresh_token: &str) -> Result<()> {
    let request = write.request();
    let now = request.now();
    let row = session::ActiveModel {
        id: Set(session.id),
        token_hash: Set(token_hash(refresh_token).into()),
        previous_token_hash: Set(Some(session.token_hash.clone())),
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
