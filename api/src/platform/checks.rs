//! Checks of input texts that many domains make, each ending in a user error of the domain's own code.
//! Texts are kept as they were typed, not normalized, so that what was given comes back byte for byte. Names, which
//! stand in one line, hold at least one character that can be seen; no text reorders what stands around it.

use async_graphql::MaybeUndefined;
use async_graphql::resolver_utils::EnumType;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::Value;
use url::Url;
use uuid::Uuid;

use super::errors::{Error, Result, reject};
use super::request::Request;

/// The change of an optional text, in the words of rules: none leaves it as it is, an empty text removes it.
/// In an input, left out leaves it, and null removes it as an empty text does.
pub fn text_change(text: MaybeUndefined<String>) -> Option<String> {
    Option::<Option<String>>::from(text).map(Option::unwrap_or_default)
}

/// The text without surrounding white space, in one line of 1 to `most` characters of which one can be seen.
pub fn required_text<C: EnumType>(
    field: &'static str,
    text: &str,
    most: usize,
    missing: C,
    unfit: C,
) -> Result<String> {
    if !text.chars().any(is_visible) {
        return Err(reject(field, missing, "This cannot be empty."));
    }
    limited_line(field, text.trim(), most, unfit)
}

/// The text, of `most` characters at most, in one line. Empty, or with a character that can be seen.
pub fn limited_line<C: EnumType>(field: &'static str, text: &str, most: usize, unfit: C) -> Result<String> {
    if text.chars().any(|character| matches!(character, '\n' | '\r' | '\t' | '\u{2028}' | '\u{2029}')) {
        return Err(reject(field, unfit, "This takes one line, without tabs."));
    }
    if !text.is_empty() && !text.chars().any(is_visible) {
        return Err(reject(field, unfit, "Nothing of this can be seen."));
    }
    limited_text(field, text, most, unfit)
}

/// The text, of `most` characters at most, without control characters and what reorders the text around it.
pub fn limited_text<C: EnumType>(field: &'static str, text: &str, most: usize, unfit: C) -> Result<String> {
    let length = text.chars().count();
    if length > most {
        return Err(reject(field, unfit, format!("This has {length} characters; at most {most} fit.")));
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(reject(field, unfit, "This holds control characters."));
    }
    if text.chars().any(reorders) {
        return Err(reject(field, unfit, "This holds characters that change the direction of the text around them."));
    }
    Ok(text.to_owned())
}

/// Embeddings, overrides and isolates of bidirectional text. The marks, which right-to-left names need, do no more than
/// a letter does.
fn reorders(character: char) -> bool {
    matches!(character, '\u{202A}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}

/// Whether a character shows by itself: white space does not, nor does what Unicode lets a font ignore, nor the blanks
/// of Braille and of musical notes.
fn is_visible(character: char) -> bool {
    let is_ignorable = matches!(
        character,
        '\u{AD}' | '\u{34F}' | '\u{61C}' | '\u{115F}'..='\u{1160}' | '\u{17B4}'..='\u{17B5}' | '\u{180B}'..='\u{180F}'
            | '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{206F}' | '\u{2800}' | '\u{3164}'
            | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}' | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{1BCA0}'..='\u{1BCA3}'
            | '\u{1D159}' | '\u{1D173}'..='\u{1D17A}' | '\u{E0000}'..='\u{E0FFF}'
    );
    !is_ignorable && !character.is_whitespace() && !character.is_control()
}

/// The value with another sign in the place of NUL, the one character that PostgreSQL does not keep.
pub fn without_nul(value: Value) -> Value {
    match value {
        Value::String(text) if text.contains('\0') => Value::String(text.replace('\0', "\u{FFFD}")),
        Value::Array(items) => items.into_iter().map(without_nul).collect(),
        Value::Object(fields) => {
            fields.into_iter().map(|(name, field)| (name.replace('\0', "\u{FFFD}"), without_nul(field))).collect()
        }
        other => other,
    }
}

/// As much of a text as a column of so many characters holds, without NUL.
pub fn shortened(text: &str, most_chars: usize) -> String {
    text.chars().filter(|sign| *sign != '\0').take(most_chars).collect()
}

/// Whether a text or a name anywhere in the value holds NUL, which PostgreSQL does not keep.
pub fn holds_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(items) => items.iter().any(holds_nul),
        Value::Object(fields) => fields.iter().any(|(name, value)| name.contains('\0') || holds_nul(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

/// An optional name or sign of one line: empty means none.
pub fn optional_line<C: EnumType>(
    field: &'static str,
    text: Option<String>,
    most: usize,
    unfit: C,
) -> Result<Option<String>> {
    text.filter(|text| !text.trim().is_empty()).map(|text| limited_line(field, text.trim(), most, unfit)).transpose()
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

/// The address of something on the web, over https and without a user's name in it, as the standard writes it.
pub fn web_address<C: EnumType>(field: &'static str, text: &str, unfit: C) -> Result<String> {
    let parsed = Url::parse(text).ok().filter(|address| {
        let is_plain = address.username().is_empty() && address.password().is_none();
        let has_name = address.domain().is_some_and(|name| name.contains('.') && !name.ends_with('.'));
        address.scheme() == "https" && is_plain && has_name && address.as_str().len() <= 2_000
    });
    match parsed {
        Some(address) if text.chars().all(|character| is_visible(character) && !"\"'<>`\\".contains(character)) => {
            Ok(address.into())
        }
        _ => Err(reject(
            field,
            unfit,
            "Write an address that begins with https://, without a user name, up to 2,000 characters.",
        )),
    }
}

/// An e-mail address, as far as its form tells.
pub fn email<C: EnumType>(field: &'static str, text: &str, unfit: C) -> Result<String> {
    let text = text.trim();
    let well = text.len() <= 320
        && text.split_once('@').is_some_and(|(local, domain)| {
            local.len() <= 64
                && local.split('.').all(|part| !part.is_empty())
                && local.chars().all(|character| character.is_ascii_alphanumeric() || "._%+-".contains(character))
                && domain.contains('.')
                && domain.split('.').all(|label| {
                    (1..=63).contains(&label.len())
                        && !label.starts_with('-')
                        && !label.ends_with('-')
                        && label.chars().all(|character| character.is_ascii_alphanumeric() || character == '-')
                })
                && domain
                    .rsplit('.')
                    .next()
                    .is_some_and(|top| top.len() >= 2 && top.chars().all(|character| character.is_ascii_alphabetic()))
        });
    if well { Ok(text.to_owned()) } else { Err(reject(field, unfit, "This is not an e-mail address.")) }
}

/// A color, as #rrggbb in lower case.
pub fn color<C: EnumType>(field: &'static str, text: &str, unfit: C) -> Result<String> {
    let digits = text.strip_prefix('#').unwrap_or_default();
    if digits.len() == 6 && digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
        return Ok(text.to_ascii_lowercase());
    }
    Err(reject(field, unfit, "Write the color as #rrggbb."))
}

/// A language, alone or with a region: "en", "en-US". Case and the mark between are set right; none is for anything else.
pub fn language(text: &str) -> Option<String> {
    let letters = |part: &str| part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_alphabetic());
    match text.split_once(['-', '_']) {
        None => letters(text).then(|| text.to_ascii_lowercase()),
        Some((language, region)) => (letters(language) && letters(region))
            .then(|| format!("{}-{}", language.to_ascii_lowercase(), region.to_ascii_uppercase())),
    }
}

/// How old an id of a client's making may be, and how far ahead its clock.
pub const ID_AGE: TimeDelta = TimeDelta::days(30);
pub const ID_LEAD: TimeDelta = TimeDelta::days(1);

/// Refuses a change of what changed since its client read it. Without an expectation whoever comes last wins.
pub fn version<C: EnumType>(expected: Option<i32>, present: i32, stale: C, message: impl Into<String>) -> Result<()> {
    match expected.is_none_or(|expected| expected == present) {
        true => Ok(()),
        false => Err(reject("expectedVersion", stale, message)),
    }
}

/// The id of a new row: the client's, if it is a UUIDv7 of about now, or a new one. Whoever tries the id of something old
/// hears what everybody hears whose id is in use, so that nobody learns whether it is still there.
pub fn new_id<I, C>(request: &Request, given: Option<I>, taken: C) -> Result<I>
where
    I: Copy + From<Uuid> + Into<Uuid>,
    C: EnumType,
{
    let Some(given) = given else { return Ok(request.new_id().into()) };
    let now = request.now();
    match time_of(given.into()) {
        Some(made) if now - made <= ID_AGE && made - now <= ID_LEAD => Ok(given),
        _ => Err(id_taken(taken)),
    }
}

/// The time that is written in a UUIDv7; none for other ids.
pub fn time_of(id: Uuid) -> Option<DateTime<Utc>> {
    let (seconds, nanoseconds) = id.get_timestamp().filter(|_| id.get_version_num() == 7)?.to_unix();
    DateTime::from_timestamp(i64::try_from(seconds).ok()?, nanoseconds)
}

/// What is said of an id that cannot be used, whatever the reason.
pub fn id_taken<C: EnumType>(taken: C) -> Error {
    reject("id", taken, "This id is in use, or is not a UUIDv7 of these days. Make a new one.")
}
