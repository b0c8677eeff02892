//! The signature of a webhook: `Stripe-Signature: t=SECONDS,v1=HEX[,v1=HEX…]`, an HMAC-SHA256 of "SECONDS.BODY". Pure.
//! Source: <https://docs.stripe.com/webhooks/signature>.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::platform::config::SecretText;

/// Why a signature is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It has another form.
    Malformed,
    /// No secret gives it.
    Wrong,
    /// It was made too long ago, or its time is ahead.
    OutOfTime,
}

/// Signatures that are looked at; a header has a few at most.
const MOST: usize = 16;

/// Believes a body that one of the secrets signed, so many seconds ago at most.
pub fn check(
    header: &str,
    body: &[u8],
    secrets: &[SecretText],
    now_seconds: i64,
    tolerance_seconds: i64,
) -> Result<(), Refusal> {
    let mut time = None;
    let mut signatures = Vec::new();
    for part in header.split(',') {
        match part.trim().split_once('=') {
            Some(("t", _)) if time.is_some() => return Err(Refusal::Malformed),
            Some(("t", text)) => time = Some(text),
            Some(("v1", text)) if signatures.len() < MOST => signatures.extend(bytes(text)),
            _ => {}
        }
    }
    let text = time.ok_or(Refusal::Malformed)?;
    let seconds: i64 = text.parse().map_err(|_| Refusal::Malformed)?;
    if signatures.is_empty() {
        return Err(Refusal::Malformed);
    }
    let is_signed = secrets.iter().any(|secret| {
        let mac = Hmac::<Sha256>::new_from_slice(secret.reveal().as_bytes());
        let mac = mac.expect("Invariant: a key of any length will do").chain_update(text).chain_update(b".");
        let mac = mac.chain_update(body);
        signatures.iter().any(|signature| mac.clone().verify_slice(signature).is_ok())
    });
    if !is_signed {
        return Err(Refusal::Wrong);
    }
    // Told last: only who knows a secret learns how the clocks differ.
    let is_in_time = now_seconds.checked_sub(seconds).is_some_and(|age| age.abs() <= tolerance_seconds);
    if is_in_time { Ok(()) } else { Err(Refusal::OutOfTime) }
}

fn bytes(hex: &str) -> Option<Vec<u8>> {
    let digits = hex.as_bytes();
    let pairs = digits.chunks(2).map(|pair| match pair {
        [_, _] if pair.iter().all(u8::is_ascii_hexdigit) => {
            u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok()
        }
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"{\"id\":\"evt_1\"}";

    fn signed(secret: &str, seconds: &str, body: &[u8]) -> String {
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
        let mac = mac.chain_update(seconds).chain_update(b".").chain_update(body);
        mac.finalize().into_bytes().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn checked(header: &str, body: &[u8]) -> Result<(), Refusal> {
        check(header, body, &["old".into(), "new".into()], 1_000, 300)
    }

    #[test]
    fn any_secret_and_any_of_several_signatures_will_do() {
        for secret in ["old", "new"] {
            let good = signed(secret, "1000", BODY);
            assert_eq!(checked(&format!("t=1000,v1={good}"), BODY), Ok(()));
            assert_eq!(checked(&format!("t=1000, v0=00,v1=00ff,v1={good}"), BODY), Ok(()));
        }
    }

    #[test]
    fn nothing_of_what_was_signed_can_be_changed() {
        let good = signed("new", "1000", BODY);
        assert_eq!(checked(&format!("t=1001,v1={good}"), BODY), Err(Refusal::Wrong));
        assert_eq!(checked(&format!("t=1000,v1={good}"), b"{\"id\":\"evt_2\"}"), Err(Refusal::Wrong));
        assert_eq!(checked(&format!("t=1000,v0={good}"), BODY), Err(Refusal::Malformed));
        let other = signed("other", "1000", BODY);
        assert_eq!(checked(&format!("t=1000,v1={other}"), BODY), Err(Refusal::Wrong));
    }

    #[test]
    fn a_clock_may_be_off_by_the_tolerance_and_no_more() {
        for (seconds, expected) in [
            ("700", Ok(())),
            ("1300", Ok(())),
            ("699", Err(Refusal::OutOfTime)),
            ("1301", Err(Refusal::OutOfTime)),
            ("-9223372036854775808", Err(Refusal::OutOfTime)),
        ] {
            assert_eq!(
                checked(&format!("t={seconds},v1={}", signed("new", seconds, BODY)), BODY),
                expected,
                "{seconds}"
            );
        }
    }

    #[test]
    fn what_is_no_signature_is_refused() {
        for header in
            ["", "t=1000", "v1=00", "t=x,v1=00", "t=1000,t=1000,v1=00", "t=1000,v1=", "t=1000,v1=0", "t=1000,v1=zz"]
        {
            assert!(checked(header, BODY).is_err(), "{header}");
        }
    }
}
