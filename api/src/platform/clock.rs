//! Where time and randomness come from. Everything takes them from the request, so that a test can hold them still.

use std::fmt::Debug;
use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use uuid::Uuid;

/// A source of time, ids and random bytes.
pub trait Clock: Debug + Send + Sync {
    /// The present instant, in whole microseconds: what PostgreSQL can store.
    fn now(&self) -> DateTime<Utc>;

    /// A new UUIDv7: sorts by creation time, to the millisecond.
    fn new_id(&self) -> Uuid;

    /// Fills the buffer with bytes fit for keys and tokens.
    fn fill_random(&self, bytes: &mut [u8]);
}

/// The clock of the machine.
#[derive(Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is where time comes from")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now().trunc_subsecs(6)
    }

    #[expect(clippy::disallowed_methods, reason = "this is where ids come from")]
    fn new_id(&self) -> Uuid {
        Uuid::now_v7()
    }

    #[expect(clippy::disallowed_methods, reason = "this is where randomness comes from")]
    fn fill_random(&self, bytes: &mut [u8]) {
        use rand::Rng;
        rand::rng().fill_bytes(bytes);
    }
}

/// A clock that can be shared by every request.
pub type SharedClock = Arc<dyn Clock>;

/// What a random token is known by in the database: it cannot be found from there, and needs no slow hash, since nobody
/// can guess 256 bits.
pub fn token_hash(token: &str) -> Vec<u8> {
    use sha2::{Digest, Sha256};
    Sha256::digest(token.as_bytes()).to_vec()
}

/// A random token of 256 bits, as URL-safe base64 without padding (43 characters).
pub fn random_token(clock: &dyn Clock) -> String {
    use base64::Engine;
    let mut bytes = [0_u8; 32];
    clock.fill_random(&mut bytes);
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(bytes)
}
