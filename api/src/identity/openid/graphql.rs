//! Signing in through identity providers as a client sees it.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::enums::OpenIdPurpose;

use super::journeys::{self, Departure, Return};
use super::rules;
use crate::identity::IdentityErrorCode;
use crate::identity::oauth_connections::OauthConnection;
use crate::identity::sign_in::SessionPayload;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::openid::Provider;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// An identity provider.
struct OpenIdProvider(Arc<Provider>);

/// An identity provider by which everybody can sign in.
#[Object]
impl OpenIdProvider {
    /// What openIdBegin knows it by.
    async fn id(&self) -> &str {
        &self.0.settings.id
    }

    /// What people know it by.
    async fn name(&self) -> &str {
        &self.0.settings.name
    }
}

/// Identity providers.
#[derive(Default)]
pub struct OpenIdQuery;

#[Object]
impl OpenIdQuery {
    /// The identity providers of this server by which everybody can sign in, in the order of its settings. Those of one
    /// organization alone are not listed; its people know their ids.
    async fn open_id_providers(&self, ctx: &Context<'_>) -> Vec<OpenIdProvider> {
        let providers = ctx.request().platform.providers.all().iter();
        providers.filter(|provider| provider.settings.organization.is_none()).cloned().map(OpenIdProvider).collect()
    }
}

/// A way to an identity provider.
#[derive(InputObject)]
struct OpenIdBeginInput {
    /// The id of the provider.
    provider: String,
    /// What for.
    #[graphql(default_with = "OpenIdPurpose::SignIn")]
    purpose: OpenIdPurpose,
    /// The page to come back to: one of those that the server's settings list. The provider's id is added as the last part
    /// of its path. Default: the first of them.
    callback: Option<String>,
}

/// What somebody sets out for an identity provider with.
#[derive(SimpleObject)]
struct OpenIdDeparture {
    /// Where to send the browser.
    authorization_url: String,
    /// Keep it in the browser alone (sessionStorage), and give it back with the answer. Without it the answer is good for
    /// nobody.
    browser_secret: String,
    /// Until when the answer must be here: ten minutes.
    expires_at: DateTime<Utc>,
}

impl From<Departure> for OpenIdDeparture {
    fn from(Departure { authorization_url, browser_secret, expires_at }: Departure) -> Self {
        Self { authorization_url, browser_secret, expires_at }
    }
}

payload! {
    /// What setting out for an identity provider ended with.
    OpenIdBeginPayload {
        /// What to set out with; null when it was refused.
        departure: OpenIdDeparture, IdentityErrorCode
    }
}

/// What somebody came back with from an identity provider: what stands in the address of the page, and what the browser
/// kept. It is good once.
#[derive(InputObject)]
struct OpenIdAnswerInput {
    /// The id of the provider: the last part of the page's path.
    provider: String,
    /// The parameter state.
    #[graphql(secret)]
    state: String,
    /// The parameter code.
    #[graphql(secret)]
    code: String,
    /// The parameter iss, if there is one.
    issuer: Option<String>,
    /// The browserSecret of openIdBegin.
    #[graphql(secret)]
    browser_secret: String,
}

impl From<OpenIdAnswerInput> for Return {
    fn from(input: OpenIdAnswerInput) -> Self {
        let OpenIdAnswerInput { provider, state, code, issuer, browser_secret } = input;
        Self { provider, state, code, issuer, browser_secret }
    }
}

payload! {
    /// What linking an identity provider ended with.
    OpenIdLinkPayload {
        /// The account at the provider; null when it was refused.
        oauth_connection: OauthConnection, IdentityErrorCode
    }
}

payload! {
    /// What proving who you are by an identity provider ended with.
    OpenIdReauthenticatePayload {
        /// From when on your session counts as proved. Dangerous changes are allowed for some minutes. Null when it was refused.
        authenticated_at: DateTime<Utc>, IdentityErrorCode
    }
}

/// Coming in through identity providers.
#[derive(Default)]
pub struct OpenIdMutation;

#[Object]
impl OpenIdMutation {
    /// Gives the address at an identity provider to send the browser to. To link a provider needs a recent proof of who
    /// you are.
    async fn open_id_begin(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The way.")] input: OpenIdBeginInput,
    ) -> Result<OpenIdBeginPayload> {
        let (request, callback) = (ctx.request(), input.callback.as_deref());
        let result = journeys::set_out(request, input.purpose, &input.provider, callback).await;
        Ok(Outcome::of(result)?.map(OpenIdDeparture::from).into())
    }

    /// Signs in as who comes back from an identity provider, or signs up. An account is found by the provider's own name
    /// for the person, never by an address: who has an account with that address already signs in to it and links the
    /// provider. With a second factor it answers an mfaToken instead of a session.
    async fn open_id_sign_in(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer.")] input: OpenIdAnswerInput,
    ) -> Result<SessionPayload> {
        let request = ctx.request();
        SessionPayload::of(request, rules::sign_in(request, &input.into()).await).await
    }

    /// Makes the account at an identity provider a way to sign in to yours. To be finished in the session that began it.
    /// Needs a recent proof of who you are.
    async fn open_id_link(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer.")] input: OpenIdAnswerInput,
    ) -> Result<OpenIdLinkPayload> {
        let result = rules::link(ctx.request(), &input.into()).await;
        Ok(Outcome::of(result)?.map(OauthConnection::from).into())
    }

    /// Proves again who you are, by a linked identity provider that asks you anew. What was refused as
    /// REAUTHENTICATION_REQUIRED can be repeated after it.
    async fn open_id_reauthenticate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The answer.")] input: OpenIdAnswerInput,
    ) -> Result<OpenIdReauthenticatePayload> {
        Ok(Outcome::of(rules::reauthenticate(ctx.request(), &input.into()).await)?.into())
    }
}
