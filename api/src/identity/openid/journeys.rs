//! The way to a provider and back. Who sets out is given the address to go to and a secret that stays in the browser.
//! The state in the address is good once, for ten minutes, and only together with that secret: so nobody can bring their
//! own sign-in to an end in somebody else's browser. Nonce and PKCE's verifier are made from the secret, and are stored
//! nowhere.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Duration, Utc};
use entity::enums::OpenIdPurpose;
use entity::ids::OpenIdJourneyId;
use hmac::{Hmac, KeyInit, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

use super::store::{self, NewJourney};
use crate::identity::IdentityErrorCode as Code;
use crate::identity::attempts::{self, Attempt};
use crate::identity::sessions;
use crate::platform::clock::random_token;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::openid::{Answer, Identity, Provider, ProviderError, Sending};
use crate::platform::request::{Platform, Request};
use crate::platform::write::Committed;

const MINUTES: i64 = 10;
/// Longer than any code or state that is one.
const MOST_BYTES: usize = 4_096;

/// What somebody sets out with.
#[derive(Debug, Serialize, Deserialize)]
pub struct Departure {
    pub authorization_url: String,
    pub browser_secret: String,
    pub expires_at: DateTime<Utc>,
}

/// What somebody comes back with.
pub struct Return {
    pub provider: String,
    pub state: String,
    pub code: String,
    pub issuer: Option<String>,
    pub browser_secret: String,
}

/// Somebody whom a provider let in.
pub struct Arrival {
    pub provider: Arc<Provider>,
    pub identity: Identity,
    pub set_out_at: DateTime<Utc>,
}

fn derived(platform: &Platform, purpose: &[u8], id: OpenIdJourneyId, browser_secret: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(platform.config.token_secret().as_bytes());
    let mac = mac.expect("Invariant: a key of HMAC may have any length");
    let mac = mac.chain_update(purpose).chain_update(id.uuid()).chain_update(browser_secret);
    URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
}

/// What a journey is made secure with besides its state.
struct Proofs {
    nonce: String,
    verifier: String,
}

impl Proofs {
    fn of(platform: &Platform, id: OpenIdJourneyId, browser_secret: &str) -> Self {
        Self {
            nonce: derived(platform, b"trellis openid nonce", id, browser_secret),
            verifier: derived(platform, b"trellis openid verifier", id, browser_secret),
        }
    }
}

/// Where the provider sends people back to: the page that was asked for, if it is one of the settings, and the id of the
/// provider as its last part, so that an answer of one is never taken for another's.
fn callback(request: &Request, asked: Option<&str>, provider: &str) -> Result<String> {
    let pages = request.platform.config.callbacks();
    let page = match asked {
        None => pages.first(),
        Some(asked) => pages.iter().find(|page| *page == asked.trim_end_matches('/')),
    };
    let message = "This page is not one of TRELLIS_OPENID_CALLBACKS.";
    let page = page.ok_or_else(|| reject("callback", Code::CallbackUnknown, message))?;
    Ok(format!("{page}/{provider}"))
}

/// Sends somebody to a provider.
pub async fn set_out(
    request: &Request,
    purpose: OpenIdPurpose,
    provider: &str,
    asked_callback: Option<&str>,
) -> Result<Committed<Departure>> {
    if purpose != OpenIdPurpose::SignIn {
        request.user_id()?;
    }
    attempts::count(request, Attempt::Journey).await?;
    let platform = &request.platform;
    let provider = platform.providers.get(provider);
    let provider = provider.ok_or_else(|| reject("provider", Code::ProviderUnknown, "There is no such provider."))?;
    let callback = callback(request, asked_callback, &provider.settings.id)?;
    let anew = purpose == OpenIdPurpose::Reauthenticate;
    if anew && !provider.proves_anew() {
        let message = "This provider cannot be asked to prove again who somebody is.";
        return Err(reject("provider", Code::ProviderUnavailable, message));
    }
    let id = OpenIdJourneyId(request.new_id());
    let (state, browser_secret) = (random_token(&*platform.clock), random_token(&*platform.clock));
    let Proofs { nonce, verifier } = Proofs::of(platform, id, &browser_secret);
    let sending = Sending { callback: &callback, state: &state, nonce: &nonce, verifier: &verifier, anew };
    let authorization_url = provider.address(sending).await.map_err(told)?;
    let expires_at = request.now() + Duration::minutes(MINUTES);
    let write = request.begin_unrepeatable_write().await?;
    if purpose == OpenIdPurpose::Link {
        sessions::require_recent_authentication(&write).await?;
    }
    let session_id = match purpose {
        OpenIdPurpose::SignIn => None,
        OpenIdPurpose::Link | OpenIdPurpose::Reauthenticate => {
            Some(write.viewer().session_id().ok_or(Error::Unauthenticated)?)
        }
    };
    let (provider, callback) = (provider.settings.id.as_str(), callback.as_str());
    let (state, secret) = (state.as_str(), browser_secret.as_str());
    let new = NewJourney { id, provider, purpose, session_id, callback, state, browser_secret: secret, expires_at };
    store::insert(&write, new).await?;
    write.commit(Departure { authorization_url, browser_secret, expires_at }).await
}

/// Takes somebody back who was sent out for this purpose: the journey is over at once, then the provider is asked.
pub async fn come_back(request: &Request, purpose: OpenIdPurpose, back: &Return) -> Result<Arrival> {
    let over = || {
        reject(
            "state",
            Code::TokenInvalid,
            "This way is over, or was begun in another browser. Begin again with openIdBegin.",
        )
    };
    attempts::count(request, Attempt::Link).await?;
    let texts = [&back.state, &back.code, &back.browser_secret];
    let provider = request.platform.providers.get(&back.provider);
    let provider = provider.filter(|_| texts.iter().all(|text| text.len() <= MOST_BYTES)).ok_or_else(over)?;
    let write = request.begin_unrepeatable_write().await?;
    let journey = store::lock(&write, &back.state, &back.browser_secret).await?;
    let session_id = write.viewer().session_id();
    let is_this = |journey: &entity::identity::openid_journey::Model| {
        journey.provider == back.provider
            && journey.purpose == purpose
            && (journey.session_id.is_none() || journey.session_id == session_id)
    };
    let journey = journey.filter(is_this).ok_or_else(over)?;
    store::use_up(&write, journey.id).await?;
    write.commit(()).await?;
    let Proofs { nonce, verifier } = Proofs::of(&request.platform, journey.id, &back.browser_secret);
    let anew = purpose == OpenIdPurpose::Reauthenticate;
    let sent = Sending { callback: &journey.callback, state: &back.state, nonce: &nonce, verifier: &verifier, anew };
    let answer = Answer { code: &back.code, issuer: back.issuer.as_deref() };
    let identity = provider.identify(answer, sent).await.map_err(told)?;
    Ok(Arrival { provider: Arc::clone(provider), identity, set_out_at: journey.created_at })
}

/// What a person is told of it. The log has the cause.
fn told(error: ProviderError) -> Error {
    tracing::warn!(%error, "somebody could not come in through a provider");
    match error {
        ProviderError::Unreachable(_) => reject(
            "",
            Code::ProviderUnavailable,
            "The identity provider does not answer at the moment. Try again soon.",
        ),
        ProviderError::Refused(_) => {
            reject("", Code::ProviderRefused, "What the identity provider said does not hold. Begin again.")
        }
    }
}
