//! Signs somebody of the demo in, for scripts and for GraphiQL's first request.

use serde::Serialize;

use super::{EMAIL, PASSWORD, refuse_in_production};
use crate::identity::sign_in::{self, Entry};
use crate::platform::errors::{Error, Result};
use crate::platform::request::{Origin, Platform, Request};
use crate::platform::viewer::Viewer;

/// Life of the demo's access token, in seconds: a day. Build the platform's `Tokens` with it.
pub const TOKEN_SECONDS: i64 = 24 * 60 * 60;

/// What it takes to act as somebody of the demo.
#[derive(Clone, Debug, Serialize)]
pub struct Credentials {
    pub email: String,
    pub password: String,
    /// An access token, good for as long as the platform's tokens are.
    pub token: String,
}

/// Opens a session for somebody of the demo, by default the demo user. Refused in production.
pub async fn credentials(platform: &Platform, email: Option<&str>) -> Result<Credentials> {
    refuse_in_production(platform)?;
    let email = email.unwrap_or(EMAIL);
    let origin = Origin { user_agent: Some("trellis demo".to_owned()), ..Origin::default() };
    let request = Request::new(platform.clone(), Viewer::Anonymous, origin);
    let Entry::Open(session) = sign_in::sign_in(&request, email, PASSWORD.to_owned()).await? else {
        return Err(Error::internal(format!("{email} has a second factor: nobody signs in for them")));
    };
    let (token, _) = platform.tokens.issue(session.user_id, session.session_id, request.now())?;
    Ok(Credentials { email: email.to_owned(), password: PASSWORD.to_owned(), token })
}
