//! How second factors, recovery codes and unfinished sign-ins are stored.

use chrono::{DateTime, Duration, Utc};
use entity::enums::MfaFactorKind;
use entity::identity::{mfa_factor, recovery_code, sign_in_challenge, user};
use entity::ids::{MfaFactorId, RecoveryCodeId, SignInChallengeId, UserId};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, ConnectionTrait, DbBackend, PaginatorTrait, QueryFilter, QuerySelect, Select, Statement};

use super::SECRET;
use super::codes::recovery_hash;
use crate::identity::sessions::Through;
use crate::platform::authorization::{Granted, Read};
use crate::platform::clock::{random_token, token_hash};
use crate::platform::errors::Result;
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

/// How long somebody has for the second factor.
const CHALLENGE_MINUTES: i64 = 10;
/// How often it may be tried.
const CHALLENGE_ATTEMPTS: i32 = 5;

fn factors(user: UserId) -> Select<mfa_factor::Entity> {
    Read::new(Viewer::System("second factors are looked up"))
        .through_granted_row::<mfa_factor::Entity>("second factors hang on an account that is locked")
        .filter(mfa_factor::Column::UserId.eq(user))
}

/// The factor that guards the account, or the one that is being set up; locked.
pub(super) async fn lock_factor(write: &Write<'_>, user: UserId, confirmed: bool) -> Result<Option<mfa_factor::Model>> {
    let confirmed_at = mfa_factor::Column::ConfirmedAt;
    let state = if confirmed { confirmed_at.is_not_null() } else { confirmed_at.is_null() };
    Ok(factors(user).filter(state).lock_exclusive().one(write.connection()).await?)
}

/// The secret of the factor.
pub(super) fn secret(request: &Request, factor: &mfa_factor::Model) -> Result<Vec<u8>> {
    request.platform.sealing.open(SECRET, factor.id.uuid(), factor.secret.expose())
}

/// Starts setting up a factor, in place of another that was never finished.
pub(super) async fn insert_factor(write: &Write<'_>, user: &Granted<user::Entity>, secret: &[u8]) -> Result<()> {
    let request = write.request();
    remove(write, "DELETE FROM identity.mfa_factors WHERE user_id = $1 AND confirmed_at IS NULL", user.id).await?;
    let id = MfaFactorId(request.new_id());
    let now = request.now();
    let row = mfa_factor::ActiveModel {
        id: Set(id),
        user_id: Set(user.id),
        kind: Set(MfaFactorKind::Totp),
        name: Set("Authenticator".to_owned()),
        secret: Set(request.platform.sealing.seal(SECRET, id.uuid(), secret)?.into()),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(user, row).await?;
    Ok(())
}

/// The factor guards the account from now on; the step that proved it is used.
pub(super) async fn confirm_factor(write: &Write<'_>, factor: MfaFactorId, step: i64) -> Result<()> {
    let now = write.request().now();
    let row = mfa_factor::ActiveModel { id: Set(factor), confirmed_at: Set(Some(now)), ..used(step, now) };
    write.update_below(&write.as_system("the code proved the factor"), row).await?;
    Ok(())
}

/// No code of this step or one before it is good any more.
pub(super) async fn use_step(write: &Write<'_>, factor: MfaFactorId, step: i64) -> Result<()> {
    let row = mfa_factor::ActiveModel { id: Set(factor), ..used(step, write.request().now()) };
    write.update_below(&write.as_system("the code proved the factor"), row).await?;
    Ok(())
}

fn used(step: i64, now: DateTime<Utc>) -> mfa_factor::ActiveModel {
    mfa_factor::ActiveModel {
        last_used_step: Set(Some(step)),
        last_used_at: Set(Some(now)),
        updated_at: Set(now),
        ..Default::default()
    }
}

pub(super) async fn set_enabled(write: &Write<'_>, user: &Granted<user::Entity>, enabled: bool) -> Result<()> {
    let now = write.request().now();
    let row =
        user::ActiveModel { id: Set(user.id), mfa_enabled: Set(enabled), updated_at: Set(now), ..Default::default() };
    write.update(user, row).await?;
    Ok(())
}

async fn remove(write: &Write<'_>, sql: &'static str, user: UserId) -> Result<()> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [user.uuid().into()]);
    write.connection().execute_raw(statement).await?;
    Ok(())
}

/// Removes the factors and recovery codes of an account.
pub async fn remove_all(write: &Write<'_>, user: UserId) -> Result<()> {
    remove(write, "DELETE FROM identity.mfa_factors WHERE user_id = $1", user).await?;
    remove(write, "DELETE FROM identity.recovery_codes WHERE user_id = $1", user).await
}

/// Puts new recovery codes in the place of all earlier ones.
pub(super) async fn replace_recovery_codes(
    write: &Write<'_>,
    user: &Granted<user::Entity>,
    codes: &[String],
) -> Result<()> {
    remove(write, "DELETE FROM identity.recovery_codes WHERE user_id = $1", user.id).await?;
    let request = write.request();
    let row = |code: &String| recovery_code::ActiveModel {
        id: Set(RecoveryCodeId(request.new_id())),
        user_id: Set(user.id),
        code_hash: Set(recovery_hash(user.id, code).into()),
        created_at: Set(request.now()),
        ..Default::default()
    };
    write.insert_many(user, codes.iter().map(row).collect()).await
}

fn unused_codes(user: UserId) -> Select<recovery_code::Entity> {
    Read::new(Viewer::System("recovery codes are looked up"))
        .through_granted_row::<recovery_code::Entity>("recovery codes hang on the account")
        .filter(recovery_code::Column::UserId.eq(user))
        .filter(recovery_code::Column::UsedAt.is_null())
}

/// Uses a recovery code up; false when there is no such code.
pub(super) async fn use_recovery_code(write: &Write<'_>, user: UserId, code: &str) -> Result<bool> {
    let found = unused_codes(user)
        .filter(recovery_code::Column::CodeHash.eq(recovery_hash(user, code)))
        .lock_exclusive()
        .one(write.connection())
        .await?;
    let Some(found) = found else { return Ok(false) };
    let now = write.request().now();
    let row = recovery_code::ActiveModel { id: Set(found.id), used_at: Set(Some(now)), ..Default::default() };
    write.update_below(&write.as_system("a recovery code works once"), row).await?;
    Ok(true)
}

/// How many recovery codes of the viewer are left.
pub(super) async fn recovery_codes_left(request: &Request, user: UserId) -> Result<i32> {
    let count = unused_codes(user).count(&request.connection()).await?;
    Ok(i32::try_from(count).unwrap_or(i32::MAX))
}

/// An unfinished sign-in, locked.
pub type Challenge = sign_in_challenge::Model;

/// Lets somebody who gave the right password, or whom a provider let in, go on to the second factor; gives the token of
/// the challenge.
pub async fn open_challenge(write: &Write<'_>, user: UserId, through: Option<&Through>) -> Result<String> {
    let request = write.request();
    let now = request.now();
    let token = random_token(&*request.platform.clock);
    let row = sign_in_challenge::ActiveModel {
        id: Set(SignInChallengeId(request.new_id())),
        user_id: Set(user),
        token_hash: Set(token_hash(&token).into()),
        provider: Set(through.map(|through| through.provider.clone())),
        provider_domain: Set(through.and_then(|through| through.domain.clone())),
        oauth_connection_id: Set(through.map(|through| through.connection_id)),
        attempts: Set(0),
        expires_at: Set(now + Duration::minutes(CHALLENGE_MINUTES)),
        created_at: Set(now),
        ..Default::default()
    };
    write.insert(&write.as_system("somebody gave the right password"), row).await?;
    Ok(token)
}

fn challenges() -> Select<sign_in_challenge::Entity> {
    Read::new(Viewer::System("unfinished sign-ins are looked up"))
        .through_granted_row::<sign_in_challenge::Entity>("the token of the challenge is the grant")
        .filter(sign_in_challenge::Column::UsedAt.is_null())
}

/// Whose second factor the token awaits.
pub async fn user_of_challenge(request: &Request, token: &str) -> Result<Option<UserId>> {
    let open = challenges().filter(sign_in_challenge::Column::TokenHash.eq(token_hash(token)));
    Ok(open.one(&request.connection()).await?.map(|challenge| challenge.user_id))
}

/// Finds and locks the challenge of a token that can still be tried.
pub async fn lock_challenge(write: &Write<'_>, token: &str) -> Result<Option<Challenge>> {
    Ok(challenges()
        .filter(sign_in_challenge::Column::TokenHash.eq(token_hash(token)))
        .filter(sign_in_challenge::Column::ExpiresAt.gt(write.request().now()))
        .filter(sign_in_challenge::Column::Attempts.lt(CHALLENGE_ATTEMPTS))
        .lock_exclusive()
        .one(write.connection())
        .await?)
}

/// A code was tried in vain.
pub async fn count_try(write: &Write<'_>, challenge: &Challenge) -> Result<()> {
    let row = sign_in_challenge::ActiveModel {
        id: Set(challenge.id),
        attempts: Set(challenge.attempts + 1),
        ..Default::default()
    };
    write.update_below(&write.as_system("a challenge is tried a few times"), row).await?;
    Ok(())
}

/// The sign-in is finished.
pub async fn use_challenge(write: &Write<'_>, challenge: &Challenge) -> Result<()> {
    let now = write.request().now();
    let row = sign_in_challenge::ActiveModel { id: Set(challenge.id), used_at: Set(Some(now)), ..Default::default() };
    write.update_below(&write.as_system("a challenge works once"), row).await?;
    Ok(())
}

const END_CHALLENGES_SQL: &str =
    "UPDATE identity.sign_in_challenges SET used_at = $1 WHERE user_id = $2 AND used_at IS NULL";

/// Ends every unfinished sign-in of an account: its password is another one now.
pub async fn end_challenges(write: &Write<'_>, user: UserId) -> Result<()> {
    let values = [write.request().now().into(), user.uuid().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, END_CHALLENGES_SQL, values);
    write.connection().execute_raw(statement).await?;
    Ok(())
}
