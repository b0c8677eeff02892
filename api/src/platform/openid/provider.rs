//! One provider: sending somebody there, and taking their word from it when they come back.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use url::Url;

use super::claims::Claims;
use super::github;
use super::http::Http;
use super::keys::Keys;
use super::metadata::{Discovery, Metadata};
use super::settings::{Kind, ProviderSettings};
use super::tokens::{self, Expected};
use super::{Identity, ProviderError};
use crate::platform::clock::SharedClock;
use crate::platform::config::SecretText;

/// What somebody is sent to a provider with.
#[derive(Clone, Copy, Debug)]
pub struct Sending<'a> {
    pub callback: &'a str,
    pub state: &'a str,
    pub nonce: &'a str,
    /// The secret of PKCE; its digest goes along.
    pub verifier: &'a str,
    /// Whether they must prove to the provider anew who they are.
    pub anew: bool,
}

/// What they came back with.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    pub code: &'a str,
    /// Who says it is the provider (RFC 9207).
    pub issuer: Option<&'a str>,
}

#[derive(Debug)]
pub struct Provider {
    pub settings: ProviderSettings,
    pub(super) http: Http,
    discovery: Discovery,
    keys: Keys,
}

#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

impl Provider {
    pub(super) fn new(settings: ProviderSettings, http: Http, clock: SharedClock, pause: Duration) -> Self {
        let keys = Keys::new(http.clone(), clock.clone(), pause);
        let discovery = Discovery::new(settings.issuer.clone(), http.clone(), clock);
        Self { settings, http, discovery, keys }
    }

    /// Whether somebody can be asked there to prove anew who they are, and that be seen.
    pub fn proves_anew(&self) -> bool {
        self.settings.kind == Kind::Openid
    }

    pub(super) fn takes_tokens_of(&self, issuer: &str) -> bool {
        !self.settings.audiences.is_empty() && self.settings.issuer == issuer
    }

    pub(super) fn secret(&self) -> Option<&str> {
        self.settings.client_secret.as_ref().map(SecretText::reveal)
    }

    /// The address to send somebody to.
    pub async fn address(&self, sending: Sending<'_>) -> Result<String, ProviderError> {
        let endpoint = match self.settings.kind {
            Kind::Openid => self.discovery.get().await?.authorization_endpoint.clone(),
            Kind::Github => github::authorization_endpoint(&self.settings.issuer),
        };
        let mut address = Url::parse(&endpoint).map_err(ProviderError::refused)?;
        let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(sending.verifier));
        address
            .query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.settings.client_id)
            .append_pair("redirect_uri", sending.callback)
            .append_pair("scope", &self.settings.scopes.join(" "))
            .append_pair("state", sending.state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if self.settings.kind == Kind::Openid {
            address.query_pairs_mut().append_pair("nonce", sending.nonce);
        }
        if sending.anew {
            address.query_pairs_mut().append_pair("prompt", "login").append_pair("max_age", "0");
        }
        Ok(address.into())
    }

    /// Who came back, by the code they brought.
    pub async fn identify(&self, answer: Answer<'_>, sent: Sending<'_>) -> Result<Identity, ProviderError> {
        match self.settings.kind {
            Kind::Openid => self.identify_by_token(answer, sent).await,
            Kind::Github => github::identify(self, answer, sent).await,
        }
    }

    async fn identify_by_token(&self, answer: Answer<'_>, sent: Sending<'_>) -> Result<Identity, ProviderError> {
        let metadata = self.discovery.get().await?;
        let is_missing = answer.issuer.is_none() && metadata.authorization_response_iss_parameter_supported;
        if is_missing || answer.issuer.is_some_and(|issuer| issuer != metadata.issuer) {
            return Err(ProviderError::refused("the answer is another provider's"));
        }
        let tokens = self.exchange(&metadata, answer, sent).await?;
        let audiences = std::slice::from_ref(&self.settings.client_id);
        let claims = self.claims(&metadata, &tokens.id_token, audiences).await?;
        let is_for_another = claims.azp.as_ref().is_some_and(|party| *party != self.settings.client_id);
        if is_for_another || claims.name_others() && claims.azp.is_none() {
            return Err(ProviderError::refused("the token is for another client"));
        }
        if claims.nonce.as_deref() != Some(sent.nonce) {
            return Err(ProviderError::refused("the token is not of this sign-in"));
        }
        let access_token = tokens.access_token.as_deref();
        self.completed(&metadata, claims, access_token).await?.into_identity(&metadata.issuer)
    }

    async fn exchange(
        &self,
        metadata: &Metadata,
        answer: Answer<'_>,
        sent: Sending<'_>,
    ) -> Result<Tokens, ProviderError> {
        let client = self.settings.client_id.as_str();
        let mut form = vec![
            ("grant_type", "authorization_code"),
            ("code", answer.code),
            ("redirect_uri", sent.callback),
            ("code_verifier", sent.verifier),
        ];
        let mut basic = None;
        match self.secret() {
            Some(secret) if metadata.wants_secret_in_form() => {
                form.extend([("client_id", client), ("client_secret", secret)]);
            }
            Some(secret) => basic = Some((client, secret)),
            None => form.push(("client_id", client)),
        }
        self.http.post(&metadata.token_endpoint, &form, basic).await
    }

    async fn claims(&self, metadata: &Metadata, token: &str, audiences: &[String]) -> Result<Claims, ProviderError> {
        let expected = Expected { issuer: &metadata.issuer, keys_address: &metadata.jwks_uri, audiences };
        tokens::verify(token, &self.keys, expected).await
    }

    /// With the address and the name from the userinfo endpoint, if the token does not tell them.
    async fn completed(
        &self,
        metadata: &Metadata,
        mut claims: Claims,
        access_token: Option<&str>,
    ) -> Result<Claims, ProviderError> {
        if let (None, Some(endpoint), Some(token)) = (&claims.email, &metadata.userinfo_endpoint, access_token) {
            let told: Claims = self.http.get(endpoint, Some(token)).await?;
            // OpenID Connect Core 5.3.2: otherwise somebody else's token was put in.
            if told.sub != claims.sub {
                return Err(ProviderError::refused("its two answers speak of two people"));
            }
            claims.email = told.email;
            claims.email_verified = told.email_verified;
            claims.name = claims.name.or(told.name);
        }
        Ok(claims)
    }

    /// Whose access token this is and until when it is good. Nobody's but the issuer's, for one of our audiences.
    pub async fn holder(&self, token: &str) -> Result<(Identity, DateTime<Utc>), ProviderError> {
        let metadata = self.discovery.get().await?;
        let claims = self.claims(&metadata, token, &self.settings.audiences).await?;
        // What is made for a sign-in is shown to a browser, and is no key to an API.
        let ends = claims.exp.and_then(|seconds| DateTime::from_timestamp(seconds, 0));
        match ends.filter(|_| claims.nonce.is_none() && claims.iat.is_some()) {
            Some(ends) => Ok((claims.into_identity(&metadata.issuer)?, ends)),
            None => Err(ProviderError::refused("this is no access token")),
        }
    }

    /// The same person with what the userinfo endpoint tells, for a token that does not tell the address itself.
    pub async fn described(&self, identity: Identity, token: &str) -> Result<Identity, ProviderError> {
        if identity.email.is_some() {
            return Ok(identity);
        }
        let metadata = self.discovery.get().await?;
        let Some(endpoint) = &metadata.userinfo_endpoint else { return Ok(identity) };
        let told: Claims = match self.http.get(endpoint, Some(token)).await {
            Ok(told) => told,
            // It was made without the right to ask.
            Err(ProviderError::Refused(_)) => return Ok(identity),
            Err(error) => return Err(error),
        };
        if told.sub != identity.subject {
            return Err(ProviderError::refused("its two answers speak of two people"));
        }
        let told = told.into_identity(&metadata.issuer)?;
        Ok(Identity { email: told.email, name: identity.name.or(told.name), ..identity })
    }
}
