//! What a sign-up leaves, and what its link makes of it.

use entity::identity::sign_up;
use serde::{Deserialize, Serialize};

use super::{ACCOUNT, store};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::attempts::{self, Attempt};
use crate::identity::events::IdentityEvent;
use crate::identity::users::{self, NewUser};
use crate::identity::{addresses, passwords, sign_in};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::{Platform, Request};
use crate::platform::write::Write;

/// An account that nobody has yet. It is kept sealed.
#[derive(Serialize, Deserialize)]
pub struct Waiting {
    pub email: String,
    pub name: String,
    pub password_hash: String,
}

/// Takes a sign-up down, whoever has the address.
pub async fn ask(request: &Request, waiting: Waiting) -> Result<()> {
    attempts::count(request, Attempt::MailTo { email: &waiting.email }).await?;
    let account = serde_json::to_vec(&waiting).map_err(Error::internal)?;
    let write = request.begin_unrepeatable_write().await?;
    store::insert(&write, &account).await?;
    write.commit(()).await?;
    Ok(())
}

/// What a sign-up was made with.
pub(super) fn open(platform: &Platform, row: &sign_up::Model) -> Result<Waiting> {
    let sealed = row.account_secret.as_ref().ok_or_else(|| Error::internal("a sign-up without an account"))?;
    let plain = platform.sealing.open(ACCOUNT, row.id.uuid(), sealed.expose())?;
    // The cause could repeat what is sealed.
    serde_json::from_slice(&plain).map_err(|_| Error::internal("a sign-up cannot be read"))
}

/// Refuses unless this is the password of the sign-up whose link it is. Another kind of link takes none.
pub async fn prove(request: &Request, token: &str, password: Option<String>) -> Result<()> {
    let Some(row) = store::open_of(request, token).await? else { return Ok(()) };
    let Some(password) = password else {
        return Err(reject("password", Code::PasswordRequired, "Give the password that you signed up with."));
    };
    let Waiting { password_hash, .. } = open(&request.platform, &row)?;
    match passwords::verify(password, Some(password_hash)).await? {
        true => Ok(()),
        false => Err(reject("password", Code::WrongCredentials, "This is not the password of this sign-up.")),
    }
}

/// Makes the account whose link was followed, which proves its address; gives the address. None when the link is not
/// good, or the address has got an account since.
pub async fn redeem(write: &mut Write<'_>, token: &str) -> Result<Option<String>> {
    let Some(row) = store::lock(write, token).await? else { return Ok(None) };
    let Waiting { email, name, password_hash } = open(&write.request().platform, &row)?;
    store::use_up(write, row.id).await?;
    if users::by_email(write.connection(), &email).await?.is_some() {
        return Ok(None);
    }
    let new = NewUser { email, email_verified: true, name, password_hash: Some(password_hash) };
    let made = sign_in::insert_account(write, new).await;
    let user = made.map_err(|error| match error {
        Error::Rejected(_) => addresses::link_invalid(),
        other => other,
    })?;
    write.record(&IdentityEvent::EmailVerified { user: user.id });
    Ok(Some(user.email))
}
