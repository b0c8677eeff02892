//! What a password must be, and when it may be replaced.

use entity::enums::VerificationPurpose;
use entity::identity::user;

use super::{hashing, store};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::attempts::{self, Attempt};
use crate::identity::events::IdentityEvent;
use crate::identity::{addresses, mailed_tokens, mfa, sessions};
use crate::platform::authorization::Action;
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::mail::Letter;
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};

/// The fewest characters and the most bytes of a password.
const FEWEST: usize = 8;
const MOST: usize = 1_024;

/// Refuses what is no password: the same rules wherever one is set.
pub fn check(field: &'static str, password: &str) -> Result<()> {
    if password.chars().count() < FEWEST {
        return Err(reject(field, Code::PasswordTooShort, format!("Use at least {FEWEST} characters.")));
    }
    if password.len() > MOST {
        return Err(reject(field, Code::PasswordTooLong, format!("Use at most {MOST} bytes.")));
    }
    Ok(())
}

/// Refuses unless this is the password of the account, which has one. Counts as an attempt.
pub async fn prove(request: &Request, user: &user::Model, field: &'static str, password: String) -> Result<()> {
    attempts::count(request, Attempt::Proof { user: user.id }).await?;
    let hash = user.password_hash.as_ref().map(|hash| hash.expose().clone());
    if password.len() > MOST || !hashing::verify(password, hash).await? {
        return Err(reject(field, Code::WrongCredentials, "This is not your password."));
    }
    attempts::forgive(request, Attempt::Proof { user: user.id }).await;
    Ok(())
}

/// Replaces the viewer's password; whoever else is signed in to the account is signed out.
pub(super) async fn change(request: &Request, current: Option<String>, new: String) -> Result<Committed<()>> {
    check("newPassword", &new)?;
    let id = request.user_id()?;
    let before = request.get::<user::Entity>(id).await?;
    if before.password_hash.is_some() {
        prove(request, &before, "currentPassword", current.unwrap_or_default()).await?;
    }
    // Before the transaction, which must be short.
    let hash = hashing::hash(new).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    if user.password_hash != before.password_hash {
        return Err(Error::Conflict);
    }
    if user.password_hash.is_none() || user.mfa_enabled {
        sessions::require_recent_authentication(&write).await?;
    }
    store::set_hash(&write, &user, hash).await?;
    let kept = request.viewer().session_id();
    sessions::revoke_others(&mut write, id, kept).await?;
    mailed_tokens::end_all(&write, id, Some(VerificationPurpose::ResetPassword)).await?;
    mfa::end_challenges(&write, id).await?;
    sessions::mark_authenticated(&write).await?;
    announce(&mut write, &user);
    write.commit(()).await
}

/// Tells the owner, who may not be the one who did it.
fn announce(write: &mut Write<'_>, user: &user::Model) {
    write.record(&IdentityEvent::PasswordChanged { user: user.id });
    let letter = Letter::new(&user.email, "Your password was changed")
        .paragraph("The password of your Trellis account was changed, and all other devices were signed out.")
        .paragraph("If it was not you, reset the password at once: somebody else knew it, or reads your mail.");
    write.send(letter);
}

/// Asks for a link to reset the password of an address. Takes the same steps and gives the same answer for every
/// address; whether there is an account is found out later, in the background.
pub(super) async fn request_reset(request: &Request, email: &str) -> Result<Committed<bool>> {
    let email = checks::email("email", email, Code::EmailInvalid)?;
    attempts::count(request, Attempt::MailTo { email: &email }).await?;
    let write = request.begin_unrepeatable_write().await?;
    store::insert_request(&write, &email).await?;
    write.commit(true).await
}

/// Sets a new password with the token of a link. Every session of the account ends.
pub(super) async fn reset(request: &Request, token: &str, new: String) -> Result<Committed<String>> {
    attempts::count(request, Attempt::Link).await?;
    check("newPassword", &new)?;
    if !mailed_tokens::is_good(request, VerificationPurpose::ResetPassword, token).await? {
        return Err(addresses::link_invalid());
    }
    let hash = hashing::hash(new).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let redeemed = mailed_tokens::redeem(&write, VerificationPurpose::ResetPassword, token).await?;
    let redeemed = redeemed.filter(|redeemed| redeemed.user.email == redeemed.email);
    let user = redeemed.ok_or_else(addresses::link_invalid)?.user;
    store::reset_hash(&write, &user, hash).await?;
    sessions::revoke_others(&mut write, user.id, None).await?;
    mailed_tokens::end_all(&write, user.id, None).await?;
    mfa::end_challenges(&write, user.id).await?;
    announce(&mut write, &user);
    write.commit(user.email).await
}
