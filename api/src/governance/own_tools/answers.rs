//! What the tools answer: what was found or done as structured content and as text, and an expected "no" as a result that
//! says what to change.

use entity::content::document;
use serde_json::{Value, json};

use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{ContentBlock, ToolResult};

fn result(text: String, structured: Option<Value>, is_error: bool) -> ToolResult {
    let size_bytes = text.len() + structured.as_ref().map_or(0, |value| value.to_string().len());
    ToolResult { content: vec![ContentBlock::text(text)], structured, is_error, size_bytes }
}

/// What was found or done.
pub fn answer(structured: Value) -> ToolResult {
    result(structured.to_string(), Some(structured), false)
}

/// The same where people and models read a part of it rather than the whole.
pub fn answer_with_text(structured: Value, text: String) -> ToolResult {
    result(text, Some(structured), false)
}

/// What is an answer to the caller of a tool, who can do better, is a result; what is not stays an error.
pub fn or_refusal(done: Result<ToolResult>) -> Result<ToolResult> {
    let error = match done {
        Ok(result) => return Ok(result),
        Err(error) => error,
    };
    let text = match &error {
        Error::Rejected(rejections) => rejections
            .iter()
            .map(|rejection| match rejection.field.as_ref() {
                "" => format!("{} ({})", rejection.message, rejection.code),
                field => format!("{field}: {} ({})", rejection.message, rejection.code),
            })
            .collect::<Vec<_>>()
            .join("\n"),
        Error::NotFound | Error::Forbidden | Error::Conflict | Error::BadInput { .. } | Error::TooMuch(_) => {
            format!("{error} ({})", error.code())
        }
        _ => return Err(error),
    };
    Ok(result(text, None, true))
}

/// A document as every tool describes it.
pub fn described(document: &document::Model) -> Value {
    json!({
        "id": document.id,
        "spaceId": document.space_id,
        "title": document.title,
        "status": document.status.as_str().to_uppercase(),
        "version": document.version,
        "wordCount": document.word_count,
        "updatedAt": document.updated_at,
    })
}
