//! The changes of an entry, from what the trigger recorded to one typed change for each field. Nested values are told
//! field by field, so that no value is a document of its own.

use async_graphql::{Enum, SimpleObject};
use entity::audit::log;
use serde_json::Value;
use uuid::Uuid;

use super::resources::{AuditResourceType, id_in_column};

/// The change of one field.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct AuditChange {
    /// The field, such as `name`; a field inside another is written `settings.defaultModel`.
    field: String,
    /// The value before; null when there was none.
    old: Option<AuditValue>,
    /// The value after; null when there is none.
    new: Option<AuditValue>,
}

/// A value that changed.
#[derive(Clone, Debug, PartialEq, Eq, SimpleObject)]
pub struct AuditValue {
    /// What kind of value it is.
    kind: AuditValueKind,
    /// The value as text. Null for a list, and for what is not told.
    text: Option<String>,
    /// The values of a list, as texts; null for anything else.
    items: Option<Vec<String>>,
}

/// What kind of value changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum AuditValueKind {
    /// A text, a word of an enumeration, or a time.
    Text,
    /// A number.
    Number,
    /// True or false.
    Boolean,
    /// The id of an object.
    Id,
    /// A list.
    List,
    /// A secret. The log does not hold it.
    Redacted,
    /// Content that you may not read.
    Withheld,
}

/// What is put in place of a secret, in entries that are marked as sensitive.
const REDACTED: &str = "[redacted]";

/// How deep nested values are told field by field.
const DEPTH: usize = 4;

impl AuditValue {
    fn of(kind: AuditValueKind, text: impl Into<String>) -> Self {
        Self { kind, text: Some(text.into()), items: None }
    }

    const fn untold(kind: AuditValueKind) -> Self {
        Self { kind, text: None, items: None }
    }
}

/// The changes that the entry holds, in the order of their fields. Without the right to read what it speaks of, the values are withheld.
pub fn of(entry: &log::Model, may_read: bool) -> Vec<AuditChange> {
    let Some(Value::Object(recorded)) = &entry.changes else { return Vec::new() };
    let mut changes = Vec::new();
    for (column, change) in recorded {
        let reading = Reading { entry, column, may_read };
        let side = |name: &str| change.get(name).filter(|value| !value.is_null());
        if let (None, None) = (side("old_bytes"), side("new_bytes")) {
            reading.compare(column.clone(), side("old"), side("new"), DEPTH, &mut changes);
        } else {
            reading.compare(format!("{column}.bytes"), side("old_bytes"), side("new_bytes"), 0, &mut changes);
        }
    }
    changes.sort_by(|one, other| one.field.cmp(&other.field));
    changes
}

/// How the values of one column are read.
struct Reading<'a> {
    entry: &'a log::Model,
    column: &'a str,
    may_read: bool,
}

impl Reading<'_> {
    /// Adds what differs between two values: of objects and lists of objects what differs inside.
    fn compare(
        &self,
        field: String,
        old: Option<&Value>,
        new: Option<&Value>,
        depth: usize,
        changes: &mut Vec<AuditChange>,
    ) {
        if old == new {
            return;
        }
        let parts = parts(old, new);
        if depth == 0 || parts.is_empty() {
            changes.push(AuditChange { field, old: old.map(|old| self.read(old)), new: new.map(|new| self.read(new)) });
            return;
        }
        for (part, old, new) in parts {
            self.compare(format!("{field}.{part}"), old, new, depth - 1, changes);
        }
    }

    fn read(&self, value: &Value) -> AuditValue {
        if self.entry.sensitive && value.as_str() == Some(REDACTED) {
            return AuditValue::untold(AuditValueKind::Redacted);
        }
        if !self.may_read {
            return AuditValue::untold(AuditValueKind::Withheld);
        }
        match value {
            Value::Bool(flag) => AuditValue::of(AuditValueKind::Boolean, flag.to_string()),
            Value::Number(number) => AuditValue::of(AuditValueKind::Number, number.to_string()),
            Value::String(text) => match self.id(text) {
                Some(id) => AuditValue::of(AuditValueKind::Id, id),
                None => AuditValue::of(AuditValueKind::Text, text),
            },
            Value::Array(items) => {
                AuditValue { kind: AuditValueKind::List, text: None, items: Some(items.iter().map(plain).collect()) }
            }
            Value::Null | Value::Object(_) => AuditValue::of(AuditValueKind::Text, plain(value)),
        }
    }

    fn id(&self, text: &str) -> Option<String> {
        let id = Uuid::try_parse(text).ok()?;
        let known = match self.column {
            "id" => AuditResourceType::of_table(&self.entry.resource_type).id(id),
            column => id_in_column(column, id),
        };
        known.map(|id| id.to_string())
    }
}

/// The fields of two objects, or the objects of two lists by their place. Nothing for plain values.
fn parts<'a>(old: Option<&'a Value>, new: Option<&'a Value>) -> Vec<(String, Option<&'a Value>, Option<&'a Value>)> {
    let inside = |value: Option<&'a Value>| -> Option<Vec<(String, &'a Value)>> {
        match value {
            Some(Value::Object(fields)) => Some(fields.iter().map(|(name, value)| (name.clone(), value)).collect()),
            Some(Value::Array(items)) if items.iter().any(Value::is_object) => {
                Some(items.iter().enumerate().map(|(place, value)| (place.to_string(), value)).collect())
            }
            _ => None,
        }
    };
    let (old, new) = match (inside(old), inside(new)) {
        (Some(before), Some(after)) => (before, after),
        (Some(before), None) if new.is_none() => (before, Vec::new()),
        (None, Some(after)) if old.is_none() => (Vec::new(), after),
        _ => return Vec::new(),
    };
    let of = |side: &[(String, &'a Value)], name: &str| {
        side.iter().find(|(found, _)| found == name).map(|(_, value)| *value).filter(|value| !value.is_null())
    };
    let mut names: Vec<&String> = old.iter().map(|(name, _)| name).collect();
    names.extend(new.iter().map(|(name, _)| name).filter(|name| old.iter().all(|(known, _)| known != *name)));
    names.into_iter().map(|name| (name.clone(), of(&old, name), of(&new, name))).collect()
}

/// A value inside a list, or one nested too deep, as text.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
