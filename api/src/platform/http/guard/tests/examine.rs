//! Depth, root fields, introspection and cost.

use super::super::{Limits, RefusalCode, SchemaShape, cost, examine, scan, with_defaults};
use super::{examined, examined_with, parse, shape, variables};
use async_graphql::Variables;
use async_graphql::parser::types::OperationType;

fn cost_of(text: &str, json: &str) -> u64 {
    let limits = Limits { cost: u64::MAX, ..Limits::default() };
    let found = examined_with(text, json, &limits).unwrap_or_else(|refusal| panic!("{text}: {refusal}"));
    let again = cost(&parse(text), shape(), None, &variables(json), &limits);
    assert_eq!(again, Ok(found.requested_cost), "{text}");
    found.requested_cost
}

#[test]
fn every_field_costs_one() {
    assert_eq!(cost_of("{ document { id title owner { name } } }", "{}"), 5);
    assert_eq!(cost_of("{ document { ...A ...A } } fragment A on Document { id title }", "{}"), 5);
}

#[test]
fn a_page_multiplies_its_nodes_and_edges_and_nothing_else() {
    assert_eq!(cost_of("{ documents(first: 10) { nodes { id title } } }", "{}"), 1 + 10 * 3);
    assert_eq!(cost_of("{ documents(last: 10) { edges { cursor node { id } } } }", "{}"), 1 + 10 * 4);
    assert_eq!(cost_of("{ documents(first: 10) { pageInfo { hasNextPage } } }", "{}"), 3);
    let both = "{ documents(first: 10) { pageInfo { hasNextPage } nodes { id } edges { cursor } } }";
    assert_eq!(cost_of(both, "{}"), 1 + 2 + 10 * 2 + 10 * 2);
}

#[test]
fn a_fragment_on_a_page_is_multiplied_where_it_is_spread() {
    let text = "{ a: documents(first: 10) { ...C } b: documents(first: 20) { ... { ...C } } }
        fragment C on DocumentConnection { pageInfo { hasNextPage } nodes { id } }";
    assert_eq!(cost_of(text, "{}"), (1 + 2 + 10 * 2) + (1 + 2 + 20 * 2));
}

#[test]
fn pages_within_pages_multiply() {
    let sdl = "type Query { as(first: Int): AConnection } type PageInfo { a: Int }
        type AConnection { nodes: [A!]! pageInfo: PageInfo } type A { id: ID as(first: Int): AConnection plain: [A!]! }";
    let schema = SchemaShape::from_sdl(sdl).expect("valid");
    let text = "{ as(first: 5) { nodes { id as(first: 20) { nodes { id plain { id } } } } } }";
    let found = examine(&parse(text), &schema, None, &Variables::default(), &Limits::default());
    assert_eq!(found.expect("cheap").requested_cost, 1 + 5 * (1 + 1 + 1 + 20 * (1 + 1 + 1 + 1)));
}

#[test]
fn the_length_of_a_page_is_taken_from_wherever_it_is_said() {
    let of = |arguments: &str| format!("query($n: Int, $d: Int = 7) {{ documents{arguments} {{ nodes {{ id }} }} }}");
    assert_eq!(cost_of(&of("(first: $n)"), "{\"n\": 3}"), 1 + 3 * 2);
    assert_eq!(cost_of(&of("(first: $d)"), "{\"d\": 3}"), 1 + 3 * 2);
    assert_eq!(cost_of(&of("(first: $d)"), "{}"), 1 + 7 * 2);
    // Where nothing says it, or not a whole number, the page is as long as a page may be.
    for unknown in ["", "(first: $n)", "(first: null)", "(first: \"x\")", "(first: 1.5)", "(first: [$n])"] {
        assert_eq!(cost_of(&of(unknown), "{}"), 1 + 100 * 2, "{unknown}");
    }
    assert_eq!(cost_of(&of("(first: 2, last: 9)"), "{}"), 1 + 9 * 2);
    assert_eq!(cost_of(&of("(first: -5)"), "{}"), 1);
    assert_eq!(cost_of("{ recent { nodes { id } } }", "{}"), 1 + 20 * 2, "the schema's default");
    assert_eq!(cost_of("{ names(first: 4) { id } }", "{}"), 1 + 4, "a list that is no connection");
    assert_eq!(cost_of("{ hits { __typename } }", "{}"), 2, "a list whose length nobody chooses");
}

#[test]
fn ids_multiply_by_their_number() {
    let text = "query($ids: [String!]!, $id: String!) { nodes(ids: IDS) { id __typename } }";
    let with = |ids| text.replace("IDS", ids);
    assert_eq!(cost_of(&with("[\"a\", \"b\", $id]"), "{\"id\": \"c\"}"), 1 + 3 * 2);
    assert_eq!(cost_of(&with("$ids"), "{\"ids\": [\"a\", \"b\", \"c\", \"d\"]}"), 1 + 4 * 2);
    assert_eq!(cost_of(&with("\"a\""), "{}"), 1 + 2);
    assert_eq!(cost_of(&with("[]"), "{}"), 1);
}

#[test]
fn a_cost_over_the_limit_is_refused_at_the_costliest_field() {
    let text = "{ document { id }\n  documents(first: 100) { nodes { related { ... on Document { id } } title } } }";
    let limits = Limits { cost: 300, ..Limits::default() };
    let refusal = examined_with(text, "{}", &limits).expect_err("costly");
    assert_eq!(refusal.code, RefusalCode::CostExceeded);
    assert_eq!(
        refusal.to_string(),
        "The query costs 403, of which 401 at one root selection; the limit is 300 (line 2, column 3)."
    );
    assert!(examined_with(text, "{}", &Limits { cost: 403, ..limits }).is_ok());
    let huge = "query($n: Int) { documents(first: $n) { nodes { id title } } }";
    let refusal = examined_with(huge, "{\"n\": 18446744073709551615}", &Limits::default()).expect_err("costly");
    assert_eq!(refusal.actual, u64::MAX);
}

#[test]
fn only_the_selected_operation_is_paid_for() {
    let text = "query A { document { id } } query B { documents(first: 50) { nodes { id } } } mutation C { x }";
    let of = |name| examine(&parse(text), shape(), name, &Variables::default(), &Limits::default());
    assert_eq!(of(Some("A")).expect("cheap").requested_cost, 2);
    let b = of(Some("B")).expect("cheap");
    assert_eq!((b.requested_cost, b.operation_type), (101, Some(OperationType::Query)));
    assert_eq!(of(Some("C")).expect("cheap").operation_type, Some(OperationType::Mutation));
    for unknown in [None, Some("D")] {
        let found = of(unknown).expect("cheap");
        assert_eq!((found.requested_cost, found.operation_type), (0, None));
    }
}

#[test]
fn many_operations_share_one_allowance_of_fields() {
    let fields = "id title ".repeat(40);
    let text = |count| {
        let operations = (0..count).map(|index| format!("query Q{index} {{ document {{ ...F }} }} "));
        operations.collect::<String>() + &format!("fragment F on Document {{ {fields} }}")
    };
    assert!(examined(&text(61)).is_ok());
    assert_eq!(examined(&text(62)).expect_err("too many").code, RefusalCode::TooManyFields);
}

#[test]
fn depth_counts_fields_and_not_fragments() {
    let favorite = |levels: usize| {
        let open = "owner { favorite { ".repeat(levels);
        format!("{{ document {{ {open} ... {{ ... on Node {{ id }} }} {} }} }}", "} }".repeat(levels))
    };
    let found = examined(&favorite(6)).expect("shallow");
    assert_eq!((found.depth, found.nesting), (14, 16));
    let refusal = examined(&favorite(7)).expect_err("deep");
    assert_eq!((refusal.code, refusal.actual), (RefusalCode::TooDeep, 16));
    assert!(refusal.position.is_some());
}

#[test]
fn root_fields_are_counted_by_response_name_through_fragments() {
    let fields = |count: usize| -> String { (0..count).map(|index| format!("a{index}: document {{ id }} ")).collect() };
    let text = format!(
        "{{ {} ...F ... {{ a0: document {{ id }} }} }} fragment F on Query {{ ...G }} fragment G on Query {{ {} }}",
        fields(20),
        fields(3)
    );
    assert_eq!(examined(&text).expect("at the limit").root_fields, 20);
    let refusal = examined(&format!("{{ {} }}", fields(21))).expect_err("too many");
    assert_eq!(refusal.code, RefusalCode::TooManyRootFields);
}

#[test]
fn a_subscription_has_one_root_field() {
    assert!(examined("subscription { changed { id } }").is_ok());
    assert!(examined("subscription { ...F changed { title } } fragment F on Changes { changed { id } }").is_ok());
    for text in
        ["subscription { changed { id } removed { id } }", "subscription { changed { id } again: changed { id } }"]
    {
        let refusal = examined(text).expect_err(text);
        assert_eq!((refusal.code, refusal.limit), (RefusalCode::TooManyRootFields, 1));
    }
}

/// What GraphiQL asks when it opens, with as many `ofType` as it has.
fn introspection_query() -> String {
    let mut of_type = String::new();
    for _ in 0..9 {
        of_type = format!("ofType {{ kind name {of_type} }}");
    }
    format!(
        "query IntrospectionQuery {{ __schema {{ description queryType {{ name kind }} mutationType {{ name kind }}
          subscriptionType {{ name kind }} types {{ ...FullType }}
          directives {{ name description isRepeatable locations args(includeDeprecated: true) {{ ...InputValue }} }} }} }}
        fragment FullType on __Type {{ kind name description specifiedByURL isOneOf
          fields(includeDeprecated: true) {{ name description args(includeDeprecated: true) {{ ...InputValue }}
            type {{ ...TypeRef }} isDeprecated deprecationReason }}
          inputFields(includeDeprecated: true) {{ ...InputValue }} interfaces {{ ...TypeRef }}
          enumValues(includeDeprecated: true) {{ name description isDeprecated deprecationReason }}
          possibleTypes {{ ...TypeRef }} }}
        fragment InputValue on __InputValue {{ name description type {{ ...TypeRef }} defaultValue isDeprecated deprecationReason }}
        fragment TypeRef on __Type {{ kind name {of_type} }}"
    )
}

#[test]
fn the_introspection_of_graphiql_passes() {
    let text = introspection_query();
    let limits = Limits::default();
    assert!(scan(&text, &limits).is_ok());
    let found = examined(&text).expect("within the limits");
    assert_eq!((found.depth, found.introspection_depth), (0, 15));
    assert!(super::super::rewrite(parse(&text), shape(), &limits).is_ok());
}

#[test]
fn introspection_that_multiplies_the_schema_is_refused() {
    let lists = |levels: usize| {
        let open = "fields { type { ".repeat(levels);
        format!("{{ __schema {{ types {{ {open} name {} }} }} }}", "} }".repeat(levels))
    };
    assert!(examined(&lists(2)).is_ok());
    let refusal = examined(&lists(3)).expect_err("multiplies");
    assert_eq!((refusal.code, refusal.actual), (RefusalCode::IntrospectionTooDeep, 3));
    let fragments = "{ __type(name: \"A\") { ...A } } fragment A on __Type { possibleTypes { ...B } } fragment B on __Type { interfaces { ...C } }
        fragment C on __Type { inputFields { name } }";
    assert_eq!(examined(fragments).expect_err("multiplies").code, RefusalCode::IntrospectionTooDeep);
    let chain = |levels: usize| {
        format!("{{ __type(name: \"A\") {{ {} name {} }} }}", "ofType { ".repeat(levels), "}".repeat(levels))
    };
    assert!(examined(&chain(18)).is_ok());
    assert_eq!(examined(&chain(19)).expect_err("deep").code, RefusalCode::IntrospectionTooDeep);
}

#[test]
fn what_is_merely_invalid_is_left_to_the_validator() {
    for text in [
        "{ nothing { here { is } known } }",
        "{ document { ...Undefined } }",
        "{ ... on Unknown { id } }",
        "mutation { there { are } none }",
        "{ document }",
        "{ document { id { deeper } } }",
    ] {
        assert!(examined(text).is_ok(), "{text}");
    }
}

#[test]
fn defaults_are_added_only_for_variables_that_are_left_out() {
    let document = parse("query A($a: Int = 1, $b: Int = 2, $c: Int) { x } query B($d: Int = 3) { x }");
    let given = variables("{\"b\": null, \"e\": 5}");
    let found = with_defaults(&document, Some("A"), given);
    assert_eq!(found.to_string(), "{a: 1, b: null, e: 5}");
}
