//! The bare wire: what is not well said, not allowed, or not of this protocol.

use reqwest::StatusCode;
use reqwest::header::{CONTENT_TYPE, ORIGIN};
use serde_json::{Value, json};

use super::{Endpoint, Message, listed, newer, older, post};
use crate::support::World;

const PING: &str = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;

async fn sent(endpoint: &Endpoint, body: &str) -> Message {
    let request = post(&endpoint.world, "/mcp", Some(endpoint.token())).header(CONTENT_TYPE, "application/json");
    Message::of(request.body(body.to_owned())).await
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let endpoint = Endpoint::new().await;
    let deep = format!(r#"{{"jsonrpc":"2.0","id":1,"method":"ping","params":{}}}"#, "[".repeat(50_000));
    let batch = format!("[{PING},{PING}]");
    for (body, code) in [
        ("", -32_700),
        ("{", -32_700),
        ("\u{0}", -32_700),
        (deep.as_str(), -32_700),
        ("[]", -32_600),
        (batch.as_str(), -32_600),
        ("null", -32_600),
        (r#"{"jsonrpc":"1.0","id":1,"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":{},"method":"ping"}"#, -32_600),
        (r#"{"jsonrpc":"2.0","id":1,"result":{}}"#, -32_600),
    ] {
        let message = sent(&endpoint, body).await;
        assert_eq!((message.status, message.code()), (StatusCode::BAD_REQUEST, code), "{body:.60}");
    }
    assert_eq!(sent(&endpoint, PING).await.body, json!({ "jsonrpc": "2.0", "id": 1, "result": {} }));
    let huge = post(&endpoint.world, "/mcp", Some(endpoint.token())).header(CONTENT_TYPE, "application/json");
    // The server may hang up before all of it was sent.
    if let Ok(answer) = huge.body(vec![b' '; 50_000_000]).send().await {
        assert_eq!(answer.status(), StatusCode::PAYLOAD_TOO_LARGE);
    }
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"] {
        let request = post(&endpoint.world, "/mcp", Some(endpoint.token())).header(CONTENT_TYPE, content_type);
        assert_eq!(Message::of(request.body(PING)).await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    }
}

#[tokio::test]
async fn nobody_and_pages_of_elsewhere_are_not_let_in() {
    let endpoint = Endpoint::new().await;
    let world = &endpoint.world;
    for token in [None, Some("tr_live_nothing"), Some("x")] {
        let response = post(world, "/mcp", token).header(CONTENT_TYPE, "application/json").body(PING).send().await;
        let response = response.expect("the server answers");
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        let challenge = response.headers()["www-authenticate"].to_str().expect("a text").to_owned();
        assert!(challenge.starts_with("Bearer"), "{challenge}");
    }
    for (origin, status) in [
        ("https://evil.example", StatusCode::FORBIDDEN),
        ("null", StatusCode::FORBIDDEN),
        (world.server.at("").as_str(), StatusCode::OK),
    ] {
        let request = post(world, "/mcp", Some(endpoint.token())).header(ORIGIN, origin);
        let message = Message::of(request.header(CONTENT_TYPE, "application/json").body(PING)).await;
        assert_eq!(message.status, status, "{origin}");
    }
    for method in [reqwest::Method::GET, reqwest::Method::DELETE] {
        let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");
        let request = http.request(method, world.server.at("/mcp")).bearer_auth(endpoint.token());
        assert_eq!(request.send().await.expect("an answer").status(), StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn the_older_era_agrees_on_a_version_and_knows_its_methods() {
    let endpoint = Endpoint::new().await;
    let (world, token) = (&endpoint.world, Some(endpoint.token()));
    for (asked, agreed) in [("2025-03-26", "2025-03-26"), ("2025-11-25", "2025-11-25"), ("1999-01-01", "2025-11-25")] {
        let client = json!({ "name": "test", "version": "1" });
        let params = json!({ "protocolVersion": asked, "capabilities": {}, "clientInfo": client });
        let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params });
        let message = Message::of(post(world, "/mcp", token).json(&message)).await;
        assert_eq!(message.body["result"]["protocolVersion"], agreed, "{message:?}");
    }
    let heard = json!({ "jsonrpc": "2.0", "method": "notifications/initialized" });
    assert_eq!(Message::of(post(world, "/mcp", token).json(&heard)).await.status, StatusCode::ACCEPTED);
    let unknown = older(world, "/mcp", token, "resources/list", json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::OK, -32_601));
    for params in [json!({}), json!({ "name": 7 }), json!({ "name": "trellis__space_list", "arguments": [] })] {
        assert_eq!(older(world, "/mcp", token, "tools/call", params).await.code(), -32_602);
    }
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/list" });
    let request = post(world, "/mcp", token).header("mcp-protocol-version", "2031-01-01").json(&message);
    assert_eq!(Message::of(request).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn in_the_newer_era_headers_say_what_the_body_says() {
    let endpoint = Endpoint::new().await;
    let (world, token) = (&endpoint.world, Some(endpoint.token()));
    let found = newer(world, "/mcp", token, "server/discover", json!({})).await;
    assert_eq!(found.body["result"]["supportedVersions"], json!(["2026-07-28"]), "{found:?}");
    let unknown = newer(world, "/mcp", token, "initialise", json!({})).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::NOT_FOUND, -32_601));
    let meta = json!({
        "io.modelcontextprotocol/protocolVersion": "2026-07-28",
        "io.modelcontextprotocol/clientCapabilities": {},
    });
    let params = json!({ "name": "trellis__space_list", "arguments": {}, "_meta": meta });
    let message = json!({ "jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": params });
    let headers: [&[(&str, &str)]; 4] = [
        &[],
        &[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/list"), ("mcp-name", "trellis__space_list")],
        &[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call")],
        &[("mcp-protocol-version", "2026-07-28"), ("mcp-method", "tools/call"), ("mcp-name", "trellis__document_read")],
    ];
    for headers in headers {
        let request =
            headers.iter().fold(post(world, "/mcp", token), |request, (name, value)| request.header(*name, *value));
        let message = Message::of(request.json(&message)).await;
        assert_eq!((message.status, message.code()), (StatusCode::BAD_REQUEST, -32_020), "{headers:?}");
    }
}

#[tokio::test]
async fn a_call_whose_progress_is_asked_for_is_a_stream_that_ends_with_its_result() {
    let endpoint = Endpoint::new().await;
    let params = json!({ "name": "trellis__space_list", "_meta": { "progressToken": 7 } });
    let message = json!({ "jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": params });
    let request = post(&endpoint.world, "/mcp", Some(endpoint.token())).json(&message);
    let response = request.send().await.expect("an answer");
    assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
    let events = response.text().await.expect("events");
    let last = events.trim().rsplit("data: ").next().expect("an event");
    let last: Value = serde_json::from_str(last).expect("a message");
    assert_eq!((&last["id"], &last["result"]["structuredContent"]["spaces"][0]["name"]), (&json!(9), &json!("desk")));
}

#[tokio::test]
async fn a_revoked_key_is_nobody_at_once() {
    let endpoint = Endpoint::new().await;
    assert_eq!(listed(&endpoint.world, "/mcp", endpoint.token()).await.len(), 5);
    let revoke = "UPDATE governance.api_keys SET revoked_at = now()";
    endpoint.world.database.run(revoke).await;
    let message = newer(&endpoint.world, "/mcp", Some(endpoint.token()), "tools/list", json!({})).await;
    assert_eq!(message.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn messages_count_against_what_operations_may_cost() {
    let world = World::with(|config| config.query.cost_per_minute = Some(250)).await;
    let (_, key) = world.owner.api_key(Some(&world.rocket), &["TOOLS_CALL"]).await;
    let token = key.token.as_deref();
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(newer(&world, "/mcp", token, "tools/list", json!({})).await.status.as_u16());
    }
    assert_eq!(statuses.last(), Some(&429), "{statuses:?}");
}
