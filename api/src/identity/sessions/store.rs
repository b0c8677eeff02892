//! How sessions are stored.

use chrono::{DateTime, Duration, Utc};
use entity::identity::session::{self, Column, Entity, Model};
use entity::ids::{OauthConnectionId, SessionId, UserId};
use ipnetwork::IpNetwork;
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QuerySelect, Select, Statement};
use uuid::Uuid;

use super::rules::NewSession;
use super::{device, refresh_tokens};
use crate::platform::authorization::Read;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

/// When a session ends that is opened or renewed now. One through a provider ends with the trust in the provider's word.
fn end(request: &Request, opened_at: DateTime<Utc>, is_through_provider: bool) -> DateTime<Utc> {
    let config = &request.platform.config;
    let end = request.now() + Duration::days(config.refresh_token_days);
    match is_through_provider {
        true => end.min(opened_at + Duration::hours(config.openid.openid_session_hours)),
        false => end,
    }
}

pub(super) async fn insert(write: &Write<'_>, new: NewSession<'_>, token_hash: Vec<u8>) -> Result<()> {
    let request = write.request();
    let now = request.now();
    let through = new.through;
    let row = session::ActiveModel {
        id: Set(new.id),
        user_id: Set(new.user_id),
        provider: Set(through.map(|through| through.provider.clone())),
        provider_domain: Set(through.and_then(|through| through.domain.clone())),
        oauth_connection_id: Set(through.map(|through| through.connection_id)),
        is_foreign: Set(new.is_foreign),
        token_hash: Set(token_hash.into()),
        family_id: Set(request.new_id()),
        user_agent: Set(request.origin.user_agent.clone()),
        ip_address: Set(request.origin.ip.map(IpNetwork::from)),
        device_info: Set(device::of_user_agent(request.origin.user_agent.as_deref())),
        expires_at: Set(end(request, now, through.is_some())),
        last_activity_at: Set(now),
        authenticated_at: Set(new.authenticated_at.min(now)),
        created_at: Set(now),
        ..Default::default()
    };
    let authority = write.as_system("a session is opened by somebody who proved who they are");
    write.insert(&authority, row).await?;
    Ok(())
}

/// Locks the session of a refresh token.
pub async fn lock(write: &Write<'_>, id: SessionId) -> Result<Option<Model>> {
    let found = sessions("the refresh token is the grant").filter(Column::Id.eq(id)).lock_exclusive();
    Ok(found.one(write.connection()).await?)
}

fn sessions(reason: &'static str) -> Select<Entity> {
    Read::new(Viewer::System("sessions are looked up")).through_granted_row::<Entity>(reason)
}

pub async fn rotate(write: &Write<'_>, session: &Model, refresh_token: &str) -> Result<()> {
    let request = write.request();
    let now = request.now();
    let row = session::ActiveModel {
        id: Set(session.id),
        token_hash: Set(refresh_tokens::digest(refresh_token).into()),
        previous_token_hash: Set(Some(session.token_hash.clone())),
        traded_at: Set(Some(now)),
        expires_at: Set(end(request, session.created_at, session.provider.is_some())),
        last_activity_at: Set(now),
        ..Default::default()
    };
    write.update_below(&write.as_system("the refresh token is the grant"), row).await?;
    Ok(())
}

/// Ends one session.
pub async fn revoke(write: &Write<'_>, id: SessionId) -> Result<Model> {
    let row = session::ActiveModel { id: Set(id), revoked_at: Set(Some(write.request().now())), ..Default::default() };
    write.update_below(&write.as_system("a session is ended by whoever it belongs to"), row).await
}

const REVOKE_OTHERS_SQL: &str =
    "UPDATE identity.sessions SET revoked_at = $1 WHERE user_id = $2 AND id <> $3 AND revoked_at IS NULL";

/// Ends the sessions of a user, all or all but one; gives their number.
pub(super) async fn revoke_others(write: &Write<'_>, user_id: UserId, kept: Option<SessionId>) -> Result<u64> {
    let kept = kept.map_or_else(Uuid::nil, SessionId::uuid);
    let values = [write.request().now().into(), user_id.uuid().into(), kept.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, REVOKE_OTHERS_SQL, values);
    Ok(write.connection().execute_raw(statement).await?.rows_affected())
}

const REVOKE_OF_CONNECTION_SQL: &str = "UPDATE identity.sessions SET revoked_at = $3 \
     WHERE oauth_connection_id = $1 AND id <> $2 AND revoked_at IS NULL";
const FORGET_CONNECTION_SQL: &str = "UPDATE identity.sessions SET provider = NULL, provider_domain = NULL \
     WHERE oauth_connection_id = $1 AND id = $2";

/// Ends the sessions that were opened through a connection. One may stay, without the word of the provider.
pub async fn end_of_connection(write: &Write<'_>, id: OauthConnectionId, kept: Option<SessionId>) -> Result<()> {
    let kept = kept.map_or_else(Uuid::nil, SessionId::uuid);
    let both = [id.uuid().into(), kept.into()];
    let all = [id.uuid().into(), kept.into(), write.request().now().into()];
    for statement in [
        Statement::from_sql_and_values(DbBackend::Postgres, REVOKE_OF_CONNECTION_SQL, all),
        Statement::from_sql_and_values(DbBackend::Postgres, FORGET_CONNECTION_SQL, both),
    ] {
        write.connection().execute_raw(statement).await?;
    }
    Ok(())
}

/// The live session for the foreign tokens of a connection.
pub async fn foreign(
    connection: &impl ConnectionTrait,
    id: OauthConnectionId,
    now: DateTime<Utc>,
) -> Result<Option<Model>> {
    let live = sessions("the token is the grant")
        .filter(Column::OauthConnectionId.eq(id))
        .filter(Column::IsForeign.eq(true))
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now));
    Ok(live.one(connection).await?)
}

/// When a session for the foreign tokens of a connection was last ended by somebody.
pub async fn foreign_ended_at(
    connection: &impl ConnectionTrait,
    id: OauthConnectionId,
) -> Result<Option<DateTime<Utc>>> {
    let ended = sessions("the token is the grant")
        .filter(Column::OauthConnectionId.eq(id))
        .filter(Column::IsForeign.eq(true))
        .filter(Column::RevokedAt.is_not_null())
        .order_by_desc(Column::RevokedAt);
    Ok(ended.one(connection).await?.and_then(|session| session.revoked_at))
}

/// Notes the domain that the provider vouches for by now.
pub async fn tell_domain(write: &Write<'_>, id: SessionId, domain: Option<&str>) -> Result<SessionId> {
    let row =
        session::ActiveModel { id: Set(id), provider_domain: Set(domain.map(str::to_owned)), ..Default::default() };
    write.update_below(&write.as_system("the provider says who it is"), row).await?;
    Ok(id)
}

/// The session of the viewer, as the write sees it.
pub(super) async fn present(write: &Write<'_>) -> Result<Model> {
    let id = write.viewer().session_id().ok_or(Error::Unauthenticated)?;
    let row = sessions("the viewer's own session").filter(Column::Id.eq(id)).one(write.connection()).await?;
    row.ok_or(Error::Unauthenticated)
}

/// Notes that the holder of the session proved anew who they are.
pub(super) async fn set_authenticated(write: &Write<'_>, id: SessionId) -> Result<Model> {
    let now = write.request().now();
    let row = session::ActiveModel { id: Set(id), authenticated_at: Set(now), ..Default::default() };
    write.update_below(&write.as_system("the holder of the session proved who they are"), row).await
}

const BY_ACTIVITY: Sort<Column> =
    Sort { column: Column::LastActivityAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a row stands in a list by activity.
pub(super) fn place(row: &Model) -> Cursor {
    Cursor::new(Column::LastActivityAt, SortKey::Time(row.last_activity_at), row.id)
}

fn live(request: &Request) -> Select<Entity> {
    request.read().visible::<Entity>().filter(Column::ExpiresAt.gt(request.now()))
}

/// The viewer's live sessions, the one used last first.
pub(super) async fn of_viewer(request: &Request, page: &Page) -> Result<Slice<Model>> {
    let query = page.apply(live(request), &BY_ACTIVITY)?;
    Ok(page.slice(query.all(&request.connection()).await?))
}

pub(super) async fn count_of_viewer(request: &Request) -> Result<i64> {
    request.count(live(request)).await
}
