//! Filters and orders of lists of documents.

use serde_json::{Value, json};

use crate::support::World;

async fn furnish(world: &World) -> (String, String) {
    let alpha = world
        .editor
        .document(&world.lab, json!({ "title": "Alpha 100%", "content": "one", "tags": ["Red"], "languageCode": "en" }))
        .await;
    let beta = json!({ "title": "beta_test", "content": "one two three", "tags": ["red", "blue"], "parentId": alpha, "status": "PUBLISHED",
        "languageCode": "en-US", "source": "wiki", "externalId": "7" });
    world.manager.document(&world.lab, beta).await;
    let gamma = json!({ "title": "Gamma\\", "kind": "NOTE", "content": "a b", "isTemplate": true, "visibility": "ORGANIZATION" });
    world.editor.document(&world.lab, gamma).await;
    let red = world.database.row("SELECT id FROM content.tags WHERE slug = 'red'").await;
    (alpha, crate::support::typed("tag", red["id"].as_str().expect("an id")))
}

async fn found(world: &World, filter: Value) -> Vec<String> {
    let query = "query($id: ID!, $filter: DocumentFilter) { node(id: $id) { ... on Space { \
                 documents(first: 50, filter: $filter, orderBy: CREATED_AT_ASC) { totalCount nodes { title } } } } }";
    let answer = world.reader.query(query, json!({ "id": world.lab, "filter": filter })).await.well();
    let titles = answer.texts("node.documents.nodes", "title");
    assert_eq!(answer.number("node.documents.totalCount"), i64::try_from(titles.len()).expect("few"), "{filter}");
    titles
}

#[tokio::test]
async fn filters_find_what_they_say() {
    let world = World::new().await;
    let (alpha, red) = furnish(&world).await;
    let (a, b, c) = ("Alpha 100%", "beta_test", "Gamma\\");
    for (filter, expected) in [
        (json!({}), vec![a, b, c]),
        (json!({ "kind": { "eq": "NOTE" } }), vec![c]),
        (json!({ "kind": { "notIn": ["NOTE"] } }), vec![a, b]),
        (json!({ "kind": { "in": [] } }), vec![]),
        (json!({ "status": { "eq": "PUBLISHED" } }), vec![b]),
        (json!({ "visibility": { "eq": "ORGANIZATION" } }), vec![c]),
        (json!({ "title": { "eq": "beta_test" } }), vec![b]),
        (json!({ "title": { "in": ["beta_test", a, "x"] } }), vec![a, b]),
        (json!({ "title": { "contains": "A" } }), vec![a, b, c]),
        (json!({ "title": { "contains": "%" } }), vec![a]),
        (json!({ "title": { "contains": "_" } }), vec![b]),
        (json!({ "title": { "contains": "\\" } }), vec![c]),
        (json!({ "title": { "startsWith": "BETA" } }), vec![b]),
        (json!({ "title": { "startsWith": "eta" } }), vec![]),
        (json!({ "languageCode": { "in": ["en", "en-US"] } }), vec![a, b]),
        (json!({ "languageCode": { "eq": "en" } }), vec![a]),
        (json!({ "source": { "eq": "wiki" }, "externalId": { "eq": "7" } }), vec![b]),
        (json!({ "ownerId": world.editor.id }), vec![a, c]),
        (json!({ "ownerId": world.stranger.id }), vec![]),
        (json!({ "parentId": alpha }), vec![b]),
        (json!({ "isRoot": true }), vec![a, c]),
        (json!({ "isRoot": false }), vec![b]),
        (json!({ "isTemplate": true }), vec![c]),
        (json!({ "tagId": red }), vec![a, b]),
        (json!({ "tag": "blue" }), vec![b]),
        (json!({ "tag": "unknown" }), vec![]),
        (json!({ "wordCount": { "atLeast": 2 } }), vec![b, c]),
        (json!({ "wordCount": { "atLeast": 2, "atMost": 2 } }), vec![c]),
        (json!({ "wordCount": { "eq": 1 } }), vec![a]),
        (json!({ "createdAt": { "before": "2020-01-01T00:00:00Z" } }), vec![]),
        (json!({ "createdAt": { "since": "2020-01-01T00:00:00Z" } }), vec![a, b, c]),
        (json!({ "updatedAt": { "since": "2999-01-01T00:00:00Z" } }), vec![]),
        (json!({ "trashed": true }), vec![]),
        (json!({ "or": [{ "kind": { "eq": "NOTE" } }, { "tag": "blue" }] }), vec![b, c]),
        (json!({ "and": [{ "tag": "red" }, { "tag": "blue" }] }), vec![b]),
        (json!({ "not": { "tag": "red" } }), vec![c]),
        (json!({ "not": { "or": [{ "tag": "blue" }, { "isTemplate": true }] } }), vec![a]),
        (json!({ "and": [{ "not": { "isRoot": true } }], "title": { "contains": "beta" } }), vec![b]),
        (json!({ "and": [], "or": [] }), vec![a, b, c]),
    ] {
        assert_eq!(found(&world, filter.clone()).await, expected, "{filter}");
    }
}

#[tokio::test]
async fn a_negated_filter_finds_what_has_no_value_too() {
    let world = World::new().await;
    furnish(&world).await;
    for filter in
        [json!({ "not": { "languageCode": { "eq": "en" } } }), json!({ "not": { "source": { "eq": "blog" } } })]
    {
        assert!(found(&world, filter.clone()).await.contains(&"Gamma\\".to_owned()), "{filter}");
    }
}

#[tokio::test]
async fn no_filter_reaches_beyond_the_viewer() {
    let world = World::new().await;
    furnish(&world).await;
    world.manager.document(&world.lab, json!({ "title": "hidden", "visibility": "PRIVATE", "tags": ["secret"] })).await;
    for filter in [
        json!({ "or": [{ "visibility": { "eq": "PRIVATE" } }, { "title": { "eq": "hidden" } }] }),
        json!({ "not": { "visibility": { "eq": "SPACE" } } }),
        json!({ "tag": "secret" }),
        json!({ "ownerId": world.manager.id }),
        json!({ "not": { "title": { "eq": "nothing" } } }),
    ] {
        assert!(!found(&world, filter.clone()).await.contains(&"hidden".to_owned()), "{filter}");
    }
}

#[tokio::test]
async fn orders_sort_as_they_say() {
    let world = World::new().await;
    furnish(&world).await;
    world
        .database
        .run("UPDATE content.documents SET updated_at = now() + interval '1 hour' WHERE title = 'Alpha 100%'")
        .await;
    let query = "query($id: ID!, $order: DocumentOrder!) { node(id: $id) { ... on Space { documents(first: 50, orderBy: $order) { nodes { title } } } } }";
    let (a, b, c) = ("Alpha 100%", "beta_test", "Gamma\\");
    for (order, expected) in [
        ("CREATED_AT_ASC", [a, b, c]),
        ("CREATED_AT_DESC", [c, b, a]),
        ("UPDATED_AT_DESC", [a, c, b]),
        ("UPDATED_AT_ASC", [b, c, a]),
    ] {
        let answer = world.reader.query(query, json!({ "id": world.lab, "order": order })).await.well();
        assert_eq!(answer.texts("node.documents.nodes", "title"), expected, "{order}");
    }
}

#[tokio::test]
async fn a_filter_that_cannot_be_meant_is_refused() {
    let world = World::new().await;
    furnish(&world).await;
    let query = "query($id: ID!, $filter: DocumentFilter) { node(id: $id) { ... on Space { \
                 documents(first: 50, filter: $filter) { totalCount } } } }";
    for (filter, field) in [
        (json!({ "not": {} }), "filter.not"),
        (json!({ "and": [{ "not": {} }] }), "filter.not"),
        (json!({ "not": { "trashed": true } }), "filter.trashed"),
        (json!({ "or": [{ "trashed": false }, { "tag": "red" }] }), "filter.trashed"),
        (json!({ "createdAt": { "before": "-10000-01-01T00:00:00Z" } }), "filter.createdAt"),
        (json!({ "createdAt": { "since": "-10000-01-01T00:00:00Z" } }), "filter.createdAt"),
        (json!({ "not": { "updatedAt": { "since": "-4713-01-01T00:00:00Z" } } }), "filter.updatedAt"),
        (json!({ "title": { "contains": "\0" } }), "filter.title"),
        (json!({ "source": { "in": ["a", "\0"] } }), "filter.source"),
        (json!({ "tag": "\0" }), "filter.tag"),
    ] {
        let answer = world.reader.query(query, json!({ "id": world.lab, "filter": filter })).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{filter}: {}", answer.body);
        assert!(answer.body.contains(field), "{filter}: {}", answer.body);
    }
    for moment in ["-4711-01-01T00:00:00Z", "9999-12-31T23:59:59Z"] {
        let filter = json!({ "createdAt": { "since": moment }, "updatedAt": { "before": moment } });
        assert!(found(&world, filter).await.is_empty(), "{moment}");
    }
}
