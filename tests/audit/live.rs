//! The audit log as it grows: every entry is told, in order, to those who may read it; and who was away misses none.

use serde_json::{Value, json};

use crate::support::{Client, Socket, World, typed, uuid};

const RECORDED: &str = "subscription($id: ID!, $after: String) { auditRecorded(organizationId: $id, after: $after) { \
    cursor kind entry { id action actor { kind user { name } } resource { type id } } } }";

async fn follow(world: &World, client: &Client, after: &str) -> Socket {
    let mut socket = client.socket().await;
    socket.subscribe(RECORDED, json!({ "id": world.acme, "after": after })).await;
    socket
}

async fn next(socket: &mut Socket) -> Value {
    socket.event().await["auditRecorded"].clone()
}

/// Changes something of acme, and gives the cursor of that.
async fn change(world: &World, description: &str) -> String {
    let input = json!({ "id": world.acme, "description": description });
    let answer = world.owner.mutate("organizationUpdate", input).await.well();
    answer.text("organizationUpdate.commitCursor").to_owned()
}

/// The ids of what was recorded in acme since the moment, in the order it was.
async fn recorded(world: &World, since: &Value) -> Vec<String> {
    let sql = format!(
        "SELECT id FROM audit.logs WHERE organization_id = '{}' AND created_at > '{}' ORDER BY created_at, id",
        uuid(&world.acme),
        since.as_str().expect("a moment")
    );
    world.database.rows(&sql).await.iter().map(|row| typed("aud", row["id"].as_str().expect("an id"))).collect()
}

async fn moment(world: &World) -> Value {
    world.database.row("SELECT clock_timestamp() AS now").await["now"].clone()
}

#[tokio::test]
async fn what_is_done_is_told_in_order_after_the_commit() {
    let world = World::new().await;
    let start = change(&world, "Start").await;
    world.feed_has_come_this_far().await;
    let since = moment(&world).await;
    let mut socket = follow(&world, &world.admin, &start).await;
    let document = world.editor.document(&world.lab, json!({ "tags": ["red"] })).await;
    world.editor.mutate("documentPublish", json!({ "id": document })).await.well();
    world.admin.team(&world.acme, "crew").await;
    let expected = recorded(&world, &since).await;
    assert!(expected.len() > 4, "{expected:?}");
    let mut told = Vec::new();
    for _ in &expected {
        let event = next(&mut socket).await;
        assert_eq!(event["kind"], "RECORDED");
        told.push(event["entry"]["id"].as_str().expect("an id").to_owned());
    }
    assert_eq!(told, expected);
    // Nothing of another organization, or of nobody's.
    world.stranger.team(&world.globex, "crew").await;
    world.member.mutate("profileUpdate", json!({ "bio": "New." })).await.well();
    change(&world, "Last").await;
    let event = next(&mut socket).await;
    assert_eq!(event["entry"]["resource"], json!({ "type": "ORGANIZATION", "id": world.acme }));
    assert_eq!(event["entry"]["actor"], json!({ "kind": "USER", "user": { "name": "owner" } }));
}

#[tokio::test]
async fn what_is_done_by_hand_is_told_too() {
    let world = World::new().await;
    let start = change(&world, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world, &world.owner, &start).await;
    world.database.run("UPDATE tenancy.spaces SET description = 'by hand' WHERE slug = 'lab'").await;
    let event = next(&mut socket).await;
    assert_eq!(event["entry"]["resource"], json!({ "type": "SPACE", "id": world.lab }));
    assert_eq!(event["entry"]["actor"], json!({ "kind": "SYSTEM", "user": null }));
}

#[tokio::test]
async fn a_transaction_of_many_entries_is_told_whole() {
    let world = World::new().await;
    let start = change(&world, "Start").await;
    world.feed_has_come_this_far().await;
    let since = moment(&world).await;
    let mut socket = follow(&world, &world.owner, &start).await;
    let many = format!(
        "INSERT INTO tenancy.teams (id, organization_id, name) SELECT gen_random_uuid(), '{}', 'Team ' || n FROM generate_series(1, 250) n",
        uuid(&world.acme)
    );
    world.database.run(&many).await;
    let expected = recorded(&world, &since).await;
    assert_eq!(expected.len(), 250);
    let mut cursors = Vec::new();
    for id in &expected {
        let event = next(&mut socket).await;
        assert_eq!(event["entry"]["id"], *id);
        cursors.push(event["cursor"].as_str().expect("a cursor").to_owned());
    }
    change(&world, "Later").await;
    // In the middle of it everything comes again, so that nothing is missed; at its end nothing does.
    let mut amid = follow(&world, &world.owner, &cursors[120]).await;
    for id in &expected {
        assert_eq!(next(&mut amid).await["entry"]["id"], *id);
    }
    let mut at_its_end = follow(&world, &world.owner, &cursors[249]).await;
    assert_eq!(next(&mut at_its_end).await["entry"]["resource"]["type"], "ORGANIZATION");
}

#[tokio::test]
async fn who_resumes_from_a_commit_is_told_what_came_after_it() {
    let world = World::new().await;
    let mut commits = Vec::new();
    for number in 0..4 {
        commits.push(change(&world, &number.to_string()).await);
    }
    let entries = recorded(&world, &json!("2020-01-01T00:00:00Z")).await;
    let last = &entries[entries.len() - 4..];
    for (place, commit) in commits.iter().enumerate().take(3) {
        let mut socket = follow(&world, &world.admin, commit).await;
        for id in &last[place + 1..] {
            assert_eq!(next(&mut socket).await["entry"]["id"], *id, "after {place}");
        }
    }
}

#[tokio::test]
async fn what_is_undone_before_the_commit_is_not_told() {
    let world = World::new().await;
    let start = change(&world, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world, &world.owner, &start).await;
    let undone = "BEGIN; SAVEPOINT here; UPDATE tenancy.spaces SET description = 'undone' WHERE slug = 'lab'; \
                  ROLLBACK TO here; UPDATE tenancy.spaces SET description = 'done' WHERE slug = 'handbook'; COMMIT; \
                  BEGIN; UPDATE tenancy.spaces SET description = 'undone' WHERE slug = 'lab'; ROLLBACK";
    world.database.run(undone).await;
    assert_eq!(next(&mut socket).await["entry"]["resource"]["id"], world.handbook);
    change(&world, "Last").await;
    assert_eq!(next(&mut socket).await["entry"]["resource"]["id"], world.acme);
}

#[tokio::test]
async fn who_may_no_longer_read_the_log_is_told_once_and_then_nothing() {
    let world = World::new().await;
    let start = change(&world, "Start").await;
    world.feed_has_come_this_far().await;
    let mut socket = follow(&world, &world.admin, &start).await;
    change(&world, "Read").await;
    assert_eq!(next(&mut socket).await["kind"], "RECORDED");
    let sql = format!("SELECT id FROM tenancy.members WHERE user_id = '{}'", uuid(&world.admin.id));
    let membership = typed("mem", world.database.row(&sql).await["id"].as_str().expect("an id"));
    world.owner.mutate("memberUpdate", json!({ "id": membership, "role": "MEMBER" })).await.well();
    let event = next(&mut socket).await;
    assert_eq!((&event["kind"], &event["entry"]), (&json!("ACCESS_LOST"), &Value::Null));
    assert_eq!(socket.message().await["type"], "complete");
    change(&world, "Unread").await;
    socket.settle().await;
}
