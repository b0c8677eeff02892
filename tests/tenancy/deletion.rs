//! Deleting: what it takes along is told before, to those who may; what was deleted is kept for a while and then removed.

use api::platform::upkeep;
use serde_json::{Value, json};

use crate::support::{World, uuid};

#[tokio::test]
async fn the_consequences_of_deleting_are_told_to_those_who_may_delete() {
    let world = World::new().await;
    for title in ["One", "Two", "Three"] {
        world.manager.document(&world.lab, json!({ "title": title, "visibility": "PRIVATE" })).await;
    }
    let trashed = world.manager.document(&world.lab, json!({})).await;
    world.manager.mutate("documentTrash", json!({ "id": trashed })).await.well();
    world.manager.tag(&world.lab, "red").await;
    world.owner.team(&world.acme, "crew").await;
    world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "projectId": world.rocket })).await.well();
    world.admin.mutate("invitationCreate", json!({ "organizationId": world.acme, "role": "VIEWER" })).await.well();
    let query = "query($org: ID!, $project: ID!, $space: ID!) { \
        org: node(id: $org) { ... on Organization { deletionImpact { members teams projects spaces documents invitations } } } \
        project: node(id: $project) { ... on Project { deletionImpact { members detachedSpaces } } } \
        space: node(id: $space) { ... on Space { deletionImpact { members documents tags joinRequests } } } }";
    let variables = json!({ "org": world.acme, "project": world.rocket, "space": world.lab });
    let told = world.owner.query(query, variables.clone()).await.well();
    assert_eq!(
        *told.at("org.deletionImpact"),
        json!({ "members": 12, "teams": 1, "projects": 1, "spaces": 2, "documents": 3, "invitations": 1 })
    );
    assert_eq!(*told.at("project.deletionImpact"), json!({ "members": 4, "detachedSpaces": 1 }));
    assert_eq!(*told.at("space.deletionImpact"), json!({ "members": 5, "documents": 3, "tags": 1, "joinRequests": 0 }));
    for (name, client) in world.viewers() {
        let answer = client.query(query, variables.clone()).await.well();
        for (object, allowed) in [
            ("org", vec!["owner"]),
            ("project", vec!["owner", "admin", "project admin"]),
            ("space", vec!["owner", "admin", "manager"]),
        ] {
            let told = answer.at(&format!("{object}.deletionImpact")).is_object();
            assert_eq!(told, allowed.contains(&name), "{name}: {object}");
        }
    }
}

async fn rows(world: &World) -> Vec<i64> {
    let mut counts = Vec::new();
    for table in [
        "tenancy.organizations",
        "tenancy.projects",
        "tenancy.spaces",
        "content.documents",
        "tenancy.members",
        "content.tags",
    ] {
        counts.push(world.database.number(&format!("SELECT count(*) FROM {table}")).await);
    }
    counts
}

#[tokio::test]
async fn what_was_deleted_is_removed_for_good_after_its_time_and_not_before() {
    let world = World::new().await;
    world.manager.document(&world.lab, json!({ "tags": ["red"] })).await;
    let kept = world.stranger.document(&world.vault, json!({})).await;
    let all = rows(&world).await;
    world.owner.mutate("organizationDelete", json!({ "id": world.acme })).await.well();
    assert_eq!(rows(&world).await, all, "it can still be brought back by hand");
    let entries = "SELECT count(*) FROM audit.logs WHERE organization_id IS NOT NULL AND action NOT LIKE '%.delete'";
    let before = world.database.number(entries).await;
    let platform = world.server.platform();
    upkeep::once(platform, api::app::CHORES).await.expect("upkeep");
    assert_eq!(rows(&world).await, all);
    let long_ago = format!(
        "UPDATE tenancy.organizations SET deleted_at = now() - interval '29 days' WHERE id = '{0}'; \
         UPDATE tenancy.spaces SET deleted_at = now() - interval '29 days' WHERE organization_id = '{0}'",
        uuid(&world.acme)
    );
    world.database.run(&long_ago).await;
    upkeep::once(platform, api::app::CHORES).await.expect("upkeep");
    assert_eq!(rows(&world).await, all, "a day too early");
    world.database.run(&long_ago.replace("29", "31")).await;
    let done = upkeep::once(platform, api::app::CHORES).await.expect("upkeep");
    // A document, two spaces and the organization, which takes its project and everything else along.
    assert!(done.to_string().contains(", 4 things deleted long ago"), "{done}");
    // What is left: globex with its owner and space, the personal spaces, and the document of globex.
    assert_eq!(rows(&world).await, [1, 0, all[2] - 2, 1, 1, 0]);
    assert_eq!(world.stranger.node(&kept).await["id"], kept);
    assert!(world.database.number(entries).await >= before, "the log stays");
    let by = "SELECT DISTINCT actor_type FROM audit.logs WHERE action = 'organizations.delete'";
    assert_eq!(world.database.row(by).await["actor_type"], "system");
}

#[tokio::test]
async fn a_project_and_a_space_are_removed_by_themselves() {
    let world = World::new().await;
    world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "projectId": world.rocket })).await.well();
    world.owner.mutate("projectDelete", json!({ "id": world.rocket })).await.well();
    world.owner.mutate("spaceDelete", json!({ "id": world.lab })).await.well();
    world
        .database
        .run(
            "UPDATE tenancy.projects SET deleted_at = now() - interval '31 days' WHERE deleted_at IS NOT NULL; \
                        UPDATE tenancy.spaces SET deleted_at = now() - interval '31 days' WHERE deleted_at IS NOT NULL",
        )
        .await;
    upkeep::once(world.server.platform(), api::app::CHORES).await.expect("upkeep");
    assert_eq!(world.database.number("SELECT count(*) FROM tenancy.projects").await, 0);
    assert_eq!(world.database.number("SELECT count(*) FROM tenancy.spaces WHERE slug IN ('lab', 'handbook')").await, 1);
    let query = "query($id: ID!) { node(id: $id) { ... on Space { slug project { id } } } }";
    let left = world.member.query(query, json!({ "id": world.handbook })).await.well();
    assert_eq!(*left.at("node"), json!({ "slug": "handbook", "project": Value::Null }));
}
