//! What holds of every text and of every valid document.

use async_graphql::parser::parse_query;
use proptest::collection::vec;
use proptest::prelude::*;

use super::super::{Limits, RefusalCode, examine, rewrite, scan};
use super::hostile::{on_a_worker, parse_on_a_worker};
use super::print::print;
use super::reference::{Reference, TYPES, possible};
use super::rewrite::answer;
use super::{parse, shape, variables};

/// Pieces of text with the brackets that each opens (or, below zero, closes).
const PIECES: [(&str, i64); 20] = [
    ("{", 1),
    ("(", 1),
    ("[", 1),
    ("}", -1),
    (")", -1),
    ("]", -1),
    (" a ", 0),
    (" a:", 0),
    (" $b ", 0),
    (" @c ", 0),
    (" ...d ", 0),
    (" -1.5 ", 0),
    (" \"({[\" ", 0),
    (" \"\\\"[\\\\\" ", 0),
    (" \"\" ", 0),
    (" \"\"\"[\"{\"\"(\"\"\" ", 0),
    (" \"\"\"\\\"\"\"[\\\" \"\"\" ", 0),
    (" \"\"\"\"\"\" ", 0),
    (" # [\"\"\" \" é\n", 0),
    (" é\u{feff}, ", 0),
];

proptest! {
    #[test]
    fn any_text_is_scanned_without_a_panic(text in any::<String>()) {
        let _ = scan(&text, &Limits::default());
    }

    #[test]
    fn the_parser_stands_on_whatever_passes(
        text in "([{(\\[\\]})a: \"\\\\\n#$@.1-]|\"\"\"|\\{a|\\[\\[\\[|\\(a:){0,400}"
    ) {
        if scan(&text, &Limits::default()).is_ok() {
            parse_on_a_worker(text);
        }
    }

    #[test]
    fn any_bytes_leave_the_guard_standing(bytes in vec(any::<u8>(), 0..2_000)) {
        guarded_on_a_worker(String::from_utf8_lossy(&bytes).into_owned());
    }

    #[test]
    fn a_document_with_other_text_in_its_places_leaves_the_guard_standing(
        choices in vec(any::<u8>(), 0..300),
        changes in vec((any::<usize>(), 0..8_usize, "[{(\\[\\]})a: \"\\\\\n#$@.!=|1-]|\"\"\"|\\PC|\\.\\.\\.F[0-5]|\\$[ab]"), 1..12)
    ) {
        let mut text = Writer::default().document(choices);
        for (place, length, change) in changes {
            let start = text.floor_char_boundary(place % (text.len() + 1));
            let end = text.ceil_char_boundary((start + length).min(text.len()));
            text.replace_range(start..end, &change);
        }
        guarded_on_a_worker(text);
    }

    #[test]
    fn brackets_are_counted_outside_strings_and_comments(pieces in vec(0..PIECES.len(), 0..200)) {
        let (mut text, mut open, mut deepest) = (String::new(), 0_i64, 0);
        for index in pieces {
            let (piece, opens) = PIECES[index];
            text += piece;
            open = (open + opens).max(0);
            deepest = deepest.max(open);
        }
        match scan(&text, &Limits::default()) {
            Ok(report) => prop_assert_eq!(report.bracket_depth.cast_signed(), deepest),
            Err(refusal) => prop_assert!(deepest > 50, "{}: {}", text, refusal),
        }
    }

    #[test]
    fn a_rewritten_document_answers_what_the_specification_says(
        choices in vec(any::<u8>(), 0..300), a in any::<bool>(), b in any::<bool>()
    ) {
        let text = Writer::default().document(choices);
        let variables = variables(&format!("{{\"a\": {a}, \"b\": {b}}}"));
        let document = parse(&text);
        let expected = Reference { document: &document, variables: &variables }.answer();

        let generous = Limits { depth: 100, directives: 1_000, ..Limits::default() };
        let examined = examine(&document, shape(), None, &variables, &generous);
        prop_assert!(examined.is_ok(), "{}: {:?}", text, examined);
        let rewritten = rewrite(document, shape(), &generous).map_err(|refusal| {
            TestCaseError::fail(format!("{text}: {refusal}"))
        })?;
        let printed = print(&rewritten);
        let answer = answer(rewritten, variables);
        prop_assert!(answer.errors.is_empty(), "{}\n{}\n{:?}", text, printed, answer.errors);
        prop_assert_eq!(answer.data.to_string(), expected.to_string(), "{}\n{}", text, printed);
    }

    #[test]
    fn rewriting_does_not_make_an_invalid_document_valid(
        choices in vec(any::<u8>(), 0..200), place in any::<usize>(), word in 0..WORDS.len()
    ) {
        let text = with_another_word(&Writer::default().document(choices), place, WORDS[word]);
        let variables = variables("{\"a\": true, \"b\": false}");
        let Ok(document) = parse_query(&text) else { return Ok(()) };
        if examine(&document, shape(), None, &variables, &Limits::default()).is_err() {
            return Ok(());
        }
        let before = answer(document.clone(), variables.clone());
        let rewritten = match rewrite(document, shape(), &Limits::default()) {
            Ok(rewritten) => rewritten,
            Err(refusal) if refusal.code == RefusalCode::FieldsConflict => return Ok(()),
            Err(refusal) => return Err(TestCaseError::fail(format!("{text}: {refusal}"))),
        };
        let printed = print(&rewritten);
        let after = answer(rewritten, variables);
        prop_assert!(
            before.errors.is_empty() || !after.errors.is_empty(),
            "{}\n{}\n{:?}", text, printed, before.errors
        );
    }
}

/// Everything that the guard does with a text that nobody vouches for. What it looks at grows no faster than the text.
fn guarded_on_a_worker(text: String) {
    if scan(&text, &Limits::default()).is_err() {
        return;
    }
    on_a_worker(move || {
        let Ok(document) = parse_query(&text) else { return };
        let variables = variables("{\"a\": true}");
        if let Ok(examined) = examine(&document, shape(), None, &variables, &Limits::default()) {
            assert!(examined.visited <= 4 * text.len() as u64, "{}: {text}", examined.visited);
            drop(rewrite(document, shape(), &Limits::default()));
        }
    });
}

/// What a word of a valid document is replaced by to make it invalid, most of the time.
const WORDS: [&str; 9] = ["nothing", "id", "owner", "Document", "Hit", "Query", "F0", "b", "skip"];

/// The text with one of its words replaced.
fn with_another_word(text: &str, place: usize, word: &str) -> String {
    let starts_word = |index: usize| {
        let before = text[..index].chars().next_back();
        let is_letter = |letter: char| letter.is_alphanumeric() || letter == '_';
        text[index..].starts_with(is_letter) && !before.is_some_and(is_letter)
    };
    let starts: Vec<_> = (0..text.len()).filter(|index| starts_word(*index)).collect();
    let start = starts[place % starts.len()];
    let length = text[start..].find(|letter: char| !letter.is_alphanumeric() && letter != '_');
    let end = length.map_or(text.len(), |length| start + length);
    format!("{}{word}{}", &text[..start], &text[end..])
}

/// Writes a valid document, with every decision taken from a list of numbers.
#[derive(Default)]
struct Writer {
    choices: std::vec::IntoIter<u8>,
    /// The fragments that are spread, as far as they are written.
    used: Vec<usize>,
}

/// The types of the fragments that a document can have. Each spreads only later ones.
const FRAGMENTS: [&str; 6] = ["Thing", "Node", "Document", "Hit", "Actor", "User"];

impl Writer {
    fn document(mut self, choices: Vec<u8>) -> String {
        self.choices = choices.into_iter();
        let mut body = self.selection_set("Query", 5, 0);
        let mut next = 0;
        while let Some(fragment) = self.used.get(next).copied() {
            let on = FRAGMENTS[fragment];
            let inside = self.selection_set(on, 3, fragment + 1);
            body += &format!(" fragment F{fragment} on {on} {inside}");
            next += 1;
        }
        let declared: Vec<_> = ["a", "b"]
            .iter()
            .filter(|name| body.contains(&format!("${name}")))
            .map(|name| format!("${name}: Boolean!"))
            .collect();
        if declared.is_empty() { body } else { format!("query({}) {body}", declared.join(" ")) }
    }

    fn choose(&mut self, among: usize) -> usize {
        usize::from(self.choices.next().unwrap_or(0)) % among
    }

    /// A selection set on a type; `from` is the first fragment that it may spread.
    fn selection_set(&mut self, on: &str, depth: usize, from: usize) -> String {
        let count = 1 + self.choose(4);
        let selections: Vec<_> = (0..count).map(|_| self.selection(on, depth, from)).collect();
        format!("{{ {} }}", selections.join(" "))
    }

    fn selection(&mut self, on: &str, depth: usize, from: usize) -> String {
        let condition = self.condition();
        let kind = if depth == 0 { 0 } else { self.choose(6) };
        match kind {
            3 => {
                let inside = self.selection_set(on, depth - 1, from);
                format!("...{condition} {inside}")
            }
            4 => {
                let types: Vec<_> = TYPES.iter().map(|(name, _)| *name).filter(|name| overlaps(on, name)).collect();
                if types.is_empty() {
                    return "__typename".to_owned();
                }
                let narrowed = types[self.choose(types.len())];
                let inside = self.selection_set(narrowed, depth - 1, from);
                format!("... on {narrowed}{condition} {inside}")
            }
            5 => {
                let fragments: Vec<_> =
                    (from..FRAGMENTS.len()).filter(|index| overlaps(on, FRAGMENTS[*index])).collect();
                if fragments.is_empty() {
                    return "__typename".to_owned();
                }
                let fragment = fragments[self.choose(fragments.len())];
                if !self.used.contains(&fragment) {
                    self.used.push(fragment);
                }
                format!("...F{fragment}{condition}")
            }
            _ => self.field(on, condition, depth, from),
        }
    }

    fn condition(&mut self) -> &'static str {
        let conditions = [
            "",
            "",
            "",
            "",
            " @include(if: $a)",
            " @skip(if: $a)",
            " @include(if: $b) @skip(if: $a)",
            " @skip(if: false)",
        ];
        conditions[self.choose(conditions.len())]
    }

    /// A field under a response name that says its arguments, so that no two conflict.
    fn field(&mut self, on: &str, condition: &str, depth: usize, from: usize) -> String {
        const DOCUMENT: &[(&str, &str)] = &[
            ("id", ""),
            ("title", ""),
            ("loud: title(upper: true)", ""),
            ("maybe: title(upper: $a)", ""),
            ("owner", "Actor"),
            ("same: owner", "Actor"),
            ("related", "Thing"),
        ];
        const ACTOR: &[(&str, &str)] = &[("id", ""), ("name", ""), ("favorite", "Document")];
        let fields: &[(&str, &str)] = match on {
            "Query" => &[
                ("document", "Document"),
                ("node", "Node"),
                ("one: node(number: 1)", "Node"),
                ("two: node(number: 2)", "Node"),
                ("hits", "Hit"),
            ],
            "Document" => DOCUMENT,
            "User" => &[("id", ""), ("name", ""), ("favorite", "Document"), ("email", "")],
            "Bot" => &[("id", ""), ("name", ""), ("favorite", "Document"), ("version", "")],
            "Node" => &[("id", ""), ("__typename", "")],
            "Actor" => ACTOR,
            _ => &[("__typename", "")],
        };
        let fields: Vec<_> = fields.iter().filter(|(_, inside)| depth > 0 || inside.is_empty()).collect();
        if fields.is_empty() {
            return "__typename".to_owned();
        }
        let (field, inside) = fields[self.choose(fields.len())];
        if *field == "__typename" {
            // The engine does not see variables in its directives.
            (*field).to_owned()
        } else if inside.is_empty() {
            format!("{field}{condition}")
        } else {
            let inside = self.selection_set(inside, depth - 1, from);
            format!("{field}{condition} {inside}")
        }
    }
}

fn overlaps(one: &str, other: &str) -> bool {
    possible(one).iter().any(|object| possible(other).contains(object))
}
