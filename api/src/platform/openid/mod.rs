//! Identity providers as the protocol sees them: OpenID Connect by discovery, and GitHub's OAuth. It knows how to send
//! somebody to a provider, what the provider then says of them, and whether a token is the provider's. Who that is here
//! is for `identity` to say.
//! A provider's word counts only as far as it was checked: its issuer, the key, the audience, the time, the nonce.

mod claims;
mod github;
mod http;
mod keys;
mod metadata;
mod provider;
mod settings;
mod silence;
mod tokens;

use std::collections::HashMap;
use std::sync::Arc;

pub use provider::{Answer, Provider, Sending};
pub use settings::{FileError, Kind, OpenIdSettings, ProviderSettings, read};

use super::clock::SharedClock;
use super::config::Config;
use super::errors::{Error, Result};

/// Why a provider did not say who somebody is.
#[derive(Debug, thiserror::Error)]
pub enum ProviderError {
    /// It cannot be asked at the moment.
    #[error("the provider cannot be asked: {0}")]
    Unreachable(String),
    /// What it said, or what was said to be from it, does not hold.
    #[error("the provider's word does not hold: {0}")]
    Refused(String),
}

impl ProviderError {
    fn refused(why: impl std::fmt::Display) -> Self {
        Self::Refused(why.to_string())
    }
}

/// Who somebody is to a provider, checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub issuer: String,
    /// The provider's own name for them, which never becomes another's.
    pub subject: String,
    /// Their address, if the provider says that it verified it.
    pub email: Option<String>,
    pub name: Option<String>,
    /// When they last proved to the provider who they are, if it says so.
    pub authenticated_at: Option<chrono::DateTime<chrono::Utc>>,
    /// When the token that says so was made, if there is one.
    pub issued_at: Option<chrono::DateTime<chrono::Utc>>,
}

/// The providers of the settings, in their order.
#[derive(Debug, Default)]
pub struct Providers {
    list: Vec<Arc<Provider>>,
    by_id: HashMap<String, Arc<Provider>>,
}

impl Providers {
    /// Those of the settings' file. Nothing is asked of them before it is needed.
    pub fn new(config: &Config, clock: &SharedClock) -> Result<Self> {
        let Some(path) = &config.openid.openid_providers else { return Ok(Self::default()) };
        let settings = read(path, config.environment).map_err(Error::internal)?;
        let http = http::Http::new().map_err(Error::internal)?;
        let pause = config.openid.keys_pause();
        let list: Vec<Arc<Provider>> = settings
            .into_iter()
            .map(|settings| Arc::new(Provider::new(settings, http.clone(), Arc::clone(clock), pause)))
            .collect();
        let by_id = list.iter().map(|provider| (provider.settings.id.clone(), Arc::clone(provider))).collect();
        Ok(Self { list, by_id })
    }

    pub fn get(&self, id: &str) -> Option<&Arc<Provider>> {
        self.by_id.get(id)
    }

    /// All of them, in the order of the settings.
    pub fn all(&self) -> &[Arc<Provider>] {
        &self.list
    }

    /// The provider whose access tokens are taken and that this one says it is from. Nothing of the token is believed yet.
    pub fn issuer_of(&self, token: &str) -> Option<&Arc<Provider>> {
        let issuer = tokens::claimed_issuer(token)?;
        self.list.iter().find(|provider| provider.takes_tokens_of(&issuer))
    }
}
