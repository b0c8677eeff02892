//! The HTTP side of a WebSocket: checks the request (RFC 6455, section 4.2) and answers it.

use axum::body::Body;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use hyper::upgrade::OnUpgrade;
use tungstenite::handshake::derive_accept_key;

const PROTOCOL: HeaderValue = HeaderValue::from_static("graphql-transport-ws");
const VERSION: HeaderValue = HeaderValue::from_static("13");
/// Length of 16 random bytes in base64.
const KEY_LENGTH: usize = 24;

/// A handshake that was in order.
pub struct Accepted {
    /// What to answer with.
    pub response: Response,
    /// The connection, once the answer is sent.
    pub upgraded: OnUpgrade,
    /// Whether the client offered graphql-transport-ws.
    pub speaks_protocol: bool,
}

/// Whether the request asks to become a WebSocket.
pub fn is_wanted(headers: &HeaderMap) -> bool {
    lists(headers, &header::UPGRADE, "websocket")
}

pub fn accept(parts: &mut Parts) -> Result<Accepted, Response> {
    let headers = &parts.headers;
    let refuse = |status: StatusCode, message: &'static str| Err((status, message).into_response());
    if parts.method != Method::GET || parts.version != Version::HTTP_11 {
        return refuse(StatusCode::BAD_REQUEST, "A WebSocket begins with GET over HTTP/1.1.");
    }
    if !lists(headers, &header::CONNECTION, "upgrade") || !is_wanted(headers) {
        return refuse(
            StatusCode::BAD_REQUEST,
            "A WebSocket needs the headers Connection: Upgrade and Upgrade: websocket.",
        );
    }
    if headers.get(header::SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        let version = [(header::SEC_WEBSOCKET_VERSION, VERSION)];
        return Err((StatusCode::UPGRADE_REQUIRED, version, "Only WebSocket version 13 is spoken.").into_response());
    }
    let Some(key) = headers.get(header::SEC_WEBSOCKET_KEY).filter(|key| key.len() == KEY_LENGTH) else {
        return refuse(StatusCode::BAD_REQUEST, "Sec-WebSocket-Key must be 16 bytes in base64.");
    };
    let accept_key = derive_accept_key(key.as_bytes());
    let speaks_protocol = lists(headers, &header::SEC_WEBSOCKET_PROTOCOL, "graphql-transport-ws");
    let Some(upgraded) = parts.extensions.remove::<OnUpgrade>() else {
        return refuse(StatusCode::UPGRADE_REQUIRED, "This connection cannot become a WebSocket.");
    };

    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let answers = response.headers_mut();
    answers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    answers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    if let Ok(accept_key) = HeaderValue::try_from(accept_key) {
        answers.insert(header::SEC_WEBSOCKET_ACCEPT, accept_key);
    }
    if speaks_protocol {
        answers.insert(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
    }
    Ok(Accepted { response, upgraded, speaks_protocol })
}

/// Whether the comma-separated header names the token, in any case.
fn lists(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|listed| listed.trim().eq_ignore_ascii_case(token))
}
