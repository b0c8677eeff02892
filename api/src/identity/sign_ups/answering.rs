//! The task that answers sign-ups: with a link if the address is free, and with a word to its owner if it is not.

use std::time::Duration;

use entity::enums::UserStatus;
use futures_util::FutureExt;

use super::rules::{Waiting, open};
use super::store;
use crate::identity::{addresses, users};
use crate::platform::background::repeat;
use crate::platform::clock::random_token;
use crate::platform::errors::Result;
use crate::platform::mail::Letter;
use crate::platform::request::{Platform, Request};

/// How often to look for sign-ups.
const POLL: Duration = Duration::from_millis(500);

/// Answers sign-ups until it is dropped.
pub async fn answer_sign_ups(platform: Platform) {
    repeat("answering sign-ups", POLL, move || answer_next(platform.clone()).boxed()).await;
}

/// Answers one; false when none waits.
async fn answer_next(platform: Platform) -> Result<bool> {
    let request = Request::as_system(&platform, "a sign-up is answered");
    let mut write = request.begin_write().await?;
    let Some(asked) = store::take(&write).await? else { return Ok(false) };
    match open(&platform, &asked) {
        Ok(Waiting { email, .. }) => match users::by_email(write.connection(), &email).await? {
            None => {
                let token = random_token(&*platform.clock);
                store::set_handled(&write, asked.id, Some(&token)).await?;
                write.send(addresses::confirmation(&platform, &email, &token));
            }
            Some(user) => {
                store::set_handled(&write, asked.id, None).await?;
                if user.status != UserStatus::Suspended {
                    write.send(has_account(&user.email));
                }
            }
        },
        Err(error) => {
            tracing::error!(%error, "a sign-up cannot be read and is dropped");
            store::set_handled(&write, asked.id, None).await?;
        }
    }
    write.commit(()).await?;
    Ok(true)
}

fn has_account(email: &str) -> Letter {
    Letter::new(email, "You have an account already")
        .paragraph("Somebody signed up for Trellis with this address, but it has an account already.")
        .paragraph("If it was you, sign in with it. If you forgot the password, ask for a new one there.")
        .paragraph("If it was not you, nothing needs to be done: nothing was changed.")
}
