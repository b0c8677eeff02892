//! Whether a token is what it says. Its header chooses nothing: the algorithm must be one that is taken, and the key one
//! of the issuer's for just that.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::{Validation, decode, decode_header};
use serde::Deserialize;

use super::ProviderError;
use super::claims::Claims;
use super::keys::{ALGORITHMS, Keys};

/// By how much the clocks may differ.
const LEEWAY_SECONDS: u64 = 30;
/// Longer than any token that is one.
const MOST_BYTES: usize = 16 * 1024;

/// Who a token must be from and for.
pub struct Expected<'a> {
    pub issuer: &'a str,
    pub keys_address: &'a str,
    /// It must be for one of these.
    pub audiences: &'a [String],
}

/// The claims of the token, if they hold.
pub async fn verify(token: &str, keys: &Keys, expected: Expected<'_>) -> Result<Claims, ProviderError> {
    if token.len() > MOST_BYTES {
        return Err(ProviderError::refused("the token is too long"));
    }
    let header = decode_header(token).map_err(ProviderError::refused)?;
    let algorithm = ALGORITHMS.into_iter().find(|algorithm| *algorithm == header.alg);
    let algorithm = algorithm.ok_or_else(|| ProviderError::refused("the token's algorithm is not taken"))?;
    let key = keys.find(expected.keys_address, header.kid.as_deref(), algorithm).await?;
    let mut validation = Validation::new(algorithm);
    validation.set_issuer(&[expected.issuer]);
    validation.set_audience(expected.audiences);
    validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
    validation.leeway = LEEWAY_SECONDS;
    validation.validate_nbf = true;
    Ok(decode::<Claims>(token, &key, &validation).map_err(ProviderError::refused)?.claims)
}

/// Whom the token says it is from, for finding out who can tell. Not believed.
pub fn claimed_issuer(token: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Issued {
        iss: String,
    }
    let claims = token.split('.').nth(1).filter(|_| token.len() <= MOST_BYTES)?;
    let claims = URL_SAFE_NO_PAD.decode(claims).ok()?;
    serde_json::from_slice::<Issued>(&claims).ok().map(|issued| issued.iss)
}
