//! The exact number of SQL statements of a query: one for each level, however many rows there are.

use serde_json::{Value, json};

use crate::support::World;

/// The canonical query of the README.
const CANONICAL: &str = "query($slug: String!) { organization(slug: $slug) { spaces(first: 5) { nodes { name \
    documents(first: 20, orderBy: UPDATED_AT_DESC) { nodes { id title status createdAt owner { name email } \
    tags(first: 5) { nodes { name } } content { text } } } } } } }";

/// Documents in both spaces of acme, with owners, tags and children.
async fn furnish(world: &World, each: usize) {
    for (client, space) in [(&world.owner, &world.handbook), (&world.manager, &world.lab)] {
        for number in 0..each {
            let input = json!({ "title": format!("Number {number}"), "tags": ["red", format!("tag {number}")] });
            let parent = client.document(space, input).await;
            client.document(space, json!({ "title": "Child", "parentId": parent, "tags": ["red"] })).await;
        }
    }
}

/// Of a query whose rows are held already: what is not held takes another statement for each kind of list.
async fn statements(world: &World, query: &str) -> u32 {
    world.manager.query(query, json!({ "slug": "acme" })).await.well();
    world.manager.query(query, json!({ "slug": "acme" })).await.well().statements()
}

#[tokio::test]
async fn the_canonical_query_takes_six_statements_however_many_rows() {
    let world = World::new().await;
    // The rows that are not held yet: documents, and at first the organization.
    for (more, documents, unheld) in [(1, 2, 2), (8, 18, 1)] {
        furnish(&world, more).await;
        for unheld in [unheld, 0] {
            let answer = world.manager.query(CANONICAL, json!({ "slug": "acme" })).await.well();
            assert_eq!(answer.list("organization.spaces.nodes.1.documents.nodes").len(), documents);
            // The organization, its spaces, their documents, and then owners, tags and contents.
            assert_eq!(answer.statements(), 6 + unheld);
        }
    }
}

#[tokio::test]
async fn rows_that_are_held_are_never_old() {
    let world = World::new().await;
    furnish(&world, 2).await;
    let titles = async || {
        let answer = world.manager.query(CANONICAL, json!({ "slug": "acme" })).await.well();
        answer.texts("organization.spaces.nodes.0.documents.nodes", "title")
    };
    titles().await;
    // Past the server, as another server would: no event tells of it.
    for title in ["Other", "Another"] {
        world.database.run(&format!("UPDATE content.documents SET title = '{title}'")).await;
        assert!(titles().await.iter().all(|held| held == title));
    }
    world.database.run("UPDATE content.tags SET name = name || ' changed'").await;
    let answer = world.manager.query(CANONICAL, json!({ "slug": "acme" })).await.well();
    let tags = answer.texts("organization.spaces.nodes.0.documents.nodes.0.tags.nodes", "name");
    assert!(!tags.is_empty() && tags.iter().all(|name| name.ends_with(" changed")), "{tags:?}");
    world.database.run("UPDATE identity.users SET name = 'Renamed'").await;
    let answer = world.manager.query(CANONICAL, json!({ "slug": "acme" })).await.well();
    assert_eq!(answer.text("organization.spaces.nodes.0.documents.nodes.0.owner.name"), "Renamed");
}

#[tokio::test]
async fn each_level_of_nesting_takes_one_statement() {
    let world = World::new().await;
    furnish(&world, 3).await;
    let documents = "documents(first: 10, filter: { isRoot: true })";
    for (level, query, expected) in [
        (0, "{ __typename }".to_owned(), 0),
        (1, "query($slug: String!) { organization(slug: $slug) { name } }".to_owned(), 1),
        (
            2,
            "query($slug: String!) { organization(slug: $slug) { spaces(first: 5) { nodes { name } } } }".to_owned(),
            2,
        ),
        (
            3,
            format!(
                "query($slug: String!) {{ organization(slug: $slug) {{ spaces(first: 5) {{ nodes {{ {documents} {{ nodes {{ title }} }} }} }} }} }}"
            ),
            3,
        ),
        (
            4,
            format!(
                "query($slug: String!) {{ organization(slug: $slug) {{ spaces(first: 5) {{ nodes {{ {documents} {{ nodes {{ children(first: 5) {{ nodes {{ title }} }} }} }} }} }} }} }}"
            ),
            4,
        ),
        (
            5,
            format!(
                "query($slug: String!) {{ organization(slug: $slug) {{ spaces(first: 5) {{ nodes {{ {documents} {{ nodes {{ children(first: 5) {{ nodes {{ tags(first: 5) {{ nodes {{ name }} }} }} }} }} }} }} }} }} }}"
            ),
            5,
        ),
    ] {
        assert_eq!(statements(&world, &query).await, expected, "level {level}");
    }
}

#[tokio::test]
async fn siblings_of_every_kind_are_loaded_together() {
    let world = World::new().await;
    furnish(&world, 4).await;
    world.owner.add_project_member(&world.rocket, &world.manager, "VIEWER").await;
    for (what, selection, expected) in [
        (
            "members and their people",
            "members(first: 100) { nodes { role user { name email } invitedBy { name } } }",
            3,
        ),
        ("members of spaces", "spaces(first: 5) { nodes { members(first: 50) { nodes { role user { name } } } } }", 4),
        (
            "members of projects",
            "projects(first: 5) { nodes { members(first: 50) { nodes { role user { name } } } } }",
            4,
        ),
        ("tags of spaces", "spaces(first: 5) { nodes { tags(first: 50) { nodes { name } } } }", 3),
        ("tags back to their space", "spaces(first: 5) { nodes { tags(first: 50) { nodes { space { name } } } } }", 3),
        (
            "documents back to their space",
            "spaces(first: 5) { nodes { documents(first: 50) { nodes { space { name } } } } }",
            3,
        ),
        (
            "documents up to their parents",
            "spaces(first: 5) { nodes { documents(first: 50) { nodes { parent { title parent { title } } } } } }",
            4,
        ),
        (
            "who owns and who changed",
            "spaces(first: 5) { nodes { documents(first: 50) { nodes { owner { name } updatedBy { name } } } } }",
            4,
        ),
        (
            "counts of documents",
            "spaces(first: 5) { totalCount nodes { documents(first: 1) { totalCount nodes { title } } } }",
            5,
        ),
        (
            "counts of tags",
            "spaces(first: 5) { nodes { documents(first: 9) { nodes { tags(first: 1) { totalCount nodes { name } } } } } }",
            4,
        ),
        (
            "what the viewer can do",
            "viewerCan viewerRole spaces(first: 5) { nodes { viewerCan viewerRole documents(first: 9) { nodes { viewerCan } } } }",
            3,
        ),
    ] {
        let query = format!("query($slug: String!) {{ organization(slug: $slug) {{ {selection} }} }}");
        assert_eq!(statements(&world, &query).await, expected, "{what}");
    }
}

#[tokio::test]
async fn different_pages_of_one_list_are_different_statements_and_equal_ones_are_not() {
    let world = World::new().await;
    furnish(&world, 4).await;
    let query = |selection: &str| {
        format!(
            "query($slug: String!) {{ organization(slug: $slug) {{ spaces(first: 5) {{ nodes {{ {selection} }} }} }} }}"
        )
    };
    let equal = query("a: documents(first: 2) { nodes { title } } b: documents(first: 2) { nodes { id } }");
    assert_eq!(statements(&world, &equal).await, 3);
    let different = query("a: documents(first: 2) { nodes { title } } b: documents(last: 2) { nodes { title } }");
    assert_eq!(statements(&world, &different).await, 4);
}

#[tokio::test]
async fn many_ids_take_one_statement_for_each_type() {
    let world = World::new().await;
    furnish(&world, 5).await;
    let list = "query($slug: String!) { organization(slug: $slug) { id spaces(first: 5) { nodes { id documents(first: 50) { nodes { id } } } } } }";
    let answer = world.manager.query(list, json!({ "slug": "acme" })).await.well();
    let mut ids = vec![answer.text("organization.id").to_owned()];
    ids.extend(answer.texts("organization.spaces.nodes", "id"));
    for space in 0..2 {
        ids.extend(answer.texts(&format!("organization.spaces.nodes.{space}.documents.nodes"), "id"));
    }
    assert_eq!(ids.len(), 1 + 2 + 20);
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let answer = world.manager.query(query, json!({ "ids": ids })).await.well();
    assert_eq!(answer.texts("nodes", "id"), ids, "in the order that was asked for");
    assert_eq!(answer.statements(), 3);
    // The same id twice is asked for once.
    let twice = world.manager.query(query, json!({ "ids": [ids[0], ids[0], ids[0]] })).await.well();
    assert_eq!((twice.texts("nodes", "id").len(), twice.statements()), (3, 1));
}

#[tokio::test]
async fn lists_never_read_contents() {
    let world = World::new().await;
    furnish(&world, 2).await;
    world.database.run("REVOKE SELECT ON content.document_contents FROM trellis_server").await;
    let light = CANONICAL.replace("content { text }", "wordCount contentHash contentLength viewerCan");
    world.manager.query(&light, json!({ "slug": "acme" })).await.well();
    let search = "query($slug: String!) { organization(slug: $slug) { spaces(first: 5) { nodes { documents(first: 5, \
                  filter: { title: { contains: \"number\" } }) { totalCount nodes { title children(first: 5) { totalCount } } } } } } }";
    world.manager.query(search, json!({ "slug": "acme" })).await.well();
    let heavy = world.manager.query(CANONICAL, json!({ "slug": "acme" })).await;
    assert!(heavy.codes().contains(&"INTERNAL"), "the content itself cannot be read any more: {}", heavy.body);
}

#[tokio::test]
async fn the_viewer_takes_as_many_statements_as_it_is_asked_for() {
    let world = World::new().await;
    for (query, expected) in [
        ("{ viewer { user { id name email } } }", 1),
        ("{ viewer { user { id } version locale emailVerified createdAt } }", 2),
        ("{ viewer { personalSpace { id } } }", 1),
        ("{ viewer { organizations(first: 10) { nodes { slug } } } }", 1),
        ("{ viewer { settings { theme } } }", 1),
        ("{ viewer { documents(first: 10) { nodes { title } } } }", 1),
    ] {
        let answer = world.member.query(query, Value::Null).await.well();
        assert_eq!(answer.statements(), expected, "{query}");
    }
}
