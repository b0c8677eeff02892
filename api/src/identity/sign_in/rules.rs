//! How people come in: sign up, sign in, refresh, sign out.

use entity::enums::UserStatus;
use entity::identity::user;
use entity::ids::{SessionId, UserId};

use super::{passwords, store};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::identity::users;
use crate::platform::checks;
use crate::platform::clock::random_token;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::Write;
use crate::tenancy::spaces;

/// A session that was opened or renewed, with the one sight of its refresh token.
#[derive(Debug)]
pub struct OpenSession {
    pub user_id: UserId,
    pub session_id: SessionId,
    pub refresh_token: String,
}

/// What a new account is made from.
pub struct NewAccount {
    pub email: String,
    pub password: String,
    pub name: String,
}

fn check(new: &NewAccount) -> Result<(String, String)> {
    let email = checks::email("email", &new.email, Code::EmailInvalid)?;
    let name = checks::required_text("name", &new.name, 255, Code::NameRequired, Code::TextInvalid)?;
    if new.password.chars().count() < 8 {
        return Err(reject("password", Code::PasswordTooShort, "Use at least 8 characters."));
    }
    if new.password.len() > 1_024 {
        return Err(reject("password", Code::PasswordTooLong, "Use at most 1,024 bytes."));
    }
    Ok((email, name))
}

/// Makes the account, its settings and its personal space, within one write.
pub async fn create_account(write: &mut Write<'_>, new: NewAccount, password_hash: String) -> Result<user::Model> {
    let (email, name) = check(&new)?;
    let authority = write.as_system("an account is made by somebody who has none yet");
    let new = users::NewUser { email, name, password_hash: Some(password_hash) };
    let user = users::insert(write, &authority, new).await?;
    spaces::create_personal_space(write, &authority, user.id).await?;
    write.record(&IdentityEvent::SignedUp { user: user.id });
    Ok(user)
}

/// Signs up: account, personal space and first session in one transaction.
pub async fn sign_up(request: &Request, new: NewAccount) -> Result<OpenSession> {
    check(&new)?;
    let hash = passwords::hash(new.password.clone()).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    let user = create_account(&mut write, new, hash).await?;
    let session = open_session(&mut write, user.id).await?;
    write.commit(()).await?;
    Ok(session)
}

/// Signs in with address and password. A wrong address and a wrong password are told alike, and take alike.
pub async fn sign_in(request: &Request, email: &str, password: String) -> Result<OpenSession> {
    let wrong = || reject("", Code::WrongCredentials, "The address or the password is wrong.");
    if password.len() > 1_024 || email.len() > 320 {
        return Err(wrong());
    }
    let user = match email.trim() {
        unfit if unfit.contains('\0') => None,
        email => users::by_email(&request.connection(), email).await?,
    };
    let hash = user.as_ref().and_then(|user| user.password_hash.as_ref()).map(|hash| hash.expose().clone());
    let verified = passwords::verify(password, hash).await?;
    let user = user.filter(|user| verified && user.status != UserStatus::Suspended).ok_or_else(wrong)?;
    let mut write = request.begin_unrepeatable_write().await?;
    let session = open_session(&mut write, user.id).await?;
    store::note_sign_in(&write, user.id).await?;
    write.commit(()).await?;
    Ok(session)
}

async fn open_session(write: &mut Write<'_>, user_id: UserId) -> Result<OpenSession> {
    let refresh_token = random_token(&*write.request().platform.clock);
    let session_id = store::insert_session(write, user_id, &refresh_token).await?;
    write.record(&IdentityEvent::SignedIn { user: user_id, session: session_id });
    Ok(OpenSession { user_id, session_id, refresh_token })
}

/// Trades a refresh token for a new one. A token that was traded before was stolen from one of the two who hold it,
/// so its session ends.
pub async fn refresh(request: &Request, refresh_token: &str) -> Result<OpenSession> {
    let invalid = || reject("refreshToken", Code::TokenInvalid, "This refresh token is not good. Sign in again.");
    let mut write = request.begin_unrepeatable_write().await?;
    let Some(found) = store::lock_session_of(&write, refresh_token).await? else {
        return Err(invalid());
    };
    let session = found.session;
    if session.revoked_at.is_some() || session.expires_at <= request.now() {
        return Err(invalid());
    }
    if found.was_traded {
        store::revoke(&write, session.id).await?;
        write.record(&IdentityEvent::TokenReused { user: session.user_id, session: session.id });
        write.commit(()).await?;
        return Err(invalid());
    }
    let renewed = random_token(&*request.platform.clock);
    store::rotate(&write, &session, &renewed).await?;
    write.commit(()).await?;
    Ok(OpenSession { user_id: session.user_id, session_id: session.id, refresh_token: renewed })
}

/// Ends the viewer's session. Its access token stops working at once.
pub async fn sign_out(request: &Request) -> Result<()> {
    let mut write = request.begin_write_of_grants().await?;
    let (Some(user), Some(session)) = (write.viewer().user_id(), write.viewer().session_id()) else {
        return Err(Error::Unauthenticated);
    };
    store::revoke(&write, session).await?;
    write.record(&IdentityEvent::SignedOut { user, session });
    write.commit(()).await?;
    request.sign_out();
    Ok(())
}
