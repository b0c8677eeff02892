//! Whether arguments and results fit the schemas of a tool. Schemas are what servers wrote: they are read once for each
//! pin, without asking anybody for what they refer to, and with patterns that take linear time.

use std::sync::Arc;
use std::time::Duration;

use jsonschema::{PatternOptions, Validator};
use quick_cache::sync::Cache;
use serde_json::Value;

use crate::governance::pins::Pin;
use crate::platform::request::Platform;

/// Schemas that one process keeps read.
const REMEMBERED: usize = 1_000;
/// Places that are named of those that do not fit.
const MOST_NAMED: usize = 20;
/// How long a look may take.
const LIMIT: Duration = Duration::from_secs(2);

/// Which of the two schemas of a tool.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Side {
    Arguments,
    Result,
}

impl Side {
    const fn root(self) -> &'static str {
        match self {
            Self::Arguments => "arguments",
            Self::Result => "result",
        }
    }
}

struct Validators(Cache<([u8; 32], Side), Arc<Validator>>);

impl Default for Validators {
    fn default() -> Self {
        Self(Cache::new(REMEMBERED))
    }
}

/// The places that do not fit, with what is wrong there, without the values themselves. None where it cannot be told:
/// the schema is none, or looking takes too long.
pub async fn misfits(
    platform: &Platform,
    pin: &Pin,
    side: Side,
    schema: &Value,
    value: &Value,
) -> Option<Vec<(String, String)>> {
    let validators = platform.kept.of::<Validators>();
    let key = (pin.0, side);
    let known = validators.0.get(&key);
    let (schema, value) = (known.is_none().then(|| schema.clone()), value.clone());
    // A schema may want much work: that is done away from those who answer requests, and nobody waits long for it.
    let looking = tokio::task::spawn_blocking(move || {
        let validator = match (known, schema) {
            (Some(known), _) => known,
            (None, schema) => Arc::new(read(&schema?)?),
        };
        let errors = validator.iter_errors(&value).take(MOST_NAMED);
        let named = errors.map(|error| {
            let place = format!("{}{}", side.root(), path(error.instance_path().as_str()));
            (place, error.masked().to_string())
        });
        let named: Vec<(String, String)> = named.collect();
        Some((validator, named))
    });
    let (validator, named) = tokio::time::timeout(LIMIT, looking).await.ok()?.ok()??;
    validators.0.insert(key, validator);
    Some(named)
}

fn read(schema: &Value) -> Option<Validator> {
    let options = jsonschema::options().with_pattern_options(PatternOptions::regex());
    options.build(schema).ok()
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
    use serde_json::json;

    use super::*;

    fn named(schema: &Value, value: &Value) -> Vec<(String, String)> {
        let validator = read(schema).expect("a schema");
        let errors = validator.iter_errors(value);
        errors.map(|error| (path(error.instance_path().as_str()), error.masked().to_string())).collect()
    }

    #[test]
    fn a_place_is_named_and_its_value_is_not() {
        let schema = json!({ "type": "object", "required": ["b"],
            "properties": { "a": { "type": "array", "items": { "type": "number" } } } });
        let found = named(&schema, &json!({ "a": [1, "hunter2"] }));
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
    fn a_pattern_takes_linear_time() {
        let schema = json!({ "type": "string", "pattern": "^(a+)+$" });
        assert_eq!(named(&schema, &json!(format!("{}b", "a".repeat(50_000)))).len(), 1);
    }
}
