//! How people come in: sign up, sign in, refresh, sign out.

use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::UserStatus;
use entity::identity::{session, user};
use entity::ids::{SessionId, UserId};

use super::{passwords, refresh_tokens, store};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::events::IdentityEvent;
use crate::identity::users;
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::Write;
use crate::tenancy::spaces;

/// How long a token that was traded is taken for that of another window, and not for a stolen one.
const TRADED_AT_ONCE: TimeDelta = TimeDelta::seconds(10);

/// A session that was opened or renewed, with the one sight of its refresh token.
#[derive(Debug)]
pub struct OpenSession {
    pub user_id: UserId,
    pub session_id: SessionId,
    /// None when it was traded by another window at once.
    pub refresh_token: Option<String>,
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
    let request = write.request();
    let session_id = SessionId(request.new_id());
    let refresh_token = refresh_tokens::issue(&request.platform, session_id);
    store::insert_session(write, session_id, user_id, &refresh_token).await?;
    write.record(&IdentityEvent::SignedIn { user: user_id, session: session_id });
    Ok(OpenSession { user_id, session_id, refresh_token: Some(refresh_token) })
}

/// What a token is to its session.
enum Held {
    Present,
    /// The one before, traded moments ago: by another window of the same person, in all likelihood.
    JustTraded,
    /// Traded before that, so it was stolen from one of the two who hold it.
    Spent,
}

impl Held {
    fn of(session: &session::Model, refresh_token: &str, now: DateTime<Utc>) -> Self {
        let digest = refresh_tokens::digest(refresh_token);
        let was_previous = session.previous_token_hash.as_ref().is_some_and(|hash| *hash.expose() == digest);
        let just_now = session.traded_at.is_some_and(|traded| now - traded < TRADED_AT_ONCE);
        if *session.token_hash.expose() == digest {
            Self::Present
        } else if was_previous && just_now {
            Self::JustTraded
        } else {
            Self::Spent
        }
    }
}

/// Trades a refresh token for a new one. Of two who trade the same one at once the second is given an access token alone,
/// so there is never a second line of refresh tokens; whoever comes later ends the session for both.
pub async fn refresh(request: &Request, refresh_token: &str) -> Result<OpenSession> {
    let invalid = || reject("refreshToken", Code::TokenInvalid, "This refresh token is not good. Sign in again.");
    let id = refresh_tokens::session_of(&request.platform, refresh_token).ok_or_else(invalid)?;
    let mut write = request.begin_unrepeatable_write().await?;
    let session = store::lock_session(&write, id).await?.ok_or_else(invalid)?;
    if session.revoked_at.is_some() || session.expires_at <= request.now() {
        return Err(invalid());
    }
    let renewed = match Held::of(&session, refresh_token, request.now()) {
        Held::Present => {
            let renewed = refresh_tokens::issue(&request.platform, id);
            store::rotate(&write, &session, &renewed).await?;
            Some(renewed)
        }
        Held::JustTraded => None,
        Held::Spent => {
            store::revoke(&write, id).await?;
            write.record(&IdentityEvent::TokenReused { user: session.user_id, session: id });
            write.commit(()).await?;
            return Err(invalid());
        }
    };
    write.commit(()).await?;
    Ok(OpenSession { user_id: session.user_id, session_id: id, refresh_token: renewed })
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
