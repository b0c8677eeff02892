//! Deleting an account: told beforehand, refused where others would be left without an owner, and nothing personal stays.

use futures_util::future::join;
use serde_json::{Value, json};

use crate::support::{PASSWORD, World, uuid};

const DELETE: &str = "mutation { accountDelete { deletedId userErrors { code field message } } }";
const CONSEQUENCES: &str =
    "{ viewer { accountDeletion { blockedBy organizationsLeft documentsDeleted documentsKept } } }";

#[tokio::test]
async fn what_was_told_beforehand_is_what_happens() {
    let world = World::new().await;
    let personal = world.personal_space(&world.editor).await;
    world.editor.document(&personal, json!({ "title": "Diary" })).await;
    let kept = world.editor.document(&world.lab, json!({ "title": "Findings", "visibility": "SPACE" })).await;
    let profile =
        json!({ "firstName": "Eddie", "company": "Acme", "bio": "Edits.", "avatarUrl": "https://acme.test/e.png" });
    world.editor.mutate("profileUpdate", profile).await.well();
    let told = world.editor.query(CONSEQUENCES, Value::Null).await.well();
    assert_eq!(
        told.at("viewer.accountDeletion"),
        &json!({ "blockedBy": [], "organizationsLeft": 1, "documentsDeleted": 1, "documentsKept": 1 })
    );
    let answer = world.editor.query(DELETE, Value::Null).await.well();
    assert_eq!(answer.text("accountDelete.deletedId"), world.editor.id);

    assert!(!world.editor.is_signed_in().await);
    world.sign_in("editor@acme.test", PASSWORD).await.refused("WRONG_CREDENTIALS", "");
    let id = uuid(&world.editor.id);
    let row = world.database.row(&format!("SELECT u::text AS text FROM identity.users u WHERE id = '{id}'")).await;
    for personal in ["editor", "Eddie", "Acme", "Edits", "acme.test", "argon2", "127.0.0.1"] {
        assert!(!row.to_string().contains(personal), "{personal}: {row}");
    }
    let left = format!(
        "SELECT (SELECT count(*) FROM tenancy.members WHERE user_id = '{id}') \
         + (SELECT count(*) FROM tenancy.space_members WHERE user_id = '{id}') \
         + (SELECT count(*) FROM tenancy.spaces WHERE user_id = '{id}') \
         + (SELECT count(*) FROM identity.user_settings WHERE user_id = '{id}') \
         + (SELECT count(*) FROM identity.sessions WHERE user_id = '{id}' AND (revoked_at IS NULL OR ip_address IS NOT NULL)) AS count"
    );
    assert_eq!(world.database.number(&left).await, 0);
    let query = "query($id: ID!) { node(id: $id) { ... on Document { title owner { name email } } } }";
    let answer = world.manager.query(query, json!({ "id": kept })).await.well();
    assert_eq!((answer.text("node.title"), answer.text("node.owner.name")), ("Findings", "Deleted account"));
    let audit = format!("SELECT count(*) FROM audit.logs WHERE actor_id = '{id}' AND action = 'users.update'");
    assert!(world.database.number(&audit).await > 0, "the log keeps who did what");
    assert_eq!(world.server.letters().last_of(1, "editor@acme.test").await.subject, "Your account was deleted");

    // The address is free again, for a new account that has nothing of the old one.
    let input = json!({ "email": "editor@acme.test", "password": PASSWORD, "name": "Somebody else" });
    let answer = world.anonymous.mutate("signUp", input).await.well();
    let new = world.anonymous.with_token(Some(answer.text("signUp.accessToken")));
    assert!(new.node(&kept).await.is_null());
}

#[tokio::test]
async fn the_only_owner_of_an_organization_stays() {
    let world = World::new().await;
    let before = world.database.digest().await;
    let told = world.owner.query(CONSEQUENCES, Value::Null).await.well();
    assert_eq!(told.at("viewer.accountDeletion.blockedBy"), &json!(["acme"]));
    let answer = world.owner.query(DELETE, Value::Null).await;
    answer.refused("SOLE_OWNER", "");
    assert!(answer.body.contains("acme"), "{}", answer.body);
    assert_eq!(world.anonymous.query(DELETE, Value::Null).await.code(), "UNAUTHENTICATED");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn of_two_owners_who_go_at_once_one_stays() {
    let world = World::new().await;
    let sql = format!("UPDATE tenancy.members SET role = 'owner' WHERE user_id = '{}'", uuid(&world.admin.id));
    world.database.run(&sql).await;
    let (one, other) = join(world.owner.query(DELETE, Value::Null), world.admin.query(DELETE, Value::Null)).await;
    let mut refusals = [one.refusals().join(","), other.refusals().join(",")];
    refusals.sort();
    assert_eq!(refusals, ["", "SOLE_OWNER"], "{} {}", one.body, other.body);
    let owners = "SELECT count(*) FROM tenancy.members m JOIN identity.users u ON u.id = m.user_id JOIN tenancy.organizations o \
                  ON o.id = m.organization_id AND o.owner_id = u.id \
                  WHERE o.slug = 'acme' AND m.role = 'owner' AND m.status = 'active' AND u.deleted_at IS NULL";
    assert_eq!(world.database.number(owners).await, 1);
}

#[tokio::test]
async fn an_account_is_deleted_with_a_recent_proof_alone() {
    let world = World::new().await;
    world.forget_proofs().await;
    let before = world.database.digest().await;
    world.member.query(DELETE, Value::Null).await.refused("REAUTHENTICATION_REQUIRED", "");
    assert_eq!(world.database.digest().await, before);
    world.member.mutate("reauthenticate", json!({ "password": PASSWORD })).await.well();
    world.member.query(DELETE, Value::Null).await.well();
}
