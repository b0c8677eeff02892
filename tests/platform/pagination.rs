//! Lists in pages: every row once, forward and backward, whatever is added meanwhile.

use std::collections::{HashMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::{Value, json};

use crate::support::{Client, World, uuid};

/// The orders of documents, with the column of each and whether it goes down.
const ORDERS: [(&str, &str, bool); 7] = [
    ("UPDATED_AT_DESC", "updated_at", true),
    ("UPDATED_AT_ASC", "updated_at", false),
    ("CREATED_AT_DESC", "created_at", true),
    ("CREATED_AT_ASC", "created_at", false),
    ("TITLE_ASC", "title", false),
    ("TITLE_DESC", "title", true),
    ("POSITION_ASC", "position", false),
];

const DOCUMENTS: &str = "query($space: ID!, $order: DocumentOrder!, $first: Int, $after: String, $last: Int, $before: String) { \
    node(id: $space) { ... on Space { documents(first: $first, after: $after, last: $last, before: $before, orderBy: $order) { \
    nodes { id } edges { cursor node { id } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } totalCount } } } }";

/// Rows with few different values in every sortable column, so that ties are common; every fourth is hidden.
async fn scatter(world: &World, rows: &[u8]) {
    let values: Vec<String> = rows
        .iter()
        .map(|row| {
            let title = ["Alpha", "alpha", "Äther", "Beta", "beta 2", "中", " x", "z:z"][usize::from(row % 8)];
            let hour = row % 5;
            let visibility = if row % 4 == 3 { "private" } else { "space" };
            format!(
                "(gen_random_uuid(), '{}', '{}', '{title}', 'a{}', '{visibility}', \
                 '2026-01-01 0{hour}:00Z', '2026-02-01 0{}:00:00.123456Z')",
                uuid(&world.lab),
                uuid(&world.manager.id),
                row % 3,
                row % 4,
            )
        })
        .collect();
    if !values.is_empty() {
        let sql = format!(
            "INSERT INTO content.documents (id, space_id, owner_id, title, position, visibility, created_at, updated_at) \
             VALUES {}",
            values.join(", ")
        );
        world.database.run(&sql).await;
    }
}

/// The documents of the lab that the reader may see, in the order of PostgreSQL.
async fn expected(world: &World, column: &str, descending: bool) -> Vec<String> {
    let direction = if descending { "DESC" } else { "ASC" };
    let sql = format!(
        "SELECT id FROM content.documents WHERE space_id = '{}' AND visibility = 'space' \
         ORDER BY {column} {direction}, id {direction}",
        uuid(&world.lab)
    );
    let rows = world.database.rows(&sql).await;
    rows.iter().map(|row| crate::support::typed("doc", row["id"].as_str().expect("an id"))).collect()
}

/// Pages through the lab; between two pages more rows are added.
async fn walk(
    world: &World,
    order: &str,
    size: usize,
    backward: bool,
    mut added: std::slice::Iter<'_, Vec<u8>>,
) -> Vec<String> {
    let mut seen: Vec<String> = Vec::new();
    let mut cursor = Value::Null;
    loop {
        let variables = if backward {
            json!({ "space": world.lab, "order": order, "last": size, "before": cursor })
        } else {
            json!({ "space": world.lab, "order": order, "first": size, "after": cursor })
        };
        let answer = world.reader.query(DOCUMENTS, variables).await.well();
        let page = answer.texts("node.documents.nodes", "id");
        let (more, next) = if backward { ("hasPreviousPage", "startCursor") } else { ("hasNextPage", "endCursor") };
        let more = answer.at(&format!("node.documents.pageInfo.{more}")).as_bool().expect("a flag");
        if more {
            assert_eq!(page.len(), size, "a page that is not the last is full, whatever is hidden");
        }
        assert!(page.len() <= size);
        if backward {
            seen.splice(0..0, page);
        } else {
            seen.extend(page);
        }
        if !more {
            return seen;
        }
        cursor = answer.at(&format!("node.documents.pageInfo.{next}")).clone();
        if let Some(rows) = added.next() {
            scatter(world, rows).await;
        }
    }
}

#[test]
fn pages_visit_each_row_once_while_others_are_added() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let world = runtime.block_on(World::new());
    let inputs = (
        0..ORDERS.len(),
        1..=9_usize,
        any::<bool>(),
        prop::collection::vec(any::<u8>(), 0..30),
        prop::collection::vec(prop::collection::vec(any::<u8>(), 0..4), 0..6),
    );
    let config = Config { cases: 40, failure_persistence: None, max_shrink_iters: 60, ..Config::default() };
    let checked = TestRunner::new(config).run(&inputs, |(order, size, backward, rows, added)| {
        let (order, column, descending) = ORDERS[order];
        runtime.block_on(async {
            world.database.run("DELETE FROM content.documents").await;
            scatter(&world, &rows).await;
            let before = expected(&world, column, descending).await;
            let seen = walk(&world, order, size, backward, added.iter()).await;
            let after = expected(&world, column, descending).await;
            let unique: HashSet<&String> = seen.iter().collect();
            prop_assert_eq!(unique.len(), seen.len(), "a row came twice");
            for id in &before {
                prop_assert!(unique.contains(id), "a row was passed over");
            }
            let place: HashMap<&String, usize> = after.iter().enumerate().map(|(place, id)| (id, place)).collect();
            let places: Vec<usize> = seen.iter().map(|id| place[id]).collect();
            prop_assert!(places.is_sorted(), "the rows are out of order: {:?}", places);
            Ok::<(), TestCaseError>(())
        })
    });
    runtime.block_on(async move { drop(world) });
    if let Err(failure) = checked {
        panic!("{failure}");
    }
}

#[tokio::test]
async fn edges_nodes_and_page_info_speak_of_the_same_rows() {
    let world = World::new().await;
    scatter(&world, &(0..20).collect::<Vec<u8>>()).await;
    let all = expected(&world, "title", false).await;
    assert_eq!(all.len(), 15);
    let ask = async |arguments: Value| {
        let mut variables = json!({ "space": world.lab, "order": "TITLE_ASC" });
        variables.as_object_mut().expect("an object").extend(arguments.as_object().cloned().unwrap_or_default());
        world.reader.query(DOCUMENTS, variables).await.well()
    };
    let page = ask(json!({ "first": 5 })).await;
    let connection = page.at("node.documents");
    assert_eq!(page.texts("node.documents.nodes", "id"), &all[..5]);
    assert_eq!(page.texts("node.documents.edges", "node.id"), &all[..5]);
    assert_eq!(connection["pageInfo"]["startCursor"], connection["edges"][0]["cursor"]);
    assert_eq!(connection["pageInfo"]["endCursor"], connection["edges"][4]["cursor"]);
    assert_eq!(connection["totalCount"], 15, "what is hidden is not counted");
    assert_eq!(
        (&connection["pageInfo"]["hasNextPage"], &connection["pageInfo"]["hasPreviousPage"]),
        (&json!(true), &json!(false))
    );

    // Any edge's cursor is a place, and a page may stand between two of them.
    let cursors = page.texts("node.documents.edges", "cursor");
    let middle = ask(json!({ "first": 10, "after": cursors[0], "before": cursors[4] })).await;
    assert_eq!(middle.texts("node.documents.nodes", "id"), &all[1..4]);
    let last = ask(json!({ "last": 2, "after": cursors[0], "before": cursors[4] })).await;
    assert_eq!(last.texts("node.documents.nodes", "id"), &all[2..4]);
    assert_eq!(last.at("node.documents.pageInfo.hasPreviousPage"), true);
    let end = ask(json!({ "last": 3 })).await;
    assert_eq!(end.texts("node.documents.nodes", "id"), &all[12..]);
    assert_eq!(end.at("node.documents.pageInfo.hasNextPage"), false);
    let beyond = ask(json!({ "first": 3, "after": end.text("node.documents.pageInfo.endCursor") })).await;
    assert!(beyond.list("node.documents.nodes").is_empty());
    assert!(beyond.at("node.documents.pageInfo.startCursor").is_null());
    assert_eq!(beyond.at("node.documents.pageInfo.hasNextPage"), false);
}

#[tokio::test]
async fn a_cursor_outlives_its_row() {
    let world = World::new().await;
    scatter(&world, &[0, 1, 2, 4, 5, 6]).await;
    let all = expected(&world, "title", false).await;
    let variables = json!({ "space": world.lab, "order": "TITLE_ASC", "first": 3 });
    let page = world.reader.query(DOCUMENTS, variables).await.well();
    world.database.run(&format!("DELETE FROM content.documents WHERE id = '{}'", uuid(&all[2]))).await;
    let after = page.text("node.documents.pageInfo.endCursor");
    let variables = json!({ "space": world.lab, "order": "TITLE_ASC", "first": 3, "after": after });
    let next = world.reader.query(DOCUMENTS, variables).await.well();
    assert_eq!(next.texts("node.documents.nodes", "id"), &all[3..6]);
}

#[tokio::test]
async fn a_cursor_of_another_order_is_refused() {
    let world = World::new().await;
    scatter(&world, &[0, 1, 2, 4, 5, 6]).await;
    for (order, column, _) in ORDERS {
        let variables = json!({ "space": world.lab, "order": order, "first": 3 });
        let cursor =
            world.reader.query(DOCUMENTS, variables).await.well().text("node.documents.pageInfo.endCursor").to_owned();
        for (other, other_column, _) in ORDERS {
            if column == other_column {
                continue;
            }
            for (size, place) in [("first", "after"), ("last", "before")] {
                let variables = json!({ "space": world.lab, "order": other, size: 3, place: cursor });
                let answer = world.reader.query(DOCUMENTS, variables).await;
                assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{order} in {other}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn a_forged_cursor_is_refused_or_harmless() {
    let world = World::new().await;
    scatter(&world, &[0, 1, 2]).await;
    // Base64 of "<uuid>:t<not a number>", "<uuid>:t9999999999999999999", "<uuid>:", ":sx" and of bytes that are no text.
    for cursor in [
        "MDE4OTBhNWRhYzk2Nzc0YmJjY2ViMzAyMDk5YTgwNTc6dHg",
        "MDE4OTBhNWRhYzk2Nzc0YmJjY2ViMzAyMDk5YTgwNTc6dDk5OTk5OTk5OTk5OTk5OTk5OTk",
        "MDE4OTBhNWRhYzk2Nzc0YmJjY2ViMzAyMDk5YTgwNTc6",
        "OnN4",
        "_____w",
        "MDE4OTBhNWRhYzk2Nzc0YmJjY2ViMzAyMDk5YTgwNTc6c2EAYg",
    ] {
        let variables = json!({ "space": world.lab, "order": "TITLE_ASC", "first": 3, "after": cursor });
        let answer = world.reader.query(DOCUMENTS, variables).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{cursor}: {}", answer.body);
    }
    // Base64 of "<uuid>:updated_at:t<before the calendar of PostgreSQL>", and of "<uuid>:title:s" with a NUL behind it.
    for (order, cursor) in [
        ("UPDATED_AT_DESC", "MDE4OTBhNWRhYzk2Nzc0YmJjY2ViMzAyMDk5YTgwNTc6dXBkYXRlZF9hdDp0LTIxMDg2NjgwMzIwMDAwMDAwMQ"),
        ("UPDATED_AT_DESC", "MDE4OTBhNWRhYzk2Nzc0YmJjY2ViMzAyMDk5YTgwNTc6dXBkYXRlZF9hdDp0LTgzMzQ2MDEyMjg4MDAwMDAwMDA"),
        ("TITLE_ASC", "MDE4OTBhNWRhYzk2Nzc0YmJjY2ViMzAyMDk5YTgwNTc6dGl0bGU6c2EAYg"),
    ] {
        let variables = json!({ "space": world.lab, "order": order, "first": 3, "after": cursor });
        let answer = world.reader.query(DOCUMENTS, variables).await;
        assert_eq!(answer.codes(), ["BAD_USER_INPUT"], "{order}: {}", answer.body);
        assert!(answer.body.contains("after"), "{}", answer.body);
    }
}

/// The names in a connection, page by page, forward and then backward. `PAGE` stands for the arguments in the query.
async fn names(client: &Client, query: &str, connection: &str, name: &str) -> [Vec<String>; 2] {
    let mut ways = [Vec::new(), Vec::new()];
    for (seen, (size, place, more, next)) in ways
        .iter_mut()
        .zip([("first", "after", "hasNextPage", "endCursor"), ("last", "before", "hasPreviousPage", "startCursor")])
    {
        let mut arguments = format!("{size}: 2");
        loop {
            let page = format!("({arguments}) {{ nodes {{ {name} }} pageInfo {{ {more} {next} }} }}");
            let answer = client.query(&query.replace("PAGE", &page), Value::Null).await.well();
            let path = name.replace(" { ", ".").replace(" }", "");
            let found = answer.texts(&format!("{connection}.nodes"), &path);
            if size == "last" {
                seen.splice(0..0, found);
            } else {
                seen.extend(found);
            }
            if answer.at(&format!("{connection}.pageInfo.{more}")) == false {
                break;
            }
            arguments = format!("{size}: 2, {place}: \"{}\"", answer.text(&format!("{connection}.pageInfo.{next}")));
        }
    }
    ways
}

#[tokio::test]
async fn every_connection_pages_both_ways() {
    let world = World::new().await;
    for name in ["e", "c", "a", "d", "b"] {
        world.owner.space(&world.acme, &format!("space-{name}"), json!({})).await;
        world.owner.project(&world.acme, &format!("project-{name}")).await;
        world.owner.organization(&format!("organization-{name}")).await;
    }
    for other in [&world.member, &world.commenter, &world.editor, &world.reader] {
        world.owner.add_project_member(&world.rocket, other, "VIEWER").await;
    }
    let tags = ["tag-d", "tag-b", "tag-a", "tag-e", "tag-c"];
    let document = world.owner.document(&world.handbook, json!({ "tags": tags })).await;
    for title in ["one", "two", "three", "four", "five"] {
        world.owner.document(&world.handbook, json!({ "title": title, "parentId": document })).await;
    }
    let in_acme = |field: &str| format!("{{ organization(slug: \"acme\") {{ {field} PAGE }} }}");
    let in_node =
        |id: &str, kind: &str, field: &str| format!("{{ node(id: \"{id}\") {{ ... on {kind} {{ {field} PAGE }} }} }}");
    let named = |prefix: &str, extra: &[&str]| -> Vec<String> {
        let mut all: Vec<String> = ["a", "b", "c", "d", "e"].iter().map(|name| format!("{prefix}-{name}")).collect();
        all.extend(extra.iter().map(|name| (*name).to_owned()));
        all.sort();
        all
    };
    let people = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<String>>();
    for (what, client, query, connection, name, expected) in [
        (
            "organizations of the viewer",
            &world.owner,
            "{ viewer { organizations PAGE } }".to_owned(),
            "viewer.organizations",
            "name",
            named("organization", &["acme"]),
        ),
        (
            "spaces of an organization",
            &world.owner,
            in_acme("spaces"),
            "organization.spaces",
            "name",
            named("space", &["handbook", "lab"]),
        ),
        (
            "projects of an organization",
            &world.owner,
            in_acme("projects"),
            "organization.projects",
            "name",
            named("project", &["rocket"]),
        ),
        (
            "members of an organization",
            &world.owner,
            in_acme("members"),
            "organization.members",
            "user { name }",
            people(&[
                "owner",
                "admin",
                "member",
                "viewer",
                "suspended",
                "reader",
                "commenter",
                "editor",
                "manager",
                "project-viewer",
                "developer",
                "project-admin",
            ]),
        ),
        (
            "members of a space",
            &world.manager,
            in_node(&world.lab, "Space", "members"),
            "node.members",
            "user { name }",
            people(&["manager", "reader", "commenter", "editor", "suspended"]),
        ),
        (
            "members of a project",
            &world.developer,
            in_node(&world.rocket, "Project", "members"),
            "node.members",
            "user { name }",
            people(&[
                "owner",
                "project-viewer",
                "developer",
                "project-admin",
                "member",
                "commenter",
                "editor",
                "reader",
            ]),
        ),
        (
            "tags of a space",
            &world.member,
            in_node(&world.handbook, "Space", "tags"),
            "node.tags",
            "name",
            named("tag", &[]),
        ),
        (
            "tags of a document",
            &world.member,
            in_node(&document, "Document", "tags"),
            "node.tags",
            "name",
            named("tag", &[]),
        ),
        (
            "children of a document",
            &world.member,
            in_node(&document, "Document", "children"),
            "node.children",
            "title",
            people(&["one", "two", "three", "four", "five"]),
        ),
    ] {
        let [forward, backward] = names(client, &query, connection, name).await;
        assert_eq!(forward, expected, "{what}");
        assert_eq!(backward, expected, "{what}, backward");
    }
}

#[tokio::test]
async fn spaces_of_a_project_page_both_ways() {
    let world = World::new().await;
    for name in ["c", "a", "b"] {
        world.owner.space(&world.acme, &format!("space-{name}"), json!({ "projectId": world.rocket })).await;
    }
    let query = format!("{{ node(id: \"{}\") {{ ... on Project {{ spaces PAGE }} }} }}", world.rocket);
    let [forward, backward] = names(&world.developer, &query, "node.spaces", "name").await;
    assert_eq!(forward, ["space-c", "space-a", "space-b"], "in the order they were created");
    assert_eq!(backward, forward);
}
