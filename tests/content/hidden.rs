//! What somebody keeps private: it never stands below what others may not open, it stands in nobody's way, and nothing
//! that happens to it, or around it, tells of it.

use serde_json::{Value, json};

use crate::support::{Client, World, new_id, typed};

async fn parent(client: &Client, id: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Document { parent { id } trashedAt version } } }";
    client.query(query, json!({ "id": id })).await.well().at("node").clone()
}

/// Documents of one client, each below the one before.
async fn chain(client: &Client, space: &str, length: usize, top: Option<&str>, visibility: &str) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for _ in 0..length {
        let above = ids.last().map(String::as_str).or(top);
        ids.push(client.document(space, json!({ "parentId": above, "visibility": visibility })).await);
    }
    ids
}

/// How many documents stand where only others may open what is above them.
async fn misplaced(world: &World) -> i64 {
    let sql = "SELECT count(*) FROM content.documents d JOIN content.documents p ON p.id = d.parent_id \
               WHERE d.deleted_at IS NULL AND p.visibility = 'private' \
               AND (d.visibility <> 'private' OR d.owner_id <> p.owner_id)";
    world.database.number(sql).await
}

#[tokio::test]
async fn what_others_may_read_never_stands_below_a_private_document() {
    let world = World::new().await;
    let private = world.editor.document(&world.lab, json!({ "visibility": "PRIVATE" })).await;
    let below =
        |visibility: &str| json!({ "spaceId": world.lab, "title": "T", "parentId": private, "visibility": visibility });
    let shared = world.editor.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    for visibility in ["SPACE", "ORGANIZATION", "PUBLIC"] {
        let answer = world.editor.mutate("documentCreate", below(visibility)).await;
        answer.refused("PRIVATE_PARENT", "parentId");
    }
    let into = json!({ "id": shared, "parentId": private });
    world.editor.mutate("documentMove", into).await.refused("PRIVATE_PARENT", "parentId");
    assert_eq!(world.database.digest().await, before);

    let child = world.editor.document(&world.lab, json!({ "parentId": private })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { visibility } } }";
    let answer = world.editor.query(query, json!({ "id": child })).await.well();
    assert_eq!(answer.text("node.visibility"), "PRIVATE", "below a private document the default is private");
    let open = |id: &str, visibility: &str| json!({ "id": id, "visibility": visibility });
    world.editor.mutate("documentUpdate", open(&child, "SPACE")).await.refused("PRIVATE_PARENT", "visibility");
    world.editor.mutate("documentUpdate", open(&private, "SPACE")).await.well();
    world.editor.mutate("documentUpdate", open(&child, "SPACE")).await.well();
    world.editor.mutate("documentUpdate", open(&private, "PRIVATE")).await.refused("SHARED_CHILDREN", "visibility");
    world.editor.mutate("documentTrash", json!({ "id": child })).await.well();
    world.editor.mutate("documentUpdate", open(&private, "PRIVATE")).await.well();
    world.manager.mutate("documentRestore", json!({ "id": child })).await.well();
    assert_eq!(parent(&world.manager, &child).await["parent"], Value::Null, "it comes back where it can be found");
    assert_eq!(misplaced(&world).await, 0);
}

#[tokio::test]
async fn changes_at_once_leave_nothing_below_a_private_document() {
    let world = World::new().await;
    for _ in 0..10 {
        let private = world.editor.document(&world.lab, json!({})).await;
        let child = world.manager.document(&world.lab, json!({})).await;
        let hide = world.editor.mutate("documentUpdate", json!({ "id": private, "visibility": "PRIVATE" }));
        let into = world.manager.mutate("documentMove", json!({ "id": child, "parentId": private }));
        let below = json!({ "spaceId": world.lab, "title": "T", "parentId": private, "visibility": "SPACE" });
        let create = world.manager.mutate("documentCreate", below);
        futures_util::future::join3(into, create, hide).await;
        assert_eq!(misplaced(&world).await, 0);
    }
}

#[tokio::test]
async fn the_trash_takes_nothing_that_its_user_does_not_see() {
    let world = World::new().await;
    let root = world.manager.document(&world.lab, json!({ "title": "root" })).await;
    let top = world.manager.document(&world.lab, json!({ "title": "top", "parentId": root })).await;
    let middle = world.manager.document(&world.lab, json!({ "parentId": top })).await;
    let hidden = chain(&world.editor, &world.lab, 2, Some(&middle), "PRIVATE").await;
    let own = chain(&world.manager, &world.lab, 1, Some(&middle), "PRIVATE").await;
    let start = world.manager.mutate("documentUpdate", json!({ "id": root, "title": "start" })).await.well();
    let start = start.text("documentUpdate.commitCursor").to_owned();
    world.feed_has_come_this_far().await;
    world.manager.mutate("documentTrash", json!({ "id": top })).await.well();

    assert_eq!(
        parent(&world.editor, &hidden[0]).await,
        json!({ "parent": { "id": root }, "trashedAt": null, "version": 2 })
    );
    assert_eq!(parent(&world.editor, &hidden[1]).await["parent"]["id"], hidden[0]);
    assert!(parent(&world.manager, &own[0]).await["trashedAt"].is_string(), "what they see themselves goes along");
    world.manager.mutate("documentUpdate", json!({ "id": root, "title": "end" })).await.well();
    let query = "subscription($id: ID!, $after: String) { spaceActivity(spaceId: $id, after: $after) { \
                 ... on DocumentChange { kind documentId document { title } } } }";
    let mut told: Vec<Vec<(String, String)>> = Vec::new();
    for client in [&world.manager, &world.editor] {
        let mut socket = client.socket().await;
        socket.subscribe(query, json!({ "id": world.lab, "after": start })).await;
        let mut heard = Vec::new();
        loop {
            let event = socket.event().await["spaceActivity"].clone();
            if event["document"]["title"] == "end" {
                break;
            }
            let text = |field: &str| event[field].as_str().expect("a text").to_owned();
            heard.push((text("kind"), text("documentId")));
        }
        told.push(heard);
    }
    let names_hidden = |heard: &[(String, String)]| heard.iter().any(|(_, id)| hidden.contains(id));
    assert!(!names_hidden(&told[0]), "{:?}", told[0]);
    assert!(told[1].contains(&("MOVED".to_owned(), hidden[0].clone())), "{:?}", told[1]);
}

#[tokio::test]
async fn a_document_that_becomes_private_leaves_what_others_keep_below_it() {
    let world = World::new().await;
    let root = world.editor.document(&world.lab, json!({})).await;
    let top = world.editor.document(&world.lab, json!({ "parentId": root })).await;
    let hidden = world.manager.document(&world.lab, json!({ "parentId": top, "visibility": "PRIVATE" })).await;
    world.editor.mutate("documentUpdate", json!({ "id": top, "visibility": "PRIVATE" })).await.well();
    assert_eq!(parent(&world.manager, &hidden).await["parent"]["id"], root);
    assert_eq!(misplaced(&world).await, 0);
}

/// The deepest level of the tree.
async fn deepest(world: &World) -> i64 {
    let sql = "WITH RECURSIVE tree AS (SELECT id, 1 AS level FROM content.documents WHERE parent_id IS NULL AND deleted_at IS NULL \
               UNION ALL SELECT d.id, level + 1 FROM content.documents d JOIN tree ON d.parent_id = tree.id \
               WHERE d.deleted_at IS NULL) SELECT max(level) FROM tree";
    world.database.number(sql).await
}

#[tokio::test]
async fn depth_tells_of_nothing_hidden_and_of_nothing_in_the_trash() {
    let world = World::new().await;
    let deep = chain(&world.editor, &world.lab, 20, None, "SPACE").await;
    let root = world.editor.document(&world.lab, json!({})).await;
    let moved = world.editor.document(&world.lab, json!({ "parentId": root })).await;
    let hidden = chain(&world.manager, &world.lab, 15, Some(&moved), "PRIVATE").await;
    let little = world.manager.document(&world.lab, json!({ "parentId": moved, "visibility": "PRIVATE" })).await;
    let trashed = chain(&world.editor, &world.lab, 15, Some(&moved), "SPACE").await;
    let into = json!({ "id": moved, "parentId": deep[19] });
    world.editor.mutate("documentMove", into.clone()).await.refused("TOO_DEEP", "parentId");
    world.editor.mutate("documentTrash", json!({ "id": trashed[0] })).await.well();
    world.editor.mutate("documentMove", into).await.well();

    assert_eq!(parent(&world.manager, &hidden[0]).await["parent"]["id"], root, "what does not fit stays behind");
    assert_eq!(parent(&world.manager, &little).await["parent"]["id"], moved, "what fits goes along");
    assert!(deepest(&world).await <= 32);
    world.editor.mutate("documentRestore", json!({ "id": trashed[0] })).await.well();
    assert_eq!(parent(&world.editor, &trashed[0]).await["parent"], Value::Null);
    assert_eq!(parent(&world.editor, &trashed[14]).await["parent"]["id"], trashed[13]);
    assert!(deepest(&world).await <= 32);
}

#[tokio::test]
async fn an_external_id_tells_of_nothing_hidden() {
    let world = World::new().await;
    let input = |visibility: &str| json!({ "spaceId": world.lab, "title": "T", "source": "wiki", "externalId": "1", "visibility": visibility });
    let of_manager = world.manager.document(&world.lab, input("PRIVATE")).await;
    let of_editor = world.editor.document(&world.lab, input("PRIVATE")).await;
    world.editor.mutate("documentCreate", input("PRIVATE")).await.refused("EXTERNAL_ID_TAKEN", "externalId");
    let shared = world.editor.document(&world.lab, input("SPACE")).await;
    world.manager.mutate("documentCreate", input("SPACE")).await.refused("EXTERNAL_ID_TAKEN", "externalId");
    let open = |id: &str| json!({ "id": id, "visibility": "SPACE" });
    world.editor.mutate("documentUpdate", open(&of_editor)).await.refused("EXTERNAL_ID_TAKEN", "externalId");
    world.editor.mutate("documentTrash", json!({ "id": shared })).await.well();
    world.manager.mutate("documentUpdate", open(&of_manager)).await.well();
}

async fn tags(client: &Client, space: &str) -> Vec<String> {
    let query = "query($id: ID!) { node(id: $id) { ... on Space { tags(first: 100) { totalCount nodes { name } } } } }";
    let answer = client.query(query, json!({ "id": space })).await.well();
    let names = answer.texts("node.tags.nodes", "name");
    assert_eq!(usize::try_from(answer.number("node.tags.totalCount")), Ok(names.len()));
    names
}

async fn tag(world: &World, name: &str) -> String {
    let row = world.database.row(&format!("SELECT id FROM content.tags WHERE name = '{name}'")).await;
    typed("tag", row["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn a_tag_is_seen_where_something_that_carries_it_is() {
    let world = World::new().await;
    world.editor.tag(&world.lab, "made").await;
    let private = json!({ "visibility": "PRIVATE", "tags": ["secret", "common"] });
    let document = world.manager.document(&world.lab, private).await;
    let shared = world.manager.document(&world.lab, json!({ "tags": ["common"] })).await;
    assert_eq!(tags(&world.manager, &world.lab).await, ["common", "made", "secret"]);
    assert_eq!(tags(&world.editor, &world.lab).await, ["common", "made"]);
    let (secret, common) = (tag(&world, "secret").await, tag(&world, "common").await);
    assert!(world.editor.node(&secret).await.is_null());
    for mutation in ["tagUpdate", "tagDelete"] {
        assert_eq!(world.editor.mutate(mutation, json!({ "id": secret })).await.code(), "NOT_FOUND");
    }
    world.manager.mutate("documentUntag", json!({ "id": shared, "tags": ["common"] })).await.well();
    assert_eq!(tags(&world.editor, &world.lab).await, ["made"]);
    world.manager.mutate("documentUpdate", json!({ "id": document, "visibility": "SPACE" })).await.well();
    assert_eq!(tags(&world.editor, &world.lab).await, ["common", "made", "secret"]);
    world.manager.mutate("documentTrash", json!({ "id": document })).await.well();
    assert_eq!(tags(&world.editor, &world.lab).await, ["common", "made", "secret"], "an editor sees the trash");
    assert_eq!(tags(&world.reader, &world.lab).await, ["made"]);
    world.manager.mutate("documentRestore", json!({ "id": document })).await.well();
    for (visibility, readers) in [
        ("ORGANIZATION", vec![&world.member, &world.reader]),
        ("PUBLIC", vec![&world.anonymous, &world.stranger, &world.member]),
    ] {
        world.manager.mutate("documentUpdate", json!({ "id": document, "visibility": visibility })).await.well();
        for client in readers {
            assert_eq!(client.node(&common).await["id"], common, "{visibility}: what shows on a document can be found");
        }
    }
    world.manager.mutate("documentUpdate", json!({ "id": document, "visibility": "SPACE" })).await.well();
    for client in [&world.anonymous, &world.stranger, &world.member] {
        assert!(client.node(&common).await.is_null());
    }
}

#[tokio::test]
async fn a_hidden_tag_gives_way_to_one_of_its_name() {
    let world = World::new().await;
    let private = json!({ "visibility": "PRIVATE", "tags": ["Red", "Green", "blue moon"] });
    let document = world.manager.document(&world.lab, private).await;
    for name in ["Red", "Green", "blue moon"] {
        let input = json!({ "id": tag(&world, name).await, "description": "Mine." });
        world.manager.mutate("tagUpdate", input).await.well();
    }
    let fields = "tag { name slug description version }";
    let made = |name: &str, slug: &str| json!({ "name": name, "slug": slug, "description": null, "version": 1 });
    let answer =
        world.editor.mutate_for("tagCreate", fields, json!({ "spaceId": world.lab, "name": "red" })).await.well();
    assert_eq!(answer.at("tagCreate.tag"), &made("red", "red"));
    let answer =
        world.editor.mutate_for("tagCreate", fields, json!({ "spaceId": world.lab, "name": "Blue-Moon" })).await.well();
    assert_eq!(answer.at("tagCreate.tag"), &made("Blue-Moon", "blue-moon"), "a hidden slug is not seen either");
    world.editor.document(&world.lab, json!({ "tags": ["green"] })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { tags(first: 9) { nodes { name } } } } }";
    let answer = world.manager.query(query, json!({ "id": document })).await.well();
    assert_eq!(answer.texts("node.tags.nodes", "name"), ["blue moon", "green", "red"], "who carried it does still");
    let descriptions = "SELECT count(*) FROM content.tags WHERE name IN ('red', 'green') AND description IS NOT NULL";
    assert_eq!(world.database.number(descriptions).await, 0);
}

#[tokio::test]
async fn an_id_of_ones_own_making_is_a_fresh_one() {
    let world = World::new().await;
    let id = |uuid: uuid::Uuid| typed("doc", &uuid.to_string());
    let at = |seconds: u64| uuid::Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, seconds, 0));
    let (seconds, _) = new_id().get_timestamp().expect("a time").to_unix();
    let hidden = world.manager.document(&world.lab, json!({ "visibility": "PRIVATE" })).await;
    let day = 24 * 60 * 60;
    let mut bodies = Vec::new();
    let unfit = [uuid::Uuid::max(), uuid::Uuid::nil(), at(seconds - 31 * day), at(seconds + 2 * day)];
    for unfit in unfit.map(id).into_iter().chain([hidden]) {
        let answer =
            world.editor.mutate("documentCreate", json!({ "id": unfit, "spaceId": world.lab, "title": "T" })).await;
        answer.refused("ID_TAKEN", "id");
        bodies.push(answer.body.clone());
        let tagged = unfit.replace("doc_", "tag_");
        if tagged != unfit && bodies.len() < 5 {
            let answer =
                world.editor.mutate("tagCreate", json!({ "id": tagged, "spaceId": world.lab, "name": "T" })).await;
            answer.refused("ID_TAKEN", "id");
        }
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "whatever the reason, it is said in the same words");
    let fresh = id(at(seconds - day));
    assert_eq!(world.editor.document(&world.lab, json!({ "id": fresh })).await, fresh);
}

#[tokio::test]
async fn whoever_could_read_a_document_until_now_is_told_that_it_was_hidden() {
    let world = World::new().await;
    let id = world.manager.document(&world.lab, json!({ "title": "Known" })).await;
    let start = world.manager.mutate("documentUpdate", json!({ "id": id, "title": "Start" })).await.well();
    let start = start.text("documentUpdate.commitCursor").to_owned();
    world.feed_has_come_this_far().await;
    let query = "subscription($id: ID!, $after: String) { spaceActivity(spaceId: $id, after: $after) { \
                 ... on DocumentChange { kind documentId document { title } actor { id } } } }";
    let mut reader = world.reader.socket().await;
    reader.subscribe(query, json!({ "id": world.lab, "after": start })).await;
    let hide = json!({ "id": id, "visibility": "PRIVATE", "title": "Secret" });
    world.manager.mutate("documentUpdate", hide).await.well();
    for title in ["More secret", "Most secret"] {
        world.manager.mutate("documentUpdate", json!({ "id": id, "title": title })).await.well();
    }
    world.manager.document(&world.lab, json!({ "title": "Next" })).await;
    let event = reader.event().await["spaceActivity"].clone();
    assert_eq!(event, json!({ "kind": "ACCESS_LOST", "documentId": id, "document": null, "actor": null }));
    let event = reader.event().await["spaceActivity"].clone();
    assert_eq!(event["document"]["title"], "Next", "{event}");
}
