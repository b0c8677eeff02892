//! Members of a space: whom a manager may add with which role, and that a manager remains.

use serde_json::json;

use crate::support::{Client, World, typed, uuid};

/// The id of somebody's membership of the lab.
async fn membership(world: &World, who: &Client) -> String {
    let sql = format!(
        "SELECT m.id FROM tenancy.space_members m JOIN tenancy.spaces s ON s.id = m.space_id \
         WHERE s.slug = 'lab' AND m.user_id = '{}'",
        uuid(&who.id)
    );
    typed("spm", world.database.row(&sql).await["id"].as_str().expect("an id"))
}

#[tokio::test]
async fn only_active_members_of_the_organization_enter_its_spaces() {
    let world = World::new().await;
    let add = |who: &Client, role: &str| json!({ "spaceId": world.handbook, "userId": who.id, "role": role });
    let before = world.database.digest().await;
    world.owner.mutate("spaceMemberAdd", add(&world.stranger, "READER")).await.refused("NOT_A_MEMBER", "userId");
    world.owner.mutate("spaceMemberAdd", add(&world.suspended, "READER")).await.refused("NOT_A_MEMBER", "userId");
    let by_mail = |email: &str| json!({ "spaceId": world.handbook, "email": email, "role": "READER" });
    let known = world.owner.mutate("spaceMemberAdd", by_mail("stranger@acme.test")).await;
    let unknown = world.owner.mutate("spaceMemberAdd", by_mail("nobody@acme.test")).await;
    assert_eq!(known.refusals(), ["NOT_A_MEMBER"]);
    assert_eq!(known.body, unknown.body, "whether somebody has an account is not told");
    assert_eq!(world.database.digest().await, before);
    world.owner.mutate("spaceMemberAdd", add(&world.member, "EDITOR")).await.well();
    world.owner.mutate("spaceMemberAdd", add(&world.member, "READER")).await.refused("ALREADY_MEMBER", "userId");
}

#[tokio::test]
async fn a_viewer_of_the_organization_is_never_more_than_a_reader() {
    let world = World::new().await;
    let document = world.manager.document(&world.lab, json!({})).await;
    for role in ["COMMENTER", "EDITOR", "MANAGER"] {
        let add = json!({ "spaceId": world.lab, "userId": world.viewer.id, "role": role });
        world.manager.mutate("spaceMemberAdd", add).await.refused("ROLE_TOO_HIGH", "role");
    }
    let id = world.manager.add_space_member(&world.lab, &world.viewer, "READER").await;
    let raise = json!({ "id": id, "role": "EDITOR" });
    world.manager.mutate("spaceMemberUpdate", raise).await.refused("ROLE_TOO_HIGH", "role");
    // Whatever stands in the database, such as a role from before they became a viewer.
    world.database.run(&format!("UPDATE tenancy.space_members SET role = 'manager' WHERE id = '{}'", uuid(&id))).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Space { viewerRole viewerCan } } }";
    let answer = world.viewer.query(query, json!({ "id": world.lab })).await.well();
    assert_eq!(answer.at("node"), &json!({ "viewerRole": "READER", "viewerCan": ["READ", "READ_MEMBERS"] }));
    assert_eq!(world.viewer.node(&document).await["id"], document);
    assert_eq!(
        world.viewer.mutate("documentUpdate", json!({ "id": document, "title": "x" })).await.code(),
        "FORBIDDEN"
    );
}

#[tokio::test]
async fn a_role_counts_from_the_next_request_and_ends_with_the_membership() {
    let world = World::new().await;
    let document = world.manager.document(&world.lab, json!({})).await;
    let update = json!({ "id": document, "title": "Changed" });
    let id = membership(&world, &world.reader).await;
    assert_eq!(world.reader.mutate("documentUpdate", update.clone()).await.code(), "FORBIDDEN");
    world.manager.mutate("spaceMemberUpdate", json!({ "id": id, "role": "EDITOR" })).await.well();
    world.reader.mutate("documentUpdate", update.clone()).await.well();
    world.manager.mutate("spaceMemberUpdate", json!({ "id": id, "role": "COMMENTER" })).await.well();
    assert_eq!(world.reader.mutate("documentUpdate", update.clone()).await.code(), "FORBIDDEN");
    world.manager.mutate("spaceMemberRemove", json!({ "id": id })).await.well();
    assert!(world.reader.node(&document).await.is_null());
    assert_eq!(world.reader.mutate("documentUpdate", update).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn the_last_manager_stays_unless_an_admin_says_otherwise() {
    let world = World::new().await;
    // The suspended one manages on paper only; take that away first.
    world.admin.mutate("spaceMemberRemove", json!({ "id": membership(&world, &world.suspended).await })).await.well();
    let id = membership(&world, &world.manager).await;
    world.manager.mutate("spaceLeave", json!({ "spaceId": world.lab })).await.refused("LAST_MANAGER", "");
    world.manager.mutate("spaceMemberUpdate", json!({ "id": id, "role": "EDITOR" })).await.refused("LAST_MANAGER", "");
    world.manager.mutate("spaceMemberRemove", json!({ "id": id })).await.refused("LAST_MANAGER", "");
    world.admin.mutate("spaceMemberUpdate", json!({ "id": id, "role": "EDITOR" })).await.well();
}

#[tokio::test]
async fn whoever_was_added_may_leave() {
    let world = World::new().await;
    world.reader.mutate("spaceLeave", json!({ "spaceId": world.lab })).await.well();
    assert!(world.reader.node(&world.lab).await.is_null());
    // Nobody was added to an open space by being a member of the organization.
    world.member.mutate("spaceLeave", json!({ "spaceId": world.handbook })).await.refused("NOT_A_MEMBER", "spaceId");
    assert_eq!(world.stranger.mutate("spaceLeave", json!({ "spaceId": world.lab })).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_grantee_is_named_once() {
    let world = World::new().await;
    for who in [
        json!({}),
        json!({ "userId": world.member.id, "email": "member@acme.test" }),
        json!({ "userId": world.member.id, "teamId": "team_01h455vb4pex5vsknk084sn02q" }),
    ] {
        let mut input = json!({ "spaceId": world.lab, "role": "READER" });
        input.as_object_mut().expect("an object").extend(who.as_object().cloned().unwrap_or_default());
        assert_eq!(world.manager.mutate("spaceMemberAdd", input).await.code(), "BAD_USER_INPUT");
    }
}
