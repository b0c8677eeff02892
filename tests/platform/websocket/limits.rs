//! How many sockets and operations there may be, how long, how large, and how slow.

use futures_util::StreamExt;
use serde_json::{Value, json};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::MaybeTlsStream;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::{Peer, closed, followers};
use crate::support::{World, eventually, within};

const ACTIVITY: &str = "subscription($id: ID!) { spaceActivity(spaceId: $id) { __typename } }";

#[tokio::test]
async fn one_operation_too_many_is_an_error_of_its_own() {
    let world = World::with(|config| config.socket_streams = 2).await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    for id in ["1", "2", "3"] {
        peer.subscribe(id, ACTIVITY, json!({ "id": world.lab })).await;
    }
    let refusal = peer.hear().await;
    assert_eq!((&refusal["id"], &refusal["type"]), (&json!("3"), &json!("error")));
    assert_eq!(refusal["payload"][0]["extensions"], json!({ "code": "RATE_LIMITED", "limit": 2, "actual": 3 }));
    peer.say(r#"{"id":"1","type":"complete"}"#).await;
    peer.subscribe("3", "{ __typename }", json!({})).await;
    assert_eq!(peer.hear().await["type"], "next");
}

#[tokio::test]
async fn a_socket_too_many_is_refused_before_the_handshake() {
    let world = World::with(|config| config.connections_per_address = 2).await;
    let first = Peer::connect(&world).await;
    let _second = Peer::connect(&world).await;
    let Err(Error::Http(refusal)) = Peer::with_protocol(&world, Some("graphql-transport-ws")).await else {
        panic!("it was let in");
    };
    assert_eq!((refusal.status().as_u16(), &refusal.headers()["retry-after"]), (503, &"10".parse().expect("a header")));
    let body: Value = serde_json::from_slice(refusal.body().as_deref().unwrap_or_default()).expect("JSON");
    assert_eq!(body["errors"][0]["extensions"]["code"], "RATE_LIMITED");
    drop(first);
    eventually("its place is free", async || Peer::with_protocol(&world, None).await.ok()).await;
}

#[tokio::test]
async fn messages_may_be_as_large_as_the_setting_and_a_stranger_s_small() {
    let world = World::with(|config| config.socket_message_bytes = 100_000).await;
    let ping = |bytes: usize| json!({ "type": "ping", "payload": { "x": "y".repeat(bytes) } }).to_string();
    let mut peer = Peer::introduced(&world, &world.anonymous).await;
    peer.say(&ping(99_000)).await;
    assert_eq!(peer.hear().await["type"], "pong");
    peer.say(&ping(100_000)).await;
    assert_eq!(peer.closed().await, closed(1009, "A message may hold 100000 bytes"));
    let mut stranger = Peer::connect(&world).await;
    stranger.say(&ping(15_000)).await;
    assert_eq!(stranger.hear().await["type"], "pong");
    stranger.say(&ping(17_000)).await;
    assert_eq!(stranger.closed().await.0, 1009);
}

#[tokio::test]
async fn pings_go_both_ways_and_a_peer_without_a_sign_of_life_is_closed() {
    let world = World::with(|config| config.socket_ping_seconds = 1).await;
    let mut peer = Peer::introduced(&world, &world.anonymous).await;
    peer.say(r#"{"type":"ping","payload":{"a":[1,null]}}"#).await;
    assert_eq!(peer.hear().await, json!({ "type": "pong", "payload": { "a": [1, null] } }));
    peer.say(r#"{"type":"pong"}"#).await;
    // The library answers pings when it reads the next message.
    for _ in 0..3 {
        let ping = within("a ping", peer.0.next()).await.expect("the socket is open").expect("a frame");
        assert_eq!(ping, Message::Ping(Vec::new().into()));
    }
    // Below the library nobody answers.
    let MaybeTlsStream::Plain(connection) = peer.0.get_mut() else { panic!("it is not encrypted") };
    let mut rest = Vec::new();
    within("the end", connection.read_to_end(&mut rest)).await.expect("bytes");
    let last = [&[0x88, 17][..], &4499_u16.to_be_bytes(), b"No sign of life"].concat();
    assert!(rest.ends_with(&last), "{rest:?}");
}

#[tokio::test]
async fn a_slow_consumer_is_closed_and_can_read_why() {
    let world = World::with(|config| config.socket_send_seconds = 1).await;
    let content = "All work and no play. ".repeat(200_000);
    let id = world.editor.document(&world.lab, json!({ "content": content })).await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    peer.subscribe("activity", ACTIVITY, json!({ "id": world.lab })).await;
    followers(&world, 1).await;
    for number in 0..8 {
        let query = "query($id: ID!) { node(id: $id) { ... on Document { content { text } } } }";
        peer.subscribe(&number.to_string(), query, json!({ "id": id })).await;
    }
    // It reads nothing meanwhile, and nothing runs for it any more.
    followers(&world, 0).await;
    assert_eq!(peer.closed_at_last().await, closed(4411, "Slow consumer"));
}

#[tokio::test]
async fn a_token_that_expires_closes_its_socket() {
    let world = World::with(|config| config.access_token_seconds = 3).await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    peer.subscribe("1", ACTIVITY, json!({ "id": world.lab })).await;
    assert_eq!(peer.closed().await, closed(4403, "Token expired"));
    followers(&world, 0).await;
}

#[tokio::test]
async fn a_session_that_ends_closes_its_subscriptions() {
    let world = World::new().await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    peer.subscribe("1", ACTIVITY, json!({ "id": world.lab })).await;
    followers(&world, 1).await;
    world.editor.query("mutation { signOut { userErrors { code } } }", json!({})).await.well();
    world.manager.document(&world.lab, json!({})).await;
    assert_eq!(peer.closed().await, closed(4403, "Session ended"));
}

#[tokio::test]
async fn an_idle_socket_is_closed_soon_after_its_session_ended_and_no_other() {
    let world = World::with(|config| config.session_look_seconds = 1).await;
    let mut idle = Peer::introduced(&world, &world.editor).await;
    let mut same = Peer::introduced(&world, &world.editor).await;
    let mut other = Peer::introduced(&world, &world.manager).await;
    world.editor.query("mutation { signOut { userErrors { code } } }", json!({})).await.well();
    assert_eq!(idle.closed().await, closed(4403, "Session ended"));
    assert_eq!(same.closed().await, closed(4403, "Session ended"));
    other.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(other.hear().await["type"], "next");
    // Whatever ends a session: here its user, who was suspended behind the server's back.
    world.database.run("UPDATE identity.users SET status = 'suspended' WHERE email = 'manager@acme.test'").await;
    assert_eq!(other.hear().await["type"], "complete");
    assert_eq!(other.closed().await, closed(4403, "Session ended"));
}

#[tokio::test]
async fn a_server_that_leaves_says_so() {
    let world = World::new().await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    peer.subscribe("1", ACTIVITY, json!({ "id": world.lab })).await;
    followers(&world, 1).await;
    let mut stranger = Peer::connect(&world).await;
    let World { server, .. } = world;
    let (told, stranger_told, ()) = tokio::join!(peer.closed(), stranger.closed(), server.stop());
    assert_eq!(told, closed(1001, "The server is going away"));
    assert_eq!(stranger_told, told);
}
