//! How keys end: revoked, expired, replaced. What is open with them ends too.

use futures_util::future::join_all;
use serde_json::{Value, json};

use super::{row_of, works};
use crate::support::{Client, Socket, World, eventually};

const ACTIVITY: &str = "subscription($id: ID!) { spaceActivity(spaceId: $id) { __typename } }";

async fn rotated(client: &Client, key: &str, grace_seconds: i32) -> (String, Client) {
    let input = json!({ "id": key, "graceSeconds": grace_seconds });
    let answer = client.mutate_for("apiKeyRotate", "secret apiKey { id name scopes version }", input).await.well();
    let secret = answer.text("apiKeyRotate.secret").to_owned();
    (answer.text("apiKeyRotate.apiKey.id").to_owned(), client.with_token(Some(&secret)))
}

async fn closed(mut socket: Socket) {
    loop {
        let message = socket.message().await;
        if message["type"] != "complete" {
            assert_eq!(message, 4403);
            return;
        }
    }
}

#[tokio::test]
async fn a_revoked_key_ends_at_once_also_what_is_open() {
    let world = World::with(|config| config.session_look_seconds = 1).await;
    let (id, key) = world.editor.api_key(None, &["DOCUMENTS_READ"]).await;
    let (_, other) = world.editor.api_key(None, &["DOCUMENTS_READ"]).await;
    let idle = key.socket().await;
    let mut following = key.socket().await;
    following.subscribe(ACTIVITY, json!({ "id": world.lab })).await;
    following.settle().await;
    let body = json!({ "query": ACTIVITY, "variables": { "id": world.lab } });
    let stream = key.post().header("accept", "text/event-stream").json(&body).send().await.expect("a stream");
    let answer =
        world.editor.mutate_for("apiKeyRevoke", "apiKey { state revokedBy { id } viewerCan }", json!({ "id": id }));
    let answer = answer.await.well();
    let expected = json!({ "state": "REVOKED", "revokedBy": { "id": world.editor.id }, "viewerCan": ["READ"] });
    assert_eq!(answer.at("apiKeyRevoke.apiKey"), &expected);
    assert!(!works(&key).await);
    closed(idle).await;
    closed(following).await;
    let events = crate::support::within("the stream ends", stream.text()).await.expect("events");
    assert!(events.contains("UNAUTHENTICATED") && events.ends_with("event: complete\ndata: \n\n"), "{events}");
    assert!(works(&other).await);
    assert_eq!(world.editor.mutate("apiKeyRevoke", json!({ "id": id })).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn an_operation_on_a_socket_confirms_the_key_before_it_begins() {
    let world = World::new().await;
    let (id, key) = world.editor.api_key(None, &["DOCUMENTS_READ"]).await;
    let mut socket = key.socket().await;
    socket.settle().await;
    world.editor.mutate("apiKeyRevoke", json!({ "id": id })).await.well();
    socket.subscribe("{ __typename }", Value::Null).await;
    closed(socket).await;
}

#[tokio::test]
async fn an_event_confirms_the_key_before_it_is_told() {
    let world = World::new().await;
    let (id, key) = world.editor.api_key(None, &["DOCUMENTS_READ"]).await;
    let mut socket = key.socket().await;
    socket.subscribe(ACTIVITY, json!({ "id": world.lab })).await;
    socket.settle().await;
    world.editor.mutate("apiKeyRevoke", json!({ "id": id })).await.well();
    world.manager.document(&world.lab, json!({})).await;
    closed(socket).await;
}

#[tokio::test]
async fn narrower_scopes_take_effect_on_what_is_open() {
    let world = World::new().await;
    let (id, key) = world.editor.api_key(None, &["DOCUMENTS_WRITE"]).await;
    let document = key.document(&world.lab, json!({})).await;
    world.feed_has_come_this_far().await;
    let mut socket = key.socket().await;
    let changed = "subscription($id: ID!) { documentChanged(id: $id) { kind document { title } } }";
    socket.subscribe(changed, json!({ "id": document })).await;
    socket.settle().await;
    world.editor.mutate("apiKeyUpdate", json!({ "id": id, "scopes": ["PROFILE_READ"] })).await.well();
    world.editor.mutate("documentUpdate", json!({ "id": document, "title": "Secret" })).await.well();
    assert_eq!(socket.event().await["documentChanged"], json!({ "kind": "ACCESS_LOST", "document": null }));
    assert_eq!(key.mutate("documentUpdate", json!({ "id": document, "title": "New" })).await.code(), "FORBIDDEN");
}

#[tokio::test]
async fn a_key_ends_when_its_time_is_over() {
    let world = World::new().await;
    let soon = world.server.platform().clock.now() + chrono::Duration::seconds(2);
    let input = json!({ "name": "Short", "scopes": ["DOCUMENTS_READ"], "expiresAt": soon });
    let (id, key) = world.editor.api_key_of(input).await;
    let socket = key.socket().await;
    assert!(works(&key).await);
    closed_when_expired(socket).await;
    eventually("the key is over", async || (!works(&key).await).then_some(())).await;
    world.editor.mutate("apiKeyRotate", json!({ "id": id })).await.refused("WRONG_STATE", "id");
    world.editor.mutate("apiKeyUpdate", json!({ "id": id, "expiresAt": null })).await.well();
    assert!(works(&key).await);
}

async fn closed_when_expired(mut socket: Socket) {
    assert_eq!(socket.message().await, 4403);
}

#[tokio::test]
async fn a_replaced_key_is_good_for_its_time_of_grace() {
    let world = World::new().await;
    let (id, key) = world.project_admin.api_key(Some(&world.rocket), &["PROJECTS_READ"]).await;
    let (successor, new_key) = rotated(&world.owner, &id, 3_600).await;
    assert!(works(&key).await && works(&new_key).await);
    let query = "query($id: ID!) { node(id: $id) { ... on ApiKey { state rotatedInto { id createdBy { id } scopes } viewerCan } } }";
    let answer = world.project_admin.query(query, json!({ "id": id })).await.well();
    let into = json!({ "id": successor, "createdBy": { "id": world.owner.id }, "scopes": ["PROJECTS_READ"] });
    assert_eq!(
        answer.at("node"),
        &json!({ "state": "REPLACED", "rotatedInto": into, "viewerCan": ["READ", "REVOKE"] })
    );
    assert_eq!(world.owner.mutate("apiKeyRotate", json!({ "id": id })).await.code(), "FORBIDDEN");
    let over = format!("UPDATE governance.api_keys SET grace_ends_at = now() WHERE {}", row_of(&id));
    world.database.run(&over).await;
    assert!(!works(&key).await && works(&new_key).await);
    let (_, last) = rotated(&world.owner, &successor, 0).await;
    assert!(!works(&new_key).await && works(&last).await, "without grace, at once");
    for seconds in [-1, 2_592_001] {
        let input = json!({ "id": successor, "graceSeconds": seconds });
        world.owner.mutate("apiKeyRotate", input).await.refused("OUT_OF_RANGE", "graceSeconds");
    }
}

#[tokio::test]
async fn a_key_is_replaced_once_however_many_ask() {
    let world = World::new().await;
    let (id, _) = world.editor.api_key(None, &["PROFILE_READ"]).await;
    let answers = join_all((0..6).map(|_| world.editor.mutate("apiKeyRotate", json!({ "id": id })))).await;
    let done = answers.iter().filter(|answer| answer.codes().is_empty()).count();
    assert_eq!(done, 1);
    assert!(answers.iter().all(|answer| matches!(answer.codes()[..], [] | ["FORBIDDEN"])));
    assert_eq!(world.database.number("SELECT count(*) FROM governance.api_keys").await, 2);
}

#[tokio::test]
async fn a_key_goes_with_its_creators_membership() {
    let world = World::new().await;
    let (_, key) = world.project_admin.api_key(Some(&world.rocket), &["PROJECTS_READ"]).await;
    assert!(works(&key).await);
    let members =
        format!("SELECT id FROM tenancy.members WHERE user_id = '{}'", crate::support::uuid(&world.project_admin.id));
    let member = crate::support::typed("mem", world.database.row(&members).await["id"].as_str().expect("an id"));
    world.owner.mutate("memberRemove", json!({ "id": member })).await.well();
    assert!(!works(&key).await);
}
