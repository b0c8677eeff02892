//! How mailed tokens are stored.

use chrono::{DateTime, Utc};
use entity::enums::VerificationPurpose;
use entity::identity::{user, verification_token};
use entity::ids::{UserId, VerificationTokenId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, QueryFilter, QuerySelect, Select, Statement};

use super::life;
use crate::identity::users;
use crate::platform::authorization::{Authority, Read};
use crate::platform::clock::token_hash;
use crate::platform::errors::Result;
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

pub(super) async fn insert(
    write: &Write<'_>,
    authority: &dyn Authority,
    user_id: UserId,
    purpose: VerificationPurpose,
    email: &str,
    token: &str,
) -> Result<()> {
    let request = write.request();
    let now = request.now();
    let row = verification_token::ActiveModel {
        id: Set(VerificationTokenId(request.new_id())),
        user_id: Set(user_id),
        purpose: Set(purpose),
        token_hash: Set(token_hash(token).into()),
        email: Set(Some(email.to_owned())),
        expires_at: Set(now + life(purpose)),
        created_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, row).await?;
    Ok(())
}

fn tokens(reason: &'static str) -> Select<verification_token::Entity> {
    Read::new(Viewer::System("mailed tokens are looked up"))
        .through_granted_row::<verification_token::Entity>(reason)
        .filter(verification_token::Column::UsedAt.is_null())
}

const END_ALL_SQL: &str = "UPDATE identity.verification_tokens SET used_at = $1 \
     WHERE user_id = $2 AND used_at IS NULL AND ($3::text IS NULL OR purpose = $3)";

/// Ends the open tokens of a user: of one purpose, or all.
pub async fn end_all(write: &Write<'_>, user_id: UserId, purpose: Option<VerificationPurpose>) -> Result<()> {
    let purpose = purpose.map(|purpose| purpose.as_str().to_owned());
    let values = [write.request().now().into(), user_id.uuid().into(), purpose.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, END_ALL_SQL, values);
    write.connection().execute_raw(statement).await?;
    Ok(())
}

async fn end(write: &Write<'_>, id: VerificationTokenId) -> Result<()> {
    let now = write.request().now();
    let row = verification_token::ActiveModel { id: Set(id), used_at: Set(Some(now)), ..Default::default() };
    write.update_below(&write.as_system("a mailed token works once"), row).await?;
    Ok(())
}

/// A token that was good, and is used up now, with the account it was sent to.
#[derive(Debug)]
pub struct Redeemed {
    /// Locked until the write ends.
    pub user: user::Model,
    /// The address that the link proved.
    pub email: String,
}

/// The token, if it is open.
fn open(purpose: VerificationPurpose, token: &str, now: DateTime<Utc>) -> Select<verification_token::Entity> {
    tokens("the token is the grant")
        .filter(verification_token::Column::TokenHash.eq(token_hash(token)))
        .filter(verification_token::Column::Purpose.eq(purpose))
        .filter(verification_token::Column::ExpiresAt.gt(now))
}

/// Whether the token could be used now.
pub async fn is_good(request: &Request, purpose: VerificationPurpose, token: &str) -> Result<bool> {
    Ok(open(purpose, token, request.now()).one(&request.connection()).await?.is_some())
}

/// Uses a token up. None when it is unknown, used, too old, for another purpose, or its account is gone.
pub async fn redeem(write: &Write<'_>, purpose: VerificationPurpose, token: &str) -> Result<Option<Redeemed>> {
    let open = || open(purpose, token, write.request().now());
    let Some(found) = open().one(write.connection()).await? else { return Ok(None) };
    // The account first, as everywhere: then two writes about it wait for each other instead of deadlocking.
    let Some(user) = users::lock(write, found.user_id, "the token is the grant").await? else { return Ok(None) };
    let Some(found) = open().lock_exclusive().one(write.connection()).await? else { return Ok(None) };
    end(write, found.id).await?;
    let email = found.email.unwrap_or_else(|| user.email.clone());
    Ok(Some(Redeemed { user, email }))
}
