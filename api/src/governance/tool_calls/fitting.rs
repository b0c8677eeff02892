//! Whether arguments and results fit the schemas of a tool. Schemas are what servers wrote: each is read once, without
//! asking anybody for what it refers to, with patterns that take linear time, and not at all where it is larger or more
//! entangled than any that is meant.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use jsonschema::{PatternOptions, Validator};
use quick_cache::sync::Cache;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::platform::background::Places;
use crate::platform::request::Platform;

/// Schemas that one process keeps read.
const REMEMBERED: usize = 500;
/// The largest schema that is read, in bytes of JSON.
const MOST_BYTES: usize = 64 * 1024;
/// How many parts a schema has at most, once what it refers to is written out.
const MOST_PARTS: u64 = 100_000;
/// What a pattern may take once it is compiled, in bytes.
const PATTERN_BYTES: usize = 256 * 1024;
/// Places that are named of those that do not fit.
const MOST_NAMED: usize = 20;
/// How many are looked at a time. One that takes for ever keeps its place, and no more than that.
const AT_ONCE: usize = 4;
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(2);

/// What came of a look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fit {
    Fits,
    /// The places that do not, as paths below the value, with what is wrong there but for the values themselves.
    Misfits(Vec<(String, String)>),
    /// The schema is none, or not one that is read here.
    Unreadable,
    TooSlow,
}

/// A schema that was read; none where it cannot be.
type Read = Option<Arc<Validator>>;

struct Validators {
    known: Cache<[u8; 32], Read>,
    places: Places,
}

impl Default for Validators {
    fn default() -> Self {
        Self { known: Cache::new(REMEMBERED), places: Places::new(AT_ONCE) }
    }
}

/// Whether the value fits the schema.
pub async fn fit(platform: &Platform, schema: &Value, value: &Value) -> Fit {
    let validators = platform.kept.of::<Validators>();
    let text = schema.to_string();
    // By the schema itself, so that no other can ever stand in its place.
    let key: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    if text.len() > MOST_BYTES {
        return Fit::Unreadable;
    }
    let (schema, value) = (schema.clone(), value.clone());
    let look = async move {
        let place = validators.places.take().await;
        // A schema may want much work: that is done away from those who answer requests.
        let looking = tokio::task::spawn_blocking(move || {
            let _place = place;
            let read = validators.known.get(&key).unwrap_or_else(|| {
                let read = read(&schema).map(Arc::new);
                validators.known.insert(key, read.clone());
                read
            });
            read.map_or(Fit::Unreadable, |validator| compare(&validator, &value))
        });
        looking.await.unwrap_or(Fit::Unreadable)
    };
    tokio::time::timeout(LIMIT, look).await.unwrap_or(Fit::TooSlow)
}

fn compare(validator: &Validator, value: &Value) -> Fit {
    if validator.is_valid(value) {
        return Fit::Fits;
    }
    let errors = validator.iter_errors(value).take(MOST_NAMED);
    Fit::Misfits(errors.map(|error| (path(error.instance_path().as_str()), error.masked().to_string())).collect())
}

fn read(schema: &Value) -> Option<Validator> {
    if parts(schema, schema, &mut HashMap::new()) > MOST_PARTS {
        return None;
    }
    let patterns = PatternOptions::regex().size_limit(PATTERN_BYTES).dfa_size_limit(4 * PATTERN_BYTES);
    jsonschema::options().with_pattern_options(patterns).build(schema).ok()
}

/// How many parts a schema has once each reference is replaced by what it refers to. What refers to itself counts as one
/// part there: how often that is gone through depends on the value.
fn parts<'a>(root: &'a Value, schema: &'a Value, known: &mut HashMap<&'a str, u64>) -> u64 {
    match schema {
        Value::Array(items) => items.iter().fold(1, |sum, item| sum.saturating_add(parts(root, item, known))),
        Value::Object(fields) => fields.iter().fold(1, |sum, (name, field)| {
            let more = match (name.as_str(), field) {
                ("$ref" | "$dynamicRef", Value::String(reference)) => referred(root, reference, known),
                _ => parts(root, field, known),
            };
            sum.saturating_add(more)
        }),
        _ => 1,
    }
}

fn referred<'a>(root: &'a Value, reference: &'a str, known: &mut HashMap<&'a str, u64>) -> u64 {
    if let Some(known) = known.get(reference) {
        return *known;
    }
    let Some(target) = reference.strip_prefix('#').and_then(|pointer| root.pointer(pointer)) else { return 1 };
    known.insert(reference, 1);
    let count = parts(root, target, known);
    known.insert(reference, count);
    count
}

/// A JSON pointer as a path of the input, such as `.places[0].city`.
fn path(pointer: &str) -> String {
    let segments = pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~"));
    segments.fold(String::new(), |path, segment| match segment.parse::<usize>() {
        Ok(index) => format!("{path}[{index}]"),
        Err(_) => format!("{path}.{segment}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Map, json};

    use super::*;

    fn look(schema: &Value, value: &Value) -> Fit {
        compare(&read(schema).expect("a schema"), value)
    }

    #[test]
    fn a_place_is_named_and_its_value_is_not() {
        let schema = json!({ "type": "object", "required": ["b"],
            "properties": { "a": { "type": "array", "items": { "type": "number" } } } });
        assert_eq!(look(&schema, &json!({ "a": [1], "b": null })), Fit::Fits);
        let Fit::Misfits(found) = look(&schema, &json!({ "a": [1, "hunter2"] })) else { panic!("it does not fit") };
        assert!(found.iter().any(|(place, _)| place == ".a[1]"), "{found:?}");
        assert!(found.iter().all(|(_, message)| !message.contains("hunter2")), "{found:?}");
    }

    #[test]
    fn nobody_is_asked_for_what_a_schema_refers_to() {
        assert!(read(&json!({ "$ref": "https://127.0.0.1/schema.json" })).is_none());
        assert!(read(&json!({ "$ref": "file:///etc/hostname" })).is_none());
        assert!(read(&json!({ "type": "strong" })).is_none());
    }

    #[test]
    fn a_pattern_takes_linear_time_and_little_space() {
        let schema = json!({ "type": "string", "pattern": "^(a+)+$" });
        assert!(matches!(look(&schema, &json!(format!("{}b", "a".repeat(50_000)))), Fit::Misfits(_)));
        assert!(read(&json!({ "type": "string", "pattern": "(\\w{500}){500}" })).is_none());
    }

    #[test]
    fn references_that_double_are_not_followed() {
        let mut definitions = Map::new();
        for level in 0..40 {
            let next = json!({ "$ref": format!("#/$defs/a{}", level + 1) });
            definitions.insert(format!("a{level}"), json!({ "anyOf": [next, next] }));
        }
        definitions.insert("a40".to_owned(), json!({ "type": "string" }));
        assert!(read(&json!({ "$defs": definitions, "$ref": "#/$defs/a0" })).is_none());
        // A tree refers to itself, as is meant.
        let tree =
            json!({ "type": "object", "properties": { "below": { "type": "array", "items": { "$ref": "#" } } } });
        assert_eq!(look(&tree, &json!({ "below": [{ "below": [] }] })), Fit::Fits);
    }
}
