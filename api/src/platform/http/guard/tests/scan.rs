//! What counts as a token and as a bracket.

use super::super::{Limits, RefusalCode, ScanReport, scan};

fn tokens(text: &str) -> u64 {
    scanned(text).tokens
}

fn scanned(text: &str) -> ScanReport {
    scan(text, &Limits::default()).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

fn refused(text: &str) -> (RefusalCode, Option<(usize, usize)>) {
    let refusal = scan(text, &Limits::default()).expect_err(text);
    let position = refusal.position.map(|position| (position.line, position.column));
    (refusal.code, position)
}

#[test]
fn names_numbers_strings_and_punctuation_are_one_token_each() {
    assert_eq!(tokens("query Q($a: [Int!]! = 1) { b(c: $a) ...D }"), 25);
    assert_eq!(tokens("-1.5e+3"), 1);
    assert_eq!(tokens("\"a b\" \"\"\"c d\"\"\" \"\""), 3);
    assert_eq!(tokens("|&!@:=$"), 7);
}

#[test]
fn white_space_commas_comments_and_byte_order_marks_are_free() {
    assert_eq!(tokens("\u{feff} a,\t,b \r\n # c d ( [ { \" \r d"), 3);
    assert_eq!(tokens("# only a comment"), 0);
    assert_eq!(tokens(""), 0);
}

#[test]
fn numbers_are_counted_as_the_parser_splits_them() {
    assert_eq!(tokens("000"), 3);
    assert_eq!(tokens("1-1-1"), 3);
    assert_eq!(tokens("1.5.5"), 3);
    assert_eq!(tokens("1...a"), 3);
    assert_eq!(tokens("1e5e5"), 2);
    assert_eq!(tokens("1e"), 2);
}

#[test]
fn all_kinds_of_brackets_count_together() {
    assert_eq!(scanned("{a(b:[{c:1}])}").bracket_depth, 4);
    assert_eq!(scanned("{a}{b}{c}").bracket_depth, 1);
    assert_eq!(scanned("}}}]){a").bracket_depth, 1);
}

#[test]
fn brackets_in_strings_and_comments_do_not_count() {
    let open = "[".repeat(1_000);
    assert_eq!(scanned(&format!("{{a(b: \"{open}\")}}")).bracket_depth, 2);
    assert_eq!(scanned(&format!("{{a(b: \"\\\"{open}\")}}")).bracket_depth, 2);
    assert_eq!(scanned(&format!("{{a(b: \"\"\"{open}\"\"\")}}")).bracket_depth, 2);
    assert_eq!(scanned(&format!("{{a(b: \"\"\"\\\"\"\"{open}\"\"\")}}")).bracket_depth, 2);
    assert_eq!(scanned(&format!("{{a # {open}\n}}")).bracket_depth, 1);
    assert_eq!(scanned(&format!("{{a # \"\"\"{open}\r}}")).bracket_depth, 1);
}

#[test]
fn quotes_in_comments_do_not_hide_brackets() {
    let open = "[".repeat(51);
    for quote in ["\"", "\"\"\"", "\\\""] {
        let text = format!("{{a # it{quote}s\n(b: {open}");
        assert_eq!(refused(&text).0, RefusalCode::BracketsTooDeep);
    }
}

#[test]
fn strings_that_end_do_not_hide_what_follows() {
    let open = "[".repeat(51);
    for string in ["\"\"", "\"\\\\\"", "\"\"\"\"\"\"", "\"\"\"\\\\\"\"\"\"\"\"", "\"a\n", "\"\\\n"] {
        let text = format!("{{a(b: {string} {open}");
        assert_eq!(refused(&text).0, RefusalCode::BracketsTooDeep, "{string}");
    }
}

/// The parser reads `"""x" [[[[` as an empty string, the string `x` and four brackets.
#[test]
fn an_unterminated_block_string_hides_nothing() {
    let open = "[".repeat(2_000);
    let text = format!("{{a\n  (b: [\"\"\"x\" {open}");
    assert_eq!(refused(&text), (RefusalCode::UnterminatedString, Some((2, 8))));
    assert_eq!(refused("\"\"\"\\\"\"\"").0, RefusalCode::UnterminatedString);
}

#[test]
fn each_limit_passes_at_its_number_and_refuses_above() {
    let nested = |depth: usize| format!("{}{}", "{a".repeat(depth), "}".repeat(depth));
    assert_eq!(scanned(&nested(50)).bracket_depth, 50);
    assert_eq!(refused(&nested(51)), (RefusalCode::BracketsTooDeep, Some((1, 101))));

    assert_eq!(tokens(&"a ".repeat(2_000)), 2_000);
    assert_eq!(refused(&"é ".repeat(2_001)), (RefusalCode::TooManyTokens, Some((1, 4_001))));

    assert_eq!(scanned(&" ".repeat(65_536)).bytes, 65_536);
    assert_eq!(refused(&" ".repeat(65_537)), (RefusalCode::QueryTooLarge, None));
}

#[test]
fn a_refusal_names_the_limit_the_number_and_the_place() {
    let refusal = scan(&"[".repeat(60), &Limits::default()).expect_err("too deep");
    assert_eq!(
        refusal.to_string(),
        "The query opens at least 51 brackets within each other; the limit is 50 (line 1, column 51)."
    );
    assert_eq!((refusal.limit, refusal.actual), (50, 51));
    assert_eq!(refusal.code.to_string(), "BRACKETS_TOO_DEEP");
}
