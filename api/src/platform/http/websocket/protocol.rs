//! The messages of graphql-transport-ws as JSON, and the codes a socket is closed with.

use std::borrow::Cow;

use async_graphql::{ServerError, Variables};
use serde_json::{Map, Value};
use tungstenite::Utf8Bytes;
use tungstenite::protocol::CloseFrame;

use crate::platform::http::answers::json;
use crate::platform::http::documents::Asked;
use crate::platform::http::parameters::named;

/// Longest operation id: clients send UUIDs or counters, and the server keeps each while its operation runs.
const ID_BYTES: usize = 256;
/// Longest reason that fits a close frame.
const REASON_BYTES: usize = 123;

/// What a client may say.
#[derive(Debug)]
pub enum ClientMessage {
    ConnectionInit { authorization: Option<String> },
    Subscribe { id: String, asked: Asked, idempotency_key: Option<String> },
    Complete { id: String },
    Ping { payload: Option<Value> },
    Pong,
}

/// Why the server closes a socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Close {
    pub code: u16,
    pub reason: Cow<'static, str>,
}

impl Close {
    const fn new(code: u16, reason: &'static str) -> Self {
        Self { code, reason: Cow::Borrowed(reason) }
    }

    pub fn malformed(reason: impl Into<Cow<'static, str>>) -> Self {
        Self { code: 4400, reason: reason.into() }
    }

    pub fn unauthorized() -> Self {
        Self::new(4401, "Unauthorized")
    }

    pub fn forbidden() -> Self {
        Self::new(4403, "Forbidden")
    }

    pub fn token_expired() -> Self {
        Self::new(4403, "Token expired")
    }

    pub fn session_over() -> Self {
        Self::new(4403, "Session ended")
    }

    pub fn subprotocol() -> Self {
        Self::new(4406, "Subprotocol not acceptable")
    }

    pub fn introduction_timeout() -> Self {
        Self::new(4408, "Connection initialisation timeout")
    }

    pub fn already_subscribed(id: &str) -> Self {
        Self { code: 4409, reason: format!("Subscriber for {id} already exists").into() }
    }

    pub fn slow_consumer() -> Self {
        Self::new(4411, "Slow consumer")
    }

    pub fn too_many_introductions() -> Self {
        Self::new(4429, "Too many initialisation requests")
    }

    pub fn silent() -> Self {
        Self::new(4499, "No sign of life")
    }

    pub fn leaving() -> Self {
        Self::new(1001, "The server is going away")
    }

    pub fn broken_frames(reason: impl std::fmt::Display) -> Self {
        Self { code: 1002, reason: reason.to_string().into() }
    }

    pub fn not_utf8() -> Self {
        Self::new(1007, "A text message must be UTF-8")
    }

    pub fn too_big(most: usize) -> Self {
        Self { code: 1009, reason: format!("A message may hold {most} bytes").into() }
    }

    pub fn unavailable() -> Self {
        Self::new(1013, "Sign-in cannot be checked now. Try again later")
    }

    pub fn frame(&self) -> CloseFrame {
        let fitting = self.reason.floor_char_boundary(REASON_BYTES);
        CloseFrame { code: self.code.into(), reason: Utf8Bytes::from(&self.reason[..fitting]) }
    }
}

impl ClientMessage {
    /// Reads a message. The error says what is wrong with it.
    pub fn read(text: &str) -> Result<Self, Close> {
        let malformed = |reason: &'static str| Close::malformed(reason);
        let message = serde_json::from_str(text).map_err(|_| malformed("Invalid message: not JSON"))?;
        let Value::Object(mut message) = message else {
            return Err(malformed("Invalid message: not an object"));
        };
        let Some(Value::String(kind)) = message.remove("type") else {
            return Err(malformed("Invalid message: 'type' must be a string"));
        };
        match kind.as_str() {
            "connection_init" => {
                let authorization = match payload(&mut message)? {
                    Some(payload) => authorization(payload)?,
                    None => None,
                };
                Ok(Self::ConnectionInit { authorization })
            }
            "subscribe" => {
                let id = id(&mut message)?;
                let payload =
                    payload(&mut message)?.ok_or_else(|| malformed("Invalid message: 'payload' is missing"))?;
                subscribe(id, payload)
            }
            "complete" => Ok(Self::Complete { id: id(&mut message)? }),
            "ping" => Ok(Self::Ping { payload: payload(&mut message)?.map(Value::Object) }),
            "pong" => {
                payload(&mut message)?;
                Ok(Self::Pong)
            }
            _ => Err(malformed("Invalid message: unknown 'type'")),
        }
    }
}

fn id(message: &mut Map<String, Value>) -> Result<String, Close> {
    match message.remove("id") {
        Some(Value::String(id)) if (1..=ID_BYTES).contains(&id.len()) => Ok(id),
        _ => Err(Close::malformed("Invalid message: 'id' must be a string of 1 to 256 bytes")),
    }
}

fn payload(message: &mut Map<String, Value>) -> Result<Option<Map<String, Value>>, Close> {
    object(message, "payload", "Invalid message: 'payload' must be an object")
}

/// The object under the name; absent and null are none.
fn object(
    holder: &mut Map<String, Value>,
    name: &str,
    otherwise: &'static str,
) -> Result<Option<Map<String, Value>>, Close> {
    match holder.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Object(object)) => Ok(Some(object)),
        Some(_) => Err(Close::malformed(otherwise)),
    }
}

/// The `Authorization` of the payload, in any case, as GraphiQL sends its headers as they were typed.
fn authorization(payload: Map<String, Value>) -> Result<Option<String>, Close> {
    match payload.into_iter().find(|(name, _)| name.eq_ignore_ascii_case("authorization")) {
        None | Some((_, Value::Null)) => Ok(None),
        Some((_, Value::String(authorization))) => Ok(Some(authorization)),
        Some(_) => Err(Close::forbidden()),
    }
}

fn subscribe(id: String, mut payload: Map<String, Value>) -> Result<ClientMessage, Close> {
    let text = text(&mut payload, "query", "Invalid message: 'query' must be a string")?;
    let operation_name =
        self::text(&mut payload, "operationName", "Invalid message: 'operationName' must be a string")?;
    let document_id = self::text(&mut payload, "documentId", "Invalid message: 'documentId' must be a string")?;
    let variables = object(&mut payload, "variables", "Invalid message: 'variables' must be an object")?;
    let variables = variables.map_or_else(Variables::default, |map| Variables::from_json(Value::Object(map)));
    let extensions = object(&mut payload, "extensions", "Invalid message: 'extensions' must be an object")?;
    let mut extensions = extensions.unwrap_or_default();
    let idempotency_key = match extensions.remove("idempotencyKey") {
        None | Some(Value::Null) => None,
        Some(Value::String(key)) if (1..=255).contains(&key.len()) => Some(key),
        Some(_) => {
            return Err(Close::malformed("Invalid message: 'idempotencyKey' must be a string of 1 to 255 bytes"));
        }
    };
    let named = named(&mut extensions, document_id);
    let named = named.map_err(|error| Close::malformed(format!("Invalid message: {error}")))?;
    // A client that names a document may send an empty text with it, since the protocol wants one.
    let text = text.filter(|text| named.is_none() || !text.is_empty());
    if text.is_none() && named.is_none() {
        return Err(Close::malformed("Invalid message: 'query' must be a string"));
    }
    let asked = Asked { text, id: named, operation_name, variables };
    Ok(ClientMessage::Subscribe { id, asked, idempotency_key })
}

/// The text under the name; absent and null are none.
fn text(holder: &mut Map<String, Value>, name: &str, otherwise: &'static str) -> Result<Option<String>, Close> {
    match holder.remove(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(Close::malformed(otherwise)),
    }
}

/// What the server says.
pub mod server_message {
    use super::{ServerError, Value, json};

    pub fn connection_ack() -> Vec<u8> {
        br#"{"type":"connection_ack"}"#.to_vec()
    }

    pub fn pong(payload: Option<&Value>) -> Vec<u8> {
        match payload {
            Some(payload) => join(&[br#"{"type":"pong","payload":"#, &json(payload), b"}"]),
            None => br#"{"type":"pong"}"#.to_vec(),
        }
    }

    /// A result, already JSON.
    pub fn next(id: &str, result: &[u8]) -> Vec<u8> {
        join(&[br#"{"id":"#, &json(&id), br#","type":"next","payload":"#, result, b"}"])
    }

    pub fn error(id: &str, errors: &[ServerError]) -> Vec<u8> {
        join(&[br#"{"id":"#, &json(&id), br#","type":"error","payload":"#, &json(&errors), b"}"])
    }

    pub fn complete(id: &str) -> Vec<u8> {
        join(&[br#"{"id":"#, &json(&id), br#","type":"complete"}"#])
    }

    fn join(parts: &[&[u8]]) -> Vec<u8> {
        parts.concat()
    }
}
