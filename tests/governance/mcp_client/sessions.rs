//! Connections that stay open between calls.

use std::path::Path;
use std::time::Duration;

use api::platform::mcp::{Bounds, Discovered, Era, Failure, Scope, Sessions, ToolResult, Transport, discover};
use futures_util::future::join_all;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::support::eventually;
use crate::support::mcp::{McpServer, bounds, hostile, is_gone, node, object, official, script, text, with_secret};

const LONG: Duration = Duration::from_secs(600);

fn scope(project: u128) -> Scope {
    Scope { project: Uuid::from_u128(project), server_version: Uuid::from_u128(7) }
}

async fn call(
    sessions: &Sessions,
    scope: Scope,
    transport: &Transport,
    found: &Discovered,
    tool: &str,
    arguments: Value,
) -> Result<ToolResult, Failure> {
    let (era, version) = (found.era, &found.protocol_version);
    sessions.call(scope, transport, era, version, tool, None, object(arguments), |_| (), &bounds()).await
}

/// The folder of the program that answers.
async fn home(sessions: &Sessions, scope: Scope, transport: &Transport, found: &Discovered) -> String {
    let result = call(sessions, scope, transport, found, "get-env", json!({})).await.expect("an answer");
    let environment: Value = serde_json::from_str(&text(&result)).expect("its environment");
    environment["HOME"].as_str().expect("a folder").to_owned()
}

#[tokio::test]
async fn calls_of_one_project_share_a_program_and_those_of_another_do_not() {
    let server = node(&[&official("everything"), "stdio"]);
    let found = discover(&server, &bounds()).await.expect("it is discovered");
    let sessions = Sessions::new(8, LONG);
    let first = home(&sessions, scope(1), &server, &found).await;
    assert_eq!(home(&sessions, scope(1), &server, &found).await, first);
    assert_ne!(home(&sessions, scope(2), &server, &found).await, first);
    let another = with_secret(server.clone(), "API_KEY", "another");
    assert_ne!(home(&sessions, scope(1), &another, &found).await, first);
    assert_eq!(sessions.len(), 3);

    let sums =
        join_all((0..50).map(|n| {
            let (sessions, server, found) = (&sessions, &server, &found);
            async move {
                text(&call(sessions, scope(1), server, found, "get-sum", json!({ "a": n, "b": 1 })).await.unwrap())
            }
        }));
    for (n, sum) in sums.await.into_iter().enumerate() {
        assert!(sum.contains(&format!("is {}", n + 1)), "{sum}");
    }
    assert_eq!(sessions.len(), 3);
}

#[tokio::test]
async fn a_connection_that_is_not_used_any_more_is_closed_and_its_program_ended() {
    let server = node(&[&official("everything"), "stdio"]);
    let found = discover(&server, &bounds()).await.expect("it is discovered");
    let sessions = Sessions::new(8, Duration::from_millis(50));
    let home = home(&sessions, scope(1), &server, &found).await;
    eventually("the connection is closed", async || sessions.is_empty().then_some(())).await;
    eventually("its folder is gone", async || (!Path::new(&home).exists()).then_some(())).await;
}

#[tokio::test]
async fn no_more_connections_are_kept_than_may_be() {
    let server = McpServer::start(&[&script("newer.mjs")]).await;
    let transport = server.http("mcp");
    let found = discover(&transport, &bounds()).await.expect("it is discovered");
    let sessions = Sessions::new(2, LONG);
    for project in 0..5 {
        let sum = call(&sessions, scope(project), &transport, &found, "add", json!({ "a": 1, "b": 2 })).await;
        assert_eq!(sum.expect("an answer").structured, Some(json!({ "sum": 3 })));
        assert!(sessions.len() <= 2);
    }
    let none = Sessions::new(0, LONG);
    assert!(call(&none, scope(1), &transport, &found, "add", json!({ "a": 1, "b": 2 })).await.is_ok());
    assert!(none.is_empty());
}

#[tokio::test]
async fn a_program_that_ended_between_two_calls_is_started_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("family");
    let server = hostile("family", &file);
    let found = discover(&server, &bounds()).await.expect("it is discovered");
    let sessions = Sessions::new(8, LONG);
    call(&sessions, scope(1), &server, &found, "weather", json!({})).await.expect("an answer");
    let pids = std::fs::read_to_string(&file).expect("their numbers");
    for pid in pids.split(' ') {
        assert!(std::process::Command::new("kill").args(["-9", pid]).status().expect("kill can be run").success());
        is_gone(pid).await;
    }
    eventually("the next call works", async || {
        call(&sessions, scope(1), &server, &found, "weather", json!({})).await.ok()
    })
    .await;
    assert_ne!(std::fs::read_to_string(&file).expect("their numbers"), pids);
}

#[tokio::test]
async fn a_session_that_the_server_forgot_is_opened_again_and_the_call_done_once() {
    let server = McpServer::hostile().await;
    let transport = server.http("forgetful");
    let found = discover(&transport, &bounds()).await.expect("it is discovered");
    let sessions = Sessions::new(8, LONG);
    for _ in 0..2 {
        let result = call(&sessions, scope(1), &transport, &found, "weather", json!({})).await;
        assert_eq!(text(&result.expect("an answer")), "Sunny.");
    }
    let calls = server.heard("forgetful").await.into_iter().filter(|request| request["method"] == "tools/call").count();
    // The first, the one that it did not know the session of, and that one again.
    assert_eq!(calls, 3);
}

#[tokio::test]
async fn one_call_that_hangs_holds_up_no_other_over_the_same_connection() {
    let server = node(&[&official("everything"), "stdio"]);
    let found = discover(&server, &bounds()).await.expect("it is discovered");
    let sessions = Sessions::new(8, LONG);
    let home_before = home(&sessions, scope(1), &server, &found).await;
    let hurried = Bounds { run: Duration::from_millis(300), ..bounds() };
    let slow = object(json!({ "duration": 30, "steps": 5 }));
    let tool = "trigger-long-running-operation";
    let slow = sessions.call(scope(1), &server, Era::Session, "2025-11-25", tool, None, slow, |_| (), &hurried);
    let quick = call(&sessions, scope(1), &server, &found, "echo", json!({ "message": "hi" }));
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!(slow, Err(Failure::TimedOut { doing: "the call", limit: hurried.run }));
    assert_eq!(text(&quick.expect("an answer")), "Echo: hi");
    // It was cancelled, not ended.
    assert_eq!(home(&sessions, scope(1), &server, &found).await, home_before);
    let missing =
        sessions.call(scope(1), &server, Era::Session, "1999-01-01", "echo", None, Map::new(), |_| (), &bounds()).await;
    assert!(matches!(missing, Err(Failure::Protocol(_))), "{missing:?}");
}
