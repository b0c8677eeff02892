//! What a tool answered, made fit to be given: without the secrets that its server was given, as compliance policies want
//! it, and as the tool's own schema says it is.

use entity::ids::PolicyId;
use serde_json::{Value, json};

use super::fitting::{Side, misfits};
use super::refusal::{McpCallErrorCode as Code, Refusal};
use crate::governance::decision::{ComplianceFinding, Response, redact};
use crate::governance::decisions::Decided;
use crate::governance::mcp_servers::{CallableTool, Reach};
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{ContentBlock, ToolResult};
use crate::platform::request::Platform;

/// What may be given, and what was found.
pub struct Looked {
    pub outcome: std::result::Result<ToolResult, Refusal>,
    pub findings: Vec<ComplianceFinding>,
}

/// Looks at a result. Its text is searched; pictures, sounds and other bytes are not.
pub async fn look(
    platform: &Platform,
    tool: &CallableTool,
    result: ToolResult,
    reach: &Reach,
    decided: &Decided,
) -> Result<Looked> {
    let (is_error, size_bytes) = (result.is_error, result.size_bytes);
    let mut value = json!({ "content": result.content, "structuredContent": result.structured });
    let bytes = take_bytes(&mut value);
    reach.transport.conceal(&mut value);
    // As the tool gave it: what is redacted below need not fit any more. An error need not look like a result.
    let structured = Some(&value["structuredContent"]).filter(|structured| !structured.is_null());
    let misfit = if is_error { None } else { misfit(platform, tool, structured).await };
    let mut findings = decided.standing.policies.find_in_result(&decided.input, &value);
    redact(&mut value, &findings);
    let blocking = findings.iter().find(|finding| finding.response == Response::Block);
    let blocked = blocking.map(|finding| {
        let policy = PolicyId(finding.policy_id);
        Refusal::new(Code::ResultBlocked, "", format!("The policy {policy} does not let the result through."))
    });
    for finding in &mut findings {
        finding.place.insert_str(0, "/result");
    }
    if let Some(refusal) = blocked.or(misfit) {
        return Ok(Looked { outcome: Err(refusal), findings });
    }
    put_bytes(&mut value, bytes);
    let structured = Some(value["structuredContent"].take()).filter(|structured| !structured.is_null());
    let content: Vec<ContentBlock> = serde_json::from_value(value["content"].take()).map_err(Error::internal)?;
    Ok(Looked { outcome: Ok(ToolResult { content, structured, is_error, size_bytes }), findings })
}

async fn misfit(platform: &Platform, tool: &CallableTool, structured: Option<&Value>) -> Option<Refusal> {
    let (schema, pin) = (tool.output_schema.as_ref()?, tool.pin.as_ref()?);
    let Some(structured) = structured else {
        let message = "The tool promises a structured result and gave none.";
        return Some(Refusal::new(Code::ResultInvalid, "", message));
    };
    match misfits(platform, pin, Side::Result, schema, structured).await {
        Some(problems) => problems.first().map(|(place, message)| {
            Refusal::new(Code::ResultInvalid, "", format!("The result is not as the tool promises: {place}: {message}"))
        }),
        None => Some(Refusal::new(Code::ServerFailed, "tool", "The tool's own schema of its result cannot be read.")),
    }
}

/// The bytes that stand in a result as Base64, with their places.
type Bytes = Vec<(String, Value)>;

/// Takes out what is no text: a pattern would find anything in it.
fn take_bytes(value: &mut Value) -> Bytes {
    let count = value["content"].as_array().map_or(0, Vec::len);
    let places =
        (0..count).flat_map(|index| ["data", "resource/blob"].map(|place| format!("/content/{index}/{place}")));
    let taken = places.filter_map(|place| {
        let found = value.pointer_mut(&place)?;
        found.is_string().then(|| (place, found.take()))
    });
    taken.collect()
}

fn put_bytes(value: &mut Value, bytes: Bytes) {
    for (place, found) in bytes {
        if let Some(gap) = value.pointer_mut(&place) {
            *gap = found;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_taken_out_and_put_back() {
        let whole = json!({ "content": [
            { "type": "text", "text": "t" },
            { "type": "image", "data": "AAAA", "mimeType": "image/png" },
            { "type": "resource", "resource": { "uri": "u", "blob": "BBBB" } },
        ] });
        let mut value = whole.clone();
        let bytes = take_bytes(&mut value);
        assert_eq!((bytes.len(), &value["content"][1]["data"]), (2, &Value::Null));
        put_bytes(&mut value, bytes);
        assert_eq!(value, whole);
    }
}
