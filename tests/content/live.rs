//! Live views: what happens is told in order to those who may know, once, and to nobody else. Subscriptions begin at a
//! cursor here, so that nothing depends on when they begin.

use serde_json::{Value, json};

use crate::support::{Client, Socket, World, eventually, socket, uuid};

const DOCUMENT: &str = "subscription($id: ID!, $after: String) { documentChanged(id: $id, after: $after) { \
    cursor kind documentId at document { title version status } actor { id name } } }";
const SPACE: &str = "subscription($id: ID!, $after: String) { spaceActivity(spaceId: $id, after: $after) { __typename \
    ... on DocumentChange { kind documentId document { title } } ... on SpaceChange { change: kind space { name } } } }";

/// Follows what happens after the cursor.
async fn follow(client: &Client, query: &str, id: &str, after: &str) -> Socket {
    let mut socket = client.socket().await;
    socket.subscribe(query, json!({ "id": id, "after": after })).await;
    socket
}

/// Renames a document, and gives the cursor of that.
async fn rename(client: &Client, id: &str, title: &str) -> String {
    let answer = client.mutate("documentUpdate", json!({ "id": id, "title": title })).await.well();
    answer.text("documentUpdate.commitCursor").to_owned()
}

/// The stream is over, and nothing more comes on its socket.
async fn over(socket: &mut Socket) {
    assert_eq!(socket.message().await["type"], "complete");
    socket.settle().await;
}

#[tokio::test]
async fn changes_of_a_document_are_told_in_order_with_who_did_what() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "title": "Before" })).await;
    let start = rename(&world.editor, &id, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world.manager, DOCUMENT, &id, &start).await;
    rename(&world.manager, &id, "First").await;
    let event = socket.event().await["documentChanged"].clone();
    assert_eq!((&event["kind"], &event["documentId"]), (&json!("UPDATED"), &json!(id)));
    assert_eq!(event["document"], json!({ "title": "First", "version": 3, "status": "DRAFT" }));
    assert_eq!(event["actor"], json!({ "id": world.manager.id, "name": "manager" }));
    for (mutation, kind) in [
        ("documentPublish", "PUBLISHED"),
        ("documentUnpublish", "UNPUBLISHED"),
        ("documentArchive", "ARCHIVED"),
        ("documentUnarchive", "UNARCHIVED"),
        ("documentMove", "MOVED"),
        ("documentTrash", "TRASHED"),
        ("documentRestore", "RESTORED"),
    ] {
        world.editor.mutate(mutation, json!({ "id": id })).await.well();
        let event = socket.event().await["documentChanged"].clone();
        assert_eq!((&event["kind"], &event["actor"]["name"]), (&json!(kind), &json!("editor")));
        assert!(event["document"].is_object(), "{kind}: a manager sees the trash");
    }
    world.editor.mutate("documentTag", json!({ "id": id, "tags": ["red"] })).await.well();
    assert_eq!(socket.event().await["documentChanged"]["kind"], "TAGGED");
}

#[tokio::test]
async fn without_a_cursor_only_what_is_new_is_told() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "title": "Old" })).await;
    let unplaced = "SELECT count(*) FROM platform.outbox WHERE position IS NULL";
    eventually("what is old has its place", async || (world.database.number(unplaced).await == 0).then_some(())).await;
    let mut socket = world.reader.socket().await;
    socket.subscribe(DOCUMENT, json!({ "id": id })).await;
    socket.settle().await;
    // It may not have begun yet, so there are changes until one is told.
    let mut number = 0;
    let mut first = Box::pin(socket.event());
    let event = eventually("a change is told", async || {
        number += 1;
        rename(&world.editor, &id, &format!("New {number}")).await;
        let soon = tokio::time::timeout(std::time::Duration::from_millis(100), &mut first).await;
        soon.ok()
    })
    .await;
    let title = event["documentChanged"]["document"]["title"].as_str().expect("a title").to_owned();
    assert!(title.starts_with("New"), "{title}");
}

#[tokio::test]
async fn a_follower_resumes_from_any_cursor_and_misses_nothing() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let start = rename(&world.editor, &id, "0").await;
    world.feed_has_come_this_far().await;
    let mut commits = Vec::new();
    for number in 1..=6 {
        commits.push(rename(&world.editor, &id, &number.to_string()).await);
    }
    let mut socket = follow(&world.reader, DOCUMENT, &id, &start).await;
    let mut cursors = Vec::new();
    for _ in 0..6 {
        cursors.push(socket.event().await["documentChanged"]["cursor"].as_str().expect("a cursor").to_owned());
    }
    // A commit's cursor and its event's cursor are the same place.
    for (place, after) in cursors.iter().enumerate().chain(commits.iter().enumerate()) {
        let mut again = follow(&world.reader, DOCUMENT, &id, after).await;
        for expected in &cursors[place + 1..] {
            assert_eq!(again.event().await["documentChanged"]["cursor"], *expected, "after {place}");
        }
    }
    // Live and replayed events do not overlap.
    let mut last = follow(&world.reader, DOCUMENT, &id, &cursors[5]).await;
    rename(&world.editor, &id, "7").await;
    assert_eq!(last.event().await["documentChanged"]["document"]["title"], "7");
    assert_eq!(socket.event().await["documentChanged"]["document"]["title"], "7");
}

#[tokio::test]
async fn a_cursor_that_was_never_given_is_refused() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    // Among them the numbers themselves: "e1" and "p1".
    for after in ["", "nonsense", "ZTE", "cDE", "ZTk5OTk5OTk5", "ZTk5OTk5OTk5OTk5OTk5OTk5OTk5", "_____w", "ZS0x"] {
        let mut socket = follow(&world.editor, DOCUMENT, &id, after).await;
        let message = socket.message().await;
        assert_eq!(socket::codes(&message), ["BAD_USER_INPUT"], "{after}: {message}");
    }
}

#[tokio::test]
async fn a_space_tells_of_its_documents_and_of_itself() {
    let world = World::new().await;
    let first = world.editor.document(&world.lab, json!({})).await;
    let start = rename(&world.editor, &first, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world.reader, SPACE, &world.lab, &start).await;
    let mut told = async |expected: Value| assert_eq!(socket.event().await["spaceActivity"], expected);

    let second = world.manager.document(&world.lab, json!({ "title": "Second" })).await;
    let document = json!({ "title": "Second" });
    told(json!({ "__typename": "DocumentChange", "kind": "CREATED", "documentId": second, "document": document }))
        .await;
    world.manager.mutate("spaceUpdate", json!({ "id": world.lab, "name": "Laboratory" })).await.well();
    let space = json!({ "name": "Laboratory" });
    told(json!({ "__typename": "SpaceChange", "change": "UPDATED", "space": space })).await;
    world.manager.mutate("documentTrash", json!({ "id": second })).await.well();
    told(json!({ "__typename": "DocumentChange", "kind": "TRASHED", "documentId": second, "document": null })).await;
    world.manager.add_space_member(&world.lab, &world.member, "READER").await;
    told(json!({ "__typename": "SpaceChange", "change": "MEMBERS_CHANGED", "space": space })).await;
    world.owner.document(&world.handbook, json!({ "title": "Elsewhere" })).await;
    rename(&world.editor, &first, "End").await;
    let document = json!({ "title": "End" });
    told(json!({ "__typename": "DocumentChange", "kind": "UPDATED", "documentId": first, "document": document })).await;
}

#[tokio::test]
async fn what_a_viewer_may_not_read_is_passed_over_in_silence() {
    let world = World::new().await;
    let shared = world.manager.document(&world.lab, json!({})).await;
    let start = rename(&world.manager, &shared, "Start").await;
    world.feed_has_come_this_far().await;
    let mut reader = follow(&world.reader, SPACE, &world.lab, &start).await;
    let mut manager = follow(&world.manager, SPACE, &world.lab, &start).await;
    let mut steward = follow(&world.admin, SPACE, &world.lab, &start).await;
    let hidden = world.manager.document(&world.lab, json!({ "title": "Hidden", "visibility": "PRIVATE" })).await;
    rename(&world.manager, &hidden, "Still hidden").await;
    world.manager.mutate("documentTrash", json!({ "id": hidden })).await.well();
    world.manager.mutate("documentDelete", json!({ "id": hidden })).await.well();
    rename(&world.manager, &shared, "End").await;
    world.manager.mutate("spaceUpdate", json!({ "id": world.lab, "name": "Laboratory" })).await.well();
    let event = reader.event().await;
    assert_eq!(event["spaceActivity"]["document"]["title"], "End", "{event}");
    let event = steward.event().await;
    assert_eq!(event["spaceActivity"]["change"], "UPDATED", "who administers the organization reads nothing: {event}");
    let mut kinds = Vec::new();
    loop {
        let event = manager.event().await["spaceActivity"].clone();
        kinds.push(event["kind"].as_str().unwrap_or("none").to_owned());
        if event["document"]["title"] == "End" {
            break;
        }
    }
    assert!(kinds.contains(&"DELETED".to_owned()), "its owner is told: {kinds:?}");
}

#[tokio::test]
async fn who_loses_access_is_told_once_and_then_nothing() {
    let world = World::new().await;
    let id = world.manager.document(&world.lab, json!({ "title": "Known" })).await;
    let start = rename(&world.manager, &id, "Start").await;
    world.feed_has_come_this_far().await;
    let mut of_document = follow(&world.reader, DOCUMENT, &id, &start).await;
    let mut of_space = follow(&world.reader, SPACE, &world.lab, &start).await;
    let mut other = follow(&world.editor, DOCUMENT, &id, &start).await;
    rename(&world.manager, &id, "Seen").await;
    assert_eq!(of_document.event().await["documentChanged"]["document"]["title"], "Seen");
    assert_eq!(of_space.event().await["spaceActivity"]["document"]["title"], "Seen");
    let membership = format!("SELECT id FROM tenancy.space_members WHERE user_id = '{}'", uuid(&world.reader.id));
    let membership = world.database.row(&membership).await;
    let membership = crate::support::typed("spm", membership["id"].as_str().expect("an id"));
    world.manager.mutate("spaceMemberRemove", json!({ "id": membership })).await.well();
    rename(&world.manager, &id, "Secret").await;
    rename(&world.manager, &id, "More secret").await;

    let event = of_document.event().await["documentChanged"].clone();
    assert_eq!(
        (&event["kind"], &event["document"], &event["actor"]),
        (&json!("ACCESS_LOST"), &Value::Null, &Value::Null)
    );
    over(&mut of_document).await;
    let event = of_space.event().await["spaceActivity"].clone();
    assert_eq!(event, json!({ "__typename": "SpaceChange", "change": "ACCESS_LOST", "space": null }));
    over(&mut of_space).await;
    for title in ["Seen", "Secret", "More secret"] {
        let event = other.event().await;
        assert!(
            event.to_string().contains("ecret") || event["documentChanged"]["document"]["title"] == title,
            "{event}"
        );
    }
}

#[tokio::test]
async fn a_suspended_member_hears_nothing_more() {
    let world = World::new().await;
    let id = world.owner.document(&world.handbook, json!({ "visibility": "ORGANIZATION" })).await;
    let start = rename(&world.owner, &id, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world.member, DOCUMENT, &id, &start).await;
    rename(&world.owner, &id, "Seen").await;
    assert_eq!(socket.event().await["documentChanged"]["kind"], "UPDATED");
    let sql = "UPDATE tenancy.members SET status = 'suspended' FROM identity.users u WHERE u.id = user_id AND u.email = 'member@acme.test'";
    world.database.run(sql).await;
    rename(&world.owner, &id, "Secret").await;
    let event = socket.event().await;
    assert_eq!(event["documentChanged"]["kind"], "ACCESS_LOST");
    assert!(!event.to_string().contains("Secret"), "{event}");
    over(&mut socket).await;
}

#[tokio::test]
async fn a_document_that_is_gone_ends_its_stream() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let start = rename(&world.editor, &id, "Start").await;
    world.feed_has_come_this_far().await;
    let mut editor = follow(&world.editor, DOCUMENT, &id, &start).await;
    let mut reader = follow(&world.reader, DOCUMENT, &id, &start).await;
    rename(&world.editor, &id, "Seen").await;
    for socket in [&mut editor, &mut reader] {
        assert_eq!(socket.event().await["documentChanged"]["document"]["title"], "Seen");
    }
    world.editor.mutate("documentTrash", json!({ "id": id })).await.well();
    let event = editor.event().await["documentChanged"].clone();
    assert_eq!((&event["kind"], event["document"].is_object()), (&json!("TRASHED"), true), "an editor may restore it");
    let event = reader.event().await["documentChanged"].clone();
    assert_eq!((&event["kind"], &event["document"]), (&json!("TRASHED"), &Value::Null));
    over(&mut reader).await;
    world.editor.mutate("documentDelete", json!({ "id": id })).await.well();
    let event = editor.event().await["documentChanged"].clone();
    assert_eq!((&event["kind"], &event["document"]), (&json!("DELETED"), &Value::Null));
    over(&mut editor).await;
}

#[tokio::test]
async fn anybody_follows_a_public_document_until_it_is_public_no_more() {
    let world = World::new().await;
    let id = world.manager.document(&world.lab, json!({ "visibility": "PUBLIC" })).await;
    let start = rename(&world.manager, &id, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world.anonymous, DOCUMENT, &id, &start).await;
    rename(&world.manager, &id, "Open").await;
    let event = socket.event().await["documentChanged"].clone();
    assert_eq!((&event["document"]["title"], &event["actor"]["name"]), (&json!("Open"), &json!("manager")));
    world.manager.mutate("documentUpdate", json!({ "id": id, "visibility": "SPACE", "title": "Closed" })).await.well();
    let event = socket.event().await;
    assert_eq!(event["documentChanged"]["kind"], "ACCESS_LOST");
    assert!(!event.to_string().contains("Closed"), "{event}");
    over(&mut socket).await;
}

#[tokio::test]
async fn a_deleted_space_ends_its_stream() {
    let world = World::new().await;
    let id = world.manager.document(&world.lab, json!({})).await;
    let start = rename(&world.manager, &id, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world.reader, SPACE, &world.lab, &start).await;
    rename(&world.manager, &id, "Seen").await;
    assert_eq!(socket.event().await["spaceActivity"]["document"]["title"], "Seen");
    world.manager.mutate("spaceDelete", json!({ "id": world.lab })).await.well();
    let event = socket.event().await["spaceActivity"].clone();
    assert_eq!(event, json!({ "__typename": "SpaceChange", "change": "DELETED", "space": null }));
    over(&mut socket).await;
}
