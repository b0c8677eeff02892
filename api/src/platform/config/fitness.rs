//! Which settings are fit: those that cannot work are refused everywhere, and weak ones in production. Each refusal
//! names its setting.

use std::collections::HashSet;

use http::Uri;
use redis::IntoConnectionInfo;
use sqlx::postgres::PgConnectOptions;

use super::{Config, Stores};
use crate::platform::openid;
use crate::platform::sealing::{self, KeyError};

/// A setting that cannot work, or that production does not accept.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    #[error("DATABASE_URL is no address of PostgreSQL: write it as postgres://USER:PASSWORD@HOST:PORT/DATABASE")]
    DatabaseUrl,
    #[error(
        "REDIS_URL is no address of Redis: write it as redis://USER:PASSWORD@HOST:PORT/NUMBER; TLS (rediss://) is not spoken"
    )]
    RedisUrl,
    #[error(
        "TRELLIS_TOKEN_SECRET is missing: production needs a secret of at least 32 bytes, for example from `openssl rand -base64 48`"
    )]
    MissingTokenSecret,
    #[error("TRELLIS_TOKEN_SECRET is too short: {0} bytes of at least 32")]
    ShortTokenSecret(usize),
    #[error("TRELLIS_TOKEN_SECRET is too simple: take one from `openssl rand -base64 48`")]
    SimpleTokenSecret,
    #[error(
        "TRELLIS_SEALING_KEYS is missing: production needs a key for stored secrets, for example `1:$(openssl rand -base64 32)`"
    )]
    MissingSealingKeys,
    #[error("TRELLIS_SEALING_KEYS: {0}")]
    SealingKeys(#[from] KeyError),
    #[error("TRELLIS_SEALING_KEYS: key {0} is too simple: take one from `openssl rand -base64 32`")]
    SimpleSealingKey(u32),
    #[error("TRELLIS_PUBLIC_URL is missing: production needs to know the https address of its pages")]
    MissingPublicUrl,
    #[error("TRELLIS_PUBLIC_URL must begin with https:// in production, and with http:// or https:// elsewhere")]
    PublicUrl,
    #[error("TRELLIS_MAIL_URL is missing: production needs a server to send mail through, or TRELLIS_MAIL_DIR")]
    MissingMail,
    #[error("TRELLIS_MAIL_FROM is missing: production needs an address that people can answer")]
    LocalSender,
    #[error("TRELLIS_MAIL_URL would show its password: write it as smtps://, or add ?tls=required")]
    PlainMail,
    #[error(transparent)]
    Providers(#[from] openid::FileError),
    #[error("TRELLIS_OPENID_CALLBACKS must begin with https:// in production, and with http:// or https:// elsewhere")]
    Callback,
    #[error("TRELLIS_METRICS_TOKEN is too short: {0} bytes of at least 16")]
    ShortMetricsToken(usize),
    #[error("TRELLIS_BILLING_SECRETS holds a secret of {0} bytes: each has at least 16")]
    ShortBillingSecret(usize),
    #[error("TRELLIS_ACCESS_TOKEN_SECONDS is {0}: production needs at least 60")]
    ShortAccessTokenLife(i64),
    #[error("TRELLIS_DATABASE_ROLE is empty: the server would own the audit log, and could change it")]
    OwnerRole,
    #[error("TRELLIS_CORS_ORIGINS holds {0:?}, which is no origin such as https://app.example.com")]
    NoOrigin(String),
    #[error("TRELLIS_CORS_ORIGINS holds {0:?}: production accepts https:// alone")]
    InsecureOrigin(String),
    #[error("TRELLIS_TRACES_ENDPOINT is no address of a collector: write it as http://HOST:PORT")]
    TracesEndpoint,
}

impl Stores {
    /// Refuses addresses that are none. Their errors repeat nothing, since an address may hold a password.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.database_url.reveal().parse::<PgConnectOptions>().map_err(|_| ConfigError::DatabaseUrl)?;
        self.redis_url.reveal().into_connection_info().map_err(|_| ConfigError::RedisUrl)?;
        Ok(())
    }
}

/// Different bytes that a random secret of 32 bytes has at the very least, in hexadecimal too.
const DIFFERENT_BYTES: usize = 10;

impl Config {
    /// Refuses settings that are not fit for the environment.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.stores.check()?;
        if let Some(secret) = &self.token_secret {
            let secret = secret.reveal();
            if secret.len() < 32 {
                return Err(ConfigError::ShortTokenSecret(secret.len()));
            }
        }
        if let Some(keys) = &self.sealing_keys {
            sealing::parse(keys)?;
        }
        let is_page = |url: &String| url.starts_with("https://") || self.is_development() && url.starts_with("http://");
        if !self.public_url.iter().all(is_page) {
            return Err(ConfigError::PublicUrl);
        }
        if !self.openid.openid_callbacks.iter().all(is_page) {
            return Err(ConfigError::Callback);
        }
        if let Some(path) = &self.openid.openid_providers {
            openid::read(path, self.environment)?;
        }
        if let Some(secret) = self.plans.billing_secrets.iter().find(|secret| secret.reveal().len() < 16) {
            return Err(ConfigError::ShortBillingSecret(secret.reveal().len()));
        }
        if self.http.cors_origins != ["*"] {
            self.http.cors_origins.iter().try_for_each(|origin| check_origin(origin))?;
        }
        if let Some(endpoint) = &self.traces_endpoint {
            let address: Uri = endpoint.parse().map_err(|_| ConfigError::TracesEndpoint)?;
            if address.scheme_str() != Some("http") || address.host().is_none_or(str::is_empty) {
                return Err(ConfigError::TracesEndpoint);
            }
        }
        if self.is_development() { Ok(()) } else { self.check_production() }
    }

    fn check_production(&self) -> Result<(), ConfigError> {
        let secret = self.token_secret.as_ref().ok_or(ConfigError::MissingTokenSecret)?;
        if is_simple(secret.reveal().as_bytes()) {
            return Err(ConfigError::SimpleTokenSecret);
        }
        let keys = sealing::parse(self.sealing_keys.as_ref().ok_or(ConfigError::MissingSealingKeys)?)?;
        if let Some((number, _)) = keys.iter().find(|(_, key)| is_simple(key)) {
            return Err(ConfigError::SimpleSealingKey(*number));
        }
        if self.public_url.is_none() {
            return Err(ConfigError::MissingPublicUrl);
        }
        if self.mail_url.is_none() && self.mail_dir.is_none() {
            return Err(ConfigError::MissingMail);
        }
        if let Some(token) = self.metrics_token.as_ref().filter(|token| token.reveal().len() < 16) {
            return Err(ConfigError::ShortMetricsToken(token.reveal().len()));
        }
        if self.access_token_seconds < 60 {
            return Err(ConfigError::ShortAccessTokenLife(self.access_token_seconds));
        }
        if self.stores.database_role.is_empty() {
            return Err(ConfigError::OwnerRole);
        }
        if self.mail_url.is_some() && self.mail_from.contains("@localhost") {
            return Err(ConfigError::LocalSender);
        }
        if self.mail_url.as_ref().is_some_and(|url| shows_password(url.reveal())) {
            return Err(ConfigError::PlainMail);
        }
        match self.http.cors_origins.iter().find(|origin| !origin.starts_with("https://")) {
            Some(origin) => Err(ConfigError::InsecureOrigin(origin.clone())),
            None => Ok(()),
        }
    }
}

/// Whether these bytes were typed by somebody rather than drawn at random.
fn is_simple(secret: &[u8]) -> bool {
    secret.iter().collect::<HashSet<_>>().len() < DIFFERENT_BYTES
}

/// Whether the password of the mail server would go over the wire for everybody to read.
fn shows_password(url: &str) -> bool {
    url.starts_with("smtp://") && url.contains('@') && !url.contains("tls=required")
}

/// An origin as browsers write it: scheme, host and port, and nothing after them.
fn check_origin(origin: &str) -> Result<(), ConfigError> {
    let host = origin.strip_prefix("https://").or_else(|| origin.strip_prefix("http://"));
    match host {
        Some(host) if !host.is_empty() && !host.contains(['/', '*', ' ', '?', '#', '@']) && host.is_ascii() => Ok(()),
        _ => Err(ConfigError::NoOrigin(origin.to_owned())),
    }
}
