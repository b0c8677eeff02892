//! Checks of input texts that many domains make, each ending in a user error of the domain's own code.

use async_graphql::resolver_utils::EnumType;

use super::errors::{Result, reject};

/// The text without surrounding white space, 1 to `most` characters and without control characters.
pub fn required_text<C: EnumType>(
    field: &'static str,
    text: &str,
    most: usize,
    missing: C,
    unfit: C,
) -> Result<String> {
    let text = text.trim();
    if text.is_empty() {
        return Err(reject(field, missing, "This cannot be empty."));
    }
    limited_text(field, text, most, unfit)
}

/// The text, of `most` characters at most and without control characters.
pub fn limited_text<C: EnumType>(field: &'static str, text: &str, most: usize, unfit: C) -> Result<String> {
    let length = text.chars().count();
    if length > most {
        return Err(reject(field, unfit, format!("This has {length} characters; at most {most} fit.")));
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(reject(field, unfit, "This holds control characters."));
    }
    Ok(text.to_owned())
}

/// An optional text: empty means none.
pub fn optional_text<C: EnumType>(
    field: &'static str,
    text: Option<String>,
    most: usize,
    unfit: C,
) -> Result<Option<String>> {
    text.filter(|text| !text.trim().is_empty()).map(|text| limited_text(field, text.trim(), most, unfit)).transpose()
}

/// A name for addresses: lower-case letters, digits and single hyphens between them.
pub fn slug<C: EnumType>(field: &'static str, text: &str, most: usize, unfit: C) -> Result<String> {
    if text.len() <= most && is_slug(text) {
        return Ok(text.to_owned());
    }
    let message = format!("Use 1 to {most} lower-case letters and digits, with single hyphens between them.");
    Err(reject(field, unfit, message))
}

/// Whether a text can be a slug. Nothing is found by another.
pub fn is_slug(text: &str) -> bool {
    text.split('-').all(|part| {
        !part.is_empty() && part.chars().all(|character| character.is_ascii_lowercase() || character.is_ascii_digit())
    })
}

/// An e-mail address, as far as its form tells.
pub fn email<C: EnumType>(field: &'static str, text: &str, unfit: C) -> Result<String> {
    let text = text.trim();
    let well = text.len() <= 320
        && text.split_once('@').is_some_and(|(local, domain)| {
            !local.is_empty()
                && local.len() <= 64
                && local.chars().all(|character| character.is_ascii_alphanumeric() || "._%+-".contains(character))
                && domain.contains('.')
                && domain.split('.').all(|label| {
                    !label.is_empty()
                        && label.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
                })
                && domain
                    .rsplit('.')
                    .next()
                    .is_some_and(|top| top.len() >= 2 && top.chars().all(|character| character.is_ascii_alphabetic()))
        });
    if well { Ok(text.to_owned()) } else { Err(reject(field, unfit, "This is not an e-mail address.")) }
}
