//! Signing up, in and out as a client sees it.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use serde::de::IgnoredAny;

use super::rules::{self, Entry, NewAccount};
use crate::identity::IdentityErrorCode;
use crate::identity::users::ViewerObject;
use crate::platform::errors::{Error, Result};
use crate::platform::payload::{Outcome, UserError};
use crate::platform::request::{Request, RequestContext};
use crate::platform::write::Committed;

/// A new account.
#[derive(InputObject)]
struct SignUpInput {
    /// The e-mail address to sign in with, up to 320 characters.
    email: String,
    /// A password of 8 characters or more, 1,024 bytes at most.
    #[graphql(secret)]
    password: String,
    /// The name to be shown with, 1 to 255 characters.
    name: String,
}

/// An account to sign in to.
#[derive(InputObject)]
struct SignInInput {
    /// The e-mail address of the account.
    email: String,
    /// Its password.
    #[graphql(secret)]
    password: String,
}

/// The second step of signing in.
#[derive(InputObject)]
struct SignInConfirmInput {
    /// The mfaToken that signIn answered with. It is good for ten minutes and five attempts.
    #[graphql(secret)]
    mfa_token: String,
    /// A code of the authenticator, or a recovery code.
    #[graphql(secret)]
    code: String,
}

/// A session to keep alive.
#[derive(InputObject)]
struct TokenRefreshInput {
    /// The refresh token you were given last.
    #[graphql(secret)]
    refresh_token: String,
}

/// An open session: its tokens and who it belongs to; or why there is none.
#[derive(SimpleObject)]
pub struct SessionPayload {
    /// Send it as `Authorization: Bearer …`. Short-lived. Null when it was refused.
    access_token: Option<String>,
    /// When the access token ends; null without one.
    access_token_expires_at: Option<DateTime<Utc>>,
    /// Trade it for new tokens with tokenRefresh. Works once; keep it secret. Null when the one you sent was traded less
    /// than 10 seconds ago: whoever traded it, such as another window of yours, was given the next one.
    refresh_token: Option<String>,
    /// Give it to signInConfirm with a code: the account has a second factor, so there is no session yet. Null otherwise.
    mfa_token: Option<String>,
    /// True when a letter to the address says how to go on: there is no session yet. The same for every address. Null
    /// otherwise.
    mail_sent: Option<bool>,
    /// Who signed in; null when it was refused.
    viewer: Option<ViewerObject>,
    /// Why there is no session; empty on success.
    user_errors: Vec<UserError<IdentityErrorCode>>,
}

/// What signing out ended with.
#[derive(SimpleObject)]
pub struct SignOutPayload {
    /// Whether the session is over.
    signed_out: bool,
    /// Why it is not; empty on success.
    user_errors: Vec<UserError<IdentityErrorCode>>,
}

impl SessionPayload {
    /// Signs the access token; from here on the request acts as who signed in.
    pub async fn of(request: &Request, result: Result<Entry>) -> Result<Self> {
        let session = match result {
            Ok(Entry::Open(session)) => session,
            Ok(Entry::SecondFactor { token }) => {
                return Ok(Self { mfa_token: Some(token), ..Self::without_session(Vec::new()) });
            }
            Ok(Entry::ByMail) => return Ok(Self { mail_sent: Some(true), ..Self::without_session(Vec::new()) }),
            Err(error @ Error::Rejected(_)) => {
                let refused: Result<Committed<IgnoredAny>> = Err(error);
                return Ok(Self::without_session(Outcome::of(refused)?.user_errors));
            }
            Err(error) => return Err(error),
        };
        let (token, ends) = request.platform.tokens.issue(session.user_id, session.session_id, request.now())?;
        request.sign_in_as(session.user_id, session.session_id).await?;
        Ok(Self {
            access_token: Some(token),
            access_token_expires_at: Some(ends),
            refresh_token: session.refresh_token,
            viewer: Some(ViewerObject(session.user_id)),
            ..Self::without_session(Vec::new())
        })
    }

    fn without_session(user_errors: Vec<UserError<IdentityErrorCode>>) -> Self {
        Self {
            access_token: None,
            access_token_expires_at: None,
            refresh_token: None,
            mfa_token: None,
            mail_sent: None,
            viewer: None,
            user_errors,
        }
    }
}

/// Coming in and going out.
#[derive(Default)]
pub struct SignInMutation;

#[Object]
impl SignInMutation {
    /// Makes an account with its personal space, and signs in. Where the server's settings want it, as in production, it
    /// sends a letter instead: to a free address the link that makes the account (emailVerify), to one that has an account
    /// a word to its owner; the answer is the same for both.
    async fn sign_up(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new account.")] input: SignUpInput,
    ) -> Result<SessionPayload> {
        let request = ctx.request();
        let new = NewAccount { email: input.email, password: input.password, name: input.name };
        SessionPayload::of(request, rules::sign_up(request, new).await).await
    }

    /// Signs in with address and password. With a second factor it answers an mfaToken instead of a session.
    async fn sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The account.")] input: SignInInput,
    ) -> Result<SessionPayload> {
        let request = ctx.request();
        SessionPayload::of(request, rules::sign_in(request, &input.email, input.password).await).await
    }

    /// Finishes signing in to an account with a second factor.
    async fn sign_in_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The second step.")] input: SignInConfirmInput,
    ) -> Result<SessionPayload> {
        let request = ctx.request();
        let result = rules::confirm(request, &input.mfa_token, &input.code).await;
        SessionPayload::of(request, result.map(Entry::Open)).await
    }

    /// Trades a refresh token for new tokens. Sent again within 10 seconds of its trade it gives an access token alone, so
    /// that windows that share it may refresh at once; any that was traded before that ends its session.
    async fn token_refresh(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The session.")] input: TokenRefreshInput,
    ) -> Result<SessionPayload> {
        let request = ctx.request();
        SessionPayload::of(request, rules::refresh(request, &input.refresh_token).await.map(Entry::Open)).await
    }

    /// Ends your session. Its tokens stop working at once.
    async fn sign_out(&self, ctx: &Context<'_>) -> Result<SignOutPayload> {
        rules::sign_out(ctx.request()).await?;
        Ok(SignOutPayload { signed_out: true, user_errors: Vec::new() })
    }
}
