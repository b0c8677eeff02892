//! Texts of a server, made fit to be told: without the secrets it was given, without control characters, and short.

use serde_json::Value;

use super::{Progress, Transport};

const MOST_CHARACTERS: usize = 2_000;
const REDACTED: &str = "[redacted]";
/// Anything shorter stands in ordinary words too.
const LEAST_SECRET_BYTES: usize = 4;

/// The secrets of one transport, the longest first.
#[derive(Clone, Default)]
pub struct Scrub {
    secrets: Vec<String>,
}

impl Scrub {
    pub fn of(transport: &Transport) -> Self {
        let texts = transport.secrets().map(|secret| secret.reveal());
        // Of `Bearer abc` a server may repeat only the second part.
        let parts = texts.flat_map(|text| std::iter::once(text).chain(text.split_whitespace()));
        let long = parts.filter(|part| part.len() >= LEAST_SECRET_BYTES);
        let mut secrets: Vec<String> = long.map(str::to_owned).collect();
        secrets.sort_by(|one, other| other.len().cmp(&one.len()).then_with(|| one.cmp(other)));
        secrets.dedup();
        Self { secrets }
    }

    fn without_secrets(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| match text.contains(secret.as_str()) {
            true => text.replace(secret.as_str(), REDACTED),
            false => text,
        })
    }

    /// Takes the secrets out of every text of a value, names of fields included.
    pub fn conceal(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.without_secrets(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.conceal(item)),
            Value::Object(fields) => {
                for (name, mut field) in std::mem::take(fields) {
                    self.conceal(&mut field);
                    fields.insert(self.without_secrets(&name), field);
                }
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// What a server says of its progress, fit to be told.
    pub fn progress(&self, mut progress: Progress) -> Progress {
        progress.message = progress.message.map(|text| self.clean(&text));
        progress
    }

    pub fn clean(&self, text: &str) -> String {
        let text = self.without_secrets(text).replace(char::is_control, " ");
        text.trim().chars().take(MOST_CHARACTERS).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_server_repeats_of_its_secrets_is_not_told() {
        let headers = BTreeMap::from([("Authorization".to_owned(), "Bearer hunter22-long".into())]);
        let url = "https://example.com/".parse().unwrap();
        let scrub = Scrub::of(&Transport::Http { url, headers });
        assert_eq!(scrub.clean("no hunter22-long\u{1b}[2J, go away\n"), "no [redacted] [2J, go away");
        assert_eq!(scrub.clean("Bearer hunter22-long"), "[redacted]");
    }

    #[test]
    fn a_result_that_holds_them_is_without_them() {
        let environment =
            BTreeMap::from([("API_KEY".to_owned(), "planted-0815".into()), ("N".to_owned(), "abc".into())]);
        let server = Transport::Stdio { command: "server".to_owned(), arguments: Vec::new(), environment };
        let mut value = json!({ "a": ["key planted-0815!", 1, null], "planted-0815": { "b": "abc" } });
        server.conceal(&mut value);
        assert_eq!(value, json!({ "a": ["key [redacted]!", 1, null], "[redacted]": { "b": "abc" } }));
    }

    #[test]
    fn a_flood_is_cut() {
        assert_eq!(Scrub::default().clean(&"é".repeat(10_000)).chars().count(), MOST_CHARACTERS);
    }
}
