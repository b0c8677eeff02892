//! The messages of JSON-RPC, as they are written and read. Results stay as the server wrote them.

use rmcp::model::{ClientCapabilities, Implementation, ProtocolVersion, RequestMetaObject};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::Progress;

/// The error that the other side answers with.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Refusal {
    pub code: i64,
    #[serde(default)]
    pub message: String,
    #[serde(default)]
    pub data: Value,
}

/// An answer, and how long its message was.
#[derive(Clone, Debug)]
pub struct Answer {
    pub result: Result<Value, Refusal>,
    pub size_bytes: usize,
}

/// A message of the server, as far as it concerns us.
#[derive(Debug)]
pub enum Incoming {
    Answer {
        id: u64,
        answer: Answer,
    },
    Progress {
        id: u64,
        progress: Progress,
    },
    /// The server wants an answer itself: this one.
    Asks(Value),
    /// Its list of tools is another one now.
    ToolsChanged,
}

impl Incoming {
    /// Nothing, for what is no message and for those that nobody waits for.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let Ok(Value::Object(mut message)) = serde_json::from_slice(bytes) else { return None };
        let method = match message.get("method") {
            Some(Value::String(method)) => method.as_str(),
            Some(_) => return None,
            None => return read_answer(message, bytes.len()),
        };
        match (method, message.get("id")) {
            ("ping", Some(id)) => Some(Self::Asks(json!({ "jsonrpc": "2.0", "id": id, "result": {} }))),
            (_, Some(id)) => Some(Self::Asks(json!({
                "jsonrpc": "2.0",
                "id": id,
                "error": { "code": -32601, "message": "This client declared no such capability" },
            }))),
            ("notifications/tools/list_changed", None) => Some(Self::ToolsChanged),
            ("notifications/progress", None) => read_progress(message.remove("params")?),
            _ => None,
        }
    }
}

fn read_answer(mut message: Map<String, Value>, size_bytes: usize) -> Option<Incoming> {
    let id = read_id(message.get("id")?)?;
    let result = match (message.remove("result"), message.remove("error")) {
        (Some(result), _) => Ok(result),
        (None, Some(error)) => Err(serde_json::from_value(error).ok()?),
        (None, None) => return None,
    };
    Some(Incoming::Answer { id, answer: Answer { result, size_bytes } })
}

/// Ours are numbers; some servers give them back as texts.
fn read_id(id: &Value) -> Option<u64> {
    id.as_u64().or_else(|| id.as_str()?.parse().ok())
}

fn read_progress(params: Value) -> Option<Incoming> {
    let id = read_id(params.get("progressToken")?)?;
    let message = params.get("message").and_then(Value::as_str).map(str::to_owned);
    let progress = Progress {
        done: params.get("progress")?.as_f64()?,
        total: params.get("total").and_then(Value::as_f64),
        message,
    };
    Some(Incoming::Progress { id, progress })
}

pub fn request(id: u64, method: &str, params: Map<String, Value>) -> Value {
    json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
}

pub fn notification(method: &str, params: Value) -> Value {
    json!({ "jsonrpc": "2.0", "method": method, "params": params })
}

pub fn cancellation(id: u64) -> Value {
    notification("notifications/cancelled", json!({ "requestId": id, "reason": "The caller is gone" }))
}

/// Who we are.
pub fn client() -> Implementation {
    Implementation::new("Trellis", env!("CARGO_PKG_VERSION"))
}

/// What we offer to servers: nothing. They can ask us for no text of a model, no input of a person and no folder.
pub fn capabilities() -> ClientCapabilities {
    ClientCapabilities::default()
}

/// What each request of the stateless era says of us.
pub fn context(version: &ProtocolVersion) -> Map<String, Value> {
    RequestMetaObject::with_client_context(version.clone(), client(), capabilities()).0.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(message: Value) -> Option<Incoming> {
        Incoming::read(message.to_string().as_bytes())
    }

    #[test]
    fn an_answer_keeps_its_result_as_it_was_written() {
        let result = json!({ "tools": [{ "name": "a", "unheardOf": { "z": 1, "a": [null] } }] });
        let Some(Incoming::Answer { id: 7, answer }) = read(json!({ "jsonrpc": "2.0", "id": 7, "result": result }))
        else {
            panic!("no answer");
        };
        assert_eq!(answer.result, Ok(result));
    }

    #[test]
    fn a_null_result_is_an_answer() {
        assert!(matches!(read(json!({ "id": "7", "result": null })), Some(Incoming::Answer { id: 7, .. })));
    }

    #[test]
    fn what_a_server_asks_for_is_declined_and_a_ping_is_answered() {
        let Some(Incoming::Asks(answer)) = read(json!({ "id": "x", "method": "sampling/createMessage" })) else {
            panic!("no answer");
        };
        assert_eq!((&answer["id"], &answer["error"]["code"]), (&json!("x"), &json!(-32601)));
        let Some(Incoming::Asks(answer)) = read(json!({ "id": 1, "method": "ping" })) else { panic!("no answer") };
        assert_eq!(answer["result"], json!({}));
    }

    #[test]
    fn nonsense_is_passed_over() {
        for text in
            ["", "{", "[]", "1", "null", "{}", "Listening on stdio", r#"{"id":{},"result":1}"#, r#"{"method":1}"#]
        {
            assert!(Incoming::read(text.as_bytes()).is_none(), "{text}");
        }
        // Deeper than anything that is meant.
        assert!(Incoming::read("[".repeat(100_000).as_bytes()).is_none());
    }
}
