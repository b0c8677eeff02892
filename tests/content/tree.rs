//! The tree of documents in a space: moving, ordering, and never a circle.

use futures_util::future::{join, join_all};
use serde_json::{Value, json};

use crate::support::{Client, World, uuid};

async fn create(world: &World, title: &str, parent: Option<&str>) -> String {
    world.editor.document(&world.lab, json!({ "title": title, "parentId": parent })).await
}

/// The titles at the top of the lab, or below a document, in order.
async fn below(world: &World, parent: Option<&str>) -> Vec<String> {
    let answer = match parent {
        None => {
            let query = "query($id: ID!) { node(id: $id) { ... on Space { list: documents(first: 50, filter: { isRoot: true }, orderBy: POSITION_ASC) { nodes { title } } } } }";
            world.reader.query(query, json!({ "id": world.lab })).await
        }
        Some(id) => {
            let query = "query($id: ID!) { node(id: $id) { ... on Document { list: children(first: 50) { nodes { title } } } } }";
            world.reader.query(query, json!({ "id": id })).await
        }
    };
    answer.well().texts("node.list.nodes", "title")
}

async fn move_to(client: &Client, id: &str, place: Value) -> crate::support::Answer {
    let mut input = json!({ "id": id });
    input.as_object_mut().expect("an object").extend(place.as_object().cloned().unwrap_or_default());
    client.mutate_for("documentMove", "document { parent { id } position version }", input).await
}

#[tokio::test]
async fn documents_stand_where_they_are_put() {
    let world = World::new().await;
    let [a, b, c, d] = ["a", "b", "c", "d"].map(|title| (title, title));
    let mut ids = Vec::new();
    for (title, _) in [a, b, c, d] {
        ids.push(create(&world, title, None).await);
    }
    let [a, b, c, d] = ids.as_slice() else { panic!("four") };
    assert_eq!(below(&world, None).await, ["a", "b", "c", "d"]);
    for (id, place, expected) in [
        (d, json!({ "first": true }), ["d", "a", "b", "c"]),
        (a, json!({}), ["d", "b", "c", "a"]),
        (a, json!({ "beforeId": b }), ["d", "a", "b", "c"]),
        (d, json!({ "afterId": b }), ["a", "b", "d", "c"]),
        (c, json!({ "afterId": a }), ["a", "c", "b", "d"]),
        (d, json!({ "beforeId": a }), ["d", "a", "c", "b"]),
        (d, json!({ "first": true }), ["d", "a", "c", "b"]),
        (b, json!({}), ["d", "a", "c", "b"]),
    ] {
        move_to(&world.editor, id, place.clone()).await.well();
        assert_eq!(below(&world, None).await, expected, "{place}");
    }
}

#[tokio::test]
async fn many_moves_to_one_place_find_room() {
    let world = World::new().await;
    let first = create(&world, "first", None).await;
    let second = create(&world, "second", None).await;
    for _ in 0..30 {
        move_to(&world.editor, &second, json!({ "beforeId": first })).await.well();
        move_to(&world.editor, &second, json!({ "afterId": first })).await.well();
    }
    for number in 0..30 {
        let id = create(&world, &format!("{number}"), None).await;
        move_to(&world.editor, &id, json!({ "afterId": first })).await.well();
    }
    let mut expected: Vec<String> = (0..30).rev().map(|number| number.to_string()).collect();
    expected.insert(0, "first".to_owned());
    expected.push("second".to_owned());
    assert_eq!(below(&world, None).await, expected);
}

#[tokio::test]
async fn a_document_moves_below_another_with_all_that_is_below_it() {
    let world = World::new().await;
    let top = create(&world, "top", None).await;
    let middle = create(&world, "middle", Some(&top)).await;
    create(&world, "leaf", Some(&middle)).await;
    let other = create(&world, "other", None).await;
    let answer = move_to(&world.editor, &middle, json!({ "parentId": other })).await.well();
    assert_eq!(answer.text("documentMove.document.parent.id"), other);
    assert!(below(&world, Some(&top)).await.is_empty());
    assert_eq!(below(&world, Some(&other)).await, ["middle"]);
    assert_eq!(below(&world, Some(&middle)).await, ["leaf"]);
    move_to(&world.editor, &middle, json!({ "parentId": null, "first": true })).await.well();
    assert_eq!(below(&world, None).await, ["middle", "top", "other"]);
}

#[tokio::test]
async fn a_document_never_stands_below_itself() {
    let world = World::new().await;
    let top = create(&world, "top", None).await;
    let middle = create(&world, "middle", Some(&top)).await;
    let leaf = create(&world, "leaf", Some(&middle)).await;
    let before = world.database.digest().await;
    for (id, parent) in [(&top, &top), (&top, &middle), (&top, &leaf), (&middle, &leaf)] {
        move_to(&world.editor, id, json!({ "parentId": parent })).await.refused("CYCLE", "parentId");
    }
    assert_eq!(world.database.digest().await, before);
}

/// How many documents are not under the top: those in a circle.
async fn in_circles(world: &World) -> i64 {
    world
        .database
        .number(
            "WITH RECURSIVE tree AS (SELECT id FROM content.documents WHERE parent_id IS NULL \
             UNION SELECT d.id FROM content.documents d JOIN tree ON d.parent_id = tree.id) \
             SELECT count(*) FROM content.documents WHERE id NOT IN (SELECT id FROM tree)",
        )
        .await
}

#[tokio::test]
async fn moves_at_once_make_no_circle() {
    let world = World::new().await;
    for _ in 0..10 {
        world.database.run("DELETE FROM content.documents").await;
        let a = create(&world, "a", None).await;
        let b = create(&world, "b", None).await;
        let answers = join(
            move_to(&world.editor, &a, json!({ "parentId": b })),
            move_to(&world.manager, &b, json!({ "parentId": a })),
        )
        .await;
        assert_eq!(in_circles(&world).await, 0);
        let refused = [&answers.0, &answers.1].into_iter().filter(|answer| !answer.refusals().is_empty()).count();
        assert_eq!(refused, 1, "{} {}", answers.0.body, answers.1.body);
    }
    world.database.run("DELETE FROM content.documents").await;
    let mut ids = Vec::new();
    for number in 0..6 {
        ids.push(create(&world, &number.to_string(), None).await);
    }
    for round in 1..4 {
        let moves =
            (0..6).map(|number| move_to(&world.editor, &ids[number], json!({ "parentId": ids[(number + round) % 6] })));
        for answer in join_all(moves).await {
            assert!(!answer.codes().contains(&"INTERNAL"), "{}", answer.body);
        }
        assert_eq!(in_circles(&world).await, 0);
    }
}

#[tokio::test]
async fn a_place_in_another_space_or_in_the_trash_is_refused() {
    let world = World::new().await;
    let id = create(&world, "mine", None).await;
    let elsewhere = world.owner.document(&world.handbook, json!({})).await;
    let trashed = create(&world, "trashed", None).await;
    world.editor.mutate("documentTrash", json!({ "id": trashed })).await.well();
    let before = world.database.digest().await;
    move_to(&world.editor, &id, json!({ "parentId": elsewhere })).await.refused("OTHER_SPACE", "parentId");
    move_to(&world.editor, &id, json!({ "parentId": trashed })).await.refused("WRONG_STATE", "parentId");
    for (parent, code) in [(&elsewhere, "OTHER_SPACE"), (&trashed, "WRONG_STATE")] {
        let input = json!({ "spaceId": world.lab, "title": "T", "parentId": parent });
        world.editor.mutate("documentCreate", input).await.refused(code, "parentId");
    }
    for (field, neighbour) in [("beforeId", &elsewhere), ("afterId", &trashed)] {
        move_to(&world.editor, &id, json!({ field: neighbour })).await.refused("WRONG_STATE", field);
    }
    let two = json!({ "beforeId": elsewhere, "first": true });
    assert_eq!(move_to(&world.editor, &id, two).await.code(), "BAD_USER_INPUT");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn a_hidden_document_is_no_parent_and_no_neighbour_that_anyone_hears_of() {
    let world = World::new().await;
    let hidden = world.manager.document(&world.lab, json!({ "visibility": "PRIVATE" })).await;
    let unknown = "doc_01h455vb4pex5vsknk084sn02q";
    let id = create(&world, "mine", None).await;
    for field in ["parentId", "beforeId", "afterId"] {
        let there = move_to(&world.editor, &id, json!({ field: hidden })).await;
        let nowhere = move_to(&world.editor, &id, json!({ field: unknown })).await;
        assert_eq!(there.body, nowhere.body, "{field}");
    }
    let input = |parent: &str| json!({ "spaceId": world.lab, "title": "T", "parentId": parent });
    let there = world.editor.mutate("documentCreate", input(&hidden)).await;
    let nowhere = world.editor.mutate("documentCreate", input(unknown)).await;
    assert_eq!(there.body, nowhere.body);
    assert_eq!(there.code(), "NOT_FOUND");
}

#[tokio::test]
async fn the_tree_has_thirty_two_levels_at_most() {
    let world = World::new().await;
    let mut parent = create(&world, "1", None).await;
    let root = parent.clone();
    for level in 2..=32 {
        parent = create(&world, &level.to_string(), Some(&parent)).await;
    }
    let input = json!({ "spaceId": world.lab, "title": "33", "parentId": parent });
    world.editor.mutate("documentCreate", input).await.refused("TOO_DEEP", "parentId");
    let other = create(&world, "other", None).await;
    move_to(&world.editor, &root, json!({ "parentId": other })).await.refused("TOO_DEEP", "parentId");
    move_to(&world.editor, &other, json!({ "parentId": parent })).await.refused("TOO_DEEP", "parentId");
}

#[tokio::test]
async fn moving_counts_as_a_change() {
    let world = World::new().await;
    let id = create(&world, "mine", None).await;
    create(&world, "other", None).await;
    let answer = move_to(&world.editor, &id, json!({})).await.well();
    assert_eq!(answer.number("documentMove.document.version"), 2);
    let sql = format!(
        "SELECT count(*) FROM platform.outbox WHERE event_type = 'document.moved' AND resource_id = '{}'",
        uuid(&id)
    );
    assert_eq!(world.database.number(&sql).await, 1);
}
