//! Says phrases: fills their slots, chooses among their alternatives and draws their numbers.
//! In a phrase, `{customer}` is a slot, `{dry|wet}` a choice and `{3-9}` or `{0.2-0.8}` a number between the two.

use std::collections::{HashMap, HashSet};

use super::corpus::{Corpus, Subject};
use super::random::Random;

/// Somebody who writes one document.
#[derive(Debug)]
pub struct Voice<'a> {
    pub random: Random,
    pub corpus: &'a Corpus,
    slots: HashMap<&'static str, String>,
    /// Names to mention, each time another one.
    colleagues: Vec<String>,
    /// What was said already, so that a document does not repeat itself.
    said: HashSet<&'static str>,
}

impl<'a> Voice<'a> {
    pub fn new(random: Random, corpus: &'a Corpus) -> Self {
        Self { random, corpus, slots: HashMap::new(), colleagues: Vec::new(), said: HashSet::new() }
    }

    /// What the slot stands for from now on.
    pub fn set(&mut self, slot: &'static str, value: impl Into<String>) {
        self.slots.insert(slot, value.into());
    }

    /// The first names that may be mentioned.
    pub fn set_colleagues(&mut self, names: Vec<String>) {
        self.colleagues = names;
    }

    pub fn colleague(&mut self) -> String {
        let index = self.random.below(self.colleagues.len());
        self.colleagues.get(index).cloned().unwrap_or_default()
    }

    /// Says a phrase.
    pub fn say(&mut self, phrase: &str) -> String {
        let mut said = String::with_capacity(phrase.len() + 16);
        let mut rest = phrase;
        while let Some(open) = rest.find('{') {
            said.push_str(&rest[..open]);
            let Some(length) = closing(&rest[open + 1..]) else { break };
            let inner = &rest[open + 1..open + 1 + length];
            let filled = self.fill(inner);
            said.push_str(&filled);
            rest = &rest[open + length + 2..];
        }
        said.push_str(rest);
        said
    }

    fn fill(&mut self, inner: &str) -> String {
        let choices = alternatives(inner);
        if choices.len() > 1 {
            let choice = choices[self.random.below(choices.len())];
            return self.say(choice);
        }
        if inner == "colleague" {
            return self.colleague();
        }
        if let Some(value) = self.slots.get(inner) {
            return value.clone();
        }
        match range(inner) {
            Some((least, most, decimals)) => {
                let number = self.random.between(least, most);
                decimal(number, decimals)
            }
            None => format!("{{{inner}}}"),
        }
    }

    /// Says up to so many of the phrases, none of them twice in one document.
    pub fn some(&mut self, phrases: &[&'static str], most: usize) -> Vec<String> {
        let mut fresh: Vec<&'static str> =
            phrases.iter().copied().filter(|phrase| !self.said.contains(phrase)).collect();
        self.random.shuffle(&mut fresh);
        fresh.truncate(most);
        fresh
            .into_iter()
            .map(|phrase| {
                self.said.insert(phrase);
                self.say(phrase)
            })
            .collect()
    }

    /// What can be said of a kind about the subject.
    pub fn about(&mut self, subject: &Subject, kind: &str, most: usize) -> Vec<String> {
        let lines: Vec<&'static str> = subject.lines(kind).to_vec();
        self.some(&lines, most)
    }

    /// One of a kind about the subject, also a second time; empty when there is none.
    pub fn one_about(&mut self, subject: &Subject, kind: &str) -> String {
        let line = self.random.pick(subject.lines(kind)).copied().unwrap_or_default();
        self.say(line)
    }

    /// Phrases of one use.
    pub fn phrases(&mut self, key: &str, most: usize) -> Vec<String> {
        let corpus = self.corpus;
        self.some(corpus.phrases(key), most)
    }

    /// One phrase of a use, also a second time.
    pub fn phrase(&mut self, key: &str) -> String {
        let corpus = self.corpus;
        let phrase = self.random.pick(corpus.phrases(key)).copied().unwrap_or_default();
        self.say(phrase)
    }
}

/// Where the brace that is open is closed.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 1;
    for (index, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => {
                depth -= 1;
                if depth == 0 {
                    return Some(index);
                }
            }
            _ => {}
        }
    }
    None
}

/// The parts between the bars that are not within braces of their own.
fn alternatives(inner: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (index, byte) in inner.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            b'|' if depth == 0 => {
                parts.push(&inner[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&inner[start..]);
    parts
}

/// `3-9`, `0.2-0.8`, `-4-7`: least and most in units of the last decimal, and the decimals.
fn range(text: &str) -> Option<(i64, i64, usize)> {
    let bar = text.char_indices().skip(1).find(|(_, character)| *character == '-')?.0;
    let decimals = |number: &str| number.split_once('.').map_or(0, |(_, after)| after.len());
    let (least, most) = (&text[..bar], &text[bar + 1..]);
    let places = decimals(least).max(decimals(most));
    let whole = |number: &str| -> Option<i64> {
        let missing = places - decimals(number);
        let digits = number.replace('.', "") + &"0".repeat(missing);
        digits.parse().ok()
    };
    let (one, other) = (whole(least)?, whole(most)?);
    Some((one.min(other), one.max(other), places))
}

/// A number of so many decimals.
pub fn decimal(number: i64, decimals: usize) -> String {
    if decimals == 0 {
        return number.to_string();
    }
    let unit = 10_i64.pow(u32::try_from(decimals).unwrap_or(0));
    let sign = if number < 0 { "-" } else { "" };
    format!("{sign}{}.{:0decimals$}", number.abs() / unit, number.abs() % unit)
}

/// With a capital letter at the beginning.
pub fn capital(text: &str) -> String {
    let mut characters = text.chars();
    characters.next().map(|first| first.to_uppercase().chain(characters).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phrases_are_filled() {
        let corpus = Corpus::new();
        let mut voice = Voice::new(Random::new(7), &corpus);
        voice.set("place", "Rabenau");
        assert_eq!(
            voice.say("{place}: {3-3} of {-2.50--2.50}, {a|a{7-7}|a}").replace("a7", "a"),
            "Rabenau: 3 of -2.50, a"
        );
        assert_eq!(range("-109--84"), Some((-109, -84, 0)));
        assert_eq!(range("0.5-10"), Some((5, 100, 1)));
        assert_eq!(range("place"), None);
        assert_eq!((decimal(-5, 2), decimal(1234, 1)), ("-0.05".to_owned(), "123.4".to_owned()));
    }
}
