//! Rewriting, document by document, and what the engine then answers.

use std::sync::atomic::Ordering;

use async_graphql::parser::types::ExecutableDocument;
use async_graphql::{Request, Response, Variables};
use futures_util::{FutureExt, StreamExt};

use super::super::{Limits, RefusalCode, SchemaShape, rewrite};
use super::graph::{self, OwnerCalls};
use super::print::{normal, print};
use super::{parse, shape, variables};

fn rewritten(text: &str) -> ExecutableDocument {
    rewrite(parse(text), shape(), &Limits::default()).unwrap_or_else(|refusal| panic!("{text}: {refusal}"))
}

fn becomes(text: &str, expected: &str) {
    assert_eq!(print(&rewritten(text)), normal(expected), "{text}");
}

fn stays(text: &str) {
    becomes(text, text);
}

fn request(document: ExecutableDocument, variables: Variables) -> Request {
    let mut request = Request::new("").variables(variables);
    request.set_parsed_query(document);
    request
}

pub fn answer(document: ExecutableDocument, variables: Variables) -> Response {
    let answer = graph::schema().execute(request(document, variables)).now_or_never();
    answer.expect("the resolvers do not wait")
}

#[test]
fn a_field_that_is_mentioned_again_becomes_one() {
    becomes("{ document { id } document { title id } }", "{ document { id title } }");
    becomes(
        "{ a: document(number: 1) { id } b: document { id } a: document(number: 1) { title } }",
        "{ a: document(number: 1) { id title } b: document { id } }",
    );
    becomes(
        "{ document { owner { id } title owner { name favorite { id } } owner { favorite { title } } } }",
        "{ document { owner { id name favorite { id title } } title } }",
    );
    becomes(
        "query A { document { id } document { id } } query B { node { id id } }",
        "query A { document { id } } query B { node { id } }",
    );
}

#[test]
fn fragments_on_the_type_at_hand_become_their_fields() {
    becomes(
        "{ ...Q } fragment Q on Query { document { ...D ... { title } } } fragment D on Document { id ...E } fragment E on Document { title }",
        "{ document { id title } }",
    );
}

#[test]
fn abstract_conditions_inside_an_object_become_its_fields() {
    becomes(
        "{ document { ... on Hit { ... on Document { title } } ... on Node { id } ... on Thing { __typename } } }",
        "{ document { title id __typename } }",
    );
}

#[test]
fn union_conditions_elsewhere_become_fragments_on_their_objects() {
    becomes(
        "{ node { ... on Hit { __typename ... on User { name } } } }",
        "{ node { ... on Document { __typename } ... on User { __typename name } } }",
    );
    becomes("{ hits { ... on Thing { __typename } } }", "{ hits { __typename } }");
    becomes("{ hits { ... on Hit { ... on User { name } } } }", "{ hits { ... on User { name } } }");
    becomes("{ node { ... on Actor { ... on Hit { ... on Node { id } } } } }", "{ node { ... on User { id } } }");
}

#[test]
fn interface_conditions_that_narrow_stay() {
    becomes("{ node { id ... on Actor { name ... { id } } } }", "{ node { id ... on Actor { name id } } }");
    becomes(
        "{ hits { ... on Node { id ... on Actor { name } } } }",
        "{ hits { ... on Node { id } ... on User { name } } }",
    );
    becomes(
        "{ node { ... on Actor { name ... on Node { id } } } }",
        "{ node { ... on Actor { name } ... on Bot { id } ... on User { id } } }",
    );
}

#[test]
fn mentions_in_fragments_on_the_same_type_become_one_and_keep_their_order() {
    becomes(
        "{ node { ... on Document { owner { id } } id ... on Document { title owner { name } } } }",
        "{ node { ... on Document { owner { id name } } id ... on Document { title } } }",
    );
}

#[test]
fn a_mention_does_not_move_past_another_that_stays() {
    stays(
        "{ node { ... on Actor { favorite { id } } ... on User { favorite { title } } ... on Actor { favorite { owner { id } } } } }",
    );
    becomes(
        "{ node { ... on Bot { favorite { id } } ... on User { favorite { title } } ... on Bot { favorite { title } } } }",
        "{ node { ... on Bot { favorite { id title } } ... on User { favorite { title } } } }",
    );
    becomes(
        "{ document { owner @skip(if: true) { id } owner { name } owner @skip(if: true) { __typename } } }",
        "{ document { owner @skip(if: true) { id } owner { name ... @skip(if: true) { __typename } } } }",
    );
}

#[test]
fn a_condition_stays_with_what_it_was_said_of() {
    becomes(
        "{ document { ... @include(if: true) { id title } } }",
        "{ document { ... @include(if: true) { id title } } }",
    );
    becomes(
        "{ document { owner { id } ...F @skip(if: true) } } fragment F on Document { owner { name } title }",
        "{ document { owner { id ... @skip(if: true) { name } } ... @skip(if: true) { title } } }",
    );
    becomes(
        "{ document { owner @include(if: true) { id } owner @include(if: true) { name } } }",
        "{ document { owner @include(if: true) { id name } } }",
    );
    // The first may be left out when the second is not, so the second cannot move up to its place.
    stays("{ document { owner @include(if: true) { id } title owner { name } } }");
    // The mention under the condition is all that uses the variable.
    stays("query($a: Boolean!) { document { id id @include(if: $a) } }");
}

/// The engine's validator does not look at the directives of `__typename`, and would call the variable unused.
#[test]
fn conditions_of_a_typename_move_to_a_fragment() {
    let text = "query($a: Boolean!) { document { __typename @include(if: $a) } }";
    becomes(text, "query($a: Boolean!) { document { ... @include(if: $a) { __typename } } }");
    let answer = answer(rewritten(text), variables("{\"a\": true}"));
    assert_eq!(answer.data.to_string(), "{document: {__typename: \"Document\"}}", "{:?}", answer.errors);
}

#[test]
fn conditions_of_the_same_name_are_put_within_each_other() {
    becomes(
        "{ document { ... @include(if: true) { ... @include(if: false) @skip(if: true) { id @include(if: true) title } } } }",
        "{ document { ... @include(if: true) @skip(if: true) { ... @include(if: false) { id title } } } }",
    );
    becomes(
        "{ node { ... on User @include(if: true) { ... @include(if: false) { name } } } }",
        "{ node { ... @include(if: true) { ... on User @include(if: false) { name } } } }",
    );
}

#[test]
fn a_fragment_for_other_types_stays_as_it_was_written() {
    becomes(
        "query($a: Boolean) { document { id ...Card } } fragment Card on Node { ... on Document { title } ... on User { name } ...Bot }
         fragment Bot on Bot { favorite { title(upper: $a) } }",
        "query($a: Boolean) { document { id title ... on Node { ... on User { name } } ... on Node { ...Bot } } }
         fragment Bot on Bot { favorite { title(upper: $a) } }",
    );
}

#[test]
fn positions_are_those_of_the_text() {
    let document = rewritten("{\n  ...Q\n}\nfragment Q on Query {\n  document { nothing: title(upper: 5) }\n}");
    let answer = answer(document, Variables::default());
    let location = answer.errors[0].locations[0];
    assert_eq!((location.line, location.column), (5, 29));
}

#[test]
fn what_the_validator_will_refuse_is_left_as_it_is() {
    for text in [
        "{ document { id ...Undefined } }",
        "{ document { id ...A } } fragment A on Unknown { id }",
        "{ document { id id } } fragment Unused on Document { id }",
        "{ document { id id nothing } }",
        "{ document { id id ... on User { name } } }",
        "{ document { ...A } } fragment A on Node { title }",
        "{ document { ...A } } fragment A on Node { ... on Bot { version } ... on Query { document { id } } }",
        "{ document { id id { deeper } } }",
        "{ document document { id } }",
        "{ document { ...A @custom } } fragment A on Document { id id }",
        "{ document { ...A } } fragment A on Document @custom { id id }",
        "{ document { ... @skip(if: true) @skip(if: true) { id id } } }",
        "mutation { a a }",
    ] {
        stays(text);
        assert!(!answer(parse(text), Variables::default()).errors.is_empty(), "{text} is invalid");
    }
}

/// What is written for the interface's type has to be valid for it, and need not be for the object's narrower one.
#[test]
fn an_object_that_returns_less_than_its_interface_is_left_as_it_is() {
    let sdl = "type Query { document: Document } interface Owned { owner: Actor } interface Actor { id: ID }
        type Document implements Owned { owner: User } type User implements Actor { id: ID email: ID }
        type Bot implements Actor { id: ID }";
    let schema = SchemaShape::from_sdl(sdl).expect("valid");
    for inside in ["email", "... on Bot { id }"] {
        let text = format!("{{ document {{ ... on Owned {{ owner {{ {inside} }} }} }} }}");
        let found = rewrite(parse(&text), &schema, &Limits::default()).expect("small");
        assert_eq!(print(&found), normal(&text));
    }
}

#[test]
fn fields_that_conflict_are_refused() {
    for text in [
        "{ document { a: id a: title } }",
        "{ document { a: title(upper: true) ...F } } fragment F on Node { ... on Document { a: title } }",
        "{ document { owner { a: id } } document { owner { a: name } } }",
        // The engine's own check sees none of these.
        "{ node { ... on Document { id: owner { id } } id } }",
        "{ node { id ... on Document @include(if: true) { ... @skip(if: false) { id: title } } } }",
        "{ node { ...F @include(if: true) } } fragment F on Document { ... @include(if: false) { owner { id } } owner: title }",
    ] {
        let refusal = rewrite(parse(text), shape(), &Limits::default()).expect_err(text);
        assert_eq!(refusal.code, RefusalCode::FieldsConflict, "{text}: {refusal}");
    }
}

#[test]
fn a_resolver_runs_once_for_all_its_mentions() {
    let text = "{ document { ...A ...B owner { favorite { id } } } } fragment A on Document { owner { id } }
        fragment B on Node { ... on Document { owner { name } } }";
    let calls = OwnerCalls::default();
    let request = request(rewritten(text), Variables::default()).data(calls.clone());
    let answer = graph::schema().execute(request).now_or_never().expect("at once");
    assert_eq!(answer.errors, []);
    assert_eq!(
        answer.data.to_string(),
        "{document: {owner: {id: \"Bot1\", name: \"bot 1\", favorite: {id: \"Document3\"}}}}"
    );
    assert_eq!(calls.0.load(Ordering::Relaxed), 1);
}

#[test]
fn the_engine_answers_fragments_that_it_would_drop() {
    let text = "{ document { ... on Hit { ... on Document { title } } } }";
    assert_eq!(answer(parse(text), Variables::default()).data.to_string(), "{document: {}}");
    assert_eq!(answer(rewritten(text), Variables::default()).data.to_string(), "{document: {title: \"title 0\"}}");

    let text = "subscription { ...F } fragment F on Changes { ... { changed { id } } }";
    let events = |document| {
        let stream = graph::schema().execute_stream(request(document, Variables::default()));
        let events = stream.collect::<Vec<_>>().now_or_never();
        events.expect("the stream does not wait").len()
    };
    assert_eq!(events(parse(text)), 0);
    assert_eq!(events(rewritten(text)), 1);
}

#[test]
fn the_engine_needs_the_defaults_of_flags() {
    let text = "query($a: Boolean = true) { document { id @include(if: $a) title } }";
    let with = super::super::with_defaults(&parse(text), None, variables("{}"));
    assert_eq!(answer(parse(text), variables("{}")).data.to_string(), "{document: {title: \"title 0\"}}");
    assert_eq!(answer(parse(text), with).data.to_string(), "{document: {id: \"Document0\", title: \"title 0\"}}");
}

#[test]
fn doubled_fragments_that_pass_are_written_out_once() {
    let text = "{ document { ...A ...A } } fragment A on Document { ...B ...B } fragment B on Document { owner { id } owner { id } }";
    becomes(text, "{ document { owner { id } } }");
}
