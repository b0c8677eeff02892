//! What documents may be made from: limits of texts, codes and metadata, checked before anything is written.

use serde_json::Value;

use super::writing::{DocumentChanges, NewDocument};
use crate::content::ContentErrorCode as Code;
use crate::content::tags;
use crate::platform::checks;
use crate::platform::errors::{Result, reject};

/// Bytes of content at most: 10 MB.
pub const CONTENT_BYTES: usize = 10 * 1024 * 1024;
/// Bytes of metadata at most.
const METADATA_BYTES: usize = 64 * 1024;
/// The largest number of metadata. Beyond it, rounding would make some of them infinite.
const METADATA_NUMBER: f64 = 1e300;

pub fn check_new(new: NewDocument) -> Result<NewDocument> {
    check_content(&new.content)?;
    tags::check_number(&new.tags)?;
    Ok(NewDocument {
        title: check_title(&new.title)?,
        description: checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?,
        slug: new.slug.map(|slug| checks::slug("slug", &slug, 500, Code::SlugInvalid)).transpose()?,
        language_code: new.language_code.map(check_language).transpose()?,
        source: checks::optional_line("source", new.source, 100, Code::TextInvalid)?,
        external_id: checks::optional_line("externalId", new.external_id, 1_000, Code::TextInvalid)?,
        metadata: new.metadata.map(check_metadata).transpose()?,
        ..new
    })
}

pub fn check_changes(changes: DocumentChanges) -> Result<DocumentChanges> {
    if let Some(content) = &changes.content {
        check_content(content)?;
    }
    let line = |field, text: Option<String>, most| {
        text.map(|text| checks::limited_line(field, text.trim(), most, Code::TextInvalid)).transpose()
    };
    let empty_or = |text: Option<String>, check: fn(String) -> Result<String>| {
        text.map(|text| if text.is_empty() { Ok(text) } else { check(text) }).transpose()
    };
    Ok(DocumentChanges {
        title: changes.title.map(|title| check_title(&title)).transpose()?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
        slug: empty_or(changes.slug, |slug| checks::slug("slug", &slug, 500, Code::SlugInvalid))?,
        language_code: empty_or(changes.language_code, check_language)?,
        source: line("source", changes.source, 100)?,
        external_id: line("externalId", changes.external_id, 1_000)?,
        metadata: changes.metadata.map(check_metadata).transpose()?,
        ..changes
    })
}

fn check_title(title: &str) -> Result<String> {
    checks::required_text("title", title, 500, Code::TitleRequired, Code::TextInvalid)
}

fn check_content(content: &str) -> Result<()> {
    if content.len() > CONTENT_BYTES {
        let message = format!("The content has {} bytes; at most {CONTENT_BYTES} (10 MB) fit.", content.len());
        return Err(reject("content", Code::ContentTooLarge, message));
    }
    if content.contains('\0') {
        return Err(reject("content", Code::TextInvalid, "The content holds a NUL character."));
    }
    Ok(())
}

fn check_language(code: String) -> Result<String> {
    match checks::language(&code) {
        Some(well) if well == code => Ok(code),
        _ => Err(reject("languageCode", Code::LanguageInvalid, "Write the language as \"en\" or \"en-US\".")),
    }
}

fn check_metadata(metadata: Value) -> Result<Value> {
    if metadata.is_object() && metadata_fits(&metadata) {
        return Ok(metadata);
    }
    let message = format!(
        "Metadata is an object of at most {METADATA_BYTES} bytes, without NUL characters and numbers beyond 1e300."
    );
    Err(reject("metadata", Code::MetadataInvalid, message))
}

/// Whether a document can keep this as its metadata.
pub fn metadata_fits(metadata: &Value) -> bool {
    metadata.to_string().len() <= METADATA_BYTES && is_storable(metadata)
}

fn is_storable(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(_) => true,
        Value::Number(number) => number.as_f64().is_none_or(|number| number.abs() <= METADATA_NUMBER),
        Value::String(text) => !text.contains('\0'),
        Value::Array(items) => items.iter().all(is_storable),
        Value::Object(fields) => fields.iter().all(|(name, value)| !name.contains('\0') && is_storable(value)),
    }
}
