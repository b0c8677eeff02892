//! What became of a server's tools since they were approved, and how much it matters.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{
    Tool,
    readable::Change,
    schema::{self, Side},
};
use crate::governance::{risk, scan};

/// How a tool drifted, the mildest first. Only what is cosmetic is accepted by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DriftKind {
    /// Only spaces.
    Cosmetic,
    /// Everything that worked still works; the wording may be another.
    Compatible,
    Added,
    Removed,
    /// A call that worked may fail.
    Breaking,
    /// The tool may do more than was approved.
    PrivilegeExpanding,
    /// The scan finds something hard that was not there.
    Poisoned,
}

/// One tool that is not as it was approved.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Drift {
    pub tool: String,
    pub kind: DriftKind,
    pub changes: Vec<Change>,
}

/// Compares what is found with what was approved. Tools that have the same pin are left out; the rest is in the order of
/// its names.
#[must_use]
pub fn drift(approved: &[Tool], found: &[Tool]) -> Vec<Drift> {
    let mut drifts = Vec::new();
    for old in approved {
        match found.iter().find(|new| new.name == old.name) {
            Some(new) if new.pin() == old.pin() => {}
            Some(new) => drifts.push(changed(old, new, found)),
            None => drifts.push(whole(old, DriftKind::Removed)),
        }
    }
    for (index, new) in found.iter().enumerate() {
        let is_repeated = found[..index].iter().any(|earlier| earlier.name == new.name);
        // A second tool of the same name could be the one that answers.
        if is_repeated {
            drifts.push(whole(new, DriftKind::Poisoned));
        } else if !approved.iter().any(|old| old.name == new.name) {
            let kind = if scan::scan_tool(new).has_hard() { DriftKind::Poisoned } else { DriftKind::Added };
            drifts.push(whole(new, kind));
        }
    }
    drifts.sort_by(|one, other| one.tool.cmp(&other.tool));
    drifts
}

fn whole(tool: &Tool, kind: DriftKind) -> Drift {
    let value = Some(tool.to_value());
    let (before, after) = if kind == DriftKind::Removed { (value, None) } else { (None, value) };
    Drift { tool: tool.name.clone(), kind, changes: vec![Change { place: String::new(), before, after, kind }] }
}

fn changed(old: &Tool, new: &Tool, found: &[Tool]) -> Drift {
    let mut changes = Vec::new();
    for (place, before, after) in
        [("/title", &old.title, &new.title), ("/description", &old.description, &new.description)]
    {
        if before != after {
            let value = |text: &Option<String>| text.as_deref().map(Value::from);
            let (before, after) = (value(before), value(after));
            let kind = schema::wording(before.as_ref(), after.as_ref());
            schema::push(&mut changes, place, before.as_ref(), after.as_ref(), kind);
        }
    }
    schema::compare(Side::Input, "/inputSchema", &old.input_schema, &new.input_schema, &mut changes);
    match (&old.output_schema, &new.output_schema) {
        (Some(before), Some(after)) => schema::compare(Side::Output, "/outputSchema", before, after, &mut changes),
        (before, after) if before != after => {
            let kind = if after.is_none() { DriftKind::Breaking } else { DriftKind::Compatible };
            schema::push(&mut changes, "/outputSchema", before.as_ref(), after.as_ref(), kind);
        }
        _ => {}
    }
    annotations(old, new, &mut changes);

    let mut kind = changes.iter().map(|change| change.kind).max().unwrap_or(DriftKind::Cosmetic);
    if risk::assess(new).level > risk::assess(old).level {
        kind = kind.max(DriftKind::PrivilegeExpanding);
    }
    let (before, after) = (scan::scan_tool(old), scan::scan_tool(new));
    if after.adds_hard_to(&before) || found.iter().filter(|tool| tool.name == new.name).count() > 1 {
        kind = DriftKind::Poisoned;
    }
    Drift { tool: new.name.clone(), kind, changes }
}

fn annotations(old: &Tool, new: &Tool, changes: &mut Vec<Change>) {
    let fields = |tool: &Tool| match tool.to_value().get_mut("annotations").map(Value::take) {
        Some(Value::Object(fields)) => fields,
        _ => Map::new(),
    };
    let (before, after) = (fields(old), fields(new));
    for name in schema::keys(&before, &after) {
        let (was, is) = (before.get(name), after.get(name));
        if was == is {
            continue;
        }
        let kind = match name {
            "title" => schema::wording(was, is),
            // Where a hint is missing, the specification assumes the worse.
            "readOnlyHint" | "idempotentHint" if was == Some(&Value::Bool(true)) => DriftKind::PrivilegeExpanding,
            "destructiveHint" | "openWorldHint" if was == Some(&Value::Bool(false)) => DriftKind::PrivilegeExpanding,
            _ => DriftKind::Compatible,
        };
        schema::push(changes, &format!("/annotations/{name}"), was, is, kind);
    }
}
