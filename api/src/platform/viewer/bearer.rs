//! Who presents a token: one of ours, or one of an issuer that the settings trust. Every transport asks here.

use std::fmt::Debug;

use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;

use super::Viewer;
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
    /// The bearer behind an `Authorization` value. No value is nobody; a bad one is `Unauthenticated`.
    pub async fn bearer(&self, authorization: Option<&str>) -> Result<Bearer> {
        let Some(authorization) = authorization.map(str::trim).filter(|text| !text.is_empty()) else {
            return Ok(Bearer { viewer: Viewer::Anonymous, expires: None });
        };
        let token = authorization
            .split_once(' ')
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim())
            .ok_or(Error::Unauthenticated)?;
        if self.providers.issuer_of(token).is_some() {
            return self.foreign_tokens.bearer(self, token).await;
        }
        let (user_id, session_id, expires) = self.tokens.read(token)?;
        let viewer = self.viewers.signed_in(user_id, session_id).await?;
        Ok(Bearer { viewer, expires })
    }
}
