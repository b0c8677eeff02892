//! The list of one's sessions, and ending them: one, or all others.

use reqwest::header::USER_AGENT;
use serde_json::{Value, json};

use crate::support::{World, typed};

const SESSIONS: &str = "{ viewer { sessions(first: 10) { totalCount nodes { id isCurrent ipAddress userAgent createdAt \
     lastActivityAt viewerCan device { application platform } } } } }";

#[tokio::test]
async fn a_session_shows_the_device_it_was_opened_on() {
    let world = World::new().await;
    let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
    let query = "mutation($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "email": "member@acme.test", "password": crate::support::PASSWORD });
    let body = json!({ "query": query, "variables": { "input": input } });
    let response = world.anonymous.post().header(USER_AGENT, firefox).json(&body).send().await.expect("an answer");
    let answer = crate::support::Answer::read(response).await;
    let client = world.anonymous.with_token(Some(answer.text("signIn.accessToken")));
    let answer = client.query(SESSIONS, Value::Null).await.well();
    assert_eq!(answer.number("viewer.sessions.totalCount"), 2);
    let sessions = answer.list("viewer.sessions.nodes");
    assert_eq!(sessions.iter().filter(|session| session["isCurrent"] == true).count(), 1);
    let session = sessions.iter().find(|session| session["isCurrent"] == true).expect("the present one");
    assert_eq!(session["device"], json!({ "application": "Firefox", "platform": "Linux" }));
    assert_eq!((&session["userAgent"], &session["ipAddress"]), (&json!(firefox), &json!("127.0.0.1")));
    assert_eq!(session["viewerCan"], json!(["READ", "DELETE"]));
    assert_eq!(sessions[0], *session, "the one that was used last comes first");
}

#[tokio::test]
async fn an_ended_session_is_over_at_once_on_every_way_in() {
    let world = World::new().await;
    let (here, there) = (world.session_of("member").await, world.session_of("member").await);
    let document = world.owner.document(&world.handbook, json!({ "title": "Before" })).await;
    let mut socket = there.socket().await;
    socket
        .subscribe(&format!("subscription {{ documentChanged(id: \"{document}\") {{ cursor }} }}"), Value::Null)
        .await;
    socket.settle().await;
    let own = there.query("{ viewer { sessions(first: 9) { nodes { id isCurrent } } } }", Value::Null).await.well();
    let id =
        own.list("viewer.sessions.nodes").iter().find(|node| node["isCurrent"] == true).expect("one")["id"].clone();
    let answer = here.mutate("sessionRevoke", json!({ "id": id })).await.well();
    assert_eq!(answer.at("sessionRevoke.session.id"), &id);
    assert!(!there.is_signed_in().await);
    assert!(here.is_signed_in().await && world.member.is_signed_in().await);
    // Whatever happens next on the socket, an event or an operation, is not told any more.
    world.owner.mutate("documentUpdate", json!({ "id": document, "title": "After" })).await.well();
    socket.subscribe("{ viewer { user { id } } }", Value::Null).await;
    assert_eq!(socket.message().await, 4403);
    assert_eq!(here.mutate("sessionRevoke", json!({ "id": id })).await.code(), "NOT_FOUND", "it is gone");
}

#[tokio::test]
async fn signing_out_everywhere_else_leaves_the_present_session_alone() {
    let world = World::new().await;
    let others = [world.session_of("member").await, world.session_of("member").await];
    let here = world.session_of("member").await;
    let answer =
        here.query("mutation { sessionRevokeOthers { revoked userErrors { code } } }", Value::Null).await.well();
    assert_eq!(answer.number("sessionRevokeOthers.revoked"), 3, "two others and the one of the cast");
    for other in others.iter().chain([&world.member]) {
        assert!(!other.is_signed_in().await);
    }
    assert!(here.is_signed_in().await);
    assert!(world.owner.is_signed_in().await, "nobody else's ended");
    let answer = here.query(SESSIONS, Value::Null).await.well();
    assert_eq!(answer.number("viewer.sessions.totalCount"), 1);
}

#[tokio::test]
async fn nobody_sees_or_ends_the_sessions_of_somebody_else() {
    let world = World::new().await;
    let rows = world
        .database
        .rows("SELECT s.id, u.email FROM identity.sessions s JOIN identity.users u ON u.id = s.user_id")
        .await;
    let before = world.database.digest().await;
    for row in rows.iter().filter(|row| row["email"] != "admin@acme.test") {
        let id = typed("ses", row["id"].as_str().expect("an id"));
        assert!(world.admin.node(&id).await.is_null());
        assert_eq!(world.admin.mutate("sessionRevoke", json!({ "id": id })).await.code(), "NOT_FOUND");
        assert_eq!(world.anonymous.mutate("sessionRevoke", json!({ "id": id })).await.code(), "UNAUTHENTICATED");
    }
    assert_eq!(world.database.digest().await, before);
}
