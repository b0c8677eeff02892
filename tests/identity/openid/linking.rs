//! Linking a provider to an account, unlinking it, and proving by it who one is.

use serde_json::{Value, json};

use crate::support::authenticator::guarded;
use crate::support::{Client, IdentityProvider};

/// Links the provider's person to the client's account; gives the connection.
async fn linked(provider: &IdentityProvider, client: &Client, id: &str, person: &str) -> String {
    let answer = provider.journey(client, id, "LINK", person).await;
    let answer = client.mutate_for("openIdLink", "oauthConnection { id provider }", answer).await.well();
    answer.text("openIdLink.oauthConnection.id").to_owned()
}

const CONNECTIONS: &str =
    "{ viewer { oauthConnections(first: 9) { totalCount nodes { id provider providerName email viewerCan } } } }";

#[tokio::test]
async fn a_linked_provider_signs_in_to_the_account_whatever_its_address() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let id = linked(&provider, &world.member, "one", "mia").await;
    assert_eq!(provider.session(&world.anonymous, "one", "mia").await.id, world.member.id);
    let answer = world.member.query(CONNECTIONS, Value::Null).await.well();
    let expected = json!([{
        "id": id, "provider": "one", "providerName": "Provider one", "email": "mia@example.com", "viewerCan": ["READ", "DELETE"],
    }]);
    assert_eq!(answer.at("viewer.oauthConnections.nodes"), &expected);
    assert_eq!(answer.number("viewer.oauthConnections.totalCount"), 1);
    let letter = world.server.letters().last_of(1, "member@acme.test").await;
    assert!(letter.text.contains("Provider one can be used to sign in to"), "{}", letter.text);
    // Nobody else sees it.
    assert_eq!(world.owner.node(&id).await, Value::Null);
    assert_eq!(world.owner.mutate("oauthConnectionUnlink", json!({ "id": id })).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn linking_and_unlinking_need_a_recent_proof() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let id = linked(&provider, &world.member, "one", "mia").await;
    let begun = provider.journey(&world.member, "two", "LINK", "mia").await;
    world.forget_proofs().await;
    world.member.mutate("openIdLink", begun).await.refused("REAUTHENTICATION_REQUIRED", "");
    let begin = json!({ "provider": "two", "purpose": "LINK" });
    world.member.mutate("openIdBegin", begin).await.refused("REAUTHENTICATION_REQUIRED", "");
    world.member.mutate("oauthConnectionUnlink", json!({ "id": id })).await.refused("REAUTHENTICATION_REQUIRED", "");
}

#[tokio::test]
async fn somebody_at_a_provider_is_linked_to_one_account() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    linked(&provider, &world.member, "one", "mia").await;
    for client in [&world.member, &world.admin] {
        let answer = provider.journey(client, "one", "LINK", "mia").await;
        client.mutate("openIdLink", answer).await.refused("CONNECTION_TAKEN", "");
    }
    assert_eq!(provider.session(&world.anonymous, "one", "mia").await.id, world.member.id);
}

#[tokio::test]
async fn unlinking_ends_the_sessions_that_it_opened() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let id = linked(&provider, &world.member, "one", "mia").await;
    let present = provider.session(&world.anonymous, "one", "mia").await;
    let other = provider.session(&world.anonymous, "one", "mia").await;
    let elsewhere = world.session_of("member").await;
    present.mutate("oauthConnectionUnlink", json!({ "id": id })).await.well();
    assert!(!other.is_signed_in().await);
    assert!(present.is_signed_in().await && elsewhere.is_signed_in().await);
    let query = "{ viewer { sessions(first: 9) { nodes { isCurrent provider } } } }";
    let answer = present.query(query, Value::Null).await.well();
    assert!(answer.list("viewer.sessions.nodes").iter().all(|session| session["provider"].is_null()));
    // The provider knows somebody whom nobody knows here now.
    assert_ne!(provider.session(&world.anonymous, "one", "mia").await.id, world.member.id);
}

#[tokio::test]
async fn the_last_way_to_sign_in_stays() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    let answer = mia.query(CONNECTIONS, Value::Null).await.well();
    let first = answer.text("viewer.oauthConnections.nodes.0.id").to_owned();
    mia.mutate("oauthConnectionUnlink", json!({ "id": first })).await.refused("LAST_WAY", "id");
    // Of two ways one may go, also when both are to go at once.
    let second = linked(&provider, &mia, "two", "mia").await;
    let both = [&first, &second].map(|id| mia.mutate("oauthConnectionUnlink", json!({ "id": id })));
    let answers = futures_util::future::join_all(both).await;
    let mut refusals: Vec<Vec<&str>> = answers.iter().map(|answer| answer.refusals()).collect();
    refusals.sort();
    assert_eq!(refusals, [vec![], vec!["LAST_WAY"]]);
    // A way by a provider that is not set any more is none.
    let third = linked(&provider, &mia, "curve", "mia").await;
    world.database.run("UPDATE identity.oauth_connections SET provider = 'gone' WHERE provider <> 'curve'").await;
    mia.mutate("oauthConnectionUnlink", json!({ "id": third })).await.refused("LAST_WAY", "id");
    // A password is another way.
    let input = json!({ "newPassword": "a password at last" });
    mia.mutate_for("passwordChange", "viewer { user { id } }", input).await.well();
    mia.mutate("oauthConnectionUnlink", json!({ "id": third })).await.well();
    world.sign_in("mia@example.com", "a password at last").await.well();
}

#[tokio::test]
async fn somebody_without_a_password_proves_by_the_provider_who_they_are() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    world.forget_proofs().await;
    let enroll = "mutation { mfaEnroll { enrollment { secret } userErrors { code } } }";
    assert_eq!(mia.query(enroll, Value::Null).await.refusals(), ["REAUTHENTICATION_REQUIRED"]);
    // Somebody else at the same provider proves nothing.
    let answer = provider.journey(&mia, "one", "REAUTHENTICATE", "mallory").await;
    mia.mutate("openIdReauthenticate", answer).await.refused("PROVIDER_REFUSED", "");
    assert_eq!(mia.query(enroll, Value::Null).await.refusals(), ["REAUTHENTICATION_REQUIRED"]);
    let answer = provider.journey(&mia, "one", "REAUTHENTICATE", "mia").await;
    mia.mutate("openIdReauthenticate", answer).await.well();
    // With a second factor the provider is not enough.
    guarded(&mia).await;
    let answer = provider.journey(&mia, "one", "REAUTHENTICATE", "mia").await;
    mia.mutate("openIdReauthenticate", answer).await.refused("CODE_INVALID", "");
}

#[tokio::test]
async fn a_provider_that_does_not_ask_anew_proves_nothing() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    world.forget_proofs().await;
    // The browser leaves out that it is to be asked.
    let departure =
        crate::support::provider::set_out(&mia, json!({ "provider": "one", "purpose": "REAUTHENTICATE" })).await;
    let sent = departure["authorizationUrl"].as_str().expect("an address");
    assert!(sent.contains("prompt=login") && sent.contains("max_age=0"), "{sent}");
    let back = provider.visit(&sent.replace("&prompt=login&max_age=0", ""), "mia").await;
    let answer = crate::support::provider::answer("one", &departure, &back);
    mia.mutate("openIdReauthenticate", answer).await.refused("PROVIDER_REFUSED", "");
}
