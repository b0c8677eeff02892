//! The task that answers requests to reset a password: a link by mail if the address has an account, and nothing
//! otherwise. It works apart from the request, so that nobody can measure which it was.

use std::time::Duration;

use entity::enums::{UserStatus, VerificationPurpose};
use entity::identity::{password_reset_request, user};
use futures_util::FutureExt;

use super::{REQUESTED, store};
use crate::identity::events::IdentityEvent;
use crate::identity::{mailed_tokens, users};
use crate::platform::background::repeat;
use crate::platform::errors::{Error, Result};
use crate::platform::mail::Letter;
use crate::platform::request::{Platform, Request};
use crate::platform::write::Write;

/// How often to look for requests.
const POLL: Duration = Duration::from_millis(500);

/// Answers requests until it is dropped.
pub async fn answer_requests(platform: Platform) {
    repeat("answering requests to reset a password", POLL, move || answer_next(platform.clone()).boxed()).await;
}

/// Answers one request; false when none waits.
async fn answer_next(platform: Platform) -> Result<bool> {
    let request = Request::as_system(&platform, "a request to reset a password is answered");
    let mut write = request.begin_write().await?;
    let Some(asked) = store::take_request(&write).await? else { return Ok(false) };
    match address(&platform, &asked) {
        Ok(email) => {
            let user = users::by_email(write.connection(), &email).await?;
            if let Some(user) = user.filter(|user| user.status != UserStatus::Suspended) {
                send_link(&mut write, &user).await?;
            }
        }
        Err(error) => tracing::error!(%error, "a request to reset a password cannot be read and is dropped"),
    }
    store::set_handled(&write, asked.id).await?;
    write.commit(()).await?;
    Ok(true)
}

fn address(platform: &Platform, asked: &password_reset_request::Model) -> Result<String> {
    let sealed = asked.email_secret.as_ref().ok_or_else(|| Error::internal("a request without an address"))?;
    let plain = platform.sealing.open(REQUESTED, asked.id.uuid(), sealed.expose())?;
    String::from_utf8(plain).map_err(Error::internal)
}

async fn send_link(write: &mut Write<'_>, user: &user::Model) -> Result<()> {
    let Some(user) = users::lock(write, user.id, "a link to reset the password is sent").await? else {
        return Ok(());
    };
    let authority = write.as_system("a link to reset the password is sent");
    let token = mailed_tokens::issue(write, &authority, &user, VerificationPurpose::ResetPassword, &user.email).await?;
    let page = write.request().platform.config.page("reset-password", &token);
    let letter = Letter::new(&user.email, "Reset your password")
        .paragraph("Somebody asked to reset the password of your Trellis account. If it was you, choose a new one:")
        .link("Choose a new password", page)
        .paragraph("The link works once, for one hour. If it was not you, nothing needs to be done.");
    write.send(letter);
    write.record(&IdentityEvent::PasswordResetSent { user: user.id });
    Ok(())
}
