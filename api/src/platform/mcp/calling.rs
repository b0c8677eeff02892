//! Calling a tool.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName, HeaderValue};
use rmcp::model::{CallToolResult, ContentBlock};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::connection::{Connection, within};
use super::exchange::Listener;
use super::handshake::{self, refused};
use super::scrub::Scrub;
use super::{Bounds, Era, Failure, Transport};

/// The tool that is called.
#[derive(Clone, Copy, Debug)]
pub struct Tool<'a> {
    pub name: &'a str,
    /// Its own schema of what it takes. In the newer era it can want parts of it as headers.
    pub input_schema: Option<&'a Value>,
}

impl<'a> From<&'a str> for Tool<'a> {
    fn from(name: &'a str) -> Self {
        Self { name, input_schema: None }
    }
}

/// How far a call has come, as the server tells it.
#[derive(Clone, Debug, PartialEq)]
pub struct Progress {
    pub done: f64,
    pub total: Option<f64>,
    pub message: Option<String>,
}

/// What a tool has answered.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    pub content: Vec<ContentBlock>,
    pub structured: Option<Value>,
    /// The tool itself says that it failed; the content says why.
    pub is_error: bool,
    /// Of the server's message, as it came.
    pub size_bytes: usize,
}

/// Calls a tool over a connection of its own. Dropped, it cancels the call; of a program, nothing is left.
pub async fn call<'a>(
    transport: &Transport,
    era: Era,
    protocol_version: &str,
    tool: impl Into<Tool<'a>>,
    arguments: Map<String, Value>,
    mut progress: impl FnMut(Progress) + Send,
    bounds: &Bounds,
) -> Result<ToolResult, Failure> {
    let tool = tool.into();
    let scrub = Scrub::of(transport);
    let mut progress = |told| progress(scrub.progress(told));
    let called = within(bounds.run, "the call", async {
        let connection = handshake::open(transport, era, protocol_version, bounds).await?;
        let called = over(&connection, tool, arguments, &mut progress, bounds).await;
        connection.close().await;
        called
    });
    called.await.map_err(|failure| failure.scrubbed(&scrub))
}

/// Calls a tool over a connection that may be used by others at the same time.
pub async fn over(
    connection: &Connection,
    tool: Tool<'_>,
    arguments: Map<String, Value>,
    progress: Listener<'_>,
    bounds: &Bounds,
) -> Result<ToolResult, Failure> {
    let headers = match connection.era {
        Era::Stateless => headers(tool, &arguments),
        Era::Session => HeaderMap::new(),
    };
    let mut params = Map::from_iter([("name".to_owned(), json!(tool.name))]);
    params.insert("arguments".to_owned(), Value::Object(arguments));
    let answer = connection.ask("tools/call", params, headers, Some(progress)).await?;
    if answer.size_bytes > bounds.result_bytes {
        return Err(Failure::TooLarge { what: "the result of a call", most_bytes: bounds.result_bytes });
    }
    let result = answer.result.map_err(refused)?;
    match result.get("resultType").and_then(Value::as_str) {
        None | Some("complete") => {}
        Some("input_required") => {
            return Err(Failure::protocol("its tool wants to ask somebody for more, which it was not offered"));
        }
        Some(other) => {
            return Err(Failure::protocol(format!("its tool answers with a {other:?}, which was not asked for")));
        }
    }
    let result = CallToolResult::deserialize(result);
    let result = result.map_err(|error| Failure::protocol(format!("the result of its tool is none: {error}")))?;
    Ok(ToolResult {
        content: result.content,
        structured: result.structured_content,
        is_error: result.is_error.unwrap_or(false),
        size_bytes: answer.size_bytes,
    })
}

/// What the newer era wants in the headers of a call, so that what stands in between need not read the body: the tool's
/// name, and those arguments that its schema marks with `x-mcp-header`.
pub(super) fn headers(tool: Tool<'_>, arguments: &Map<String, Value>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.extend(header_value(tool.name).map(|name| (HeaderName::from_static("mcp-name"), name)));
    if let Some(properties) = tool.input_schema.and_then(|schema| schema.get("properties")) {
        add_marked(properties, &Value::Object(arguments.clone()), &mut headers);
    }
    headers
}

fn add_marked(properties: &Value, arguments: &Value, headers: &mut HeaderMap) {
    for (name, schema) in properties.as_object().into_iter().flatten() {
        let Some(value) = arguments.get(name) else { continue };
        let mark = schema.get("x-mcp-header").and_then(Value::as_str).unwrap_or_default();
        let header = HeaderName::try_from(format!("mcp-param-{mark}")).ok().filter(|_| !mark.is_empty());
        let text = match value {
            Value::String(text) => Some(text.clone()),
            Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
            _ => None,
        };
        if let (Some(header), Some(value)) = (header, text.as_deref().and_then(header_value)) {
            headers.insert(header, value);
        }
        if let Some(properties) = schema.get("properties") {
            add_marked(properties, value, headers);
        }
    }
}

/// The text as a header: in Base64, between marks, where it cannot stand as it is.
fn header_value(text: &str) -> Option<HeaderValue> {
    let is_plain = text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
        && text.trim() == text
        && !(text.starts_with("=?base64?") && text.ends_with("?="));
    match is_plain {
        true => HeaderValue::from_str(text).ok(),
        false => HeaderValue::from_str(&format!("=?base64?{}?=", STANDARD.encode(text))).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marked_arguments_are_headers_too() {
        let schema = json!({ "properties": {
            "region": { "type": "string", "x-mcp-header": "Region" },
            "count": { "type": "integer", "x-mcp-header": "Count" },
            "absent": { "type": "string", "x-mcp-header": "Absent" },
            "bad": { "type": "string", "x-mcp-header": "a b" },
            "plain": { "type": "string" },
            "inner": { "properties": { "flag": { "type": "boolean", "x-mcp-header": "Flag" } } },
        } });
        let arguments = json!({
            "region": " Zürich\r\n", "count": 7, "bad": "x", "plain": "y", "inner": { "flag": true },
        });
        let tool = Tool { name: "weather", input_schema: Some(&schema) };
        let headers = headers(tool, arguments.as_object().unwrap());
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap().to_owned());
        assert_eq!(text("mcp-name").as_deref(), Some("weather"));
        assert_eq!(text("mcp-param-region").as_deref(), Some("=?base64?IFrDvHJpY2gNCg==?="));
        assert_eq!(text("mcp-param-count").as_deref(), Some("7"));
        assert_eq!(text("mcp-param-flag").as_deref(), Some("true"));
        assert_eq!(headers.len(), 4);
    }
}
