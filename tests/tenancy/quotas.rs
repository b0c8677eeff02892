//! What a project may hold: as much as its quotas say, also for many at once, and the refusal names the quota.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

/// Limits the project rocket, to which the handbook is attached.
async fn limited(quotas: Value) -> World {
    let world = World::new().await;
    world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "projectId": world.rocket })).await.well();
    limit(&world, quotas).await;
    world
}

async fn limit(world: &World, mut quotas: Value) {
    quotas["id"] = json!(world.rocket);
    world.project_admin.mutate("projectUpdate", quotas).await.well();
}

async fn write(world: &World, content: &str) -> Answer {
    let input = json!({ "spaceId": world.handbook, "title": "A page", "content": content });
    world.owner.mutate("documentCreate", input).await
}

#[track_caller]
fn exceeded(answer: &Answer, quota: &str, field: &str) {
    answer.refused("QUOTA_EXCEEDED", field);
    assert!(answer.body.contains(quota), "{}", answer.body);
}

#[tokio::test]
async fn a_project_takes_as_many_members_as_it_may_and_keeps_those_it_has() {
    let world = limited(json!({ "maxMembers": 5 })).await;
    let add = async |who: &Client| {
        let input = json!({ "projectId": world.rocket, "userId": who.id, "role": "VIEWER" });
        world.project_admin.mutate("projectMemberAdd", input).await
    };
    add(&world.member).await.well();
    exceeded(&add(&world.reader).await, "maxMembers", "projectId");
    limit(&world, json!({ "maxMembers": 1 })).await;
    assert_eq!(world.member.node(&world.rocket).await["id"], world.rocket, "who is in it stays");
    limit(&world, json!({ "maxMembers": null })).await;
    add(&world.reader).await.well();
}

#[tokio::test]
async fn the_spaces_of_a_project_hold_as_many_documents_as_it_may_also_of_many_at_once() {
    let world = limited(json!({ "maxDocuments": 3 })).await;
    let answers = join_all((0..6).map(|_| write(&world, "Text."))).await;
    let refused: Vec<&Answer> = answers.iter().filter(|answer| !answer.refusals().is_empty()).collect();
    assert_eq!(refused.len(), 3, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
    refused.iter().for_each(|answer| exceeded(answer, "maxDocuments", "spaceId"));
    // What is in the trash is still there.
    let first = answers.iter().find(|answer| answer.refusals().is_empty()).expect("one of three");
    let id = first.text("documentCreate.document.id");
    world.owner.mutate("documentTrash", json!({ "id": id })).await.well();
    exceeded(&write(&world, "Text.").await, "maxDocuments", "spaceId");
    world.owner.mutate("documentDelete", json!({ "id": id })).await.well();
    write(&world, "Text.").await.well();
    // Other spaces have their own room.
    world.editor.document(&world.lab, json!({})).await;
}

#[tokio::test]
async fn the_content_of_a_project_grows_as_far_as_it_may_and_shrinks_always() {
    let world = limited(json!({ "maxContentBytes": 100 })).await;
    let answer = write(&world, &"ü".repeat(30)).await.well();
    let id = answer.text("documentCreate.document.id");
    exceeded(&write(&world, &"x".repeat(41)).await, "maxContentBytes", "spaceId");
    let change = async |length: usize| {
        world.owner.mutate("documentUpdate", json!({ "id": id, "content": "x".repeat(length) })).await
    };
    change(100).await.well();
    exceeded(&change(101).await, "maxContentBytes", "content");
    world.owner.mutate("documentUpdate", json!({ "id": id, "title": "Renamed" })).await.well();
    limit(&world, json!({ "maxContentBytes": 10 })).await;
    change(50).await.well();
    exceeded(&change(51).await, "maxContentBytes", "content");
    limit(&world, json!({ "maxContentBytes": null })).await;
    change(1_000).await.well();
}

#[tokio::test]
async fn a_space_is_attached_only_where_there_is_room_for_what_it_holds() {
    let world = World::new().await;
    for _ in 0..2 {
        world.owner.document(&world.handbook, json!({ "content": "Ten bytes." })).await;
    }
    let attach =
        async || world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "projectId": world.rocket })).await;
    limit(&world, json!({ "maxDocuments": 1 })).await;
    exceeded(&attach().await, "maxDocuments", "projectId");
    limit(&world, json!({ "maxDocuments": 2, "maxContentBytes": 19 })).await;
    exceeded(&attach().await, "maxContentBytes", "projectId");
    limit(&world, json!({ "maxContentBytes": 20 })).await;
    attach().await.well();
    // It takes no more room for being there already.
    attach().await.well();
    let usage = "query($id: ID!) { node(id: $id) { ... on Project { usage { members documents contentBytes } } } }";
    for (name, client) in world.viewers() {
        let answer = client.query(usage, json!({ "id": world.rocket })).await.well();
        let told = answer.at("node.usage");
        if ["owner", "admin", "project admin"].contains(&name) {
            assert_eq!(*told, json!({ "members": 4, "documents": 2, "contentBytes": 20.0 }), "{name}");
        } else {
            assert!(told.is_null(), "{name}: {told}");
        }
    }
}

#[tokio::test]
async fn what_is_no_quota_is_refused() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for (field, value) in [
        ("maxMembers", json!(-1)),
        ("maxMembers", json!(1_000_001)),
        ("maxDocuments", json!(-1)),
        ("maxDocuments", json!(1_000_000_001)),
        ("maxContentBytes", json!(-1.0)),
        ("maxContentBytes", json!(0.5)),
        ("maxContentBytes", json!(1e13)),
    ] {
        let input = json!({ "id": world.rocket, field: value });
        world.owner.mutate("projectUpdate", input).await.refused("OUT_OF_RANGE", field);
    }
    assert_eq!(world.database.digest().await, before);
}
