//! Asking servers over HTTP: with TLS, at addresses that may be asked, and nowhere else than where it was asked.

mod connector;
mod events;
mod fetching;
pub mod legacy;
pub mod streamable;

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::LazyLock;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::ClientConfig;
use rustls::crypto::ring;
use url::Url;

pub use self::fetching::fetch;

use self::connector::{ConnectError, Connector};
use super::{Bounds, Failure};
use crate::platform::config::SecretText;

const REDIRECTS: usize = 3;
/// Headers that are ours to set.
const OWN: [&str; 10] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-session-id",
    "transfer-encoding",
];

pub const JSON: HeaderValue = HeaderValue::from_static("application/json");
pub const EVENTS: HeaderValue = HeaderValue::from_static("text/event-stream");

/// Trusts the authorities that the machine trusts; where it has no list, those of Mozilla.
static TLS: LazyLock<Result<ClientConfig, String>> = LazyLock::new(|| {
    let builder = || {
        let builder = ClientConfig::builder_with_provider(ring::default_provider().into());
        builder.with_safe_default_protocol_versions().map_err(|error| error.to_string())
    };
    match builder()?.with_native_roots() {
        Ok(trusting) => Ok(trusting.with_no_client_auth()),
        Err(error) => {
            tracing::warn!(%error, "the machine has no list of authorities; Mozilla's is used for MCP servers");
            Ok(builder()?.with_webpki_roots().with_no_client_auth())
        }
    }
});

/// One server, and what it is told with each request.
#[derive(Clone)]
pub struct Http {
    client: Client<HttpsConnector<Connector>, Full<Bytes>>,
    pub url: Url,
    headers: HeaderMap,
}

impl Http {
    pub fn new(url: &Url, headers: &BTreeMap<String, SecretText>, bounds: &Bounds) -> Result<Self, Failure> {
        check_url(url, bounds)?;
        let tls = TLS.as_ref().map_err(|error| Failure::Unreachable(error.clone()))?;
        let connector = Connector { private_addresses: bounds.private_addresses };
        let over_tls = HttpsConnectorBuilder::new().with_tls_config(tls.clone()).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .build(over_tls.wrap_connector(connector));
        Ok(Self { client, url: url.clone(), headers: read_headers(headers)? })
    }

    /// Sends a request, and follows where it is sent on, as long as that is the same server.
    pub async fn send(
        &self,
        method: Method,
        url: &Url,
        headers: &HeaderMap,
        body: Bytes,
    ) -> Result<Response<Incoming>, Failure> {
        let mut url = url.clone();
        for _ in 0..=REDIRECTS {
            let mut request = Request::builder().method(method.clone()).uri(url.as_str());
            if let Some(all) = request.headers_mut() {
                all.insert(USER_AGENT, HeaderValue::from_static("Trellis"));
                all.extend(self.headers.clone());
                all.extend(headers.clone());
            }
            let request = request.body(Full::new(body.clone()));
            let request =
                request.map_err(|error| Failure::NotAllowed(format!("The address cannot be asked: {error}.")))?;
            let response = self.client.request(request).await.map_err(|error| unreachable(&error))?;
            match response.status() {
                StatusCode::MOVED_PERMANENTLY
                | StatusCode::FOUND
                | StatusCode::TEMPORARY_REDIRECT
                | StatusCode::PERMANENT_REDIRECT => url = next_address(&url, &response)?,
                StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                    return Err(Failure::Unauthorized { status: response.status().as_u16() });
                }
                _ => return Ok(response),
            }
        }
        Err(Failure::protocol("it sends from one address to the next without end"))
    }
}

/// An address that may be asked, as far as its text can tell.
pub fn check_url(url: &Url, bounds: &Bounds) -> Result<(), Failure> {
    let refused = |reason: &str| Err(Failure::NotAllowed(reason.to_owned()));
    match url.scheme() {
        "https" => {}
        "http" if bounds.plain_http => {}
        "http" => {
            return refused("The address is not encrypted: it must begin with https, unless the project allows http.");
        }
        _ => return refused("The address must begin with https."),
    }
    if !url.username().is_empty() || url.password().is_some() {
        return refused("The address holds a name or a password: they belong into a header, as a secret.");
    }
    Ok(())
}

fn next_address(url: &Url, response: &Response<Incoming>) -> Result<Url, Failure> {
    let next = response.headers().get(LOCATION).and_then(|next| url.join(next.to_str().ok()?).ok());
    let next = next.ok_or_else(|| Failure::protocol("it sends elsewhere without saying where"))?;
    if next.origin() == url.origin() {
        return Ok(next);
    }
    let host = next.host_str().unwrap_or_default();
    Err(Failure::NotAllowed(format!("The server sends on to another one ({host}), which is not followed.")))
}

fn read_headers(headers: &BTreeMap<String, SecretText>) -> Result<HeaderMap, Failure> {
    let mut read = HeaderMap::new();
    for (name, value) in headers {
        let refused = || Failure::NotAllowed(format!("The header {name:?} cannot be set for a server."));
        let header = HeaderName::try_from(name.as_str()).map_err(|_| refused())?;
        if OWN.contains(&header.as_str()) || header.as_str().starts_with("mcp-p") {
            return Err(refused());
        }
        let mut value = HeaderValue::try_from(value.reveal()).map_err(|_| {
            Failure::NotAllowed(format!("The value of the header {name} has characters no header has."))
        })?;
        value.set_sensitive(true);
        read.insert(header, value);
    }
    Ok(read)
}

/// The headers of a message that is sent.
pub fn message_headers() -> HeaderMap {
    let accept = HeaderValue::from_static("application/json, text/event-stream");
    HeaderMap::from_iter([(CONTENT_TYPE, JSON), (ACCEPT, accept)])
}

/// The kind of an answer, without its parameters.
pub fn is_kind(response: &Response<Incoming>, kind: &HeaderValue) -> bool {
    let named = response.headers().get(CONTENT_TYPE).and_then(|named| named.to_str().ok()).unwrap_or_default();
    let named = named.split(';').next().unwrap_or_default().trim();
    kind.to_str().is_ok_and(|kind| named.eq_ignore_ascii_case(kind))
}

/// The whole of an answer.
pub async fn read_body(body: Incoming, what: &'static str, most_bytes: usize) -> Result<Bytes, Failure> {
    match Limited::new(body, most_bytes).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Failure::TooLarge { what, most_bytes }),
        Err(error) => Err(unreachable(error.as_ref())),
    }
}

/// Why there is no answer.
pub fn unreachable(error: &(dyn Error + 'static)) -> Failure {
    match last_cause(error) {
        Cause::Address(refused @ ConnectError::NotPublic { .. }) => {
            Failure::NotAllowed(format!("{refused}; the project does not allow others."))
        }
        Cause::Address(error) => Failure::Unreachable(error.to_string()),
        Cause::Other(error) => Failure::Unreachable(error.to_string()),
    }
}

enum Cause<'a> {
    Address(&'a ConnectError),
    Other(&'a (dyn Error + 'static)),
}

/// The cause that says something: that of the connector, or else the innermost.
fn last_cause<'a>(error: &'a (dyn Error + 'static)) -> Cause<'a> {
    match (error.downcast_ref(), error.source()) {
        (Some(address), _) => Cause::Address(address),
        (None, Some(source)) => last_cause(source),
        (None, None) => Cause::Other(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_encrypted_addresses_without_passwords_are_asked() {
        let check = |url: &str, plain_http| {
            check_url(&url.parse().unwrap(), &Bounds { plain_http, ..Bounds::default() }).is_ok()
        };
        assert!(check("https://example.com/mcp", false) && check("http://example.com", true));
        for url in
            ["http://example.com", "ftp://example.com", "file:///etc/passwd", "https://me:word@example.com", "data:,x"]
        {
            assert!(!check(url, false), "{url}");
        }
    }

    #[test]
    fn what_the_protocol_sets_cannot_be_set_by_somebody_else() {
        let read = |name: &str, value: &str| read_headers(&BTreeMap::from([(name.to_owned(), value.into())]));
        assert!(read("Authorization", "Bearer x").is_ok_and(|read| read["authorization"].is_sensitive()));
        let refused =
            ["Host", "mcp-session-id", "MCP-Protocol-Version", "Mcp-Param-Region", "Content-Length", "a b", ""];
        for name in refused {
            assert!(read(name, "x").is_err(), "{name}");
        }
        assert!(read("X-Key", "a\r\nHost: b").is_err());
    }
}
