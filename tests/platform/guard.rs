//! Hostile documents over HTTP: each is refused for what it is, with a code and the limit it broke, and the process
//! lives on to answer the next request. What could end the process is sent to one of its own.

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use crate::support::{Answer, Client, Process, World, socket};

/// Sends the document and looks at its refusal; then asks whether the server still answers.
async fn refused(client: &Client, name: &str, query: &str, code: &str) -> Value {
    let answer = client.query(query, json!({})).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, code), "{name}: {}", answer.body);
    assert!(answer.json["data"].is_null(), "{name}: {}", answer.body);
    assert!(answer.body.len() < 2_000, "{name}: a refusal is short");
    let extensions = answer.json["errors"][0]["extensions"].clone();
    client.query("{ __typename }", Value::Null).await.well();
    extensions
}

/// Documents that nest brackets so deep, of every kind.
pub fn bombs(depth: usize) -> Vec<(&'static str, String)> {
    let nest = |before: &str, open: &str, inside: &str, close: &str, after: &str| {
        format!("{before}{}{inside}{}{after}", open.repeat(depth), close.repeat(depth))
    };
    vec![
        ("lists", nest("{__typename(x:", "[", "", "]", ")}")),
        ("objects", nest("{__typename(x:", "{a:", "1", "}", ")}")),
        ("lists of objects", nest("{__typename(x:", "[{a:", "1", "}]", ")}")),
        ("selection sets", nest("", "{a", "", "}", "")),
        ("inline fragments", nest("{", "...{", "__typename", "}", "}")),
        ("list types", nest("query($x:", "[", "Int", "]", "){__typename}")),
        ("default values", nest("query($x:Int=", "[", "1", "]", "){__typename}")),
        ("directive arguments", nest("{__typename @skip(if:", "[", "true", "]", ")}")),
        ("fragment definitions", nest("{__typename} fragment F on Query ", "{a", "", "}", "")),
        ("unclosed lists", format!("{{a(x:{}", "[".repeat(depth))),
        ("unclosed objects", format!("{{a(x:{}", "{a:".repeat(depth))),
        ("unclosed selection sets", "{a".repeat(depth)),
        ("unclosed arguments", "{a(b:".repeat(depth)),
    ]
}

#[tokio::test]
async fn nested_brackets_are_refused_at_any_depth_and_size() {
    let world = World::new().await;
    let mut process = Process::start(&world.database, &[]).await;
    let client = process.client(&world.anonymous);
    for depth in [60, 400, 2_000] {
        for (name, bomb) in bombs(depth) {
            let extensions = refused(&client, name, &bomb, "BRACKETS_TOO_DEEP").await;
            assert_eq!(extensions["limit"], 50, "{name}");
        }
    }
    for (name, bomb) in bombs(200_000) {
        let megabyte: String = bomb.chars().take(1_000_000).collect();
        refused(&client, name, &megabyte, "QUERY_TOO_LARGE").await;
    }
    assert!(process.program.runs());
}

#[tokio::test]
async fn a_websocket_refuses_the_same_documents() {
    let world = World::new().await;
    let mut process =
        Process::start(&world.database, &[("TRELLIS_QUERY_BYTES", "2000000"), ("TRELLIS_QUERY_TOKENS", "1000000")])
            .await;
    let mut socket = process.client(&world.owner).socket().await;
    let mut documents = bombs(2_000);
    documents.extend(bombs(30_000));
    let expected = documents.len();
    documents.extend([("doubling", doubling(60)), ("a circle", "{ ...A } fragment A on Query { ...A }".to_owned())]);
    for (number, (name, document)) in documents.into_iter().enumerate() {
        let id = socket.subscribe(&document, json!({})).await;
        let message = socket.message().await;
        assert_eq!((&message["type"], &message["id"]), (&json!("error"), &json!(id)), "{name}: {message}");
        let codes = socket::codes(&message);
        assert!(number >= expected || codes == ["BRACKETS_TOO_DEEP"], "{name}: {message}");
        assert!(number < expected || codes == ["TOO_MANY_FIELDS"] || codes == ["FRAGMENT_CYCLE"], "{name}: {message}");
    }
    socket.settle().await;
    assert!(process.program.runs());
}

#[tokio::test]
async fn an_event_stream_refuses_the_same_documents() {
    let world = World::new().await;
    let settings = [("TRELLIS_QUERY_BYTES", "2000000"), ("TRELLIS_QUERY_TOKENS", "1000000")];
    let mut process = Process::start(&world.database, &settings).await;
    let client = process.client(&world.owner);
    let circle = "{ ...A } fragment A on Query { ...A }".to_owned();
    let mut documents = vec![("doubling", doubling(60), "TOO_MANY_FIELDS"), ("a circle", circle, "FRAGMENT_CYCLE")];
    documents.extend(bombs(30_000).into_iter().map(|(name, document)| (name, document, "BRACKETS_TOO_DEEP")));
    for (name, document, reason) in documents {
        let request = client.post().header(ACCEPT, "text/event-stream").json(&json!({ "query": document }));
        let events = request.send().await.expect("the server answers").text().await.expect("text");
        assert!(events.contains(&format!("\"reason\":\"{reason}\"")), "{name}: {events}");
        assert!(events.ends_with("event: complete\ndata: \n\n"), "{name}: {events}");
    }
    client.query("{ __typename }", Value::Null).await.well();
    assert!(process.program.runs());
}

#[tokio::test]
async fn brackets_are_refused_where_texts_may_be_large() {
    let world = World::new().await;
    let settings = [("TRELLIS_QUERY_BYTES", "2000000"), ("TRELLIS_QUERY_TOKENS", "1000000")];
    let mut process = Process::start(&world.database, &settings).await;
    let client = process.client(&world.anonymous);
    for (name, bomb) in bombs(150_000) {
        refused(&client, name, &bomb, "BRACKETS_TOO_DEEP").await;
    }
    assert!(process.program.runs());
}

#[tokio::test]
async fn a_filter_of_any_size_leaves_the_server_standing() {
    let world = World::new().await;
    let mut process = Process::start(&world.database, &[]).await;
    let member = process.client(&world.member);
    let nested =
        |depth: usize| (0..depth).fold(json!({ "kind": { "eq": "NOTE" } }), |inner, _| json!({ "not": inner }));
    let wide = |count: usize| json!({ "or": vec![json!({ "title": { "contains": "x" } }); count] });
    let query = "query($filter: DocumentFilter) { viewer { documents(first: 1, filter: $filter) { totalCount } } }";
    member.query(query, json!({ "filter": nested(3) })).await.well();
    member.query(query, json!({ "filter": wide(10) })).await.well();
    for filter in [nested(45), nested(1_000), wide(1_000), wide(20_000)] {
        let request = member.post().json(&json!({ "query": query, "variables": { "filter": filter } }));
        // An error means that the server is gone.
        let answer = request.send().await.expect("the server answers");
        let answer = Answer::read(answer).await;
        assert!(!answer.codes().contains(&"INTERNAL"), "{:.300}", answer.body);
        assert!(process.program.runs());
    }
    let ids = vec!["doc_01h455vb4pex5vsknk084sn02q"; 200_000];
    let answer = member.query("query($ids: [ID!]!) { nodes(ids: $ids) { id } }", json!({ "ids": ids })).await;
    assert_eq!(answer.codes(), ["COST_EXCEEDED"], "{:.300}", answer.body);
    assert!(process.program.runs());
}

#[tokio::test]
async fn deep_variables_are_refused() {
    let world = World::new().await;
    let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    for depth in [51, 120] {
        let body = format!(
            "{{\"query\":\"query($id: ID!) {{ node(id: $id) {{ id }} }}\",\"variables\":{{\"id\":{}}}}}",
            nested(depth)
        );
        let post = world
            .anonymous
            .post()
            .header("content-type", "application/json")
            .header(ACCEPT, "application/graphql-response+json");
        let answer = Answer::read(post.body(body).send().await.expect("the server answers")).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "VARIABLES_TOO_DEEP"), "{}", answer.body);
    }
    for depth in [200, 100_000] {
        let body = format!("{{\"query\":\"{{ __typename }}\",\"variables\":{{\"id\":{}}}}}", nested(depth));
        let post = world.anonymous.post().header("content-type", "application/json");
        let answer = Answer::read(post.body(body).send().await.expect("the server answers")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    }
    world.anonymous.query("{ __typename }", Value::Null).await.well();
}

/// `levels` fragments, each spread twice by the one before it.
pub fn doubling(levels: usize) -> String {
    let mut text = String::from("{ viewer { user { ...F0 } } }");
    for level in 0..levels {
        let next = level + 1;
        text += &format!(" fragment F{level} on User {{ ...F{next} ...F{next} }}");
    }
    text + &format!(" fragment F{levels} on User {{ id }}")
}

#[tokio::test]
async fn doubled_fragments_are_refused_at_once() {
    let world = World::new().await;
    for levels in [13, 22, 40, 60] {
        refused(&world.owner, "doubling", &doubling(levels), "TOO_MANY_FIELDS").await;
    }
}

#[tokio::test]
async fn doubled_fields_are_refused() {
    let world = World::new().await;
    let mut text = String::from("{ node(id: \"doc_0\") { ...F0 } }");
    for level in 0..5 {
        let next = level + 1;
        text += &format!(
            " fragment F{level} on Document {{ a: parent {{ ...F{next} }} b: parent {{ ...F{next} }} c: parent {{ ...F{next} }} d: parent {{ ...F{next} }} e: parent {{ ...F{next} }} f: parent {{ ...F{next} }} }}"
        );
    }
    text += " fragment F5 on Document { id }";
    refused(&world.owner, "six to the fifth", &text, "TOO_MANY_FIELDS").await;
}

#[tokio::test]
async fn a_long_text_in_a_doubled_fragment_is_refused() {
    let world = World::new().await;
    let spreads: String = (0..30).map(|index| format!("a{index}: spaces(first: 1) {{ ...F }} ")).collect();
    let text = "x".repeat(40_000);
    let query = format!(
        "{{ organization(slug: \"acme\") {{ {spreads} }} }} fragment F on SpaceConnection {{ nodes {{ id }} ...G }} \
         fragment G on SpaceConnection {{ nodes {{ documents(first: 1, filter: {{ title: {{ contains: \"{text}\" }} }}) \
         {{ nodes {{ id }} }} }} }}"
    );
    let extensions = refused(&world.owner, "30 times 40,000 bytes", &query, "QUERY_TOO_LARGE").await;
    assert_eq!(extensions["limit"], 1_048_576);
    assert!(extensions["actual"].as_u64() > Some(1_200_000), "{extensions}");
}

#[tokio::test]
async fn circles_of_fragments_are_refused() {
    let world = World::new().await;
    for text in [
        "{ viewer { user { ...A } } } fragment A on User { ...A }",
        "{ viewer { user { ...A } } } fragment A on User { ...B } fragment B on User { id ...A }",
        "{ __typename } fragment A on User { ...B } fragment B on User { ...A }",
    ] {
        refused(&world.owner, text, text, "FRAGMENT_CYCLE").await;
    }
}

#[tokio::test]
async fn floods_are_refused() {
    let world = World::with(|config| {
        config.query.query_bytes = 1_000_000;
        config.query.query_tokens = 1_000_000;
    })
    .await;
    let many = |count: usize, piece: fn(usize) -> String| (0..count).map(piece).collect::<String>();
    let aliases = |count| format!("{{ {} }}", many(count, |index| format!("a{index}: __typename ")));
    for (name, text, code) in [
        ("10,000 aliases", aliases(10_000), "TOO_MANY_ALIASES"),
        ("31 aliases", aliases(31), "TOO_MANY_ALIASES"),
        (
            "21 root fields",
            format!("{{ {} }}", many(21, |index| format!("a{index}: __typename "))),
            "TOO_MANY_ROOT_FIELDS",
        ),
        (
            "directives",
            format!("{{ viewer {{ {} }} }}", "version @include(if: true) ".repeat(60)),
            "TOO_MANY_DIRECTIVES",
        ),
        (
            "directives at one place",
            format!("{{ __typename {} }}", "@include(if: true) ".repeat(6)),
            "TOO_MANY_DIRECTIVES",
        ),
        (
            "depth",
            format!(
                "{{ node(id: \"doc_0\") {{ ... on Document {}{{ id }}{} }} }}",
                "{ parent ".repeat(20),
                "}".repeat(20)
            ),
            "TOO_DEEP",
        ),
        ("an open string", "{ node(id: \"doc_) { id } }".to_owned(), "GRAPHQL_PARSE_FAILED"),
        ("brackets behind an open string", format!("{{ node(id: \"doc_ {}", "[".repeat(1_000)), "GRAPHQL_PARSE_FAILED"),
    ] {
        refused(&world.owner, name, &text, code).await;
    }
}

#[tokio::test]
async fn tokens_and_bytes_have_caps() {
    let world = World::new().await;
    refused(&world.owner, "tokens", &format!("{{ {} }}", "__typename ".repeat(2_000)), "TOO_MANY_TOKENS").await;
    refused(&world.owner, "bytes", &format!("{{ __typename }} #{}", "x".repeat(65_536)), "QUERY_TOO_LARGE").await;
    let comment = format!("{{ __typename }} #{}", "x".repeat(60_000));
    world.owner.query(&comment, Value::Null).await.well();
}

#[tokio::test]
async fn lists_within_lists_cost_what_they_multiply() {
    let world = World::new().await;
    let query = "query($first: Int) { organization(slug: \"acme\") { spaces(first: $first) { nodes { \
                 documents(first: 100) { nodes { tags(first: 100) { nodes { name } } } } } } } }";
    for first in [json!(100), Value::Null] {
        let answer = world.owner.query(query, json!({ "first": first })).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "COST_EXCEEDED"), "{}", answer.body);
        let extensions = &answer.json["errors"][0]["extensions"];
        assert_eq!(extensions["limit"], 10_000);
        assert!(extensions["actual"].as_u64() > Some(10_000), "{extensions}");
    }
    // The same document, remembered from before, with a page that it can afford.
    let cheap = world.owner.query(query, json!({ "first": 1 })).await;
    assert_eq!(cheap.code(), "COST_EXCEEDED", "100 documents with 100 tags each are too many: {}", cheap.body);
    let cheap = query.replace("tags(first: 100)", "tags(first: 5)");
    world.owner.query(&cheap, json!({ "first": 1 })).await.well();
    let dear = world.owner.query(&cheap, json!({ "first": 100 })).await;
    assert_eq!(dear.code(), "COST_EXCEEDED", "a remembered document is weighed anew: {}", dear.body);
}

#[tokio::test]
async fn the_introspection_of_tools_passes_the_guard() {
    let world = World::new().await;
    let answer = world.anonymous.query(INTROSPECTION, Value::Null).await.well();
    assert_eq!(answer.at("__schema.queryType.name"), "Query");
}

/// What GraphiQL asks with every option on.
const INTROSPECTION: &str = r"
query IntrospectionQuery { __schema { description queryType { name kind } mutationType { name kind }
  subscriptionType { name kind } types { ...FullType }
  directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } } } }
fragment FullType on __Type { kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) { name description args(includeDeprecated: true) { ...InputValue }
    type { ...TypeRef } isDeprecated deprecationReason }
  inputFields(includeDeprecated: true) { ...InputValue } interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef } }
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } } }
";

#[tokio::test]
async fn duplicate_selections_run_their_resolver_once() {
    let world = World::new().await;
    let once = "{ viewer { organizations(first: 10) { totalCount nodes { name } } } }";
    let twice = "{ viewer { organizations(first: 10) { totalCount } } viewer { organizations(first: 10) { nodes { name } totalCount } } }";
    let (once, twice) =
        (world.owner.query(once, Value::Null).await.well(), world.owner.query(twice, Value::Null).await.well());
    assert_eq!(once.json["data"], twice.json["data"]);
    assert_eq!(once.statements(), twice.statements());
}

#[tokio::test]
async fn fragments_on_interfaces_and_unions_are_kept() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "title": "Kept" })).await;
    let query = "query($id: ID!) { node(id: $id) { ...N ... on Document { ... on Node { same: id } } } } \
                 fragment N on Node { id ... on Document { title } ... on Space { name } }";
    let answer = world.reader.query(query, json!({ "id": id })).await.well();
    assert_eq!(answer.at("node"), &json!({ "id": id, "title": "Kept", "same": id }));
}
