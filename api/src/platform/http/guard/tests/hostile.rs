//! Documents that are written to do harm: each is refused for what it is, and those that pass the scan leave the
//! parser standing on the stack of a worker thread.

use async_graphql::parser::parse_query;

use super::super::{Limits, RefusalCode, rewrite, scan};
use super::{examined, examined_with, parse, shape};

/// The stack of a tokio worker.
const WORKER_STACK_BYTES: usize = 2 * 1024 * 1024;

/// Works on a thread with a worker's stack. An overflow aborts the whole test binary.
pub fn on_a_worker(work: impl FnOnce() + Send + 'static) {
    let worker = std::thread::Builder::new().stack_size(WORKER_STACK_BYTES).spawn(work);
    worker.expect("a thread can be started").join().expect("nothing panics");
}

pub fn parse_on_a_worker(text: String) {
    on_a_worker(move || drop(parse_query(text)));
}

fn refusal_of(text: &str) -> RefusalCode {
    examined(text).expect_err(text).code
}

type Bomb = (&'static str, fn(usize) -> String);

/// Texts that nest `depth` brackets of one kind.
const BOMBS: [Bomb; 14] = [
    ("lists", |depth| format!("{{a(x:{}{})}}", "[".repeat(depth), "]".repeat(depth))),
    ("objects", |depth| format!("{{a(x:{}1{})}}", "{a:".repeat(depth), "}".repeat(depth))),
    ("lists of objects", |depth| format!("{{a(x:{}1{})}}", "[{a:".repeat(depth / 2), "}]".repeat(depth / 2))),
    ("default lists", |depth| format!("query($x:Int={}{}){{a}}", "[".repeat(depth), "]".repeat(depth))),
    ("default objects", |depth| format!("query($x:Int={}1{}){{a}}", "{a:".repeat(depth), "}".repeat(depth))),
    ("directive arguments", |depth| format!("{{a @d(x:{}1{})}}", "{a:".repeat(depth), "}".repeat(depth))),
    ("list types", |depth| format!("query($x:{}Int{}){{a}}", "[".repeat(depth), "]".repeat(depth))),
    ("selection sets", |depth| format!("{}{}", "{a".repeat(depth), "}".repeat(depth))),
    ("inline fragments", |depth| format!("{{{}a{}}}", "... on A @d(x:1){".repeat(depth), "}".repeat(depth))),
    ("fragment definitions", |depth| format!("{{a}} fragment F on X {}{}", "{a".repeat(depth), "}".repeat(depth))),
    ("unclosed lists", |depth| format!("{{a(x:{}", "[".repeat(depth))),
    ("unclosed objects", |depth| format!("{{a(x:{}", "{a:".repeat(depth))),
    ("unclosed selection sets", |depth| "{a".repeat(depth)),
    ("unclosed arguments", |depth| "{a(b:".repeat(depth)),
];

#[test]
fn nested_brackets_are_refused_at_any_size_up_to_a_megabyte() {
    let generous = Limits { query_bytes: u64::MAX, tokens: u64::MAX, ..Limits::default() };
    for (name, bomb) in BOMBS {
        for depth in [60, 1_000, 10_000, 150_000] {
            let refusal = scan(&bomb(depth), &generous).expect_err(name);
            assert_eq!(refusal.code, RefusalCode::BracketsTooDeep, "{name}");
            assert_eq!(refusal.actual, 51, "{name}: the scan stops at the first bracket too many");
        }
    }
}

#[test]
fn the_deepest_brackets_that_pass_leave_the_parser_a_worker_stack_to_spare() {
    for (name, bomb) in BOMBS {
        let deepest = (1..=51).map(bomb).rfind(|text| scan(text, &Limits::default()).is_ok());
        parse_on_a_worker(deepest.expect(name));
        // Three times as deep still parses: the limit is not at the edge.
        parse_on_a_worker(bomb(150));
    }
}

#[test]
fn variables_nest_no_deeper_than_the_text_may() {
    let nested = |depth: usize| format!("{{\"x\":{}{}}}", "[".repeat(depth), "]".repeat(depth));
    let text = "query($x: Int) { document { id } }";
    let limits = Limits::default();
    assert!(examined_with(text, &nested(50), &limits).is_ok());
    let refusal = examined_with(text, &nested(51), &limits).expect_err("too deep");
    assert_eq!(refusal.code, RefusalCode::VariablesTooDeep);
    assert!(refusal.message.contains("$x"), "{refusal}");
}

/// `levels` fragments, each spread twice by the one above it.
fn doubling(levels: usize, body: &str) -> String {
    let mut text = String::from("{ document { ...F0 } }");
    for level in 0..levels {
        let next = format!("...F{}", level + 1);
        let body = body.replace("NEXT", &next);
        text += &format!(" fragment F{level} on Document {{ {body} }}");
    }
    text + &format!(" fragment F{levels} on Document {{ id }}")
}

#[test]
fn doubled_fragments_are_visited_once_and_refused() {
    for levels in [13, 22, 40] {
        for body in ["NEXT NEXT", "... { NEXT } ... { NEXT }"] {
            assert_eq!(refusal_of(&doubling(levels, body)), RefusalCode::TooManyFields);
        }
    }
    let wide = Limits { expanded_fields: u64::MAX, cost: u64::MAX, ..Limits::default() };
    let nested = Limits { nesting: 1_000, ..wide.clone() };
    let sixty = examined_with(&doubling(60, "NEXT NEXT"), "{}", &nested).expect("no limit is left");
    assert_eq!(sixty.expanded_fields, (1 << 60) + 1);
    // 123 selections are written; every pass looks at each about once.
    assert!(sixty.visited <= 4 * 123, "{}", sixty.visited);

    let nested = doubling(60, "NEXT NEXT");
    assert_eq!(examined_with(&nested, "{}", &wide).expect_err("deep").code, RefusalCode::NestingTooDeep);
}

#[test]
fn counts_saturate() {
    let unlimited = Limits { expanded_fields: u64::MAX, cost: u64::MAX, nesting: u64::MAX, ..Limits::default() };
    let found = examined_with(&doubling(200, "NEXT NEXT"), "{}", &unlimited).expect("no limit is left");
    assert_eq!(found.expanded_fields, u64::MAX);
}

#[test]
fn doubled_fields_are_refused() {
    let mut text = String::from("{ document { related { ...F0 } } }");
    for level in 0..12 {
        let next = level + 1;
        text += &format!(
            " fragment F{level} on Document {{ a: owner {{ favorite {{ ...F{next} }} }} b: owner {{ favorite {{ ...F{next} }} }} }}"
        );
    }
    text += " fragment F12 on Document { id }";
    assert_eq!(refusal_of(&text), RefusalCode::TooDeep);
    let deep = Limits { depth: 100, ..Limits::default() };
    let refusal = examined_with(&text, "{}", &deep).expect_err("wide");
    assert_eq!(refusal.code, RefusalCode::TooManyFields);
}

#[test]
fn the_rewriting_stops_at_the_limits_by_itself() {
    let refused = |text: &str| rewrite(parse(text), shape(), &Limits::default()).expect_err(text).code;
    assert_eq!(refused(&doubling(20, "NEXT NEXT")), RefusalCode::TooManyFields);
    assert_eq!(refused(&doubling(60, "NEXT")), RefusalCode::NestingTooDeep);
    let cycle = "{ document { ...A } } fragment A on Document { ...A }";
    assert_eq!(refused(cycle), RefusalCode::NestingTooDeep);
}

#[test]
fn fragment_cycles_are_refused_where_they_close() {
    for (text, message) in [
        ("{ document { ...A } } fragment A on Document { ...A }", "The fragment A spreads itself (line 1, column 48)."),
        (
            "{ document { ...A } } fragment A on Document { id ...B }\nfragment B on Document { owner { favorite { ... { ...A } } } }",
            "The fragment A spreads itself through 1 others, the last of them B (line 2, column 51).",
        ),
        (
            "{ document { id } } fragment A on Document { ...B } fragment B on Document { ...A }",
            "The fragment A spreads itself through 1 others, the last of them B (line 1, column 78).",
        ),
    ] {
        let refusal = examined(text).expect_err(text);
        assert_eq!(refusal.code, RefusalCode::FragmentCycle);
        assert_eq!(refusal.to_string(), message);
    }
}

#[test]
fn nothing_stands_below_the_name_of_a_type() {
    for text in [
        "{ __typename { id } }",
        "{ name: __typename(first: 2) }",
        "{ document { ...A } } fragment A on Document { ... { __typename @skip(if: true) { id } } }",
    ] {
        assert_eq!(refusal_of(text), RefusalCode::TypenameIsLeaf, "{text}");
    }
    assert!(examined("{ __typename @skip(if: true) name: __typename }").is_ok());
}

#[test]
fn a_fragment_that_is_spread_twice_is_no_cycle() {
    let text = "{ document { ...A ...B ...A } } fragment A on Document { ...C } fragment B on Document { ...C ...A } fragment C on Document { id }";
    assert!(examined(text).is_ok());
}

#[test]
fn a_chain_of_fragments_is_refused_without_recursing_into_it() {
    let text = doubling(5_000, "NEXT");
    assert_eq!(refusal_of(&text), RefusalCode::NestingTooDeep);
    // On a small stack, since the chain must not be followed by recursion.
    std::thread::Builder::new()
        .stack_size(512 * 1024)
        .spawn(move || assert_eq!(refusal_of(&text), RefusalCode::NestingTooDeep))
        .expect("a thread can be started")
        .join()
        .expect("the stack is large enough");
}

#[test]
fn ten_thousand_aliases_are_refused() {
    let aliases = |count: usize| {
        let fields: String = (0..count).map(|index| format!("a{index}: id ")).collect();
        format!("{{ document {{ {fields} }} }}")
    };
    let refusal = scan(&aliases(10_000), &Limits::default()).expect_err("too large");
    assert_eq!(refusal.code, RefusalCode::QueryTooLarge);
    let refusal = scan(&aliases(1_000), &Limits::default()).expect_err("too many tokens");
    assert_eq!(refusal.code, RefusalCode::TooManyTokens);
    assert_eq!(refusal_of(&aliases(10_000)), RefusalCode::TooManyAliases);
    assert_eq!(refusal_of(&aliases(31)), RefusalCode::TooManyAliases);
    assert_eq!(examined(&aliases(30)).expect("at the limit").aliases, 30);
}

#[test]
fn directive_floods_are_refused() {
    let here = |count: usize| format!("{{ document {{ id {} }} }}", "@include(if: true) ".repeat(count));
    assert_eq!(refusal_of(&here(6)), RefusalCode::TooManyDirectives);
    assert!(examined(&here(5)).is_ok());
    let spread = |count: usize| format!("{{ document {{ {} }} }}", "id @include(if: true) ".repeat(count));
    assert_eq!(refusal_of(&spread(51)), RefusalCode::TooManyDirectives);
    assert_eq!(examined(&spread(50)).expect("at the limit").directives, 50);
    for place in [
        "query @d @d @d @d @d @d { document { id } }",
        "query($x: Int @d @d @d @d @d @d) { document { id } }",
        "{ document { ... @d @d @d @d @d @d { id } } }",
        "{ document { ...F @d @d @d @d @d @d } } fragment F on Document { id }",
        "{ document { id } } fragment F on Document @d @d @d @d @d @d { id }",
    ] {
        assert_eq!(refusal_of(place), RefusalCode::TooManyDirectives, "{place}");
    }
}
