//! How sign-ups are stored that wait for their link.

use chrono::Duration;
use entity::identity::sign_up::{self, Column, Entity, Model};
use entity::ids::SignUpId;
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{LockBehavior, LockType};
use sea_orm::{ColumnTrait, QueryFilter, QueryOrder, QuerySelect, Select};

use super::ACCOUNT;
use crate::platform::authorization::Read;
use crate::platform::clock::token_hash;
use crate::platform::errors::Result;
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

const DAYS: i64 = 3;

pub(super) async fn insert(write: &Write<'_>, account: &[u8]) -> Result<()> {
    let request = write.request();
    let (id, now) = (SignUpId(request.new_id()), request.now());
    let row = sign_up::ActiveModel {
        id: Set(id),
        account_secret: Set(Some(request.platform.sealing.seal(ACCOUNT, id.uuid(), account)?.into())),
        expires_at: Set(now + Duration::days(DAYS)),
        created_at: Set(now),
        ..Default::default()
    };
    write.insert(&write.as_system("anybody may sign up"), row).await?;
    Ok(())
}

fn sign_ups(reason: &'static str) -> Select<Entity> {
    Read::new(Viewer::System("sign-ups are answered")).through_granted_row::<Entity>(reason)
}

/// The sign-up that waits longest for its letter and that no other server is at.
pub(super) async fn take(write: &Write<'_>) -> Result<Option<Model>> {
    Ok(sign_ups("the server's own list of work")
        .filter(Column::HandledAt.is_null())
        .order_by_asc(Column::CreatedAt)
        .lock_with_behavior(LockType::Update, LockBehavior::SkipLocked)
        .one(write.connection())
        .await?)
}

/// The letter is on its way. Without a token there is no link in it, and the particulars are forgotten.
pub(super) async fn set_handled(write: &Write<'_>, id: SignUpId, token: Option<&str>) -> Result<()> {
    let mut row = sign_up::ActiveModel {
        id: Set(id),
        handled_at: Set(Some(write.request().now())),
        token_hash: Set(token.map(|token| token_hash(token).into())),
        ..Default::default()
    };
    if token.is_none() {
        row.account_secret = Set(None);
    }
    write.update_below(&write.as_system("the sign-up is answered"), row).await?;
    Ok(())
}

fn with_token(request: &Request, token: &str) -> Select<Entity> {
    sign_ups("the token is the grant")
        .filter(Column::TokenHash.eq(token_hash(token)))
        .filter(Column::UsedAt.is_null())
        .filter(Column::ExpiresAt.gt(request.now()))
}

/// The open sign-up of a link.
pub(super) async fn open_of(request: &Request, token: &str) -> Result<Option<Model>> {
    Ok(with_token(request, token).one(&request.connection()).await?)
}

/// The same, locked.
pub(super) async fn lock(write: &Write<'_>, token: &str) -> Result<Option<Model>> {
    Ok(with_token(write.request(), token).lock_exclusive().one(write.connection()).await?)
}

/// The link was followed; what it was for is forgotten.
pub(super) async fn use_up(write: &Write<'_>, id: SignUpId) -> Result<()> {
    let now = write.request().now();
    let row =
        sign_up::ActiveModel { id: Set(id), used_at: Set(Some(now)), account_secret: Set(None), ..Default::default() };
    write.update_below(&write.as_system("a link works once"), row).await?;
    Ok(())
}
