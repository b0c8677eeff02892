//! Access tokens: who the bearer is, signed. Whether the session still lives is asked of PostgreSQL at each request.

use chrono::{DateTime, Utc};
use entity::ids::{SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::config::Config;
use crate::platform::errors::{Error, Result};
use crate::platform::viewer::{Viewer, Viewers};

const ISSUER: &str = "trellis";

/// The claims of an access token.
#[derive(Debug, Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: Uuid,
    sid: Uuid,
    iat: i64,
    exp: i64,
}

/// Who presented a token, and until when it is good.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub viewer: Viewer,
    /// None when nothing was presented.
    pub expires: Option<DateTime<Utc>>,
}

/// Signs and reads access tokens.
pub struct Tokens {
    encoding: EncodingKey,
    decoding: DecodingKey,
    validation: Validation,
    life_seconds: i64,
}

impl std::fmt::Debug for Tokens {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Tokens").field("life_seconds", &self.life_seconds).finish_non_exhaustive()
    }
}

impl Tokens {
    pub fn new(config: &Config) -> Self {
        let secret = config.token_secret().as_bytes();
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_required_spec_claims(&["exp", "iss", "sub"]);
        validation.validate_aud = false;
        validation.leeway = 5;
        Self {
            encoding: EncodingKey::from_secret(secret),
            decoding: DecodingKey::from_secret(secret),
            validation,
            life_seconds: config.access_token_seconds,
        }
    }

    /// Signs a token for the session; says when it ends.
    pub fn issue(&self, user_id: UserId, session_id: SessionId, now: DateTime<Utc>) -> Result<(String, DateTime<Utc>)> {
        let iat = now.timestamp();
        let exp = iat + self.life_seconds;
        let claims = Claims { iss: ISSUER.to_owned(), sub: user_id.uuid(), sid: session_id.uuid(), iat, exp };
        let token =
            jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &self.encoding).map_err(Error::internal)?;
        let ends =
            DateTime::from_timestamp(exp, 0).ok_or_else(|| Error::internal("the token's end is out of range"))?;
        Ok((token, ends))
    }

    /// The bearer behind an `Authorization` value. No value is nobody; a bad one is `Unauthenticated`.
    pub async fn bearer(&self, authorization: Option<&str>, viewers: &Viewers) -> Result<Bearer> {
        let Some(authorization) = authorization.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Bearer { viewer: Viewer::Anonymous, expires: None });
        };
        let token = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Error::Unauthenticated)?;
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation)
            .map_err(|_| Error::Unauthenticated)?
            .claims;
        let viewer = viewers.signed_in(UserId(claims.sub), SessionId(claims.sid)).await?;
        Ok(Bearer { viewer, expires: DateTime::from_timestamp(claims.exp, 0) })
    }
}
