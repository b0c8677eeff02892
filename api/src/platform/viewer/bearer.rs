//! Who presents a token: one of ours, an API key, or one of an issuer that the settings trust. Every transport asks here.

use std::fmt::Debug;
use std::net::IpAddr;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::{KeyDigest, Viewer};
use crate::platform::errors::{Error, Result};
use crate::platform::request::Platform;

/// Who presented a token, and until when it is good.
#[derive(Clone, Debug)]
pub struct Bearer {
    pub viewer: Viewer,
    /// None when nothing was presented.
    pub expires: Option<DateTime<Utc>>,
}

/// Knows the people behind access tokens of other issuers, which is not for the platform to know.
pub trait ForeignTokens: Debug + Send + Sync {
    /// The bearer of a token that says it is of a trusted issuer; `Unauthenticated` if it is not, or is nobody's.
    fn bearer<'a>(&'a self, platform: &'a Platform, token: &'a str) -> BoxFuture<'a, Result<Bearer>>;
}

impl Platform {
    /// The bearer behind an `Authorization` value that came from this address. No value is nobody; a bad one is
    /// `Unauthenticated`.
    pub async fn bearer(&self, authorization: Option<&str>, ip: Option<IpAddr>) -> Result<Bearer> {
        let Some(authorization) = authorization.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Bearer { viewer: Viewer::Anonymous, expires: None });
        };
        let token = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Error::Unauthenticated)?;
        if let Some(digest) = KeyDigest::of_token(token) {
            let viewer = self.viewers.with_key(digest, ip).await?;
            self.count_use(&viewer);
            let expires = viewer.key().and_then(|key| key.expires);
            return Ok(Bearer { viewer, expires });
        }
        if self.providers.issuer_of(token).is_some() {
            return self.foreign_tokens.bearer(self, token).await;
        }
        let (user_id, session_id, expires) = self.tokens.read(token)?;
        let viewer = self.viewers.signed_in(user_id, session_id).await?;
        Ok(Bearer { viewer, expires })
    }

    /// Counts a use of the key that the viewer is, if it is one.
    pub fn count_use(&self, viewer: &Viewer) {
        if let Viewer::ApiKey(holder) = viewer {
            self.viewers.key_usage().count(holder.key.id, self.clock.now(), holder.ip);
        }
    }
}
