//! Answers as they go out. In the newer era each result says that it is complete and who speaks.

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::messages::{Fault, RequestId};
use super::standing::{Spoken, status};
use crate::platform::mcp::Era;

const SERVER_INFO: &str = "io.modelcontextprotocol/serverInfo";

/// Who speaks.
#[derive(Clone, Copy, Debug)]
pub struct ServerInfo {
    pub name: &'static str,
    pub title: &'static str,
    pub version: &'static str,
    /// What a model should know before it uses the tools.
    pub instructions: &'static str,
}

impl ServerInfo {
    fn value(&self) -> Value {
        json!({ "name": self.name, "title": self.title, "version": self.version })
    }

    /// What `initialize` is answered.
    pub fn initialized(&self, spoken: &Spoken) -> Map<String, Value> {
        fields(json!({
            "protocolVersion": spoken.version,
            "capabilities": { "tools": {} },
            "serverInfo": self.value(),
            "instructions": self.instructions,
        }))
    }

    /// What `server/discover` is answered.
    pub fn discovered(&self) -> Map<String, Value> {
        let versions = rmcp::model::ProtocolVersion::KNOWN_VERSIONS.iter().filter(|version| !version.has_initialize());
        fields(json!({
            "supportedVersions": versions.collect::<Vec<_>>(),
            "capabilities": { "tools": {} },
            "instructions": self.instructions,
            "ttlMs": 0,
            "cacheScope": "private",
        }))
    }

    /// A result in the words of its era, as the body of an answer.
    pub fn result(&self, spoken: &Spoken, id: &RequestId, mut result: Map<String, Value>) -> Bytes {
        if spoken.era == Era::Stateless {
            result.entry("resultType").or_insert_with(|| "complete".into());
            let meta = result.entry("_meta").or_insert_with(|| json!({}));
            if let Some(meta) = meta.as_object_mut() {
                meta.insert(SERVER_INFO.to_owned(), self.value());
            }
        }
        json!({ "jsonrpc": "2.0", "id": id.value(), "result": result }).to_string().into()
    }
}

fn fields(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}

fn response(status: StatusCode, body: impl Into<Body>) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer of a result or a fault that is written already.
pub fn answer(body: Bytes) -> Response {
    response(StatusCode::OK, body)
}

fn body_of(id: Option<&RequestId>, fault: &Fault) -> Bytes {
    let id = id.map_or(&Value::Null, RequestId::value);
    json!({ "jsonrpc": "2.0", "id": id, "error": fault.to_value() }).to_string().into()
}

/// The body of an answer that there is no result.
pub fn error_body(id: &RequestId, fault: &Fault) -> Bytes {
    body_of(Some(id), fault)
}

/// The answer that there is no result.
pub fn error_answer(spoken: &Spoken, id: &RequestId, fault: &Fault) -> Response {
    response(status(spoken.era, fault), body_of(Some(id), fault))
}

/// The same where no era is known.
pub fn plain_error(id: Option<&RequestId>, fault: &Fault) -> Response {
    response(fault.status.unwrap_or(StatusCode::OK), body_of(id, fault))
}

/// The answer to what wants none.
pub fn accepted() -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::ACCEPTED;
    response
}
