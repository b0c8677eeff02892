//! A provider's public keys. They are asked for again each hour, and when a token names one that is not known: a provider
//! may change its keys at any time. Never more often than the settings say, whatever tokens come.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::ProviderError;
use super::http::Http;
use super::silence::Silence;
use crate::platform::clock::SharedClock;

const LIFE: TimeDelta = TimeDelta::hours(1);

/// The algorithms that are taken: signatures that only the holder of a private key can make. None is not among them, nor
/// is anything by which a public key could be taken for a shared secret.
pub const ALGORITHMS: [Algorithm; 2] = [Algorithm::RS256, Algorithm::ES256];

/// The list as providers give it. Keys of kinds that are not known are passed over.
#[derive(Deserialize)]
struct Listed {
    keys: Vec<serde_json::Value>,
}

#[derive(Debug, Default)]
struct Held {
    /// When the provider was asked last, with an answer or without.
    asked_at: Option<DateTime<Utc>>,
    keys: Vec<Jwk>,
    silence: Silence,
}

#[derive(Debug)]
pub struct Keys {
    http: Http,
    clock: SharedClock,
    pause: TimeDelta,
    held: Mutex<Held>,
}

impl Keys {
    pub fn new(http: Http, clock: SharedClock, pause: Duration) -> Self {
        let pause = TimeDelta::from_std(pause).unwrap_or(LIFE);
        Self { http, clock, pause, held: Mutex::default() }
    }

    /// The key of this name for this algorithm; the only one there is, for a token that names none.
    pub async fn find(&self, address: &str, name: Option<&str>, of: Algorithm) -> Result<DecodingKey, ProviderError> {
        let mut held = self.held.lock().await;
        let now = self.clock.now();
        let is_older_than = |age| held.asked_at.is_none_or(|asked| now - asked >= age);
        let (is_old, may_ask) = (is_older_than(LIFE), is_older_than(self.pause));
        if is_old || may_ask && pick(&held.keys, name, of).is_none() {
            held.ask(&self.http, address, now).await?;
        }
        let key = pick(&held.keys, name, of).ok_or_else(|| ProviderError::refused("it has no key of this name"))?;
        DecodingKey::from_jwk(key).map_err(ProviderError::refused)
    }
}

impl Held {
    /// Asks for the keys. Those held before stay if there is no answer.
    async fn ask(&mut self, http: &Http, address: &str, now: DateTime<Utc>) -> Result<(), ProviderError> {
        self.silence.refuse_within(now)?;
        match http.get::<Listed>(address, None).await {
            Ok(listed) => {
                let keys = listed.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect();
                *self = Self { asked_at: Some(now), keys, silence: Silence::default() };
                Ok(())
            }
            Err(error) if self.keys.is_empty() => {
                self.silence = Silence::since(now);
                Err(error)
            }
            Err(error) => {
                tracing::warn!(%error, "a provider does not tell its keys; those of before are used");
                self.asked_at = Some(now);
                Ok(())
            }
        }
    }
}

fn pick<'a>(keys: &'a [Jwk], name: Option<&str>, of: Algorithm) -> Option<&'a Jwk> {
    let mut fitting = keys.iter().filter(|key| fits(key, of));
    match name {
        Some(name) => fitting.find(|key| key.common.key_id.as_deref() == Some(name)),
        None => fitting.next().filter(|_| fitting.next().is_none()),
    }
}

/// Whether the key is one for signatures of this algorithm: by its kind, not only by what it says of itself.
fn fits(key: &Jwk, of: Algorithm) -> bool {
    let is_kind = match &key.algorithm {
        AlgorithmParameters::RSA(_) => of == Algorithm::RS256,
        AlgorithmParameters::EllipticCurve(curve) => of == Algorithm::ES256 && curve.curve == EllipticCurve::P256,
        _ => false,
    };
    let is_for_signing = key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    let says_so = key.common.key_algorithm.is_none_or(|algorithm| algorithm.to_string() == format!("{of:?}"));
    is_kind && is_for_signing && says_so
}
