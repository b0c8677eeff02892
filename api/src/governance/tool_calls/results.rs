//! What a tool answered, made fit to be given: without the secrets that its server was given, as compliance policies want
//! it, and as the tool's own schema says it is.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use entity::ids::PolicyId;
use serde_json::{Value, json};

use super::fitting::{Fit, fit};
use super::refusal::{McpCallErrorCode as Code, Refusal};
use crate::governance::decision::{ComplianceFinding, FoundInResult, redact};
use crate::governance::decisions::Decided;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{ContentBlock, Failure, ToolResult, Transport};
use crate::platform::request::Platform;

/// What may be given, and what was found.
pub struct Looked {
    pub outcome: std::result::Result<ToolResult, Refusal>,
    pub findings: Vec<ComplianceFinding>,
}

/// The fields of a part of a result that hold what the server wants to say. The others say what kind of part it is.
const TELLING: [&str; 11] = [
    "text",
    "uri",
    "name",
    "title",
    "description",
    "mimeType",
    "data",
    "resource/uri",
    "resource/text",
    "resource/mimeType",
    "resource/blob",
];

/// Looks at a result. Its texts are searched, also where they stand as bytes; pictures and sounds are not.
pub async fn look(
    platform: &Platform,
    schema: Option<&Value>,
    result: ToolResult,
    transport: Option<&Transport>,
    decided: &Decided,
) -> Result<Looked> {
    let (is_error, size_bytes) = (result.is_error, result.size_bytes);
    let mut value = json!({ "content": result.content, "structuredContent": result.structured });
    for place in places(&value) {
        if let (Some(said), Some(transport)) = (value.pointer_mut(&place), transport) {
            transport.conceal(said);
        }
    }
    let structured = value.get("structuredContent").filter(|structured| !structured.is_null());
    // As the tool gave it: what is redacted below need not fit any more. An error need not look like a result.
    let misfit = if is_error { None } else { misfit(platform, schema, structured).await };
    let FoundInResult { mut findings, blocked_by } = search(decided, &value).await?;
    redact(&mut value, &findings);
    for finding in &mut findings {
        finding.place.insert_str(0, "/result");
    }
    if let Some(refusal) = blocked_by.map(PolicyId).map(blocked).or(misfit) {
        return Ok(Looked { outcome: Err(refusal), findings });
    }
    let mut take = |name: &str| value.get_mut(name).map(Value::take).unwrap_or_default();
    let structured = Some(take("structuredContent")).filter(|structured| !structured.is_null());
    let content: Vec<ContentBlock> = serde_json::from_value(take("content")).map_err(Error::internal)?;
    Ok(Looked { outcome: Ok(ToolResult { content, structured, is_error, size_bytes }), findings })
}

/// Why a server gave no result, as far as compliance policies let that through. What they find in it is not recorded.
pub async fn look_at_failure(failure: &Failure, decided: &Decided) -> Result<Refusal> {
    let refusal = Refusal::failed(failure);
    let said = json!({ "structuredContent": refusal.message });
    let found = search(decided, &said).await?;
    Ok(match found.findings.iter().any(ComplianceFinding::is_acted_on) {
        false => refusal,
        true => Refusal { message: refusal.code.sentence().to_owned(), ..refusal },
    })
}

fn blocked(policy: PolicyId) -> Refusal {
    Refusal::new(Code::ResultBlocked, "", format!("The policy {policy} does not let the result through."))
}

async fn misfit(platform: &Platform, schema: Option<&Value>, structured: Option<&Value>) -> Option<Refusal> {
    let schema = schema?;
    let Some(structured) = structured else {
        let message = "The tool promises a structured result and gave none.";
        return Some(Refusal::new(Code::ResultInvalid, "", message));
    };
    match fit(platform, schema, structured).await {
        Fit::Fits => None,
        // Its places may be named after what a policy would not let through.
        Fit::Misfits(_) => Some(Refusal::new(Code::ResultInvalid, "", Code::ResultInvalid.sentence())),
        Fit::Unreadable | Fit::TooSlow => {
            Some(Refusal::new(Code::ServerFailed, "tool", "The tool's own schema of its result cannot be applied."))
        }
    }
}

/// Where a result says something.
fn places(value: &Value) -> Vec<String> {
    let count = value["content"].as_array().map_or(0, Vec::len);
    let of_parts = (0..count).flat_map(|index| TELLING.map(|field| format!("/content/{index}/{field}")));
    let there = of_parts.filter(|place| value.pointer(place).is_some_and(Value::is_string));
    there.chain(["/structuredContent".to_owned()]).collect()
}

/// What policies find in what a result says. Searching much is done away from those who answer requests.
async fn search(decided: &Decided, value: &Value) -> Result<FoundInResult> {
    let (policies, input) = (Arc::clone(&decided.standing.policies), Arc::clone(&decided.input));
    if !policies.look_at_results(&input) {
        return Ok(FoundInResult::default());
    }
    let parts: Vec<(String, Value)> = places(value)
        .into_iter()
        .filter_map(|place| {
            let part = value.pointer(&place)?;
            let is_bytes = place.ends_with("/data") || place.ends_with("/blob");
            let part = if is_bytes { legible(part.as_str()?)? } else { part.clone() };
            Some((place, part))
        })
        .collect();
    let searching = tokio::task::spawn_blocking(move || policies.find_in_result(&input, &parts));
    searching.await.map_err(Error::internal)
}

/// The text that stands in Base64, and whatever is no Base64 as it is. None for bytes that are no text.
fn legible(text: &str) -> Option<Value> {
    match STANDARD.decode(text) {
        Ok(bytes) => String::from_utf8(bytes).ok().map(Value::String),
        Err(_) => Some(Value::from(text)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_says_something_is_searched() {
        let value = json!({ "structuredContent": null, "content": [
            { "type": "text", "text": "t", "annotations": { "audience": ["user"], "priority": 1 } },
            { "type": "image", "data": "AAAA", "mimeType": "image/png" },
            { "type": "resource", "resource": { "uri": "u", "blob": "BBBB" } },
        ] });
        let expected = [
            "/content/0/text",
            "/content/1/mimeType",
            "/content/1/data",
            "/content/2/resource/uri",
            "/content/2/resource/blob",
            "/structuredContent",
        ];
        assert_eq!(places(&value), expected);
    }

    #[test]
    fn text_is_read_however_it_stands() {
        assert_eq!(legible("YWRhQGV4YW1wbGUub3Jn"), Some(json!("ada@example.org")));
        assert_eq!(legible("the key is x"), Some(json!("the key is x")));
        assert_eq!(legible("/9j/4AAQ"), None);
    }
}
