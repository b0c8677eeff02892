//! Hashing and checking passwords, off the async threads and never many at once: one hash takes 19 MiB for tens of
//! milliseconds.

use argon2::password_hash::phc::PasswordHash;
use argon2::{Argon2, PasswordHasher, PasswordVerifier};
use tokio::sync::{OnceCell, Semaphore};

use crate::platform::errors::{Error, Result};

static AT_ONCE: Semaphore = Semaphore::const_new(2);

/// A hash that no password is checked against in earnest, so that an unknown address takes as long as a known one.
static NOBODY: OnceCell<String> = OnceCell::const_new();

/// The argon2id hash of a password, in PHC form.
pub async fn hash(password: String) -> Result<String> {
    off_thread(move || {
        Argon2::default().hash_password(password.as_bytes()).map(|hash| hash.to_string()).map_err(Error::internal)
    })
    .await?
}

/// Whether the password is the one that was hashed. No hash is never right, but takes as long.
pub async fn verify(password: String, hash: Option<String>) -> Result<bool> {
    let nobody = NOBODY.get_or_try_init(|| self::hash("nobody".to_owned())).await?.clone();
    off_thread(move || {
        let known = hash.is_some();
        let hash = hash.unwrap_or(nobody);
        let parsed = PasswordHash::new(&hash).map_err(Error::internal)?;
        Ok(Argon2::default().verify_password(password.as_bytes(), &parsed).is_ok() && known)
    })
    .await?
}

async fn off_thread<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
    let _permit = AT_ONCE.acquire().await.map_err(Error::internal)?;
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}
