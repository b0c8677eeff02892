//! One change between two versions of a tool, as a reviewer reads it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::DriftKind;

/// What stood at a place and what stands there now.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Change {
    /// A JSON pointer into the tool.
    pub place: String,
    pub before: Option<Value>,
    pub after: Option<Value>,
    pub kind: DriftKind,
}

/// A line like in a diff: `~ /description: "reads" → "reads and sends"`. What cannot be seen is escaped.
impl fmt::Display for Change {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = visible(&self.place);
        let write = |value: &Value| visible(&value.to_string());
        match (&self.before, &self.after) {
            (None, Some(after)) => write!(formatter, "+ {place}: {}", write(after)),
            (Some(before), None) => write!(formatter, "- {place}: {}", write(before)),
            (Some(before), Some(after)) => write!(formatter, "~ {place}: {} → {}", write(before), write(after)),
            (None, None) => Ok(()),
        }
    }
}

fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for sign in text.chars() {
        if crate::governance::scan::is_hidden(sign) || sign.is_control() {
            shown.extend(sign.escape_unicode());
        } else {
            shown.push(sign);
        }
    }
    shown
}
