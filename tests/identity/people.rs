//! Who knows whom: people who share an organization; others see a name at most.

use serde_json::{Value, json};

use crate::support::{Client, World};

const PERSON: &str =
    "query($id: ID!) { node(id: $id) { ... on User { name email firstName lastName company bio timezone } } }";

async fn person(client: &Client, id: &str) -> Value {
    client.query(PERSON, json!({ "id": id })).await.well().at("node").clone()
}

#[tokio::test]
async fn people_are_known_to_those_they_share_an_organization_with() {
    let world = World::new().await;
    for (name, client) in world.viewers() {
        let seen = person(client, &world.admin.id).await;
        if ["anonymous", "stranger", "suspended"].contains(&name) {
            assert!(seen.is_null(), "{name}: {seen}");
        } else {
            assert_eq!(seen["email"], "admin@acme.test", "{name}");
        }
    }
    assert_eq!(person(&world.stranger, &world.stranger.id).await["email"], "stranger@acme.test");
}

#[tokio::test]
async fn a_suspended_member_is_not_shown_by_id_any_more() {
    let world = World::new().await;
    assert!(person(&world.member, &world.suspended.id).await.is_null());
}

#[tokio::test]
async fn whoever_reads_a_public_document_learns_the_name_of_its_owner_and_no_more() {
    let world = World::new().await;
    let document = world.manager.document(&world.lab, json!({ "visibility": "PUBLIC" })).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { owner { id name email firstName company bio timezone } \
                 updatedBy { name email } } } }";
    for client in [&world.stranger, &world.anonymous] {
        let answer = client.query(query, json!({ "id": document })).await.well();
        assert_eq!(answer.text("node.owner.name"), "manager");
        for field in ["email", "firstName", "company", "bio", "timezone"] {
            assert!(answer.at("node.owner")[field].is_null(), "{field}: {}", answer.body);
        }
        assert!(answer.at("node.updatedBy.email").is_null());
    }
    let colleague = world.member.query(query, json!({ "id": document })).await.well();
    assert_eq!(colleague.text("node.owner.email"), "manager@acme.test");
}

#[tokio::test]
async fn nobody_is_a_viewer_without_a_token() {
    let world = World::new().await;
    let answer = world.anonymous.query("{ viewer { user { id } } }", Value::Null).await.well();
    assert!(answer.at("viewer").is_null());
}
