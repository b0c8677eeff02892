//! Asking a provider: over TLS, for a short time, for a little answer, and nowhere else than where it was asked: what
//! sends elsewhere is not followed.

use std::fmt::{Debug, Formatter};
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::request::Builder;
use http::{HeaderValue, Request};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use rustls::crypto::ring;
use serde::de::DeserializeOwned;

use super::ProviderError;

/// The longest that one question may take. An operation asks up to four, most of which are answered from memory.
const PATIENCE: Duration = Duration::from_secs(4);
/// More than any list of keys, and little enough to hold.
const MOST_BYTES: usize = 512 * 1024;

/// Asks providers.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Debug for Http {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Http").finish_non_exhaustive()
    }
}

impl Http {
    /// Trusts the authorities that the machine trusts; where it has no list, those of Mozilla.
    pub fn new() -> Result<Self, rustls::Error> {
        let trusting = match HttpsConnectorBuilder::new().with_provider_and_native_roots(ring::default_provider()) {
            Ok(trusting) => trusting,
            Err(error) => {
                tracing::warn!(%error, "the machine has no list of authorities; Mozilla's is used for identity providers");
                HttpsConnectorBuilder::new().with_provider_and_webpki_roots(ring::default_provider())?
            }
        };
        // That only this machine is asked without TLS, the settings see to.
        let connector = trusting.https_or_http().enable_http1().build();
        Ok(Self { client: Client::builder(TokioExecutor::new()).build(connector) })
    }

    /// The JSON at an address.
    pub async fn get<T: DeserializeOwned>(&self, address: &str, token: Option<&str>) -> Result<T, ProviderError> {
        let request = Request::get(address);
        let request = match token {
            Some(token) => authorized(request, "Bearer", token),
            None => request,
        };
        self.ask(request, Bytes::new()).await
    }

    /// What a form is answered with. The client's name and password stand in the header, as RFC 6749 wants them encoded.
    pub async fn post<T: DeserializeOwned>(
        &self,
        address: &str,
        form: &[(&str, &str)],
        basic: Option<(&str, &str)>,
    ) -> Result<T, ProviderError> {
        let body = serde_urlencoded::to_string(form).map_err(ProviderError::refused)?;
        let request = Request::post(address).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let request = match basic {
            Some((name, password)) => {
                let pair = format!("{}:{}", encoded(name), encoded(password));
                authorized(request, "Basic", &STANDARD.encode(pair))
            }
            None => request,
        };
        self.ask(request, body.into()).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: Builder, body: Bytes) -> Result<T, ProviderError> {
        let request = request.header(ACCEPT, "application/json").header(USER_AGENT, "Trellis").body(Full::new(body));
        let request = request.map_err(ProviderError::refused)?;
        let answered = tokio::time::timeout(PATIENCE, self.answer(request)).await;
        let body = answered.map_err(|_| ProviderError::Unreachable("it takes too long".to_owned()))??;
        // The cause could repeat a token.
        serde_json::from_slice(&body).map_err(|_| ProviderError::refused("its answer is not what was asked for"))
    }

    async fn answer(&self, request: Request<Full<Bytes>>) -> Result<Bytes, ProviderError> {
        let response = self.client.request(request).await;
        let response = response.map_err(|error| ProviderError::Unreachable(with_cause(&error)))?;
        let status = response.status();
        if status.is_server_error() {
            return Err(ProviderError::Unreachable(format!("it answered {status}")));
        }
        if !status.is_success() {
            return Err(ProviderError::Refused(format!("it answered {status}")));
        }
        let body = Limited::new(response.into_body(), MOST_BYTES).collect().await;
        Ok(body.map_err(|error| ProviderError::Unreachable(error.to_string()))?.to_bytes())
    }
}

fn authorized(request: Builder, scheme: &str, value: &str) -> Builder {
    match HeaderValue::try_from(format!("{scheme} {value}")) {
        Ok(mut value) => {
            value.set_sensitive(true);
            request.header(AUTHORIZATION, value)
        }
        // What is no header is no token either; the provider will say so.
        Err(_) => request,
    }
}

fn encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The error with what lies behind it: by itself it says no more than that there was no connection.
fn with_cause(error: &(dyn std::error::Error + 'static)) -> String {
    match error.source() {
        Some(cause) => format!("{error}: {}", with_cause(cause)),
        None => error.to_string(),
    }
}
