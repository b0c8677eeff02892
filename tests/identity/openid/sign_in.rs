//! Signing in and up through a provider: who is known by what.

use serde_json::{Value, json};

use crate::support::authenticator::guarded;
use crate::support::provider::{SESSION, parameters, set_out};
use crate::support::{IdentityProvider, PASSWORD, World, uuid};

#[tokio::test]
async fn a_first_sign_in_makes_an_account_and_the_next_finds_it() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    // With each way of client authentication and each algorithm of signatures.
    for client in ["one", "two", "curve"] {
        let person = format!("mia-{client}");
        let first = provider.sign_in(&world.anonymous, client, &person).await.well();
        assert_eq!(first.text("openIdSignIn.viewer.user.email"), format!("{person}@example.com"));
        assert_eq!(first.text("openIdSignIn.viewer.user.name"), person);
        assert_eq!(first.at("openIdSignIn.viewer.emailVerified"), true);
        let second = provider.sign_in(&world.anonymous, client, &person).await.well();
        assert_eq!(first.text("openIdSignIn.viewer.user.id"), second.text("openIdSignIn.viewer.user.id"));
        assert_ne!(first.text("openIdSignIn.accessToken"), second.text("openIdSignIn.accessToken"));
        let mia = world.anonymous.with_token(Some(second.text("openIdSignIn.accessToken")));
        let answer = mia
            .query(
                "{ viewer { personalSpace { id } sessions(first: 5) { totalCount nodes { provider } } } }",
                Value::Null,
            )
            .await
            .well();
        assert!(answer.at("viewer.personalSpace.id").is_string());
        assert_eq!(answer.texts("viewer.sessions.nodes", "provider"), [client, client]);
        let renewed = json!({ "refreshToken": second.text("openIdSignIn.refreshToken") });
        world.anonymous.mutate("tokenRefresh", renewed).await.well();
    }
    let row = world.database.row("SELECT count(*), count(access_token) AS kept FROM identity.oauth_connections").await;
    assert_eq!(row, json!({ "count": 3, "kept": 0 }), "no token of a provider is kept");
}

#[tokio::test]
async fn who_is_sent_to_a_provider_takes_what_proves_them_along() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let departure = set_out(&world.anonymous, json!({ "provider": "one" })).await;
    let sent = parameters(departure["authorizationUrl"].as_str().expect("an address"));
    assert_eq!(sent["response_type"], "code");
    assert_eq!(sent["redirect_uri"], "http://127.0.0.1:8080/sign-in/one");
    assert_eq!(sent["scope"], "openid email profile");
    assert_eq!(sent["code_challenge_method"], "S256");
    for part in ["state", "nonce", "code_challenge"] {
        assert_eq!(sent[part].len(), 43, "{part}: 256 bits");
    }
    assert!(!departure["authorizationUrl"].to_string().contains("secret"));
    // What is kept gives nobody a way in.
    let row = world.database.row("SELECT row_to_json(j)::text AS row FROM identity.openid_journeys j").await;
    for known in [&sent["state"], &sent["nonce"], &sent["code_challenge"]] {
        assert!(!row.to_string().contains(known.as_str()));
    }
}

#[tokio::test]
async fn the_providers_of_everybody_are_listed() {
    let provider = IdentityProvider::start().await;
    let settings = provider.settings(Some("org_01jz8k3v5xe0q9t2m7c4b6h1ry"));
    let world = World::with(|config| settings.apply(config)).await;
    let answer = world.anonymous.query("{ openIdProviders { id name } }", Value::Null).await.well();
    assert_eq!(answer.texts("openIdProviders", "id"), ["one", "two", "curve"]);
    assert!(!answer.body.contains("secret") && !answer.body.contains("own"));
}

#[tokio::test]
async fn an_account_is_never_taken_over_by_its_address() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    // A provider that everybody trusts says that somebody has the member's address, verified.
    for email in ["member@acme.test", "Member@ACME.test"] {
        provider.says("mallory", json!({ "email": email, "email_verified": true })).await;
        provider.sign_in(&world.anonymous, "one", "mallory").await.refused("ACCOUNT_EXISTS", "");
    }
    let sql = "SELECT count(*) FROM identity.oauth_connections";
    assert_eq!(world.database.number(sql).await, 0);
    // And who is known stays who they are, whatever address the provider tells later.
    provider.says("mia", json!({})).await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    provider.says("mia", json!({ "email": "member@acme.test", "email_verified": true })).await;
    assert_eq!(provider.session(&world.anonymous, "one", "mia").await.id, mia.id);
    let answer = mia.query("{ viewer { user { email } } }", Value::Null).await.well();
    assert_eq!(answer.text("viewer.user.email"), "mia@example.com");
}

#[tokio::test]
async fn a_new_account_needs_an_address_that_the_provider_verified() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    for claims in [
        json!({ "email": "mia@example.com", "email_verified": false }),
        json!({ "email": null, "email_verified": true }),
        json!({ "email": "mia@example.com", "email_verified": null }),
        json!({ "email": "mia", "email_verified": true }),
        json!({ "email": "mia@example.com\nbcc: eve@example.com", "email_verified": true }),
    ] {
        provider.says("mia", claims).await;
        provider.sign_in(&world.anonymous, "one", "mia").await.refused("EMAIL_UNVERIFIED", "");
    }
    // A name is no reason to refuse anybody.
    for (person, name) in [("ada", json!("\u{200b}")), ("bo", json!("x".repeat(300))), ("cy", json!("a\u{202e}b"))] {
        provider.says(person, json!({ "name": name })).await;
        let answer = provider.sign_in(&world.anonymous, "one", person).await.well();
        assert_eq!(answer.text("openIdSignIn.viewer.user.name"), person);
    }
}

#[tokio::test]
async fn the_provider_of_an_organization_vouches_for_its_own_domains_alone() {
    let provider = IdentityProvider::start().await;
    let settings = provider.settings(Some("org_01jz8k3v5xe0q9t2m7c4b6h1ry"));
    let world = World::with(|config| settings.apply(config)).await;
    for email in ["ceo@victim.example", "ceo@below.example.com", "ceo@example.com.victim.example"] {
        provider.says("ceo", json!({ "email": email, "email_verified": true })).await;
        provider.sign_in(&world.anonymous, "own", "ceo").await.refused("EMAIL_UNVERIFIED", "");
    }
    provider.says("ceo", json!({ "email": "ceo@Example.com", "email_verified": true })).await;
    provider.sign_in(&world.anonymous, "own", "ceo").await.well();
    provider.says("other", json!({ "email": "ceo@victim.example", "email_verified": true })).await;
    provider.sign_in(&world.anonymous, "one", "other").await.well();
}

#[tokio::test]
async fn the_same_name_at_two_providers_is_two_people() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let first = provider.session(&world.anonymous, "one", "mia").await;
    provider.says("mia", json!({ "email": "another@example.com" })).await;
    let second = provider.session(&world.anonymous, "two", "mia").await;
    assert_ne!(first.id, second.id);
    // A provider that became another issuer under its old id knows other people.
    world
        .database
        .run("UPDATE identity.oauth_connections SET issuer = 'https://before.example' WHERE provider = 'one'")
        .await;
    provider.sign_in(&world.anonymous, "one", "mia").await.refused("PROVIDER_REFUSED", "");
}

#[tokio::test]
async fn a_second_factor_is_asked_for_after_a_provider_too() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    let (_, codes) = guarded(&mia).await;
    let answer = provider.sign_in(&world.anonymous, "one", "mia").await.well();
    assert!(answer.at("openIdSignIn.accessToken").is_null() && answer.at("openIdSignIn.refreshToken").is_null());
    let token = answer.text("openIdSignIn.mfaToken").to_owned();
    let wrong = world.anonymous.mutate("signInConfirm", json!({ "mfaToken": token, "code": "000000" })).await;
    wrong.refused("CODE_INVALID", "code");
    let input = json!({ "mfaToken": token, "code": codes[0] });
    let answer = world.anonymous.mutate_for("signInConfirm", SESSION, input).await.well();
    assert_eq!(answer.text("signInConfirm.viewer.user.id"), mia.id);
    let present = world.anonymous.with_token(Some(answer.text("signInConfirm.accessToken")));
    let answer = present.query("{ viewer { sessions(first: 1) { nodes { provider isCurrent } } } }", Value::Null).await;
    assert_eq!(answer.well().at("viewer.sessions.nodes.0"), &json!({ "provider": "one", "isCurrent": true }));
}

#[tokio::test]
async fn who_is_suspended_or_gone_does_not_come_in() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    let status = |status: &str| format!("UPDATE identity.users SET status = '{status}' WHERE id = '{}'", uuid(&mia.id));
    world.database.run(&status("suspended")).await;
    provider.sign_in(&world.anonymous, "one", "mia").await.refused("PROVIDER_REFUSED", "");
    world.database.run(&status("active")).await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    mia.query("mutation { accountDelete { deletedId userErrors { code } } }", Value::Null).await.well();
    assert_ne!(provider.session(&world.anonymous, "one", "mia").await.id, mia.id, "a new account");
}

#[tokio::test]
async fn a_session_through_a_provider_ends_however_often_it_is_renewed() {
    let provider = IdentityProvider::start().await;
    let settings = provider.settings(None);
    let world = World::with(|config| {
        settings.apply(config);
        config.openid.openid_session_hours = 3;
    })
    .await;
    let answer = provider.sign_in(&world.anonymous, "one", "mia").await.well();
    world
        .database
        .run("UPDATE identity.sessions SET created_at = created_at - interval '2 hours' WHERE provider = 'one'")
        .await;
    let renewed = json!({ "refreshToken": answer.text("openIdSignIn.refreshToken") });
    world.anonymous.mutate("tokenRefresh", renewed).await.well();
    let sql = "SELECT round(extract(epoch FROM expires_at - created_at) / 3600)::int AS hours \
               FROM identity.sessions WHERE provider = 'one'";
    assert_eq!(world.database.number(sql).await, 3);
    // A password is asked for by nobody but us.
    let sql = "SELECT min(extract(epoch FROM expires_at - created_at) / 86400)::int AS days \
               FROM identity.sessions WHERE provider IS NULL";
    world.sign_in("member@acme.test", PASSWORD).await.well();
    assert_eq!(world.database.number(sql).await, 30);
}

#[tokio::test]
async fn a_provider_that_is_away_is_a_typed_refusal() {
    let mut provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    provider.stop();
    world.anonymous.mutate("openIdSignIn", answer).await.refused("PROVIDER_UNAVAILABLE", "");
    // Where it is was heard before; another server has not.
    let begin = json!({ "provider": "one" });
    world.anonymous.mutate("openIdBegin", begin.clone()).await.well();
    let other = provider.world().await;
    other.anonymous.mutate("openIdBegin", begin).await.refused("PROVIDER_UNAVAILABLE", "");
}
