//! Codes: how an authenticator app is set up, which of its codes is good now, and how recovery codes look.

use entity::ids::UserId;
use sha2::{Digest, Sha256};
use totp_rs::{Algorithm, Builder, Totp};

use crate::platform::clock::Clock;
use crate::platform::errors::{Error, Result};

/// What RFC 4226 recommends.
pub const SECRET_BYTES: usize = 20;
pub const RECOVERY_CODES: usize = 10;
/// Without letters and digits that look alike.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz234567891";
/// 80 random bits: more than anybody can guess, few enough to write down.
const RECOVERY_LENGTH: usize = 16;

/// The authenticator of an account. SHA-1, six digits and 30 seconds are what every app knows.
pub fn authenticator(secret: &[u8], email: &str) -> Result<Totp> {
    Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(6)
        .with_skew(1)
        .with_step_duration(30)
        .with_secret(secret.to_vec())
        .with_account_name(email.replace(':', ""))
        .with_issuer(Some("Trellis"))
        .build()
        .map_err(Error::internal)
}

/// Recovery codes, such as "abcd-efgh-jkmn-pqrs".
pub fn recovery_codes(clock: &dyn Clock) -> Vec<String> {
    let code = || {
        let mut bytes = [0_u8; RECOVERY_LENGTH];
        clock.fill_random(&mut bytes);
        let letters: Vec<char> = bytes.iter().map(|byte| char::from(ALPHABET[usize::from(byte & 31)])).collect();
        letters.chunks(4).map(String::from_iter).collect::<Vec<_>>().join("-")
    };
    (0..RECOVERY_CODES).map(|_| code()).collect()
}

/// What a recovery code is known by, however it was typed.
pub fn recovery_hash(user: UserId, code: &str) -> Vec<u8> {
    let typed: String = code.chars().filter(|letter| letter.is_ascii_alphanumeric()).collect();
    let mut digest = Sha256::new();
    digest.update(user.uuid().as_bytes());
    digest.update(typed.to_ascii_lowercase().as_bytes());
    digest.finalize().to_vec()
}
