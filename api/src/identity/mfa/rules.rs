//! When a second factor counts, and who may change it.

use entity::identity::user;
use serde::{Deserialize, Serialize};

use super::{codes, store};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::attempts::{self, Attempt};
use crate::identity::events::IdentityEvent;
use crate::identity::sessions;
use crate::platform::authorization::{Action, Granted};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::mail::Letter;
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};

/// What an authenticator app needs, shown once.
#[derive(Debug, Serialize, Deserialize)]
pub struct Enrollment {
    pub secret: String,
    pub uri: String,
}

/// Whether the code is good for the account: of its authenticator, or one of its recovery codes. Uses it up. The account
/// is locked by the write, so that of two who bring one code one is refused.
pub async fn prove_code(write: &Write<'_>, user: &user::Model, code: &str) -> Result<bool> {
    let Some(factor) = store::lock_factor(write, user.id, true).await? else { return Ok(false) };
    let request = write.request();
    let authenticator = codes::authenticator(&store::secret(request, &factor)?, &user.email)?;
    match authenticator.check(code.trim(), now(request)).map(step_number) {
        Some(step) if factor.last_used_step.is_none_or(|last| step > last) => {
            store::use_step(write, factor.id, step).await?;
            Ok(true)
        }
        Some(_) => Ok(false),
        None => store::use_recovery_code(write, user.id, code).await,
    }
}

fn now(request: &Request) -> u64 {
    u64::try_from(request.now().timestamp()).unwrap_or_default()
}

fn step_number(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}

async fn own_account(write: &Write<'_>) -> Result<Granted<user::Entity>> {
    let user = write.granted::<user::Entity>(write.request().user_id()?, Action::Edit).await?;
    sessions::require_recent_authentication(write).await?;
    Ok(user)
}

/// Begins to set up an authenticator. It guards nothing before its first code was given.
pub(super) async fn enroll(request: &Request) -> Result<Committed<Enrollment>> {
    let write = request.begin_unrepeatable_write().await?;
    let user = own_account(&write).await?;
    if user.mfa_enabled {
        return Err(reject("", Code::MfaEnabled, "Your account has a second factor already."));
    }
    let mut secret = [0_u8; codes::SECRET_BYTES];
    request.platform.clock.fill_random(&mut secret);
    let authenticator = codes::authenticator(&secret, &user.email)?;
    let uri = authenticator.to_url().map_err(Error::internal)?;
    let enrollment = Enrollment { secret: authenticator.secret().to_base32(), uri };
    store::insert_factor(&write, &user, &secret).await?;
    write.commit(enrollment).await
}

/// Turns the second factor on with the first code of the authenticator; gives the recovery codes.
pub(super) async fn confirm(request: &Request, code: &str) -> Result<Committed<Vec<String>>> {
    let id = request.user_id()?;
    attempts::count(request, Attempt::Proof { user: id }).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let user = own_account(&write).await?;
    if user.mfa_enabled {
        return Err(reject("", Code::MfaEnabled, "Your account has a second factor already."));
    }
    let factor = store::lock_factor(&write, id, false).await?;
    let factor = factor.ok_or_else(|| reject("", Code::MfaNotStarted, "Begin with mfaEnroll."))?;
    let authenticator = codes::authenticator(&store::secret(request, &factor)?, &user.email)?;
    let step = authenticator.check(code.trim(), now(request)).map(step_number);
    let step = step.ok_or_else(|| reject("code", Code::CodeInvalid, "This is not the code that the app shows now."))?;
    store::confirm_factor(&write, factor.id, step).await?;
    store::set_enabled(&write, &user, true).await?;
    let fresh = codes::recovery_codes(&*request.platform.clock);
    store::replace_recovery_codes(&write, &user, &fresh).await?;
    sessions::mark_authenticated(&write).await?;
    // Whoever signed in without the second factor signs in again with it. The tokens of another issuer know none.
    let kept = sessions::own_unless_foreign(&write).await?;
    sessions::revoke_others(&mut write, id, kept).await?;
    store::end_challenges(&write, id).await?;
    announce(&mut write, &user, "A second factor guards your account", "A second factor was set up for");
    write.record(&IdentityEvent::MfaEnabled { user: id });
    let committed = write.commit(fresh).await?;
    attempts::forgive(request, Attempt::Proof { user: id }).await;
    Ok(committed)
}

/// Takes the second factor away.
pub(super) async fn disable(request: &Request) -> Result<Committed<()>> {
    let mut write = request.begin_unrepeatable_write().await?;
    let user = own_account(&write).await?;
    require_enabled(&user)?;
    store::remove_all(&write, user.id).await?;
    store::set_enabled(&write, &user, false).await?;
    announce(&mut write, &user, "Your second factor was removed", "The second factor was removed from");
    write.record(&IdentityEvent::MfaDisabled { user: user.id });
    write.commit(()).await
}

/// Gives new recovery codes; the old ones stop working.
pub(super) async fn regenerate(request: &Request) -> Result<Committed<Vec<String>>> {
    let mut write = request.begin_unrepeatable_write().await?;
    let user = own_account(&write).await?;
    require_enabled(&user)?;
    let fresh = codes::recovery_codes(&*request.platform.clock);
    store::replace_recovery_codes(&write, &user, &fresh).await?;
    write.record(&IdentityEvent::RecoveryCodesReplaced { user: user.id });
    write.commit(fresh).await
}

fn require_enabled(user: &user::Model) -> Result<()> {
    if user.mfa_enabled {
        return Ok(());
    }
    Err(reject("", Code::MfaNotStarted, "Your account has no second factor."))
}

fn announce(write: &mut Write<'_>, user: &user::Model, subject: &str, what: &str) {
    let letter = Letter::new(&user.email, subject)
        .paragraph(format!("{what} your Trellis account."))
        .paragraph("If it was not you, reset your password at once, and ask whoever runs this server for help.");
    write.send(letter);
}
