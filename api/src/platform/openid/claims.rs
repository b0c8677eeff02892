//! What a provider says of somebody, as it writes it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::{Identity, ProviderError};

/// The claims of a token or of the userinfo address. Signature, issuer, audience and times are checked elsewhere.
#[derive(Debug, Deserialize)]
pub struct Claims {
    pub sub: String,
    /// One audience, or a list.
    #[serde(default)]
    pub aud: Value,
    pub azp: Option<String>,
    pub iat: Option<i64>,
    pub exp: Option<i64>,
    pub auth_time: Option<i64>,
    pub nonce: Option<String>,
    pub email: Option<String>,
    #[serde(default, deserialize_with = "yes")]
    pub email_verified: bool,
    pub name: Option<String>,
}

/// Some providers write the truth as a text.
fn yes<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    let value = Value::deserialize(deserializer)?;
    Ok(value == true || value == "true")
}

/// OpenID Connect Core 2: at most 255 ASCII characters.
pub fn check_subject(subject: &str) -> Result<(), ProviderError> {
    match (1..=255).contains(&subject.len()) && subject.bytes().all(|byte| (0x20..0x7f).contains(&byte)) {
        true => Ok(()),
        false => Err(ProviderError::refused("its subject is not 1 to 255 visible characters")),
    }
}

impl Claims {
    /// Whether they are for somebody else too.
    pub fn name_others(&self) -> bool {
        matches!(&self.aud, Value::Array(names) if names.len() != 1)
    }

    /// Who the claims speak of. An address counts only as far as the provider has verified it.
    pub fn into_identity(self, issuer: &str) -> Result<Identity, ProviderError> {
        check_subject(&self.sub)?;
        let instant = |seconds: i64| DateTime::<Utc>::from_timestamp(seconds, 0);
        Ok(Identity {
            issuer: issuer.to_owned(),
            subject: self.sub,
            email: self.email.filter(|_| self.email_verified),
            name: self.name,
            authenticated_at: self.auth_time.and_then(instant),
            issued_at: self.iat.and_then(instant),
        })
    }
}
