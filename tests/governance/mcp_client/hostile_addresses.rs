//! Addresses that are up to no good: each is contained, and what it did is named.

use std::collections::BTreeMap;

use api::platform::mcp::{Bounds, Era, Failure, Transport, call, discover};
use serde_json::{Map, json};

use crate::support::eventually;
use crate::support::mcp::{McpServer, bounds, discover_and_call, impatient, text, with_secret};

async fn discovered(transport: &Transport, bounds: &Bounds) -> Failure {
    match discover(transport, bounds).await {
        Err(failure) => failure,
        Ok(found) => panic!("{transport:?} was discovered: {found:?}"),
    }
}

fn at(url: &str) -> Transport {
    Transport::Http { url: url.parse().expect("an address"), headers: BTreeMap::new() }
}

#[tokio::test]
async fn only_public_and_encrypted_addresses_are_asked_unless_the_project_says_so() {
    let server = McpServer::hostile().await;
    let port = server.port;
    let encrypted = Bounds { plain_http: false, ..bounds() };
    let public = Bounds { private_addresses: false, ..bounds() };
    for transport in [server.http("plain"), server.sse("sse-nowhere")] {
        let failure = discovered(&transport, &encrypted).await;
        assert!(matches!(&failure, Failure::NotAllowed(text) if text.contains("https")), "{failure}");
        let failure = discovered(&transport, &public).await;
        assert!(matches!(&failure, Failure::NotAllowed(text) if text.contains("127.0.0.1")), "{failure}");
    }
    // Names and other ways to write the same address.
    for host in
        ["localhost", "127.1", "2130706433", "0x7f.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0", "169.254.169.254"]
    {
        let failure = discovered(&at(&format!("http://{host}:{port}/plain")), &public).await;
        assert!(matches!(failure, Failure::NotAllowed(_)), "{host}: {failure}");
    }
    assert!(server.heard("plain").await.is_empty());
    let result = discover_and_call(&server.http("plain"), "weather", json!({}), &bounds()).await;
    assert_eq!(text(&result.expect("an answer")), "Sunny.");
}

#[tokio::test]
async fn nobody_is_followed_to_another_server() {
    let server = McpServer::hostile().await;
    let secret = |transport| with_secret(transport, "Authorization", "Bearer planted-0815");
    for transport in [server.http("redirect-other"), server.sse("redirect-other"), server.sse("sse-other")] {
        let failure = discovered(&secret(transport), &bounds()).await;
        assert!(matches!(&failure, Failure::NotAllowed(text) if text.contains("127.0.0.2")), "{failure}");
    }
    assert!(server.heard("plain").await.is_empty());

    let result = discover_and_call(&secret(server.http("redirect-same")), "weather", json!({}), &bounds()).await;
    assert_eq!(text(&result.expect("an answer")), "Sunny.");
    let heard = server.heard("plain").await;
    assert!(heard.iter().all(|request| request["headers"]["authorization"] == "Bearer planted-0815"));
    for path in ["redirect-circle", "redirect-nowhere"] {
        let failure = discovered(&server.http(path), &bounds()).await;
        assert!(matches!(failure, Failure::Protocol(_)), "{path}: {failure}");
    }
}

#[tokio::test]
async fn servers_that_do_not_answer_as_they_should_are_named() {
    let server = McpServer::hostile().await;
    assert_eq!(discovered(&server.http("locked"), &bounds()).await, Failure::Unauthorized { status: 401 });
    for path in ["failing", "page", "no-such-path"] {
        let failure = discovered(&server.http(path), &bounds()).await;
        assert!(matches!(failure, Failure::Protocol(_) | Failure::Unreachable(_)), "{path}: {failure}");
    }
    for path in ["page", "sse-nowhere", "plain"] {
        let failure = discovered(&server.sse(path), &bounds()).await;
        assert!(matches!(failure, Failure::Protocol(_)), "{path}: {failure}");
    }
    let hurried = impatient();
    let silent = Failure::TimedOut { doing: "connecting", limit: hurried.connect };
    assert_eq!(discovered(&server.http("silent"), &hurried).await, silent);
    assert_eq!(discovered(&server.sse("silent"), &hurried).await, silent);
    let closed = at(&format!("http://127.0.0.1:{}/", crate::support::free_port()));
    assert!(matches!(discovered(&closed, &bounds()).await, Failure::Unreachable(_)));
    let nowhere = discovered(&at("http://no-such-host.invalid/"), &bounds()).await;
    assert!(matches!(nowhere, Failure::Unreachable(_)), "{nowhere}");
}

#[tokio::test]
async fn answers_are_no_longer_than_they_may_be() {
    let server = McpServer::hostile().await;
    let most_bytes = bounds().result_bytes;
    for path in ["endless-body", "endless-event"] {
        let failure = discovered(&server.http(path), &bounds()).await;
        assert_eq!(failure, Failure::TooLarge { what: "one message", most_bytes }, "{path}");
    }
    let huge = discover_and_call(&server.http("huge-result"), "weather", json!({}), &bounds()).await;
    assert_eq!(huge, Err(Failure::TooLarge { what: "one message", most_bytes }));
    let hurried = impatient();
    let events = discovered(&server.http("endless-events"), &hurried).await;
    assert_eq!(events, Failure::TimedOut { doing: "connecting", limit: hurried.connect });
    for (path, expected) in [
        ("endless-pages", Failure::TooManyPages { most: 50 }),
        ("repeated-cursor", Failure::RepeatedCursor),
        ("endless-tools", Failure::TooManyTools { most: 1_000 }),
    ] {
        assert_eq!(discovered(&server.http(path), &bounds()).await, expected, "{path}");
    }
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_asked_for_again_where_it_can_be() {
    let server = McpServer::hostile().await;
    let result = discover_and_call(&server.http("broken-stream"), "weather", json!({}), &bounds()).await;
    assert_eq!(text(&result.expect("an answer")), "Sunny, after all.");
    let cut = discover_and_call(&server.http("cut-off"), "weather", json!({}), &bounds()).await;
    assert!(matches!(cut, Err(Failure::Protocol(_))), "{cut:?}");
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_is_cancelled() {
    let server = McpServer::hostile().await;
    let (transport, bounds) = (server.http("hanging-call"), bounds());
    let has_heard = async |method: &str| {
        let heard = server.heard("hanging-call").await;
        heard.iter().any(|request| request["method"] == method).then_some(())
    };
    let calling = call(&transport, Era::Session, "2025-11-25", "weather", Map::new(), |_| (), &bounds);
    tokio::select! {
        _ = calling => panic!("it is not answered"),
        () = eventually("the call is heard", async || has_heard("tools/call").await) => {}
    }
    eventually("the cancellation is heard", async || has_heard("notifications/cancelled").await).await;
}

#[tokio::test]
async fn requests_say_what_their_era_wants() {
    let server = McpServer::hostile().await;
    discover_and_call(&server.http("plain"), "weather", json!({}), &bounds()).await.expect("an answer");
    let heard = server.heard("plain").await;
    let of = |method: &str| {
        heard.iter().find(|request| request["method"] == method).expect("it was heard")["headers"].clone()
    };
    let (probe, first, listing) = (of("server/discover"), of("initialize"), of("tools/list"));
    assert_eq!(
        (&probe["mcp-protocol-version"], &probe["mcp-method"]),
        (&json!("2026-07-28"), &json!("server/discover"))
    );
    assert!(first.get("mcp-protocol-version").is_none() && first.get("mcp-method").is_none());
    assert_eq!(listing["mcp-protocol-version"], "2025-11-25");
    assert_eq!(listing["accept"], "application/json, text/event-stream");
}
