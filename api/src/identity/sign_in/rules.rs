//! How people come in: sign up, sign in, refresh, sign out.

use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::UserStatus;
use entity::identity::{session, user};

use super::store;
use crate::identity::IdentityErrorCode as Code;
use crate::identity::attempts::{self, Attempt};
use crate::identity::events::IdentityEvent;
use crate::identity::sessions::{self, OpenSession, Through, refresh_tokens};
use crate::identity::sign_ups::{self, Waiting};
use crate::identity::{addresses, mfa, passwords, users};
use crate::platform::checks;
use crate::platform::config::SignUp;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::Write;
use crate::tenancy::spaces;

/// How long a token that was traded is taken for that of another window, and not for a stolen one.
const TRADED_AT_ONCE: TimeDelta = TimeDelta::seconds(10);

/// What a new account is made from.
pub struct NewAccount {
    pub email: String,
    pub password: String,
    pub name: String,
}

fn check(new: &NewAccount) -> Result<(String, String)> {
    let email = checks::email("email", &new.email, Code::EmailInvalid)?;
    let name = checks::required_text("name", &new.name, 255, Code::NameRequired, Code::TextInvalid)?;
    passwords::check("password", &new.password)?;
    Ok((email, name))
}

/// Makes the account, its settings and its personal space, within one write.
pub async fn create_account(write: &mut Write<'_>, new: NewAccount, password_hash: String) -> Result<user::Model> {
    let (email, name) = check(&new)?;
    insert_account(write, users::NewUser { email, email_verified: false, name, password_hash: Some(password_hash) })
        .await
}

/// The same, for somebody whose particulars were checked.
pub async fn insert_account(write: &mut Write<'_>, new: users::NewUser) -> Result<user::Model> {
    let authority = write.as_system("an account is made by somebody who has none yet");
    let user = users::insert(write, &authority, new).await?;
    spaces::create_personal_space(write, &authority, user.id).await?;
    write.record(&IdentityEvent::SignedUp { user: user.id });
    Ok(user)
}

/// Signs up. By mail nothing comes of it before the link was followed; at once, account, personal space and first session
/// are made in one transaction.
pub async fn sign_up(request: &Request, new: NewAccount) -> Result<Entry> {
    let (email, name) = check(&new)?;
    attempts::count(request, Attempt::SignUp).await?;
    let hash = passwords::hash(new.password.clone()).await?;
    if request.platform.config.sign_up() == SignUp::ByMail {
        sign_ups::ask(request, Waiting { email, name, password_hash: hash }).await?;
        return Ok(Entry::ByMail);
    }
    let mut write = request.begin_unrepeatable_write().await?;
    let user = create_account(&mut write, new, hash).await?;
    let authority = write.as_system("an account proves its address");
    addresses::send_verification(&mut write, &authority, &user).await?;
    let session = sessions::open(&mut write, user.id, None).await?;
    write.commit(()).await?;
    Ok(Entry::Open(session))
}

/// How far the right password leads, or the word of a provider.
#[derive(Debug)]
pub enum Entry {
    Open(OpenSession),
    /// A letter says how to go on.
    ByMail,
    /// The account has a second factor: the token says whose code is awaited.
    SecondFactor {
        token: String,
    },
}

/// Signs in with address and password. A wrong address and a wrong password are told alike, and take alike.
pub async fn sign_in(request: &Request, email: &str, password: String) -> Result<Entry> {
    let wrong = || reject("", Code::WrongCredentials, "The address or the password is wrong.");
    if password.len() > 1_024 || email.len() > 320 {
        return Err(wrong());
    }
    let attempt = Attempt::SignIn { email };
    attempts::count(request, attempt).await?;
    let user = match email.trim() {
        unfit if unfit.contains('\0') => None,
        email => users::by_email(&request.connection(), email).await?,
    };
    let hash = user.as_ref().and_then(|user| user.password_hash.as_ref()).map(|hash| hash.expose().clone());
    let verified = passwords::verify(password, hash).await?;
    let user = user.filter(|user| verified && user.status != UserStatus::Suspended).ok_or_else(wrong)?;
    attempts::forgive(request, attempt).await;
    let write = request.begin_unrepeatable_write().await?;
    // The password may have been changed since it was read.
    let present = users::lock(&write, user.id, "somebody gave the password").await?;
    let user = present.filter(|present| present.password_hash == user.password_hash).ok_or_else(wrong)?;
    enter(write, &user, None).await
}

/// Lets somebody in who proved who they are, or leads them on to their second factor.
pub async fn enter(mut write: Write<'_>, user: &user::Model, through: Option<&Through>) -> Result<Entry> {
    if user.mfa_enabled {
        let token = mfa::open_challenge(&write, user.id, through).await?;
        write.commit(()).await?;
        return Ok(Entry::SecondFactor { token });
    }
    let session = sessions::open(&mut write, user.id, through).await?;
    store::note_sign_in(&write, user.id).await?;
    write.commit(()).await?;
    Ok(Entry::Open(session))
}

/// Finishes signing in with the second factor.
pub async fn confirm(request: &Request, token: &str, code: &str) -> Result<OpenSession> {
    let over = || reject("mfaToken", Code::TokenInvalid, "This sign-in is over. Begin again with signIn.");
    attempts::count(request, Attempt::Link).await?;
    let user_id = mfa::user_of_challenge(request, token).await?.ok_or_else(over)?;
    let attempt = Attempt::Proof { user: user_id };
    attempts::count(request, attempt).await?;
    let mut write = request.begin_unrepeatable_write().await?;
    // The account first, as everywhere.
    let user = users::lock(&write, user_id, "somebody gave the password").await?;
    let user = user.filter(|user| user.status != UserStatus::Suspended).ok_or_else(over)?;
    let challenge = mfa::lock_challenge(&write, token).await?.ok_or_else(over)?;
    if !mfa::prove_code(&write, &user, code).await? {
        mfa::count_try(&write, &challenge).await?;
        write.commit(()).await?;
        return Err(reject("code", Code::CodeInvalid, "This code is wrong, or was used before."));
    }
    mfa::use_challenge(&write, &challenge).await?;
    let through = Through::of_challenge(&challenge);
    let session = sessions::open(&mut write, user.id, through.as_ref()).await?;
    store::note_sign_in(&write, user.id).await?;
    write.commit(()).await?;
    attempts::forgive(request, attempt).await;
    Ok(session)
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
    let session = sessions::lock(&write, id).await?.ok_or_else(invalid)?;
    if session.revoked_at.is_some() || session.expires_at <= request.now() {
        return Err(invalid());
    }
    let renewed = match Held::of(&session, refresh_token, request.now()) {
        Held::Present => {
            let renewed = refresh_tokens::issue(&request.platform, id);
            sessions::rotate(&write, &session, &renewed).await?;
            Some(renewed)
        }
        Held::JustTraded => None,
        Held::Spent => {
            sessions::revoke(&write, id).await?;
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
    let mut write = request.begin_write_of_sessions().await?;
    let (Some(user), Some(session)) = (write.viewer().user_id(), write.viewer().session_id()) else {
        return Err(Error::Unauthenticated);
    };
    sessions::revoke(&write, session).await?;
    write.record(&IdentityEvent::SignedOut { user, session });
    write.commit(()).await?;
    request.sign_out();
    Ok(())
}
