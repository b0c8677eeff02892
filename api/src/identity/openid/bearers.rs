//! The people behind access tokens of other issuers. Each has one session here for all tokens of one connection, made at
//! first sight, so that its owner sees it and can end it; tokens that were made before that are no good any more.
//! An account with a second factor is not reached in this way: a token alone would be a way around it.

use chrono::{DateTime, TimeDelta, Utc};
use entity::ids::{OauthConnectionId, SessionId, UserId};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use quick_cache::sync::Cache;
use sea_orm::ConnectionTrait;
use sha2::{Digest, Sha256};

use super::accounts::{self, Account};
use super::rules::shut_out;
use crate::identity::{oauth_connections, sessions};
use crate::platform::errors::{Error, Result};
use crate::platform::openid::{Identity, Provider, ProviderError};
use crate::platform::request::{Platform, Request};
use crate::platform::viewer::{Bearer, ForeignTokens};

/// Tokens whose check is remembered.
const REMEMBERED: usize = 10_000;
/// For how long: a key that its issuer withdraws is good for so much longer at most.
const REMEMBERED_FOR: TimeDelta = TimeDelta::minutes(5);

#[derive(Clone, Copy, Debug)]
struct Known {
    user_id: UserId,
    session_id: SessionId,
    expires: DateTime<Utc>,
    until: DateTime<Utc>,
}

/// Knows the bearers of foreign tokens, and those of lately by heart.
#[derive(Debug)]
pub struct Bearers {
    known: Cache<[u8; 32], Known>,
}

impl Default for Bearers {
    fn default() -> Self {
        Self { known: Cache::new(REMEMBERED) }
    }
}

impl ForeignTokens for Bearers {
    fn bearer<'a>(&'a self, platform: &'a Platform, token: &'a str) -> BoxFuture<'a, Result<Bearer>> {
        self.find(platform, token).boxed()
    }
}

impl Bearers {
    async fn find(&self, platform: &Platform, token: &str) -> Result<Bearer> {
        let digest: [u8; 32] = Sha256::digest(token).into();
        let now = platform.clock.now();
        if let Some(known) = self.known.get(&digest).filter(|known| known.until > now) {
            match platform.viewers.signed_in(known.user_id, known.session_id).await {
                // The session was ended; the token may be good for another.
                Err(Error::Unauthenticated) => {}
                viewer => return Ok(Bearer { viewer: viewer?, expires: Some(known.expires) }),
            }
        }
        let provider = platform.providers.issuer_of(token).ok_or(Error::Unauthenticated)?;
        let (identity, expires) = provider.holder(token).await.map_err(told)?;
        let (user_id, session_id) = session(platform, provider, identity, token).await?;
        let viewer = platform.viewers.signed_in(user_id, session_id).await?;
        let until = expires.min(now + REMEMBERED_FOR);
        self.known.insert(digest, Known { user_id, session_id, expires, until });
        Ok(Bearer { viewer, expires: Some(expires) })
    }
}

fn told(error: ProviderError) -> Error {
    match error {
        ProviderError::Refused(cause) => {
            tracing::debug!(cause, "a foreign token is not good");
            Error::Unauthenticated
        }
        unreachable @ ProviderError::Unreachable(_) => Error::internal(unreachable),
    }
}

/// The session for the tokens of this person; a new one, and a new account, if need be.
async fn session(
    platform: &Platform,
    provider: &Provider,
    identity: Identity,
    token: &str,
) -> Result<(UserId, SessionId)> {
    let request = Request::as_system(platform, "somebody comes with a token of another issuer");
    let known = oauth_connections::find(&request.connection(), provider, &identity).await.map_err(shut_out)?;
    if let Some(known) = known {
        refuse_ended(&request.connection(), known.id, &identity).await?;
        let session = sessions::foreign(&request.connection(), known.id, request.now()).await?;
        // A token that tells of another address, or of none, may speak of somebody whom another organization trusts.
        if let Some(session) = session.filter(|session| session.provider_domain == accounts::vouched_domain(&identity))
        {
            return Ok((session.user_id, session.id));
        }
    }
    let identity = provider.described(identity, token).await.map_err(told)?;
    let mut write = request.begin_write().await?;
    let account = accounts::of_arrival(&mut write, provider, &identity).await;
    let Account { user, through } = account.map_err(shut_out)?;
    if user.mfa_enabled {
        tracing::info!("an account with a second factor is not reached by a foreign token");
        return Err(Error::Unauthenticated);
    }
    // Once more, now that nobody else changes the account.
    refuse_ended(write.connection(), through.connection_id, &identity).await?;
    let present = sessions::foreign(write.connection(), through.connection_id, request.now()).await?;
    let session_id = match present {
        Some(session) if session.provider_domain == through.domain => session.id,
        Some(session) => sessions::tell_domain(&write, session.id, through.domain.as_deref()).await?,
        None => sessions::open_foreign(&mut write, user.id, &through).await?,
    };
    write.commit(()).await?;
    Ok((user.id, session_id))
}

/// Refuses a token that was made before somebody ended the session for such tokens.
async fn refuse_ended(connection: &impl ConnectionTrait, id: OauthConnectionId, identity: &Identity) -> Result<()> {
    let ended = sessions::foreign_ended_at(connection, id).await?;
    match ended.is_some_and(|ended| identity.issued_at.is_none_or(|issued| issued <= ended)) {
        true => Err(Error::Unauthenticated),
        false => Ok(()),
    }
}
