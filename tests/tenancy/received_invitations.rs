//! Invitations as whom they are for sees them: only with a confirmed address, only good ones, answered by id.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World};

async fn invite(world: &World, client: &Client, email: &str, role: &str) -> String {
    let input = json!({ "organizationId": world.acme, "email": email, "role": role });
    let answer = client.mutate_for("invitationCreate", "invitation { id }", input).await.well();
    answer.text("invitationCreate.invitation.id").to_owned()
}

async fn received(client: &Client) -> Vec<Value> {
    let query =
        "{ viewer { receivedInvitations(first: 10) { totalCount nodes { id organizationName role inviterName } } } }";
    let answer = client.query(query, json!({})).await.well();
    let list = answer.at("viewer.receivedInvitations");
    let nodes = list["nodes"].as_array().expect("nodes").clone();
    assert_eq!(list["totalCount"], nodes.len());
    nodes
}

async fn accept(client: &Client, id: &str) -> Answer {
    client.mutate_for("invitationAccept", "member { role }", json!({ "id": id })).await
}

async fn decline(client: &Client, id: &str) -> Answer {
    client.mutate_for("invitationDecline", "declined", json!({ "id": id })).await
}

async fn confirm(world: &World, is_confirmed: bool) {
    let sql = "UPDATE identity.users SET email_verified = $ WHERE email = 'stranger@acme.test'";
    world.database.run(&sql.replace('$', &is_confirmed.to_string())).await;
}

#[tokio::test]
async fn who_has_confirmed_an_address_sees_its_invitations_and_accepts_without_the_letter() {
    let world = World::new().await;
    let id = invite(&world, &world.admin, "Stranger@ACME.test", "MEMBER").await;
    confirm(&world, false).await;
    assert!(received(&world.stranger).await.is_empty(), "an address that nobody confirmed is nobody's");
    accept(&world.stranger, &id).await.refused("INVITATION_INVALID", "id");
    decline(&world.stranger, &id).await.refused("INVITATION_INVALID", "id");
    confirm(&world, true).await;
    let seen = received(&world.stranger).await;
    assert_eq!(seen.len(), 1, "{seen:?}");
    assert_eq!(
        (&seen[0]["id"], &seen[0]["role"], &seen[0]["inviterName"]),
        (&json!(id), &json!("MEMBER"), &json!("admin"))
    );
    assert!(received(&world.owner).await.is_empty());
    accept(&world.owner, &id).await.refused("INVITATION_INVALID", "id");
    assert_eq!(accept(&world.anonymous, &id).await.code(), "UNAUTHENTICATED");
    assert_eq!(decline(&world.anonymous, &id).await.code(), "UNAUTHENTICATED");
    accept(&world.stranger, &id).await.well();
    assert_eq!(world.stranger.node(&world.handbook).await["id"], world.handbook, "access begins at once");
    assert!(received(&world.stranger).await.is_empty());
    accept(&world.stranger, &id).await.refused("INVITATION_INVALID", "id");
}

#[tokio::test]
async fn only_good_invitations_are_listed() {
    let world = World::new().await;
    confirm(&world, true).await;
    let id = invite(&world, &world.admin, "stranger@acme.test", "ADMIN").await;
    for (spoiled, healed) in [
        (
            "tenancy.invitations SET expires_at = created_at + interval '1 microsecond'",
            "tenancy.invitations SET expires_at = now() + interval '1 day'",
        ),
        (
            "tenancy.members SET role = 'member' WHERE role = 'admin'",
            "tenancy.members SET role = 'admin' WHERE user_id = (SELECT id FROM identity.users WHERE email = 'admin@acme.test')",
        ),
        (
            "tenancy.organizations SET status = 'suspended' WHERE slug = 'acme'",
            "tenancy.organizations SET status = 'active' WHERE slug = 'acme'",
        ),
    ] {
        assert_eq!(received(&world.stranger).await.len(), 1);
        world.database.run(&format!("UPDATE {spoiled}")).await;
        assert!(received(&world.stranger).await.is_empty(), "{spoiled}");
        accept(&world.stranger, &id).await.refused("INVITATION_INVALID", "id");
        world.database.run(&format!("UPDATE {healed}")).await;
    }
    decline(&world.stranger, &id).await.well();
    assert!(received(&world.stranger).await.is_empty());
}

#[tokio::test]
async fn an_answer_names_its_invitation_in_one_way() {
    let world = World::new().await;
    let id = invite(&world, &world.admin, "stranger@acme.test", "MEMBER").await;
    for input in [json!({}), json!({ "id": id, "token": "x" })] {
        let answer = world.stranger.mutate_for("invitationAccept", "member { role }", input).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
    }
}
