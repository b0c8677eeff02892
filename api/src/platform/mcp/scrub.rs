//! Texts of a server, made fit to be told: without the secrets it was given, without control characters, and short.

use super::Transport;

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

    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for secret in &self.secrets {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), REDACTED);
            }
        }
        let visible = text.trim().chars().map(|next| if next.is_control() { ' ' } else { next });
        visible.take(MOST_CHARACTERS).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

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
    fn a_flood_is_cut() {
        assert_eq!(Scrub::default().clean(&"é".repeat(10_000)).chars().count(), MOST_CHARACTERS);
    }
}
