//! When an address counts as its owner's.

use entity::enums::VerificationPurpose;
use entity::identity::user;

use super::store;
use crate::identity::IdentityErrorCode as Code;
use crate::identity::attempts::{self, Attempt};
use crate::identity::events::IdentityEvent;
use crate::identity::mailed_tokens::{self, Redeemed};
use crate::identity::{sessions, sign_ups, users};
use crate::platform::authorization::{Action, Authority};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::mail::Letter;
use crate::platform::request::{Platform, Request};
use crate::platform::write::{Committed, Write};

/// Sends the link that proves the present address of an account. What the owner wrote is left out of the letter: who
/// signs up with somebody else's address must not be able to write to them.
pub async fn send_verification(write: &mut Write<'_>, authority: &dyn Authority, user: &user::Model) -> Result<()> {
    let token = mailed_tokens::issue(write, authority, user, VerificationPurpose::VerifyEmail, &user.email).await?;
    write.send(confirmation(&write.request().platform, &user.email, &token));
    Ok(())
}

/// The letter with the link that proves an address.
pub fn confirmation(platform: &Platform, email: &str, token: &str) -> Letter {
    Letter::new(email, "Confirm your e-mail address")
        .paragraph("Somebody signed up for Trellis with this address. If it was you, confirm that it is yours:")
        .link("Confirm this address", platform.config.page("verify-email", token))
        .paragraph("The link works once, for three days, with the password that was chosen then.")
        .paragraph("If it was not you, nothing needs to be done.")
}

/// Sends the viewer the link once more; the one before stops working.
pub async fn resend_verification(request: &Request) -> Result<Committed<String>> {
    let id = request.user_id()?;
    let email = request.get::<user::Entity>(id).await?.email.clone();
    attempts::count(request, Attempt::MailTo { email: &email }).await?;
    let mut write = request.begin_write().await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    if user.email_verified {
        return Err(reject("", Code::EmailVerified, "Your address is confirmed already."));
    }
    send_verification(&mut write, &user, &user).await?;
    let email = user.email.clone();
    write.commit(email).await
}

/// Confirms the address that the link was sent to, and makes the account if it waits for that. Whoever has the link may:
/// it proves the address, not the person. An account that waits takes the password of its sign-up too, or somebody could
/// make others confirm an account to which they know the password.
pub async fn verify(request: &Request, token: &str, password: Option<String>) -> Result<Committed<String>> {
    attempts::count(request, Attempt::Link).await?;
    sign_ups::prove(request, token, password).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let Some(redeemed) = mailed_tokens::redeem(&write, VerificationPurpose::VerifyEmail, token).await? else {
        let email = sign_ups::redeem(&mut write, token).await?.ok_or_else(link_invalid)?;
        return write.commit(email).await;
    };
    if redeemed.user.email != redeemed.email {
        return Err(link_invalid());
    }
    store::set_verified(&write, &redeemed.user, None).await?;
    write.record(&IdentityEvent::EmailVerified { user: redeemed.user.id });
    write.commit(redeemed.email).await
}

/// Sends the link that makes an address the viewer's own. Whether it has an account already is told to nobody but its
/// owner, by mail: the same steps are taken for every address.
pub async fn request_change(request: &Request, email: &str) -> Result<Committed<String>> {
    let email = checks::email("email", email, Code::EmailInvalid)?;
    let id = request.user_id()?;
    attempts::count(request, Attempt::MailTo { email: &email }).await?;
    let mut write = request.begin_write().await?;
    let user = write.granted::<user::Entity>(id, Action::Edit).await?;
    sessions::require_recent_authentication(&write).await?;
    let holder = users::by_email(write.connection(), &email).await?.filter(|holder| holder.id != user.id);
    let token = mailed_tokens::issue(&write, &user, &user, VerificationPurpose::ChangeEmail, &email).await?;
    let letter = Letter::new(&email, "Confirm your new e-mail address");
    write.send(match holder {
        None => letter
            .paragraph("Somebody wants to use this address for their Trellis account. If it was you, confirm it:")
            .link("Use this address", request.platform.config.page("change-email", &token))
            .paragraph("The link works once, for one day. If it was not you, nothing needs to be done."),
        Some(_) => letter
            .paragraph("Somebody wants to use this address for their Trellis account, but it has an account already.")
            .paragraph("If it was you, sign in with it, or give that account another address first."),
    });
    write.commit(email).await
}

/// Makes the address that the link was sent to the account's own. Links that were sent to the old one stop working.
pub async fn confirm_change(request: &Request, token: &str) -> Result<Committed<String>> {
    attempts::count(request, Attempt::Link).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let redeemed = mailed_tokens::redeem(&write, VerificationPurpose::ChangeEmail, token).await?;
    let Redeemed { user, email } = redeemed.ok_or_else(link_invalid)?;
    store::set_verified(&write, &user, Some(email.clone())).await?;
    mailed_tokens::end_all(&write, user.id, None).await?;
    let letter = Letter::new(&user.email, "Your e-mail address was changed")
        .paragraph("Your Trellis account has another e-mail address now, and no longer uses this one.")
        .paragraph(
            "If it was not you, somebody else has access to your account: ask whoever runs this server for help.",
        );
    write.send(letter);
    write.record(&IdentityEvent::EmailChanged { user: user.id });
    write.commit(email).await
}

/// What is told of every link that is no good, whatever the reason.
pub fn link_invalid() -> Error {
    reject("token", Code::TokenInvalid, "This link is not good any more. Ask for a new one.")
}
