//! GraphQL over HTTP: methods, media types, statuses, caps.

use reqwest::StatusCode;
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Answer, World};

const RESPONSE_JSON: &str = "application/graphql-response+json";

async fn read(request: reqwest::RequestBuilder) -> Answer {
    Answer::read(request.send().await.expect("the server answers")).await
}

/// The text with everything but letters and digits escaped, for a query string.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn media_type(answer: &Answer) -> &str {
    answer.headers[CONTENT_TYPE].to_str().expect("a media type")
}

#[tokio::test]
async fn a_query_may_be_sent_by_get_with_its_variables() {
    let world = World::new().await;
    let query = escaped("query Find($id: ID!) { node(id: $id) { id } viewer { user { id } } }");
    let variables = escaped(&json!({ "id": world.acme }).to_string());
    let request = world.owner.get(&format!("query={query}&variables={variables}&operationName=Find"));
    let answer = read(request.header(ACCEPT, RESPONSE_JSON)).await.well();
    assert_eq!(answer.text("node.id"), world.acme);
    assert_eq!(answer.text("viewer.user.id"), world.owner.id);
}

#[tokio::test]
async fn a_mutation_by_get_is_refused_and_changes_nothing() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    let mutation = format!("mutation {{ documentTrash(input: {{ id: \"{id}\" }}) {{ document {{ id }} }} }}");
    let several = format!("query Read {{ viewer {{ version }} }} {mutation}").replace("mutation {", "mutation Write {");
    for query in [format!("query={}", escaped(&mutation)), format!("query={}&operationName=Write", escaped(&several))] {
        let answer = read(world.editor.get(&query).header(ACCEPT, RESPONSE_JSON)).await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{}", answer.body);
        assert!(answer.json["data"].is_null(), "{}", answer.body);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn only_json_is_read_as_an_operation() {
    let world = World::new().await;
    let body = json!({ "query": "{ __typename }" }).to_string();
    for media in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/graphql",
        "application/json; charset=latin1",
        "application/jsonp",
    ] {
        let answer = read(world.anonymous.post().header(CONTENT_TYPE, media).body(body.clone())).await;
        assert_eq!(answer.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media}: {}", answer.body);
        assert!(answer.json["errors"][0]["message"].is_string(), "{media}: {}", answer.body);
    }
    let nothing = read(world.anonymous.post().body(body.clone())).await;
    assert_eq!(nothing.status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{}", nothing.body);
    for media in ["application/json", "application/json; charset=utf-8", "Application/JSON;charset=\"UTF-8\""] {
        let answer = read(world.anonymous.post().header(CONTENT_TYPE, media).body(body.clone())).await;
        assert_eq!(answer.well().at("__typename"), "Query", "{media}");
    }
}

#[tokio::test]
async fn a_body_over_the_cap_is_refused_whether_its_length_is_said_or_not() {
    let world = World::with(|config| config.http.body_bytes = 10_000).await;
    let body =
        |padding: usize| json!({ "query": "{ __typename }", "variables": { "x": "y".repeat(padding) } }).to_string();
    let post = || world.anonymous.post().header(CONTENT_TYPE, "application/json");
    read(post().body(body(9_000))).await.well();
    let answer = read(post().body(body(10_000))).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.body);
    let pieces = body(10_000)
        .into_bytes()
        .chunks(1_000)
        .map(|piece| Ok(piece.to_vec()))
        .collect::<Vec<Result<_, std::io::Error>>>();
    let streamed = reqwest::Body::wrap_stream(futures_util::stream::iter(pieces));
    let answer = read(post().body(streamed)).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE, "{}", answer.body);
}

#[tokio::test]
async fn a_batch_is_answered_in_order_and_has_a_cap() {
    let world = World::new().await;
    let operations = |number: usize| -> Value {
        (0..number).map(|index| json!({ "query": format!("{{ a{index}: __typename }}") })).collect()
    };
    let post = async |content: Value| read(world.anonymous.post().json(&content)).await;
    let answer = post(operations(10)).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answers = answer.json.as_array().expect("a list");
    assert_eq!(answers.len(), 10);
    for (index, one) in answers.iter().enumerate() {
        assert_eq!(one, &json!({ "data": { format!("a{index}"): "Query" } }));
    }
    for number in [0, 11, 1_000] {
        let answer = post(operations(number)).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{number}: {}", answer.body);
        assert!(answer.json["errors"].is_array(), "{number}: {}", answer.body);
    }
}

#[tokio::test]
async fn one_broken_operation_of_a_batch_leaves_the_others_alone() {
    let world = World::new().await;
    let content = json!([{ "query": "{ __typename }" }, { "query": "{ nonsense" }, { "query": "{ __typename }" }]);
    let answer = read(world.anonymous.post().json(&content)).await;
    assert_eq!(answer.json[0], json!({ "data": { "__typename": "Query" } }));
    assert_eq!(answer.json[1]["errors"][0]["extensions"]["code"], "GRAPHQL_PARSE_FAILED");
    assert_eq!(answer.json[2], json!({ "data": { "__typename": "Query" } }));
}

#[tokio::test]
async fn what_is_no_graphql_request_is_a_bad_request() {
    let world = World::new().await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for body in [
        "",
        "{",
        "null",
        "7",
        "\"{ __typename }\"",
        "{\"query\": 7}",
        "{\"query\": \"\"}",
        "{\"variables\": {}}",
        "{\"query\": \"{ __typename }\", \"variables\": []}",
        "{\"query\": \"{ __typename }\", \"variables\": \"{}\"}",
        "{\"query\": \"{ __typename }\", \"operationName\": 7}",
        "{\"query\": \"{ __typename }\", \"extensions\": 7}",
        "[[{\"query\": \"{ __typename }\"}]]",
        "{\"qeury\": \"{ __typename }\"}",
        "\u{feff}{\"query\": \"{ __typename }\"}",
        &deep,
    ] {
        let post = world.anonymous.post().header(CONTENT_TYPE, "application/json").header(ACCEPT, RESPONSE_JSON);
        let answer = read(post.body(body.to_owned())).await;
        let start: String = body.chars().take(60).collect();
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{start}: {}", answer.body);
        assert!(answer.json["errors"][0]["message"].is_string(), "{start}: {}", answer.body);
        assert!(answer.json.get("data").is_none_or(Value::is_null), "{start}: {}", answer.body);
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_body_is_said() {
    let world = World::new().await;
    for (body, said) in [
        ("null", "a JSON object, or a list of them"),
        ("1", "a JSON object, or a list of them"),
        ("", "a JSON object, or a list of them"),
        ("{\"query\": 1}", "invalid type: integer `1`, expected a string"),
        ("{\"query\": \"{ __typename }\", \"operationName\": 1}", "invalid type: integer `1`, expected a string"),
        ("{\"query\": \"{ a }\", \"query\": \"{ b }\"}", "duplicate field `query`"),
        ("[{\"query\": \"{ a }\", \"query\": \"{ b }\"}]", "duplicate field `query`"),
        ("{\"query\": ", "EOF while parsing"),
    ] {
        let post = world.anonymous.post().header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json");
        let answer = read(post.body(body.to_owned())).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{body}: {}", answer.body);
        let message = answer.json["errors"][0]["message"].as_str().expect("a sentence");
        assert!(message.contains(said), "{body}: {message}");
    }
}

#[tokio::test]
async fn a_request_error_shows_in_the_status_of_the_new_media_type_only() {
    let world = World::new().await;
    for (query, code) in [
        ("{ nonsense", "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        ("query($id: ID!) { node(id: $id) { id } }", "GRAPHQL_VALIDATION_FAILED"),
        ("query A { __typename } query B { __typename }", "BAD_USER_INPUT"),
    ] {
        let ask = async |media: &str| {
            let content = json!({ "query": query });
            read(world.anonymous.post().header(ACCEPT, media).json(&content)).await
        };
        let modern = ask(RESPONSE_JSON).await;
        assert_eq!((modern.status, modern.code()), (StatusCode::BAD_REQUEST, code), "{query}: {}", modern.body);
        assert_eq!(media_type(&modern), "application/graphql-response+json; charset=utf-8");
        assert!(modern.json.get("data").is_none(), "a request error has no data: {}", modern.body);
        let legacy = ask("application/json").await;
        assert_eq!((legacy.status, legacy.code()), (StatusCode::OK, code), "{query}: {}", legacy.body);
        assert_eq!(media_type(&legacy), "application/json; charset=utf-8");
    }
}

#[tokio::test]
async fn a_field_error_leaves_the_status_alone_and_the_rest_in_place() {
    let world = World::new().await;
    let query = "{ __typename viewer { user { id } organizations(first: 0) { totalCount } } }";
    let answer = world.owner.query(query, Value::Null).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, "BAD_USER_INPUT"), "{}", answer.body);
    assert_eq!(answer.at("__typename"), "Query");
    assert_eq!(answer.json["errors"][0]["path"], json!(["viewer", "organizations"]));
}

#[tokio::test]
async fn the_media_type_of_the_answer_is_negotiated() {
    let world = World::new().await;
    let content = json!({ "query": "{ __typename }" });
    for (accept, expected) in [
        ("application/graphql-response+json", RESPONSE_JSON),
        ("application/json, application/graphql-response+json", RESPONSE_JSON),
        ("application/graphql-response+json;q=0.5, application/json;q=0.9", "application/json"),
        ("application/graphql-response+json;q=0, application/json", "application/json"),
        ("*/*", "application/json"),
        ("text/html, */*;q=0.1", "application/json"),
    ] {
        let answer = read(world.anonymous.post().header(ACCEPT, accept).json(&content)).await;
        assert_eq!(media_type(&answer), format!("{expected}; charset=utf-8"), "{accept}");
    }
    let answer = read(world.anonymous.post().header(ACCEPT, "text/html").json(&content)).await;
    assert_eq!(answer.status, StatusCode::NOT_ACCEPTABLE);
}

#[tokio::test]
async fn a_client_that_says_nothing_of_media_types_gets_the_newer_one() {
    let world = World::new().await;
    let (host, content) = (world.server.at("").replace("http://", ""), "{\"query\": \"{ nonsense }\"}");
    // By hand, since clients put in an Accept of their own.
    let mut stream = TcpStream::connect(&host).await.expect("the server listens");
    let length = content.len();
    let head = format!(
        "POST /graphql HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    stream.write_all((head + content).as_bytes()).await.expect("the server reads");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.expect("the server answers");
    assert!(answer.starts_with("HTTP/1.1 400 "), "{answer}");
    assert!(answer.contains("content-type: application/graphql-response+json; charset=utf-8\r\n"), "{answer}");
}

#[tokio::test]
async fn a_bad_token_is_refused_and_never_taken_for_nobody() {
    let world = World::new().await;
    let good = world.owner.token.clone().expect("the owner is signed in");
    let (head, signature) = good.rsplit_once('.').expect("a signed token");
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    let unsigned = format!("eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{}.", good.split('.').nth(1).expect("claims"));
    for token in ["", "nonsense", "a.b.c", &forged, &unsigned, &format!("{good} {good}")] {
        let answer = world.anonymous.with_token(Some(token)).query("{ __typename }", Value::Null).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"), "{token}");
    }
    let basic = world
        .anonymous
        .post()
        .header("authorization", "Basic b3duZXI6cHc=")
        .json(&json!({ "query": "{ __typename }" }));
    assert_eq!(read(basic).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_token_of_another_server_is_no_good_here() {
    let world = World::with(|config| config.token_secret = Some("a secret of at least thirty-two bytes".into())).await;
    let other = World::new().await;
    let foreign = world.anonymous.with_token(other.owner.token.as_deref());
    assert_eq!(foreign.query("{ __typename }", Value::Null).await.code(), "UNAUTHENTICATED");
    world.owner.query("{ viewer { version } }", Value::Null).await.well();
}

#[tokio::test]
async fn an_expired_token_is_no_good() {
    let world = World::with(|config| config.access_token_seconds = -60).await;
    assert_eq!(world.owner.query("{ __typename }", Value::Null).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn a_subscription_over_plain_http_is_refused() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let query = "subscription($id: ID!) { documentChanged(id: $id) { cursor } }";
    let answer = world.editor.query(query, json!({ "id": id })).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{}", answer.body);
    assert!(answer.json.get("data").is_none_or(Value::is_null), "{}", answer.body);
}

#[tokio::test]
async fn introspection_answers_in_development_and_not_in_production() {
    let introspection = "{ __schema { queryType { name } } __type(name: \"Document\") { name } }";
    let world = World::new().await;
    world.anonymous.query(introspection, Value::Null).await.well();
    let world = World::with(|config| config.introspection = Some(false)).await;
    let answer = world.anonymous.query(introspection, Value::Null).await;
    assert!(!answer.body.contains("Document"), "{}", answer.body);
    assert!(!answer.body.contains("\"Query\""), "{}", answer.body);
    assert_eq!(world.anonymous.query("{ __typename }", Value::Null).await.well().at("__typename"), "Query");
}

#[tokio::test]
async fn counts_of_statements_are_told_in_development_only() {
    let world = World::with(|config| {
        config.environment = api::platform::config::Environment::Production;
        config.token_secret = Some("a secret of at least thirty-two bytes".into());
    })
    .await;
    let answer = world.owner.query("{ viewer { version } }", Value::Null).await.well();
    assert!(!answer.headers.contains_key("server-timing"));
}

#[tokio::test]
async fn health_names_its_parts() {
    let world = World::new().await;
    for (path, parts) in [
        ("/health", &["status", "db", "redis"][..]),
        ("/health/live", &["status"]),
        ("/health/ready", &["status", "db", "migrations"]),
        ("/health/db", &["status", "db"]),
        ("/health/redis", &["status", "redis"]),
    ] {
        let answer = Answer::read(reqwest::get(world.server.at(path)).await.expect("the server answers")).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        for part in parts {
            assert_eq!(answer.json[part], "ok", "{path}: {}", answer.body);
        }
    }
    // Nothing is kept outside of the two, which is not the same as a storage that is well.
    let answer = Answer::read(reqwest::get(world.server.at("/health/storage")).await.expect("an answer")).await;
    assert_eq!((answer.status, &answer.json), (StatusCode::OK, &json!({ "status": "ok", "storage": "not used" })));
}

#[tokio::test]
async fn a_server_without_redis_answers_queries_and_says_so() {
    // Nothing listens on port 1.
    let world = World::with(|config| config.stores.redis_url = "redis://127.0.0.1:1".into()).await;
    let id = world.editor.document(&world.lab, json!({})).await;
    assert_eq!(world.reader.node(&id).await["id"], id);
    let answer = Answer::read(reqwest::get(world.server.at("/health")).await.expect("the server answers")).await;
    assert_eq!((answer.status, &answer.json["db"]), (StatusCode::SERVICE_UNAVAILABLE, &json!("ok")));
    assert_ne!(answer.json["redis"], "ok");
}
