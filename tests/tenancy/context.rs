//! Where a session works: chosen for one session, returned on the viewer, and gone with the access.

use serde_json::{Value, json};

use crate::support::{Client, PASSWORD, World, typed, uuid};

async fn place(client: &Client) -> Value {
    let query = "{ viewer { activeOrganization { slug } activeSpace { slug } } }";
    let answer = client.query(query, Value::Null).await.well();
    json!([answer.at("viewer.activeOrganization.slug"), answer.at("viewer.activeSpace.slug")])
}

async fn set(client: &Client, input: Value) -> Value {
    let fields = "viewer { activeOrganization { slug } activeSpace { slug } }";
    let answer = client.mutate_for("activeContextSet", fields, input).await.well();
    let chosen = answer.at("activeContextSet.viewer");
    let chosen = json!([chosen["activeOrganization"]["slug"], chosen["activeSpace"]["slug"]]);
    assert_eq!(chosen, place(client).await, "the answer is what is read next");
    chosen
}

#[tokio::test]
async fn a_session_remembers_where_it_works_and_no_other_does() {
    let world = World::new().await;
    assert_eq!(place(&world.reader).await, json!([null, null]));
    assert_eq!(set(&world.reader, json!({ "organizationId": world.acme })).await, json!(["acme", null]));
    assert_eq!(set(&world.reader, json!({ "spaceId": world.lab })).await, json!(["acme", "lab"]));
    let personal = world.personal_space(&world.reader).await;
    let sign_in = json!({ "email": "reader@acme.test", "password": PASSWORD });
    let other = world.anonymous.mutate_for("signIn", "accessToken", sign_in).await.well();
    let other = world.anonymous.with_token(Some(other.text("signIn.accessToken")));
    assert_eq!(place(&other).await, json!([null, null]));
    assert_eq!(set(&other, json!({ "spaceId": personal })).await, json!([null, "personal"]));
    assert_eq!(place(&world.reader).await, json!(["acme", "lab"]));
    assert_eq!(set(&world.reader, json!({})).await, json!([null, null]));
    assert_eq!(world.anonymous.mutate("activeContextSet", json!({})).await.code(), "UNAUTHENTICATED");
}

#[tokio::test]
async fn only_what_is_seen_can_be_chosen() {
    let world = World::new().await;
    set(&world.member, json!({ "organizationId": world.acme })).await;
    let before = world.database.digest().await;
    for input in
        [json!({ "spaceId": world.lab }), json!({ "organizationId": world.globex }), json!({ "spaceId": world.vault })]
    {
        assert_eq!(world.member.mutate("activeContextSet", input).await.code(), "NOT_FOUND");
    }
    let personal = world.personal_space(&world.member).await;
    let mixed = json!({ "organizationId": world.acme, "spaceId": personal });
    world.member.mutate("activeContextSet", mixed).await.refused("OTHER_ORGANIZATION", "spaceId");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn who_loses_access_works_there_no_longer_even_when_it_comes_back() {
    let world = World::new().await;
    let sql = format!("SELECT id FROM tenancy.members WHERE user_id = '{}'", uuid(&world.reader.id));
    let membership = typed("mem", world.database.row(&sql).await["id"].as_str().expect("an id"));
    set(&world.reader, json!({ "spaceId": world.lab })).await;
    for (status, expected) in [("SUSPENDED", json!([null, null])), ("ACTIVE", json!([null, null]))] {
        world.owner.mutate("memberUpdate", json!({ "id": membership, "status": status })).await.well();
        assert_eq!(place(&world.reader).await, expected, "{status}");
    }
    // Of a space alone.
    set(&world.reader, json!({ "spaceId": world.lab })).await;
    world.reader.mutate("spaceLeave", json!({ "spaceId": world.lab })).await.well();
    assert_eq!(place(&world.reader).await, json!(["acme", null]));
    world.owner.mutate("organizationDelete", json!({ "id": world.acme })).await.well();
    assert_eq!(place(&world.reader).await, json!([null, null]));
}
