//! Who may read a document: its owner, its space, its organization, or anyone with the link; and who may change that.

use serde_json::{Value, json};

use crate::support::World;

/// Who finds the document, by name.
async fn readers(world: &World, id: &str) -> Vec<&'static str> {
    let mut readers = Vec::new();
    for (name, client) in world.viewers() {
        if !client.node(id).await.is_null() {
            readers.push(name);
        }
    }
    readers
}

#[tokio::test]
async fn each_visibility_opens_a_document_so_far_and_no_farther() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "visibility": "PRIVATE" })).await;
    let space = vec!["reader", "commenter", "editor", "manager"];
    let organization = vec![
        "viewer",
        "member",
        "reader",
        "commenter",
        "editor",
        "manager",
        "project viewer",
        "developer",
        "project admin",
        "admin",
        "owner",
    ];
    let mut everyone = vec!["anonymous", "stranger", "suspended"];
    everyone.extend(&organization);
    assert_eq!(readers(&world, &id).await, ["editor"]);
    for (visibility, expected) in
        [("SPACE", &space), ("ORGANIZATION", &organization), ("PUBLIC", &everyone), ("PRIVATE", &vec!["editor"])]
    {
        world.editor.mutate("documentUpdate", json!({ "id": id, "visibility": visibility })).await.well();
        assert_eq!(&readers(&world, &id).await, expected, "{visibility}");
    }
}

#[tokio::test]
async fn only_who_may_share_changes_who_may_read_and_only_the_owner_hides() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let theirs = world.manager.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    let change = |id: &str, visibility: &str| json!({ "id": id, "visibility": visibility });
    for visibility in ["PRIVATE", "ORGANIZATION", "PUBLIC"] {
        assert_eq!(
            world.editor.mutate("documentUpdate", change(&theirs, visibility)).await.code(),
            "FORBIDDEN",
            "{visibility}"
        );
        assert_eq!(
            world.reader.mutate("documentUpdate", change(&id, visibility)).await.code(),
            "FORBIDDEN",
            "{visibility}"
        );
    }
    assert_eq!(world.manager.mutate("documentUpdate", change(&id, "PRIVATE")).await.code(), "FORBIDDEN");
    assert_eq!(world.database.digest().await, before);
    world.editor.mutate("documentUpdate", change(&theirs, "SPACE")).await.well();
    world.manager.mutate("documentUpdate", change(&id, "PUBLIC")).await.well();
}

#[tokio::test]
async fn a_public_document_of_strangers_is_found_by_its_link_and_in_no_list() {
    let world = World::new().await;
    let id = world.stranger.document(&world.vault, json!({ "visibility": "PUBLIC", "title": "Open letter" })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { title content { text } viewerCan children(first: 5) { totalCount } parent { id } } } }";
    for client in [&world.anonymous, &world.owner] {
        let answer = client.query(query, json!({ "id": id })).await.well();
        assert_eq!(
            answer.at("node"),
            &json!({ "title": "Open letter", "content": { "text": "Some *text*." }, "viewerCan": ["READ"], "children": { "totalCount": 0 }, "parent": null })
        );
    }
    let lists = "{ viewer { documents(first: 9) { totalCount } organizations(first: 9) { nodes { spaces(first: 9) { nodes { documents(first: 9) { totalCount } } } } } } }";
    let answer = world.owner.query(lists, Value::Null).await.well();
    assert!(!answer.body.contains("\"totalCount\":1"), "{}", answer.body);
}

#[tokio::test]
async fn relatives_of_an_open_document_stay_hidden() {
    let world = World::new().await;
    let parent = world.manager.document(&world.lab, json!({ "visibility": "SPACE", "title": "hidden parent" })).await;
    let open = world.manager.document(&world.lab, json!({ "visibility": "PUBLIC", "parentId": parent })).await;
    world
        .manager
        .document(&world.lab, json!({ "visibility": "SPACE", "parentId": open, "title": "hidden child" }))
        .await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { parent { title } children(first: 5) { totalCount nodes { title } } space { name } } } }";
    for client in [&world.anonymous, &world.stranger, &world.member] {
        let answer = client.query(query, json!({ "id": open })).await.well();
        assert_eq!(
            answer.at("node"),
            &json!({ "parent": null, "children": { "totalCount": 0, "nodes": [] }, "space": null })
        );
    }
    let answer = world.reader.query(query, json!({ "id": open })).await.well();
    assert_eq!(answer.number("node.children.totalCount"), 1);
    assert_eq!(answer.text("node.parent.title"), "hidden parent");
}

#[tokio::test]
async fn an_owner_who_lost_their_role_loses_what_is_theirs() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "visibility": "PRIVATE" })).await;
    world
        .database
        .run("DELETE FROM tenancy.space_members USING identity.users u WHERE u.id = space_members.user_id AND u.email = 'editor@acme.test'")
        .await;
    assert!(world.editor.node(&id).await.is_null());
    assert_eq!(world.editor.mutate("documentUpdate", json!({ "id": id, "title": "x" })).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn an_owner_who_may_only_read_the_space_may_only_read_what_is_theirs() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    world.database.run("UPDATE tenancy.space_members SET role = 'reader' WHERE role = 'editor'").await;
    assert_eq!(world.editor.node(&id).await["id"], id);
    for (mutation, input) in
        [("documentUpdate", json!({ "id": id, "title": "x" })), ("documentTrash", json!({ "id": id }))]
    {
        assert_eq!(world.editor.mutate(mutation, input).await.code(), "FORBIDDEN");
    }
}
