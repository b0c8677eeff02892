//! Refresh tokens: the id of the session, 256 random bits, and the server's seal over both. The session knows the
//! present token by its digest; the seal tells that any other was given out for it once, however long ago.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::ids::SessionId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::platform::request::Platform;

const SESSION: usize = 16;
const SEALED: usize = SESSION + 32;

/// Keeps the seal from being good for anything else that is signed with the same secret.
const PURPOSE: &[u8] = b"trellis refresh token";

fn seal(platform: &Platform, sealed: &[u8]) -> Hmac<Sha256> {
    let seal = Hmac::<Sha256>::new_from_slice(platform.config.token_secret().as_bytes());
    seal.expect("Invariant: a key of HMAC may have any length").chain_update(PURPOSE).chain_update(sealed)
}

/// A new token for the session.
pub fn issue(platform: &Platform, session: SessionId) -> String {
    let mut token = session.uuid().as_bytes().to_vec();
    token.resize(SEALED, 0);
    platform.clock.fill_random(&mut token[SESSION..]);
    let seal = seal(platform, &token).finalize().into_bytes();
    token.extend_from_slice(&seal);
    URL_SAFE_NO_PAD.encode(token)
}

/// The session that the token was given out for; none when this server never gave it out.
pub fn session_of(platform: &Platform, token: &str) -> Option<SessionId> {
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (sealed, found) = token.split_at_checked(SEALED)?;
    seal(platform, sealed).verify_slice(found).ok()?;
    Uuid::from_slice(&sealed[..SESSION]).ok().map(SessionId)
}

/// What a session knows a token by.
pub fn digest(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}
