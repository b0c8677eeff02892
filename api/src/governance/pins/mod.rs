//! What a tool was when it was approved. `canonical` writes JSON in one way only, `Pin` is the hash of a tool in that
//! form, and `drift` says what became of the tools since.

mod canonical;
mod drift;
mod readable;
mod schema;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use canonical::canonical;
pub use drift::{Drift, DriftKind, drift};
pub use readable::Change;

/// A tool as its server describes it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Tool {
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    pub input_schema: Value,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub output_schema: Option<Value>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annotations: Option<Annotations>,
}

/// What a server claims about its tool. A claim may raise the risk and never lowers it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Annotations {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub read_only_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destructive_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub idempotent_hint: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_world_hint: Option<bool>,
    /// Hints that this version does not know are pinned too.
    #[serde(flatten)]
    pub others: Map<String, Value>,
}

impl Tool {
    /// The tool as it is pinned, compared and scanned.
    #[must_use]
    pub fn to_value(&self) -> Value {
        let mut fields = Map::new();
        let mut put = |name: &str, value: Option<Value>| {
            if let Some(value) = value {
                fields.insert(name.to_owned(), value);
            }
        };
        put("name", Some(self.name.as_str().into()));
        put("title", self.title.as_deref().map(Into::into));
        put("description", self.description.as_deref().map(Into::into));
        put("inputSchema", Some(self.input_schema.clone()));
        put("outputSchema", self.output_schema.clone());
        put("annotations", self.annotations.as_ref().map(Annotations::to_value));
        Value::Object(fields)
    }

    /// The SHA-256 of the tool's canonical form.
    #[must_use]
    pub fn pin(&self) -> Pin {
        Pin::of(&self.to_value())
    }
}

impl Annotations {
    fn to_value(&self) -> Value {
        let mut fields = self.others.clone();
        let hints = [
            ("readOnlyHint", self.read_only_hint),
            ("destructiveHint", self.destructive_hint),
            ("idempotentHint", self.idempotent_hint),
            ("openWorldHint", self.open_world_hint),
        ];
        fields.extend(hints.into_iter().filter_map(|(name, hint)| Some((name.to_owned(), Value::Bool(hint?)))));
        fields.extend(self.title.as_ref().map(|title| ("title".to_owned(), Value::String(title.clone()))));
        Value::Object(fields)
    }
}

/// The hash of a tool or of arguments in their canonical form.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pin(pub [u8; 32]);

impl Pin {
    /// The SHA-256 of the canonical form.
    #[must_use]
    pub fn of(value: &Value) -> Self {
        Self(Sha256::digest(canonical(value).as_bytes()).into())
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
}
