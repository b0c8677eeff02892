//! One message of JSON-RPC, as a client sends it. It is read strictly: whoever cannot write a message well gets an error
//! that says so, and nothing is guessed.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

/// The error codes of JSON-RPC and of MCP.
pub mod codes {
    pub const PARSE_ERROR: i64 = -32_700;
    pub const INVALID_REQUEST: i64 = -32_600;
    pub const METHOD_NOT_FOUND: i64 = -32_601;
    pub const INVALID_PARAMS: i64 = -32_602;
    pub const INTERNAL_ERROR: i64 = -32_603;
    /// What stands in the headers is not what stands in the body.
    pub const HEADER_MISMATCH: i64 = -32_020;
    pub const UNSUPPORTED_PROTOCOL_VERSION: i64 = -32_022;
    /// What the server says for itself: who asks may not, or not now.
    pub const REFUSED: i64 = -32_000;
}

/// Why a message has no result.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    pub code: i64,
    pub message: String,
    pub data: Option<Value>,
    /// What stands in the status whatever the era. None is the era's to choose.
    pub status: Option<StatusCode>,
}

impl Fault {
    pub fn new(code: i64, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), data: None, status: None }
    }

    /// A message that is none.
    pub fn malformed(code: i64, message: impl Into<String>) -> Self {
        Self { status: Some(StatusCode::BAD_REQUEST), ..Self::new(code, message) }
    }

    /// Who asks may not do this, or not now.
    pub fn refused(status: StatusCode, message: impl Into<String>, code: &str) -> Self {
        Self { status: Some(status), data: Some(json!({ "code": code })), ..Self::new(codes::REFUSED, message) }
    }

    pub(super) fn to_value(&self) -> Value {
        let mut error = json!({ "code": self.code, "message": self.message });
        if let Some(data) = &self.data {
            error["data"] = data.clone();
        }
        error
    }
}

/// The id of a request: a text or a whole number, given back as it came.
#[derive(Clone, Debug, PartialEq)]
pub struct RequestId(Value);

impl RequestId {
    fn read(value: &Value) -> Option<Self> {
        let is_id = match value {
            Value::String(text) => text.len() <= 1_024,
            Value::Number(number) => number.is_i64() || number.is_u64(),
            _ => false,
        };
        is_id.then(|| Self(value.clone()))
    }

    pub(super) fn value(&self) -> &Value {
        &self.0
    }
}

/// A message of a client.
#[derive(Clone, Debug, PartialEq)]
pub enum Incoming {
    Request {
        id: RequestId,
        method: String,
        params: Map<String, Value>,
    },
    /// Wants no answer.
    Notification {
        method: String,
        params: Map<String, Value>,
    },
}

impl Incoming {
    /// # Errors
    /// The fault, and the id that it is told under where there is one.
    pub fn read(bytes: &[u8]) -> Result<Self, (Option<RequestId>, Fault)> {
        let malformed = |message: &str| (None, Fault::malformed(codes::INVALID_REQUEST, message));
        let value: Value = serde_json::from_slice(bytes)
            .map_err(|error| (None, Fault::malformed(codes::PARSE_ERROR, format!("The body is not JSON: {error}."))))?;
        let mut message = match value {
            Value::Object(message) => message,
            Value::Array(_) => return Err(malformed("Send one message at a time, not a batch.")),
            _ => return Err(malformed("A message is an object.")),
        };
        let given = message.get("id");
        let id = given.and_then(RequestId::read);
        let fault = |message: &str| (id.clone(), Fault::malformed(codes::INVALID_REQUEST, message));
        if given.is_some() && id.is_none() {
            return Err(malformed("The id of a request is a text or a whole number."));
        }
        if message.get("jsonrpc").and_then(Value::as_str) != Some("2.0") {
            return Err(fault("A message says \"jsonrpc\": \"2.0\"."));
        }
        let method = match message.remove("method") {
            Some(Value::String(method)) => method,
            Some(_) => return Err(fault("The method is a text.")),
            None => return Err(fault("Nothing was asked of you, so there is nothing to answer.")),
        };
        let params = match message.remove("params") {
            None => Map::new(),
            Some(Value::Object(params)) => params,
            Some(_) => return Err(fault("The params are an object.")),
        };
        Ok(match id {
            Some(id) => Self::Request { id, method, params },
            None => Self::Notification { method, params },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(text: &str) -> i64 {
        Incoming::read(text.as_bytes()).expect_err(text).1.code
    }

    #[test]
    fn requests_and_notifications_are_told_apart() {
        let read = |text: &str| Incoming::read(text.as_bytes()).expect(text);
        let request = read(r#"{"jsonrpc":"2.0","id":"a","method":"ping"}"#);
        assert!(matches!(request, Incoming::Request { id: RequestId(Value::String(_)), .. }));
        let notification = read(r#"{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}"#);
        assert!(matches!(notification, Incoming::Notification { .. }));
    }

    #[test]
    fn what_is_no_message_is_a_fault() {
        assert_eq!(fault("{"), codes::PARSE_ERROR);
        assert_eq!(fault(&"[".repeat(100_000)), codes::PARSE_ERROR);
        for text in [
            "[]",
            "1",
            r#"[{"jsonrpc":"2.0","id":1,"method":"ping"}]"#,
            r#"{"id":1,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":null,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1.5,"method":"ping"}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":7}"#,
            r#"{"jsonrpc":"2.0","id":1,"method":"ping","params":[1]}"#,
            r#"{"jsonrpc":"2.0","id":1,"result":{}}"#,
        ] {
            assert_eq!(fault(text), codes::INVALID_REQUEST, "{text}");
        }
    }
}
