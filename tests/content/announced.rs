//! Each change that somebody can see is told: whatever the audit log knows of documents, spaces and tags, an event of the
//! same request speaks of.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

use crate::support::{Client, Socket, World};

/// One thing that somebody does, to one of what there is.
#[derive(Clone, Copy, Debug)]
struct Step {
    what: usize,
    one: usize,
    other: usize,
    actor: usize,
}

const MUTATIONS: [&str; 20] = [
    "documentCreate",
    "documentCreate",
    "documentUpdate",
    "documentUpdate",
    "documentMove",
    "documentPublish",
    "documentUnpublish",
    "documentArchive",
    "documentUnarchive",
    "documentTrash",
    "documentTrash",
    "documentRestore",
    "documentDelete",
    "documentTag",
    "documentUntag",
    "tagCreate",
    "tagUpdate",
    "tagDelete",
    "spaceUpdate",
    "spaceArchive",
];

#[derive(Default)]
struct Made {
    documents: Vec<String>,
    tags: Vec<String>,
}

impl Made {
    fn input(&self, world: &World, step: Step) -> Value {
        let visibility = ["PRIVATE", "SPACE", "ORGANIZATION", "PUBLIC"][step.other % 4];
        let name = ["red", "Blue", "a b", "a-b"][step.other % 4];
        let some = |made: &[String], at: usize| made.get(at % made.len().max(1)).cloned();
        let (one, other) = (some(&self.documents, step.one), some(&self.documents, step.other));
        match MUTATIONS[step.what] {
            "documentCreate" => {
                json!({ "spaceId": world.lab, "title": "T", "parentId": one, "visibility": visibility, "tags": [name] })
            }
            "documentUpdate" if step.other.is_multiple_of(3) => {
                json!({ "id": one, "title": format!("T{}", step.other) })
            }
            "documentUpdate" => json!({ "id": one, "visibility": visibility }),
            "documentMove" => json!({ "id": one, "parentId": other }),
            "documentTag" | "documentUntag" => json!({ "id": one, "tags": [name] }),
            "tagCreate" => json!({ "spaceId": world.lab, "name": name }),
            "tagUpdate" => json!({ "id": some(&self.tags, step.one), "name": name }),
            "tagDelete" => json!({ "id": some(&self.tags, step.one) }),
            "spaceUpdate" => json!({ "id": world.lab, "name": format!("Lab {}", step.other) }),
            "spaceArchive" => json!({ "id": world.lab }),
            _ => json!({ "id": one }),
        }
    }

    async fn take(&mut self, world: &World, step: Step) {
        let (mutation, input) = (MUTATIONS[step.what], self.input(world, step));
        if input.as_object().is_some_and(|input| input.get("id").is_some_and(Value::is_null)) {
            return;
        }
        let actor = [&world.editor, &world.manager][step.actor];
        let answer = actor.mutate(mutation, input).await;
        assert!(!answer.codes().contains(&"INTERNAL"), "{mutation}: {}", answer.body);
        let made = |object: &str| answer.payload()[object]["id"].as_str().map(str::to_owned);
        match mutation {
            "documentCreate" => self.documents.extend(made("document")),
            "tagCreate" => self.tags.extend(made("tag")),
            "spaceArchive" => drop(world.manager.mutate("spaceUnarchive", json!({ "id": world.lab })).await),
            _ => {}
        }
    }
}

/// Entries of the audit log since the world was made, without an event of their request.
async fn silent(world: &World, since: &str) -> Vec<Value> {
    let sql = format!(
        "SELECT action, resource_id, changes FROM audit.logs a \
         WHERE resource_type IN ('documents', 'spaces', 'tags') AND request_id IS NOT NULL AND created_at > '{since}' \
         AND NOT EXISTS (SELECT FROM platform.outbox o WHERE o.request_id = a.request_id)"
    );
    world.database.rows(&sql).await
}

async fn now(world: &World) -> String {
    let row = world.database.row("SELECT clock_timestamp() AS now").await;
    row["now"].as_str().expect("a time").to_owned()
}

#[test]
fn whatever_is_audited_is_announced() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let world = runtime.block_on(World::new());
    let since = runtime.block_on(now(&world));
    let step = (0..MUTATIONS.len(), 0..64_usize, 0..64_usize, 0..2_usize);
    let step = step.prop_map(|(what, one, other, actor)| Step { what, one, other, actor });
    let config = Config { cases: 8, failure_persistence: None, max_shrink_iters: 32, ..Config::default() };
    let checked = TestRunner::new(config).run(&prop::collection::vec(step, 10..40), |steps| {
        runtime.block_on(async {
            world.database.run("DELETE FROM content.documents; DELETE FROM content.tags").await;
            let mut made = Made::default();
            for step in &steps {
                made.take(&world, *step).await;
            }
            let silent = silent(&world, &since).await;
            prop_assert!(silent.is_empty(), "{silent:#?}");
            Ok(())
        })
    });
    let entries = "SELECT count(*) FROM audit.logs WHERE resource_type IN ('documents', 'tags')";
    let entries = runtime.block_on(world.database.number(entries));
    assert!(entries > 40, "too little happened: {entries}");
    runtime.block_on(async move { drop(world) });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

#[tokio::test]
async fn deleting_a_place_is_announced_too() {
    let world = World::new().await;
    let since = now(&world).await;
    for space in [&world.lab, &world.handbook] {
        world.owner.add_space_member(space, &world.admin, "MANAGER").await;
        world.admin.document(space, json!({ "tags": ["red"] })).await;
    }
    world.owner.mutate("spaceDelete", json!({ "id": world.lab })).await.well();
    world.owner.mutate("organizationDelete", json!({ "id": world.acme })).await.well();
    let silent = silent(&world, &since).await;
    assert!(silent.is_empty(), "{silent:#?}");
}

const DOCUMENT: &str = "subscription($id: ID!, $after: String) { documentChanged(id: $id, after: $after) { \
    kind document { title } } }";
const SPACE: &str = "subscription($id: ID!, $after: String) { spaceActivity(spaceId: $id, after: $after) { __typename \
    ... on DocumentChange { kind documentId } ... on SpaceChange { change: kind space { name } actor { name } } \
    ... on TagChange { tagChange: kind tagId tag { name color updatedAt } actor { name } } } }";

async fn follow(client: &Client, query: &str, id: &str, after: &str) -> Socket {
    let mut socket = client.socket().await;
    socket.subscribe(query, json!({ "id": id, "after": after })).await;
    socket
}

/// What kind of change is told of next, of whatever in a space.
async fn kind_of_next(socket: &mut Socket) -> String {
    let event = socket.event().await["spaceActivity"].clone();
    let kind = event["tagChange"].as_str().or(event["kind"].as_str()).or(event["change"].as_str());
    kind.unwrap_or("none").to_owned()
}

/// A document of the lab, and a cursor of now.
async fn document(world: &World, visibility: &str) -> (String, String) {
    let fields = "document { id } commitCursor";
    let input = json!({ "spaceId": world.lab, "title": "T", "visibility": visibility });
    let answer = world.manager.mutate_for("documentCreate", fields, input).await.well();
    (answer.text("documentCreate.document.id").to_owned(), answer.text("documentCreate.commitCursor").to_owned())
}

#[tokio::test]
async fn changes_of_tags_are_told_in_their_space() {
    let world = World::new().await;
    let (_, start) = document(&world, "SPACE").await;
    let mut socket = follow(&world.reader, SPACE, &world.lab, &start).await;
    let answer = world.editor.mutate("tagCreate", json!({ "spaceId": world.lab, "name": "red" })).await.well();
    assert!(answer.at("tagCreate.commitCursor").is_string());
    let id = answer.text("tagCreate.tag.id").to_owned();
    let told = socket.event().await["spaceActivity"].clone();
    assert_eq!(
        (&told["__typename"], &told["tagChange"], &told["tagId"]),
        (&json!("TagChange"), &json!("CREATED"), &json!(id))
    );
    assert_eq!((&told["tag"]["name"], &told["actor"]["name"]), (&json!("red"), &json!("editor")));
    world.editor.mutate("tagUpdate", json!({ "id": id, "color": "#000000" })).await.well();
    let told = socket.event().await["spaceActivity"].clone();
    assert_eq!((&told["tagChange"], &told["tag"]["color"]), (&json!("UPDATED"), &json!("#000000")));
    world.editor.mutate("tagDelete", json!({ "id": id })).await.well();
    let told = socket.event().await["spaceActivity"].clone();
    assert_eq!((&told["tagChange"], &told["tag"]), (&json!("DELETED"), &Value::Null));
}

#[tokio::test]
async fn a_hidden_tag_is_told_to_nobody_else() {
    let world = World::new().await;
    let (id, start) = document(&world, "PRIVATE").await;
    let mut reader = follow(&world.reader, SPACE, &world.lab, &start).await;
    let mut manager = follow(&world.manager, SPACE, &world.lab, &start).await;
    // Each is heard before the next: what is gone when it is told of is passed over.
    world.manager.mutate("documentTag", json!({ "id": id, "tags": ["secret"] })).await.well();
    assert_eq!(kind_of_next(&mut manager).await, "TAGGED");
    let row = world.database.row("SELECT id FROM content.tags").await;
    let tag = crate::support::typed("tag", row["id"].as_str().expect("an id"));
    world.manager.mutate("tagUpdate", json!({ "id": tag, "name": "more secret" })).await.well();
    assert_eq!(kind_of_next(&mut manager).await, "UPDATED");
    world.manager.mutate("tagDelete", json!({ "id": tag })).await.well();
    assert_eq!(kind_of_next(&mut manager).await, "DELETED");
    world.manager.mutate("spaceUpdate", json!({ "id": world.lab, "name": "End" })).await.well();
    assert_eq!(kind_of_next(&mut manager).await, "UPDATED");
    assert_eq!(reader.event().await["spaceActivity"]["change"], "UPDATED");
}

#[tokio::test]
async fn archiving_a_space_is_told_with_who_did_it() {
    let world = World::new().await;
    let (_, start) = document(&world, "SPACE").await;
    let mut socket = follow(&world.reader, SPACE, &world.lab, &start).await;
    for (mutation, kind) in [("spaceArchive", "ARCHIVED"), ("spaceUnarchive", "UNARCHIVED")] {
        world.manager.mutate(mutation, json!({ "id": world.lab })).await.well();
        let told = socket.event().await["spaceActivity"].clone();
        assert_eq!((&told["change"], &told["actor"]["name"]), (&json!(kind), &json!("manager")));
        assert!(told["space"].is_object());
    }
}

#[tokio::test]
async fn what_is_deleted_with_its_space_or_organization_ends_every_stream() {
    for (mutation, of_organization) in [("spaceDelete", false), ("organizationDelete", true)] {
        let world = World::new().await;
        let (id, start) = document(&world, "PUBLIC").await;
        let mut sockets = Vec::new();
        for client in [&world.reader, &world.anonymous] {
            sockets.push(follow(client, DOCUMENT, &id, &start).await);
        }
        let mut of_space = follow(&world.reader, SPACE, &world.lab, &start).await;
        world.manager.mutate("documentUpdate", json!({ "id": id, "title": "Seen" })).await.well();
        for socket in &mut sockets {
            assert_eq!(socket.event().await["documentChanged"]["document"]["title"], "Seen");
        }
        assert_eq!(of_space.event().await["spaceActivity"]["kind"], "UPDATED");
        let gone = if of_organization { &world.acme } else { &world.lab };
        world.owner.mutate(mutation, json!({ "id": gone })).await.well();
        for socket in &mut sockets {
            assert_eq!(
                socket.event().await["documentChanged"],
                json!({ "kind": "DELETED", "document": null }),
                "{mutation}"
            );
            assert_eq!(socket.message().await["type"], "complete");
        }
        let told = of_space.event().await["spaceActivity"].clone();
        assert_eq!((&told["change"], &told["space"]), (&json!("DELETED"), &Value::Null), "{mutation}");
        assert_eq!(of_space.message().await["type"], "complete");
    }
}

#[tokio::test]
async fn whoever_leaves_the_organization_is_told_at_once() {
    let world = World::new().await;
    let (id, start) = document(&world, "SPACE").await;
    let mut of_document = follow(&world.reader, DOCUMENT, &id, &start).await;
    let mut of_space = follow(&world.reader, SPACE, &world.lab, &start).await;
    world.reader.mutate("organizationLeave", json!({ "organizationId": world.acme })).await.well();
    assert_eq!(of_document.event().await["documentChanged"]["kind"], "ACCESS_LOST");
    assert_eq!(of_space.event().await["spaceActivity"]["change"], "ACCESS_LOST");
}

#[tokio::test]
async fn children_of_a_deleted_document_are_told_to_have_moved() {
    let world = World::new().await;
    let (top, start) = document(&world, "SPACE").await;
    let child = world.manager.document(&world.lab, json!({ "parentId": top })).await;
    world.manager.mutate("documentTrash", json!({ "id": top })).await.well();
    world.manager.mutate("documentDelete", json!({ "id": top })).await.well();
    let row = "SELECT version, updated_at > created_at AS is_later, parent_id FROM content.documents";
    assert_eq!(world.database.row(row).await, json!({ "version": 3, "is_later": true, "parent_id": null }));
    let mut socket = follow(&world.manager, SPACE, &world.lab, &start).await;
    let mut told = Vec::new();
    for _ in 0..5 {
        let event = socket.event().await["spaceActivity"].clone();
        told.push((event["kind"].as_str().expect("a kind").to_owned(), event["documentId"] == json!(child)));
    }
    assert!(told.contains(&("MOVED".to_owned(), true)) && told.contains(&("DELETED".to_owned(), false)), "{told:?}");
}
