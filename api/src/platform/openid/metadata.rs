//! What a provider says of itself: where it is to be asked. Kept for an hour, and longer while it does not answer.

use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::ProviderError;
use super::http::Http;
use super::silence::Silence;
use crate::platform::clock::SharedClock;

const LIFE: TimeDelta = TimeDelta::hours(1);

/// The part of OpenID Connect Discovery that is used.
#[derive(Clone, Debug, Deserialize)]
pub struct Metadata {
    pub issuer: String,
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: String,
    /// RFC 9207: whether it names itself when it sends somebody back.
    #[serde(default)]
    pub authorization_response_iss_parameter_supported: bool,
    pub token_endpoint_auth_methods_supported: Option<Vec<String>>,
}

impl Metadata {
    /// Whether the client's password goes into the form, since the header is not taken.
    pub fn wants_secret_in_form(&self) -> bool {
        let methods = self.token_endpoint_auth_methods_supported.as_deref();
        methods.is_some_and(|methods| !methods.iter().any(|method| method == "client_secret_basic"))
    }

    fn addresses(&self) -> impl Iterator<Item = &str> {
        let always = [&self.authorization_endpoint, &self.token_endpoint, &self.jwks_uri];
        always.into_iter().chain(&self.userinfo_endpoint).map(String::as_str)
    }
}

#[derive(Debug, Default)]
struct Held {
    since: DateTime<Utc>,
    metadata: Option<Arc<Metadata>>,
    silence: Silence,
}

/// The metadata of one issuer.
#[derive(Debug)]
pub struct Discovery {
    issuer: String,
    http: Http,
    clock: SharedClock,
    held: Mutex<Held>,
}

impl Discovery {
    pub fn new(issuer: String, http: Http, clock: SharedClock) -> Self {
        Self { issuer, http, clock, held: Mutex::default() }
    }

    /// What is held, or what the provider says now.
    pub async fn get(&self) -> Result<Arc<Metadata>, ProviderError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        if let Some(metadata) = held.metadata.as_ref().filter(|_| now - held.since < LIFE) {
            return Ok(Arc::clone(metadata));
        }
        held.silence.refuse_within(now)?;
        match self.ask().await {
            Ok(metadata) => {
                let metadata = Arc::new(metadata);
                *held = Held { since: now, metadata: Some(Arc::clone(&metadata)), silence: Silence::default() };
                Ok(metadata)
            }
            Err(error) => {
                held.silence = Silence::since(now);
                match (error, &held.metadata) {
                    (ProviderError::Unreachable(cause), Some(metadata)) => {
                        let metadata = Arc::clone(metadata);
                        tracing::warn!(
                            issuer = self.issuer,
                            cause,
                            "a provider does not answer; what it said before is used"
                        );
                        held.since = now;
                        Ok(metadata)
                    }
                    (error, _) => Err(error),
                }
            }
        }
    }

    async fn ask(&self) -> Result<Metadata, ProviderError> {
        let address = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let metadata: Metadata = self.http.get(&address, None).await?;
        if metadata.issuer != self.issuer {
            return Err(ProviderError::Refused(format!("it calls itself {}", metadata.issuer)));
        }
        // No less safe than the issuer itself, whose address the operator wrote.
        let is_safe = |address: &str| address.starts_with("https://") || self.issuer.starts_with("http://");
        if !metadata.addresses().all(is_safe) {
            return Err(ProviderError::refused("one of its addresses is not https"));
        }
        Ok(metadata)
    }
}
