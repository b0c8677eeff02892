//! Tags of a space and of its documents.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::World;

async fn tags_of(world: &World, id: &str) -> Vec<String> {
    let query = "query($id: ID!) { node(id: $id) { ... on Document { tags(first: 100) { nodes { name } } } } }";
    world.reader.query(query, json!({ "id": id })).await.well().texts("node.tags.nodes", "name")
}

#[tokio::test]
async fn a_tag_has_a_name_a_slug_and_a_color() {
    let world = World::new().await;
    let input =
        json!({ "spaceId": world.lab, "name": "  To Do: Später!  ", "color": "#ABCDEF", "description": "Later." });
    let fields = "tag { name slug color description version space { id } viewerCan }";
    let answer = world.editor.mutate_for("tagCreate", fields, input).await.well();
    assert_eq!(
        answer.at("tagCreate.tag"),
        &json!({ "name": "To Do: Später!", "slug": "to-do-später", "color": "#abcdef", "description": "Later.", "version": 1,
            "space": { "id": world.lab }, "viewerCan": ["READ", "EDIT", "DELETE"] })
    );
}

#[tokio::test]
async fn a_name_is_unique_in_its_space_whatever_its_case() {
    let world = World::new().await;
    world.editor.tag(&world.lab, "Red").await;
    let blue = world.editor.tag(&world.lab, "Blue").await;
    for name in ["Red", "red", "RED", " red "] {
        world
            .editor
            .mutate("tagCreate", json!({ "spaceId": world.lab, "name": name }))
            .await
            .refused("NAME_TAKEN", "name");
        world.editor.mutate("tagUpdate", json!({ "id": blue, "name": name })).await.refused("NAME_TAKEN", "name");
    }
    world.owner.tag(&world.handbook, "red").await;
    world.editor.mutate("tagUpdate", json!({ "id": blue, "name": "BLUE" })).await.well();
}

#[tokio::test]
async fn what_is_no_tag_is_refused() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for (field, value, code) in [
        ("name", "", "TITLE_REQUIRED"),
        ("name", "  ", "TITLE_REQUIRED"),
        ("name", "a\0b", "TEXT_INVALID"),
        ("name", &"x".repeat(51), "TEXT_INVALID"),
        ("color", "red", "TEXT_INVALID"),
        ("color", "#12345", "TEXT_INVALID"),
        ("color", "#12345g", "TEXT_INVALID"),
        ("description", &"x".repeat(2_001), "TEXT_INVALID"),
    ] {
        let mut input = json!({ "spaceId": world.lab, "name": "New" });
        input[field] = json!(value);
        world.editor.mutate("tagCreate", input).await.refused(code, field);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn tagging_makes_the_tags_that_are_missing_and_finds_the_others() {
    let world = World::new().await;
    world.editor.tag(&world.lab, "Red").await;
    let id = world.editor.document(&world.lab, json!({ "tags": ["red", "RED", "green"] })).await;
    assert_eq!(tags_of(&world, &id).await, ["Red", "green"]);
    let tagged = json!({ "id": id, "tags": ["Green", "blue", "🟣"] });
    let answer = world
        .editor
        .mutate_for("documentTag", "document { version tags(first: 9) { totalCount nodes { name } } }", tagged)
        .await
        .well();
    assert_eq!(answer.number("documentTag.document.version"), 2);
    assert_eq!(answer.number("documentTag.document.tags.totalCount"), 4);
    assert_eq!(tags_of(&world, &id).await, ["Red", "blue", "green", "🟣"]);
    world.editor.mutate("documentUntag", json!({ "id": id, "tags": ["RED", "🟣", "unknown"] })).await.well();
    assert_eq!(tags_of(&world, &id).await, ["blue", "green"]);
    let sql = "SELECT name, usage_count FROM content.tags ORDER BY name COLLATE \"C\"";
    let counts: Vec<Value> = world.database.rows(sql).await;
    assert_eq!(counts[0], json!({ "name": "Red", "usage_count": 0 }), "a tag outlives its documents");
    assert_eq!(counts[1], json!({ "name": "blue", "usage_count": 1 }));
}

#[tokio::test]
async fn of_tags_made_at_once_with_one_name_one_is_made() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(world.editor.document(&world.lab, json!({})).await);
    }
    let answers = join_all(ids.iter().enumerate().map(|(number, id)| {
        let names = if number % 2 == 0 { ["one", "two", "three"] } else { ["Three", "Two", "One"] };
        world.editor.mutate("documentTag", json!({ "id": id, "tags": names }))
    }))
    .await;
    answers.into_iter().for_each(|answer| drop(answer.well()));
    assert_eq!(world.database.number("SELECT count(*) FROM content.tags").await, 3);
    assert_eq!(world.database.number("SELECT min(usage_count) FROM content.tags").await, 6);
}

#[tokio::test]
async fn a_deleted_tag_is_lost_to_its_documents() {
    let world = World::new().await;
    let red = world.editor.tag(&world.lab, "red").await;
    let id = world.editor.document(&world.lab, json!({ "tags": ["red", "blue"] })).await;
    world.editor.mutate("tagDelete", json!({ "id": red })).await.well();
    assert_eq!(tags_of(&world, &id).await, ["blue"]);
    assert_eq!(world.editor.mutate("tagDelete", json!({ "id": red })).await.code(), "NOT_FOUND");
}

/// Documents of which `tag_ids` does not say what `document_tags` holds.
const DISAGREEING: &str = "SELECT count(*) FROM content.documents d WHERE tag_ids IS DISTINCT FROM ARRAY(\
    SELECT tag_id FROM content.document_tags WHERE document_id = d.id ORDER BY array_position(d.tag_ids, tag_id))";

#[tokio::test]
async fn a_document_says_which_tags_it_carries_whoever_changes_them() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for tags in [json!(["red", "blue"]), json!(["red"]), json!([])] {
        ids.push(world.editor.document(&world.lab, json!({ "tags": tags })).await);
    }
    let red = tag_named(&world, "red").await;
    world.editor.mutate("tagUpdate", json!({ "id": red, "name": "Red" })).await.well();
    assert_eq!(tags_of(&world, &ids[1]).await, ["Red"]);
    for (sql, expected) in [
        (
            "DELETE FROM content.document_tags USING content.tags WHERE id = tag_id AND name = 'blue'",
            [&["Red"][..], &["Red"][..], &[][..]],
        ),
        (
            "INSERT INTO content.document_tags (document_id, tag_id, space_id) SELECT d.id, t.id, t.space_id \
             FROM content.documents d, content.tags t WHERE t.name = 'blue' AND d.space_id = t.space_id",
            [&["Red", "blue"][..], &["Red", "blue"][..], &["blue"][..]],
        ),
    ] {
        // Past the server, as another server would.
        world.database.run(sql).await;
        for (id, expected) in ids.iter().zip(expected) {
            assert_eq!(tags_of(&world, id).await, expected, "{sql}");
        }
        assert_eq!(world.database.number(DISAGREEING).await, 0, "{sql}");
    }
    world.editor.mutate("tagDelete", json!({ "id": red })).await.well();
    assert_eq!(tags_of(&world, &ids[0]).await, ["blue"]);
    assert_eq!(world.database.number(DISAGREEING).await, 0);
    let audited = "SELECT count(*) FROM audit.logs WHERE action = 'documents.update'";
    assert_eq!(world.database.number(audited).await, 0, "what is put on and taken off has entries of its own");
    world.database.run("DELETE FROM content.documents").await;
    assert_eq!(world.database.number("SELECT count(*) FROM content.document_tags").await, 0);
}

#[tokio::test]
async fn tags_that_go_while_they_are_put_on_documents_are_no_conflict() {
    let world = World::new().await;
    let mut ids = Vec::new();
    for _ in 0..6 {
        ids.push(world.editor.document(&world.lab, json!({ "tags": ["red"] })).await);
    }
    let red = tag_named(&world, "red").await;
    let put = ids.iter().map(|id| world.editor.mutate("documentTag", json!({ "id": id, "tags": ["red", "blue"] })));
    let (gone, put) = tokio::join!(world.editor.mutate("tagDelete", json!({ "id": red })), join_all(put));
    gone.well();
    put.into_iter().for_each(|answer| drop(answer.well()));
    assert_eq!(world.database.number(DISAGREEING).await, 0);
}

async fn tag_named(world: &World, name: &str) -> String {
    let query = "query($id: ID!) { node(id: $id) { ... on Space { tags(first: 100) { nodes { id name } } } } }";
    let answer = world.editor.query(query, json!({ "id": world.lab })).await.well();
    let tag = answer.list("node.tags.nodes").iter().find(|tag| tag["name"] == name).expect("a tag of this name");
    tag["id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn a_stale_tag_is_a_conflict_that_shows_the_present_one() {
    let world = World::new().await;
    let red = world.editor.tag(&world.lab, "red").await;
    world.editor.mutate("tagUpdate", json!({ "id": red, "color": "#000000", "expectedVersion": 1 })).await.well();
    let stale = json!({ "id": red, "name": "other", "expectedVersion": 1 });
    let answer = world.editor.mutate_for("tagUpdate", "tag { name color version }", stale).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(answer.at("tagUpdate.tag"), &json!({ "name": "red", "color": "#000000", "version": 2 }));
}

#[tokio::test]
async fn a_public_document_shows_its_tags_and_not_the_space_they_are_of() {
    let world = World::new().await;
    let id = world.manager.document(&world.lab, json!({ "visibility": "PUBLIC", "tags": ["red"] })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { tags(first: 5) { nodes { name space { id } } } space { id } } } }";
    let answer = world.anonymous.query(query, json!({ "id": id })).await.well();
    assert_eq!(answer.at("node"), &json!({ "tags": { "nodes": [{ "name": "red", "space": null }] }, "space": null }));
}

#[tokio::test]
async fn names_that_differ_have_slugs_that_differ() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "tags": ["a b", "a-b", "A.B", "a b"] })).await;
    assert_eq!(tags_of(&world, &id).await, ["A.B", "a b", "a-b"]);
    let slugs = world.database.rows("SELECT slug FROM content.tags ORDER BY slug").await;
    assert_eq!(slugs, [json!({ "slug": "a-b" }), json!({ "slug": "a-b-2" }), json!({ "slug": "a-b-3" })]);
    let long = |end: &str| format!("{}{end}", "x".repeat(49));
    world.editor.mutate("documentTag", json!({ "id": id, "tags": [long("!"), long("?"), long("x")] })).await.well();
    assert_eq!(tags_of(&world, &id).await.len(), 6);
}

#[tokio::test]
async fn what_changes_nothing_is_no_change() {
    let world = World::new().await;
    let input = json!({ "title": "T", "content": "Text", "tags": ["red"], "source": "wiki", "metadata": { "a": 1 } });
    let id = world.editor.document(&world.lab, input).await;
    let red = world.editor.tag(&world.lab, "blue").await;
    let before = world.database.digest().await;
    for (mutation, input) in [
        ("documentUpdate", json!({ "id": id })),
        (
            "documentUpdate",
            json!({ "id": id, "title": "T", "content": "Text", "source": "wiki", "metadata": { "a": 1 } }),
        ),
        (
            "documentUpdate",
            json!({ "id": id, "description": "", "slug": "", "visibility": "SPACE", "isTemplate": false }),
        ),
        ("documentUntag", json!({ "id": id, "tags": ["blue", "unknown"] })),
        ("documentUntag", json!({ "id": id, "tags": [] })),
        ("documentTag", json!({ "id": id, "tags": ["RED"] })),
        ("documentTag", json!({ "id": id, "tags": [] })),
        ("tagUpdate", json!({ "id": red })),
        ("tagUpdate", json!({ "id": red, "name": "blue", "color": "#3B82F6", "description": "" })),
    ] {
        let answer = world.editor.mutate(mutation, input.clone()).await.well();
        assert_eq!(answer.at(&format!("{mutation}.commitCursor")), &Value::Null, "{mutation} {input}");
    }
    assert_eq!(world.database.digest().await, before);
}
