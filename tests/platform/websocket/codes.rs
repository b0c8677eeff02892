//! What a socket is closed for, and with which code.

use futures_util::SinkExt;
use serde_json::json;
use tokio_tungstenite::tungstenite::Message;

use super::{Peer, closed, frame, introduction};
use crate::support::World;

#[tokio::test]
async fn a_socket_without_the_subprotocol_is_closed() {
    let world = World::new().await;
    let mut peer = Peer::with_protocol(&world, None).await.expect("the handshake is in order");
    assert_eq!(peer.closed().await, closed(4406, "Subprotocol not acceptable"));
    // The client gives up by itself when none of what it offers is picked.
    assert!(Peer::with_protocol(&world, Some("graphql-ws")).await.is_err());
    let mut peer = Peer::with_protocol(&world, Some("graphql-ws, graphql-transport-ws")).await.expect("one is picked");
    peer.say(r#"{"type":"connection_init"}"#).await;
    assert_eq!(peer.hear().await, json!({ "type": "connection_ack" }));
}

#[tokio::test]
async fn a_stranger_who_says_nothing_is_closed() {
    let world = World::with(|config| config.socket_init_seconds = 1).await;
    let mut peer = Peer::connect(&world).await;
    // Only an introduction stops the clock.
    peer.say(r#"{"type":"ping"}"#).await;
    assert_eq!(peer.hear().await, json!({ "type": "pong" }));
    assert_eq!(peer.closed().await, closed(4408, "Connection initialisation timeout"));
}

#[tokio::test]
async fn a_second_introduction_is_closed() {
    let world = World::new().await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    peer.say(r#"{"type":"connection_init"}"#).await;
    assert_eq!(peer.closed().await, closed(4429, "Too many initialisation requests"));
    // Also while the first is being looked at.
    let mut peer = Peer::connect(&world).await;
    for _ in 0..2 {
        peer.0.feed(Message::text(introduction(&world.editor).to_string())).await.expect("a message");
    }
    peer.0.flush().await.expect("both leave at once");
    assert_eq!(peer.closed_at_last().await.0, 4429);
}

#[tokio::test]
async fn an_operation_before_the_acknowledgement_is_closed() {
    let world = World::new().await;
    let mut peer = Peer::connect(&world).await;
    peer.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(peer.closed().await, closed(4401, "Unauthorized"));
}

#[tokio::test]
async fn a_token_that_is_not_good_is_closed() {
    let world = World::new().await;
    let forged = format!("Bearer {}x", world.owner.token.as_deref().expect("a token"));
    for authorization in [json!("Bearer nonsense"), json!("Basic eDp4"), json!("nonsense"), json!(7), json!(forged)] {
        let mut peer = Peer::connect(&world).await;
        let payload = json!({ "authorization": authorization });
        peer.say(&json!({ "type": "connection_init", "payload": payload }).to_string()).await;
        assert_eq!(peer.closed().await, closed(4403, "Forbidden"), "{authorization}");
    }
    let mut signed_in = Peer::introduced(&world, &world.owner).await;
    world.owner.query("mutation { signOut { userErrors { code } } }", json!({})).await.well();
    let mut peer = Peer::connect(&world).await;
    peer.say(&introduction(&world.owner).to_string()).await;
    assert_eq!(peer.closed().await, closed(4403, "Forbidden"));
    // A socket that is open already is closed at its next operation.
    signed_in.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(signed_in.closed().await, closed(4403, "Session ended"));
}

#[tokio::test]
async fn an_operation_id_in_use_is_closed() {
    let world = World::new().await;
    for id in ["a", &"ä".repeat(128)] {
        let mut peer = Peer::introduced(&world, &world.editor).await;
        let space = json!({ "id": world.lab });
        peer.subscribe(id, "subscription($id: ID!) { spaceActivity(spaceId: $id) { __typename } }", space).await;
        peer.subscribe(id, "{ __typename }", json!({})).await;
        let (code, reason) = peer.closed().await;
        assert_eq!(code, 4409);
        let whole = format!("Subscriber for {id} already exists");
        assert!(reason == whole || (whole.starts_with(&reason) && (120..=123).contains(&reason.len())), "{reason}");
    }
}

#[tokio::test]
async fn malformed_messages_are_closed() {
    let world = World::new().await;
    let deep = format!("{{\"type\":\"ping\",\"payload\":{}{}}}", "[".repeat(5_000), "]".repeat(5_000));
    let long_id = json!({ "type": "complete", "id": "x".repeat(257) }).to_string();
    for (text, complaint) in [
        ("", "not JSON"),
        ("{", "not JSON"),
        (deep.as_str(), "not JSON"),
        ("[]", "not an object"),
        ("null", "not an object"),
        ("{}", "'type'"),
        (r#"{"type":7}"#, "'type'"),
        (r#"{"type":"nonsense"}"#, "'type'"),
        (r#"{"type":"connection_ack"}"#, "'type'"),
        (r#"{"type":"next","id":"1","payload":{}}"#, "'type'"),
        (r#"{"type":"ping","payload":7}"#, "'payload'"),
        (r#"{"type":"pong","payload":[]}"#, "'payload'"),
        (r#"{"type":"complete"}"#, "'id'"),
        (r#"{"type":"complete","id":7}"#, "'id'"),
        (r#"{"type":"complete","id":""}"#, "'id'"),
        (long_id.as_str(), "'id'"),
        (r#"{"type":"subscribe","id":"1"}"#, "'payload'"),
        (r#"{"type":"subscribe","id":"1","payload":7}"#, "'payload'"),
        (r#"{"type":"subscribe","payload":{"query":"{ __typename }"}}"#, "'id'"),
        (r#"{"type":"subscribe","id":"1","payload":{}}"#, "'query'"),
        (r#"{"type":"subscribe","id":"1","payload":{"query":"","variables":[]}}"#, "'variables'"),
        (r#"{"type":"subscribe","id":"1","payload":{"query":"","operationName":7}}"#, "'operationName'"),
        (r#"{"type":"subscribe","id":"1","payload":{"query":"","extensions":7}}"#, "'extensions'"),
        (
            r#"{"type":"subscribe","id":"1","payload":{"query":"","extensions":{"idempotencyKey":7}}}"#,
            "'idempotencyKey'",
        ),
    ] {
        let mut peer = Peer::introduced(&world, &world.anonymous).await;
        peer.say(text).await;
        let (code, reason) = peer.closed().await;
        assert_eq!(code, 4400, "{text}: {reason}");
        assert!(reason.starts_with("Invalid message: ") && reason.contains(complaint), "{text}: {reason}");
    }
    let mut peer = Peer::introduced(&world, &world.anonymous).await;
    peer.0.send(Message::binary(b"{}".to_vec())).await.expect("a message");
    assert_eq!(peer.closed().await, closed(4400, "Invalid message: binary"));
}

#[tokio::test]
async fn broken_frames_are_closed_with_the_codes_of_the_transport() {
    let world = World::new().await;
    let announced = |length: u64| [&[0x81, 0xff][..], &length.to_be_bytes(), &[0; 4]].concat();
    for (what, bytes, expected) in [
        ("not masked", vec![0x81, 0x02, b'{', b'}'], 1002),
        ("a reserved bit", frame(0xc1, b"{}"), 1002),
        ("a reserved kind", frame(0x83, b"{}"), 1002),
        ("the rest of nothing", frame(0x80, b"{}"), 1002),
        ("a ping in fragments", frame(0x09, b""), 1002),
        ("a message within a message", [frame(0x01, b"{"), frame(0x81, b"}")].concat(), 1002),
        ("not UTF-8", frame(0x81, b"\xff\xfe"), 1007),
        ("two gigabytes", announced(1 << 31), 1009),
        ("more than there is", announced(u64::MAX), 1009),
    ] {
        let mut peer = Peer::introduced(&world, &world.anonymous).await;
        peer.push(&bytes).await;
        let (code, reason) = peer.closed().await;
        assert_eq!(code, expected, "{what}: {reason}");
    }
    // And what is only unusual is heard: a message in two fragments around a ping.
    let mut peer = Peer::introduced(&world, &world.anonymous).await;
    let (head, tail) = br#"{"id":"1","type":"subscribe","payload":{"query":"{ __typename }"}}"#.split_at(20);
    peer.push(&[frame(0x01, head), frame(0x89, b"x"), frame(0x80, tail)].concat()).await;
    assert_eq!(peer.hear().await["payload"]["data"]["__typename"], "Query");
}
