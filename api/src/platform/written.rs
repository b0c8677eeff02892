//! Answers that are written as JSON while they are resolved: an object takes one buffer, where a tree takes a map, and a key
//! and a value for each field, and is walked again to be written.
//!
//! The engine carries what is written as a binary value, of which the graph has no other. It cannot look inside, as it
//! would to merge two objects under one name: so nothing is written in the answer to a document that asks for that.

use std::fmt::{Display, Write as _};

use async_graphql::resolver_utils::EnumType;
use async_graphql::{Name, Response, Value};
use bytes::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;

/// That nothing is asked for twice under one name in one place; the engine's request carries it.
#[derive(Clone, Copy, Debug)]
pub struct EachNameOnce;

/// A part of an answer that is being written.
#[derive(Debug)]
pub struct Writing {
    json: Vec<u8>,
    fields: u32,
}

/// How far something is written.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    length: usize,
    fields: u32,
}

impl Writing {
    pub fn with_capacity(bytes: usize) -> Self {
        Self { json: Vec::with_capacity(bytes), fields: 0 }
    }

    pub fn mark(&self) -> Mark {
        Mark { length: self.json.len(), fields: self.fields }
    }

    /// Takes back what was written since the mark.
    pub fn back_to(&mut self, mark: Mark) {
        self.json.truncate(mark.length);
        self.fields = mark.fields;
    }

    /// JSON as it is.
    pub fn raw(&mut self, json: &str) {
        self.json.extend_from_slice(json.as_bytes());
    }

    /// What stands between the parts of a list or an object.
    pub fn separate(&mut self, index: usize) {
        if index > 0 {
            self.raw(",");
        }
    }

    /// The name under which a field is asked for, whose value follows. The grammar leaves nothing in it to escape.
    pub fn key(&mut self, name: &Name) {
        self.fields += 1;
        self.raw("\"");
        self.raw(name);
        self.raw("\":");
    }

    /// A text, or null.
    pub fn text<'a>(&mut self, text: impl Into<Option<&'a str>>) {
        self.serialized(&text.into());
    }

    /// A text that needs no escaping, such as an id.
    pub fn plain(&mut self, text: impl Display) {
        self.raw("\"");
        // Invariant: writing to memory does not fail.
        write!(self, "{text}").ok();
        self.raw("\"");
    }

    /// A whole number.
    pub fn number(&mut self, number: impl Into<i64>) {
        write!(self, "{}", number.into()).ok();
    }

    pub fn time(&mut self, time: DateTime<Utc>) {
        self.plain(time.to_rfc3339());
    }

    /// A value of an enum.
    pub fn choice<T: EnumType>(&mut self, value: T) {
        self.plain(T::items().iter().find(|item| item.value == value).map_or("", |item| item.name));
    }

    /// Any value.
    pub fn value(&mut self, value: &Value) {
        match value {
            Value::Binary(written) => {
                let (json, fields) = written.split_at(written.len().saturating_sub(size_of::<u32>()));
                self.json.extend_from_slice(json);
                self.fields += fields_of(fields);
            }
            Value::List(items) => {
                self.raw("[");
                for (index, item) in items.iter().enumerate() {
                    self.separate(index);
                    self.value(item);
                }
                self.raw("]");
            }
            Value::Object(fields) => {
                self.raw("{");
                for (index, (name, value)) in fields.iter().enumerate() {
                    self.separate(index);
                    // Anything, where somebody's own JSON is part of the answer.
                    self.fields += 1;
                    self.serialized(name);
                    self.raw(":");
                    self.value(value);
                }
                self.raw("}");
            }
            Value::Null | Value::Number(_) | Value::String(_) | Value::Boolean(_) | Value::Enum(_) => {
                self.serialized(value);
            }
        }
    }

    /// The same with values put into the places that were left for them, in ascending order.
    pub fn filled(self, gaps: impl IntoIterator<Item = (Mark, Value)>) -> Self {
        let mut whole = Self { json: Vec::with_capacity(4 * self.json.len()), fields: self.fields };
        let mut from = 0;
        for (Mark { length, .. }, value) in gaps {
            whole.json.extend_from_slice(&self.json[from..length]);
            whole.value(&value);
            from = length;
        }
        whole.json.extend_from_slice(&self.json[from..]);
        whole
    }

    /// What is written, as a value for the engine: the JSON, and then how many fields there are in it.
    pub fn finish(mut self) -> Value {
        self.json.extend(self.fields.to_le_bytes());
        Value::Binary(Bytes::from(self.json))
    }

    fn serialized(&mut self, value: &impl Serialize) {
        serde_json::to_writer(&mut self.json, value).expect("Invariant: answers have string keys and finite numbers");
    }
}

impl std::fmt::Write for Writing {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        self.raw(text);
        Ok(())
    }
}

fn fields_of(tail: &[u8]) -> u32 {
    tail.try_into().map_or(0, u32::from_le_bytes)
}

/// The JSON of a response.
pub fn json(response: &Response) -> Bytes {
    let mut writing = Writing::with_capacity(1024);
    writing.raw("{\"data\":");
    writing.value(&response.data);
    if !response.extensions.is_empty() {
        writing.raw(",\"extensions\":");
        writing.serialized(&response.extensions);
    }
    if !response.errors.is_empty() {
        writing.raw(",\"errors\":");
        writing.serialized(&response.errors);
    }
    writing.raw("}");
    writing.json.into()
}

/// The fields of an answer, each counted where it stands: what the operation turned out to cost, by the reckoning of
/// the guard, which counted on every list to be as long as it may be.
pub fn fields(data: &Value) -> u64 {
    match data {
        Value::Binary(written) => fields_of(&written[written.len().saturating_sub(size_of::<u32>())..]).into(),
        Value::Object(fields) => fields.values().map(|field| 1 + self::fields(field)).sum(),
        Value::List(items) => items.iter().map(fields).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::value;

    use super::*;

    /// An object with a field that is written, and one whose place is left for the value.
    fn written(name: &str, later: Value) -> Value {
        let mut writing = Writing::with_capacity(0);
        writing.raw("{");
        writing.key(&Name::new("name"));
        writing.text(name);
        writing.separate(1);
        writing.key(&Name::new("later"));
        let place = writing.mark();
        writing.raw("}");
        writing.filled([(place, later)]).finish()
    }

    #[test]
    fn what_is_written_reads_and_counts_as_the_tree_would() {
        let name = "a \"quoted\" name\n\u{2028}é\u{0}";
        let tree = |later| value!({ "name": name, "later": later });
        let own =
            || Value::from_json(serde_json::json!({ "a\": 1, \"b\\\n\u{1}": [1, 2.5, true, null] })).expect("JSON");
        let inner = written(name, own());
        let outer = written(name, Value::List(vec![inner.clone(), inner, Value::Null]));
        let inner = tree(own());
        let expected = Response::new(value!({ "whole": tree(Value::List(vec![inner.clone(), inner, Value::Null])) }));
        let found = Response::new(value!({ "whole": outer }));
        assert_eq!(json(&found), serde_json::to_vec(&expected).expect("JSON"));
        assert_eq!((fields(&found.data), fields(&expected.data)), (9, 9));
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut writing = Writing::with_capacity(0);
        writing.raw("[");
        let mark = writing.mark();
        writing.key(&Name::new("name"));
        writing.back_to(mark);
        writing.raw("]");
        let found = writing.finish();
        assert_eq!((fields(&found), json(&Response::new(found))), (0, "{\"data\":[]}".into()));
    }
}
