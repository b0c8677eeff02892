//! What the change of a JSON schema means for those who call: whether what was accepted still is, and whether more is.

use serde_json::{Map, Value};

use super::{DriftKind, readable::Change};

/// Which way the data goes: what loosens a tool's input tightens what is known of its output.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Input,
    Output,
}

/// Adds every difference between two schemas, each with its meaning.
pub(super) fn compare(side: Side, place: &str, before: &Value, after: &Value, changes: &mut Vec<Change>) {
    let (Value::Object(old), Value::Object(new)) = (before, after) else {
        if before != after {
            // `true` and `false` are schemas too: everything and nothing.
            let kind = if after == &Value::Bool(true) { loosened(side) } else { DriftKind::Breaking };
            push(changes, place, Some(before), Some(after), kind);
        }
        return;
    };
    for keyword in keys(old, new) {
        let place = format!("{place}/{}", escape(keyword));
        let (before, after) = (old.get(keyword), new.get(keyword));
        if before == after {
            continue;
        }
        match keyword {
            "title" | "description" | "$comment" => push(changes, &place, before, after, wording(before, after)),
            "examples" => push(changes, &place, before, after, DriftKind::Compatible),
            "properties" => properties(side, &place, (before, after), new, changes),
            "$defs" | "definitions" | "patternProperties" | "dependentSchemas" => {
                each(side, &place, before, after, DriftKind::Breaking, changes);
            }
            "required" => {
                let added = holds_new(before, after);
                let kind = if added == (side == Side::Input) { DriftKind::Breaking } else { DriftKind::Compatible };
                push(changes, &place, before, after, kind);
            }
            "enum" | "type" => {
                // Appearing where nothing was said narrows, and so does losing a value.
                let narrows = before.is_none() || (after.is_some() && holds_new(after, before));
                let kind = if narrows { DriftKind::Breaking } else { loosened(side) };
                push(changes, &place, before, after, kind);
            }
            "additionalProperties" | "unevaluatedProperties" | "items" | "contains" | "propertyNames" => {
                match (before, after) {
                    (Some(before), Some(after)) => compare(side, &place, before, after, changes),
                    (Some(_), None) => push(changes, &place, before, after, loosened(side)),
                    _ if after == Some(&Value::Bool(true)) => {
                        push(changes, &place, before, after, DriftKind::Compatible);
                    }
                    _ => push(changes, &place, before, after, DriftKind::Breaking),
                }
            }
            _ => {
                // Constraints and keywords that this version does not know. One that appears refuses what was accepted;
                // one that changes or goes may accept more.
                let kind = if before.is_none() { DriftKind::Breaking } else { loosened(side) };
                push(changes, &place, before, after, kind);
            }
        }
    }
}

/// How the wording changed: only spaces do not matter to a model that reads it.
pub(super) fn wording(before: Option<&Value>, after: Option<&Value>) -> DriftKind {
    match (words(before), words(after)) {
        (Some(before), Some(after)) if before == after => DriftKind::Cosmetic,
        _ => DriftKind::Compatible,
    }
}

fn words(value: Option<&Value>) -> Option<Vec<&str>> {
    Some(value?.as_str()?.split_whitespace().collect())
}

fn properties(
    side: Side,
    place: &str,
    (before, after): (Option<&Value>, Option<&Value>),
    schema: &Map<String, Value>,
    changes: &mut Vec<Change>,
) {
    let empty = Map::new();
    let fields = |value: Option<&Value>| value.and_then(Value::as_object).cloned().unwrap_or_else(|| empty.clone());
    let (old, new) = (fields(before), fields(after));
    let required = |name: &str| {
        let names = schema.get("required").and_then(Value::as_array);
        names.is_some_and(|names| names.iter().any(|one| one.as_str() == Some(name)))
    };
    for name in keys(&old, &new) {
        let place = format!("{place}/{}", escape(name));
        match (old.get(name), new.get(name)) {
            (Some(before), Some(after)) => compare(side, &place, before, after, changes),
            (None, after) => {
                let breaks = side == Side::Input && required(name);
                let kind = if breaks { DriftKind::Breaking } else { DriftKind::Compatible };
                push(changes, &place, None, after, kind);
            }
            (before, None) => push(changes, &place, before, None, DriftKind::Breaking),
        }
    }
}

fn each(
    side: Side,
    place: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    otherwise: DriftKind,
    changes: &mut Vec<Change>,
) {
    let (Some(Value::Object(old)), Some(Value::Object(new))) = (before, after) else {
        push(changes, place, before, after, otherwise);
        return;
    };
    for name in keys(old, new) {
        let place = format!("{place}/{}", escape(name));
        match (old.get(name), new.get(name)) {
            (Some(before), Some(after)) => compare(side, &place, before, after, changes),
            (before, after) => push(changes, &place, before, after, otherwise),
        }
    }
}

fn loosened(side: Side) -> DriftKind {
    match side {
        Side::Input => DriftKind::PrivilegeExpanding,
        Side::Output => DriftKind::Breaking,
    }
}

/// Whether the second list has what the first lacks. One value stands for a list of it.
fn holds_new(before: Option<&Value>, after: Option<&Value>) -> bool {
    let list = |value: Option<&Value>| match value {
        Some(Value::Array(items)) => items.clone(),
        Some(one) => vec![one.clone()],
        None => Vec::new(),
    };
    let before = list(before);
    list(after).iter().any(|value| !before.contains(value))
}

pub(super) fn push(
    changes: &mut Vec<Change>,
    place: &str,
    before: Option<&Value>,
    after: Option<&Value>,
    kind: DriftKind,
) {
    changes.push(Change { place: place.to_owned(), before: before.cloned(), after: after.cloned(), kind });
}

/// The names of both, in order, each once.
pub(super) fn keys<'a>(old: &'a Map<String, Value>, new: &'a Map<String, Value>) -> Vec<&'a str> {
    let mut keys: Vec<&str> = old.keys().chain(new.keys()).map(String::as_str).collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

fn escape(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}
