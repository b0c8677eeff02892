//! Proving again who is signed in, as a client sees it.

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};

use super::rules;
use crate::identity::IdentityErrorCode;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// A proof.
#[derive(InputObject)]
struct ReauthenticateInput {
    /// Your password. Enough for an account without a second factor.
    #[graphql(secret)]
    password: Option<String>,
    /// A code of your authenticator, or a recovery code. An account with a second factor needs it.
    #[graphql(secret)]
    code: Option<String>,
}

payload! {
    /// What proving who you are ended with.
    ReauthenticatePayload {
        /// From when on your session counts as proved. Dangerous changes are allowed for some minutes. Null when it was refused.
        authenticated_at: DateTime<Utc>, IdentityErrorCode
    }
}

/// Proofs.
#[derive(Default)]
pub struct ReauthenticationMutation;

#[Object]
impl ReauthenticationMutation {
    /// Proves again who you are. What was refused as REAUTHENTICATION_REQUIRED can be repeated after it.
    async fn reauthenticate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The proof.")] input: ReauthenticateInput,
    ) -> Result<ReauthenticatePayload> {
        Ok(Outcome::of(rules::reauthenticate(ctx.request(), input.password, input.code).await)?.into())
    }
}
