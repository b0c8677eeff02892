//! Our access tokens: whose session the bearer holds, signed. Whether it still lives is asked of PostgreSQL at each
//! request.

use chrono::{DateTime, Utc};
use entity::ids::{SessionId, UserId};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::config::Config;
use crate::platform::errors::{Error, Result};

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

    /// Whose session the token is for, and until when it is good.
    pub(super) fn read(&self, token: &str) -> Result<(UserId, SessionId, Option<DateTime<Utc>>)> {
        let claims = jsonwebtoken::decode::<Claims>(token, &self.decoding, &self.validation);
        let claims = claims.map_err(|_| Error::Unauthenticated)?.claims;
        Ok((UserId(claims.sub), SessionId(claims.sid), DateTime::from_timestamp(claims.exp, 0)))
    }
}
