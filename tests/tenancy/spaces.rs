//! Spaces: personal and shared, open and private, archived and gone.

use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn whoever_creates_a_space_manages_it() {
    let world = World::new().await;
    let input = json!({ "organizationId": world.acme, "name": "Studio", "slug": "studio", "privacy": "PRIVATE", "color": "#A1B2C3" });
    let fields = "space { name slug privacy defaultRole color isPersonal viewerRole organization { slug } members(first: 5) { nodes { role user { id } } } }";
    let answer = world.member.mutate_for("spaceCreate", fields, input).await.well();
    assert_eq!(
        answer.at("spaceCreate.space"),
        &json!({ "name": "Studio", "slug": "studio", "privacy": "PRIVATE", "defaultRole": "READER", "color": "#a1b2c3",
            "isPersonal": false, "viewerRole": "MANAGER", "organization": { "slug": "acme" },
            "members": { "nodes": [{ "role": "MANAGER", "user": { "id": world.member.id } }] } })
    );
}

#[tokio::test]
async fn what_is_no_space_is_refused() {
    let world = World::new().await;
    let before = world.database.digest().await;
    let long = "x".repeat(256);
    for (overrides, code, field) in [
        (json!({ "name": " " }), "NAME_REQUIRED", "name"),
        (json!({ "name": long }), "TEXT_INVALID", "name"),
        (json!({ "slug": "No Slug" }), "SLUG_INVALID", "slug"),
        (json!({ "slug": "lab" }), "SLUG_TAKEN", "slug"),
        (json!({ "color": "red" }), "TEXT_INVALID", "color"),
        (json!({ "icon": "x".repeat(65) }), "TEXT_INVALID", "icon"),
        (json!({ "defaultRole": "MANAGER" }), "ROLE_TOO_HIGH", "defaultRole"),
        (json!({ "id": world.vault }), "ID_TAKEN", "id"),
    ] {
        let mut input = json!({ "organizationId": world.acme, "name": "New", "slug": "new" });
        input.as_object_mut().expect("an object").extend(overrides.as_object().cloned().unwrap_or_default());
        world.owner.mutate("spaceCreate", input).await.refused(code, field);
    }
    assert_eq!(world.database.digest().await, before);
    // A slug is taken within its organization alone.
    world.stranger.space(&world.globex, "lab", json!({})).await;
}

#[tokio::test]
async fn an_open_space_gives_its_default_role_to_every_member_and_reading_to_viewers() {
    let world = World::new().await;
    let role = async |client: &crate::support::Client| {
        let query = "query($id: ID!) { node(id: $id) { ... on Space { viewerRole } } }";
        client.query(query, json!({ "id": world.handbook })).await.well().at("node.viewerRole").clone()
    };
    for default in ["READER", "COMMENTER", "EDITOR"] {
        world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "defaultRole": default })).await.well();
        assert_eq!(role(&world.member).await, default);
        assert_eq!(role(&world.viewer).await, "READER");
        assert_eq!(role(&world.owner).await, "MANAGER", "the higher role wins");
        for client in [&world.stranger, &world.suspended, &world.anonymous] {
            assert!(role(client).await.is_null());
        }
        let create = json!({ "spaceId": world.handbook, "title": "Mine" });
        let answer = world.member.mutate("documentCreate", create.clone()).await;
        if default == "EDITOR" {
            answer.well();
        } else {
            assert_eq!(answer.code(), "FORBIDDEN", "{default}");
        }
        assert_eq!(world.viewer.mutate("documentCreate", create).await.code(), "FORBIDDEN");
    }
    world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "privacy": "PRIVATE" })).await.well();
    for client in [&world.member, &world.viewer] {
        assert!(client.node(&world.handbook).await.is_null(), "a space that is closed is closed at once");
    }
}

#[tokio::test]
async fn an_admin_sees_a_private_space_but_reads_it_only_after_adding_itself_which_is_audited() {
    let world = World::new().await;
    let document = world.manager.document(&world.lab, json!({ "title": "Secret plan" })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Space { name viewerRole viewerCan tags(first: 5) { totalCount } \
                 documents(first: 5) { totalCount nodes { title } } } } }";
    for client in [&world.admin, &world.owner] {
        let answer = client.query(query, json!({ "id": world.lab })).await.well();
        assert_eq!(answer.text("node.name"), "lab");
        assert!(answer.at("node.viewerRole").is_null());
        assert_eq!(
            answer.at("node.viewerCan"),
            &json!(["READ", "EDIT", "ARCHIVE", "DELETE", "MANAGE_MEMBERS", "READ_MEMBERS"])
        );
        assert_eq!(answer.number("node.documents.totalCount"), 0);
        assert!(client.node(&document).await.is_null());
        assert_eq!(
            client.mutate("documentUpdate", json!({ "id": document, "title": "Mine" })).await.code(),
            "NOT_FOUND"
        );
        assert_eq!(
            client.mutate("documentCreate", json!({ "spaceId": world.lab, "title": "Mine" })).await.code(),
            "FORBIDDEN"
        );
    }
    world.admin.add_space_member(&world.lab, &world.admin, "READER").await;
    assert_eq!(world.admin.node(&document).await["id"], document);
    let sql = format!(
        "SELECT count(*) FROM audit.logs WHERE action = 'space_members.create' AND actor_id = '{0}' AND changes -> 'user_id' ->> 'new' = '{0}'",
        crate::support::uuid(&world.admin.id)
    );
    assert_eq!(world.database.number(&sql).await, 1);
}

#[tokio::test]
async fn an_archived_space_can_only_be_read() {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({ "tags": ["red"] })).await;
    assert_eq!(world.editor.mutate("spaceArchive", json!({ "id": world.lab })).await.code(), "FORBIDDEN");
    world.manager.mutate("spaceArchive", json!({ "id": world.lab })).await.well();
    for client in [&world.editor, &world.manager] {
        assert_eq!(client.node(&document).await["id"], document);
        for (mutation, input) in [
            ("documentUpdate", json!({ "id": document, "title": "Changed" })),
            ("documentTrash", json!({ "id": document })),
            ("documentCreate", json!({ "spaceId": world.lab, "title": "New" })),
            ("tagCreate", json!({ "spaceId": world.lab, "name": "New" })),
            ("documentTag", json!({ "id": document, "tags": ["blue"] })),
            ("spaceUpdate", json!({ "id": world.lab, "name": "New" })),
        ] {
            assert_eq!(client.mutate(mutation, input).await.code(), "FORBIDDEN", "{mutation}");
        }
    }
    world.manager.mutate("spaceUnarchive", json!({ "id": world.lab })).await.well();
    world.editor.mutate("documentUpdate", json!({ "id": document, "title": "Changed" })).await.well();
}

#[tokio::test]
async fn a_deleted_space_takes_its_documents_along_whoever_they_were_open_to() {
    let world = World::new().await;
    let mut documents = Vec::new();
    for visibility in ["PRIVATE", "SPACE", "ORGANIZATION", "PUBLIC"] {
        documents.push(world.manager.document(&world.lab, json!({ "visibility": visibility })).await);
    }
    world.manager.mutate("spaceDelete", json!({ "id": world.lab })).await.well();
    for (name, client) in world.viewers() {
        assert!(client.node(&world.lab).await.is_null(), "{name} finds the space");
        for (document, visibility) in documents.iter().zip(["private", "space", "organization", "public"]) {
            assert!(client.node(document).await.is_null(), "{name} finds the {visibility} document");
        }
    }
    let answer = world.manager.query("{ viewer { documents(first: 10) { totalCount } } }", Value::Null).await.well();
    assert_eq!(answer.number("viewer.documents.totalCount"), 0);
    assert_eq!(
        world.manager.mutate("documentUpdate", json!({ "id": documents[3], "title": "x" })).await.code(),
        "NOT_FOUND"
    );
    world.owner.space(&world.acme, "lab", json!({})).await;
}

#[tokio::test]
async fn the_personal_space_can_be_shared_and_neither_opened_nor_given_up() {
    let world = World::new().await;
    let space = world.personal_space(&world.member).await;
    let document = world.member.document(&space, json!({ "visibility": "SPACE" })).await;
    let before = world.database.digest().await;
    for mutation in ["spaceDelete", "spaceArchive"] {
        assert_eq!(world.member.mutate(mutation, json!({ "id": space })).await.code(), "FORBIDDEN", "{mutation}");
    }
    world
        .member
        .mutate("spaceUpdate", json!({ "id": space, "privacy": "OPEN" }))
        .await
        .refused("PERSONAL_SPACE", "privacy");
    world
        .member
        .mutate("spaceUpdate", json!({ "id": space, "projectId": world.rocket }))
        .await
        .refused("PERSONAL_SPACE", "projectId");
    let update = json!({ "id": document, "visibility": "ORGANIZATION" });
    world.member.mutate("documentUpdate", update).await.refused("PERSONAL_SPACE", "visibility");
    assert_eq!(world.database.digest().await, before);

    for client in [&world.owner, &world.admin, &world.stranger] {
        assert!(client.node(&space).await.is_null(), "no role in an organization opens it");
    }
    // Who has an account is told by nothing: a stranger is refused as nobody is, and as a colleague who was suspended.
    for (named, value) in [
        ("email", "stranger@acme.test"),
        ("email", "nobody@acme.test"),
        ("email", "suspended@acme.test"),
        ("userId", &world.stranger.id),
        ("userId", "user_01h455vb4pex5vsknk084sn02q"),
    ] {
        let mut input = json!({ "spaceId": space, "role": "READER" });
        input[named] = json!(value);
        world.member.mutate("spaceMemberAdd", input).await.refused("NOT_A_MEMBER", named);
    }
    world.member.add_space_member(&space, &world.editor, "EDITOR").await;
    world.editor.mutate("documentUpdate", json!({ "id": document, "title": "Together" })).await.well();
}

#[tokio::test]
async fn documents_of_a_personal_space_are_private_unless_their_author_says_otherwise() {
    let world = World::new().await;
    let space = world.personal_space(&world.member).await;
    world.member.add_space_member(&space, &world.editor, "EDITOR").await;
    let quiet = world.member.document(&space, json!({})).await;
    let shared = world.member.document(&space, json!({ "visibility": "SPACE" })).await;
    assert!(world.editor.node(&quiet).await.is_null());
    assert_eq!(world.editor.node(&shared).await["id"], shared);
}

#[tokio::test]
async fn a_space_decides_who_may_read_its_new_documents() {
    let world = World::new().await;
    let visibility = async |id: &str| {
        let query = "query($id: ID!) { node(id: $id) { ... on Document { visibility } } }";
        world.editor.query(query, json!({ "id": id })).await.well().text("node.visibility").to_owned()
    };
    let first = world.editor.document(&world.lab, json!({})).await;
    assert_eq!(visibility(&first).await, "SPACE");
    let input = json!({ "id": world.lab, "defaultDocumentVisibility": "PRIVATE" });
    world.manager.mutate("spaceUpdate", input).await.well();
    let second = world.editor.document(&world.lab, json!({})).await;
    assert_eq!((visibility(&first).await, visibility(&second).await), ("SPACE".to_owned(), "PRIVATE".to_owned()));
}

#[tokio::test]
async fn a_stale_space_is_a_conflict_that_shows_the_present_one() {
    let world = World::new().await;
    let input = json!({ "id": world.lab, "name": "Laboratory", "expectedVersion": 1 });
    world.manager.mutate("spaceUpdate", input).await.well();
    let stale = json!({ "id": world.lab, "name": "Other", "expectedVersion": 1 });
    let answer = world.manager.mutate_for("spaceUpdate", "space { name version }", stale).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(answer.at("spaceUpdate.space"), &json!({ "name": "Laboratory", "version": 2 }));
}
