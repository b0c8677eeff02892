//! References to secrets in texts: `${secrets.NAME}`. Everything else in a text is left as it is, `$` and `${…}` included.

use std::collections::BTreeSet;

const BEGINNING: &str = "${secrets.";

/// A text has a reference that does not end, or whose name cannot be one.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reference:?} is no reference to a secret: write ${{secrets.NAME}}")]
pub struct Malformed {
    /// How it begins, up to 40 characters.
    pub reference: String,
}

/// A part of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    Text(&'a str),
    /// The name of a secret.
    Secret(&'a str),
}

/// Whether a secret can have this name: letters, digits and underscores, up to 100, with no digit at the beginning.
pub fn is_name(text: &str) -> bool {
    let is_word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    (1..=100).contains(&text.len()) && is_word && !text.as_bytes()[0].is_ascii_digit()
}

/// The parts of a text, in order. Together they are the text.
pub fn parts(text: &str) -> Result<Vec<Part<'_>>, Malformed> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(BEGINNING) {
        let (before, reference) = rest.split_at(start);
        let inside = &reference[BEGINNING.len()..];
        let name = inside.split_once('}').map(|(name, _)| name).filter(|name| is_name(name));
        let name = name.ok_or_else(|| Malformed { reference: reference.chars().take(40).collect() })?;
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        parts.push(Part::Secret(name));
        rest = &inside[name.len() + 1..];
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

/// The names of the secrets that texts refer to.
pub fn names<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<BTreeSet<&'a str>, Malformed> {
    let mut names = BTreeSet::new();
    for text in texts {
        names.extend(parts(text)?.into_iter().filter_map(|part| match part {
            Part::Secret(name) => Some(name),
            Part::Text(_) => None,
        }));
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_found_wherever_they_stand() {
        let text = "Bearer ${secrets.TOKEN}, ${secrets._a1}${secrets.TOKEN}";
        let expected = [
            Part::Text("Bearer "),
            Part::Secret("TOKEN"),
            Part::Text(", "),
            Part::Secret("_a1"),
            Part::Secret("TOKEN"),
        ];
        assert_eq!(parts(text).unwrap(), expected);
        assert_eq!(names([text, "${secrets.b}"]).unwrap().into_iter().collect::<Vec<_>>(), ["TOKEN", "_a1", "b"]);
    }

    #[test]
    fn everything_else_is_text() {
        for text in ["", "plain", "$", "${HOME}", "$secrets.A", "{secrets.A}", "${ secrets.A }", "$${x}", "💥${"] {
            let found = parts(text).unwrap();
            assert!(found.iter().all(|part| matches!(part, Part::Text(_))), "{text}");
            assert_eq!(found.len(), usize::from(!text.is_empty()));
        }
    }

    #[test]
    fn what_begins_as_a_reference_ends_as_one_or_is_refused() {
        let long = format!("${{secrets.{}}}", "x".repeat(101));
        for text in
            ["${secrets.", "${secrets.}", "${secrets.A", "${secrets.1A}", "${secrets.a-b}", "${secrets.é}", &long]
        {
            let refused = parts(&format!("before {text} after")).unwrap_err();
            assert!(refused.reference.starts_with("${secrets.") && refused.reference.chars().count() <= 40, "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_parts_are_the_text(text in "([a${}.]|secrets|\\$\\{secrets\\.[A-C]\\}){0,12}") {
            if let Ok(parts) = parts(&text) {
                let again: String = parts.iter().map(|part| match part {
                    Part::Text(text) => (*text).to_owned(),
                    Part::Secret(name) => format!("${{secrets.{name}}}"),
                }).collect();
                proptest::prop_assert_eq!(again, text);
            }
        }
    }
}
