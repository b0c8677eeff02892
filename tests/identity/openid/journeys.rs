//! What could be wrong about somebody who comes back from a provider: each is refused, and nobody is signed in.

use serde_json::{Value, json};

use crate::support::provider::{answer, set_out};
use crate::support::{Answer, Client, IdentityProvider, World};

async fn finish(client: &Client, answer: Value) -> Answer {
    client.mutate("openIdSignIn", answer).await
}

/// The answer with another value.
fn with(answer: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut changed = answer.clone();
    changed[field] = value.into();
    changed
}

async fn nobody_came_in(world: &World) {
    let sql = "SELECT count(*) FROM identity.sessions WHERE provider IS NOT NULL";
    assert_eq!(world.database.number(sql).await, 0);
}

fn address(departure: &Value) -> &str {
    departure["authorizationUrl"].as_str().expect("an address")
}

#[tokio::test]
async fn an_answer_is_good_once() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    finish(&world.anonymous, answer.clone()).await.well();
    finish(&world.anonymous, answer).await.refused("TOKEN_INVALID", "state");
    // Not even one that failed is good again.
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    finish(&world.anonymous, with(&answer, "code", "made up")).await.refused("PROVIDER_REFUSED", "");
    finish(&world.anonymous, answer).await.refused("TOKEN_INVALID", "state");
}

#[tokio::test]
async fn of_two_who_bring_one_answer_at_once_one_comes_in() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    let attempts = (0..4).map(|_| finish(&world.anonymous, answer.clone()));
    let answers = futures_util::future::join_all(attempts).await;
    assert_eq!(answers.iter().filter(|answer| answer.refusals().is_empty()).count(), 1);
}

#[tokio::test]
async fn two_first_sign_ins_at_once_make_one_account() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mut ways = Vec::new();
    for _ in 0..3 {
        ways.push(provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await);
    }
    let answers = futures_util::future::join_all(ways.into_iter().map(|way| finish(&world.anonymous, way))).await;
    answers.into_iter().for_each(|answer| drop(answer.well()));
    assert_eq!(world.database.number("SELECT count(DISTINCT user_id) FROM identity.oauth_connections").await, 1);
}

#[tokio::test]
async fn an_answer_is_good_in_the_browser_that_set_out() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    // Mallory leads somebody to a page with Mallory's own code and state.
    let mallorys = provider.journey(&world.anonymous, "one", "SIGN_IN", "mallory").await;
    let theirs = set_out(&world.anonymous, json!({ "provider": "one" })).await;
    for secret in [theirs["browserSecret"].clone(), json!(""), json!("x".repeat(5_000))] {
        finish(&world.anonymous, with(&mallorys, "browserSecret", secret)).await.refused("TOKEN_INVALID", "state");
    }
    nobody_came_in(&world).await;
    // Whoever set out still arrives.
    finish(&world.anonymous, mallorys).await.well();
}

#[tokio::test]
async fn an_answer_is_good_for_ten_minutes() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    let sql = "SELECT extract(epoch FROM expires_at - created_at)::int AS seconds FROM identity.openid_journeys";
    assert_eq!(world.database.number(sql).await, 600);
    let past = "UPDATE identity.openid_journeys SET created_at = created_at - interval '601 seconds', \
                expires_at = expires_at - interval '601 seconds'";
    world.database.run(past).await;
    finish(&world.anonymous, answer).await.refused("TOKEN_INVALID", "state");
    nobody_came_in(&world).await;
}

#[tokio::test]
async fn a_token_of_another_sign_in_is_refused() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let departure = set_out(&world.anonymous, json!({ "provider": "one" })).await;
    let sent = address(&departure);
    let (before, rest) = sent.split_once("nonce=").expect("a nonce");
    let rest = rest.split_once('&').map_or(String::new(), |(_, rest)| format!("&{rest}"));
    for altered in [format!("{before}nonce=another{rest}"), format!("{}{rest}", before.trim_end_matches('&'))] {
        let departure = set_out(&world.anonymous, json!({ "provider": "one" })).await;
        let state = crate::support::provider::parameters(address(&departure))["state"].clone();
        let challenge = crate::support::provider::parameters(address(&departure))["code_challenge"].clone();
        let own = crate::support::provider::parameters(sent);
        let altered = altered.replace(&own["state"], &state).replace(&own["code_challenge"], &challenge);
        let back = provider.visit(&altered, "mia").await;
        finish(&world.anonymous, answer("one", &departure, &back)).await.refused("PROVIDER_REFUSED", "");
    }
    nobody_came_in(&world).await;
}

#[tokio::test]
async fn a_code_is_good_only_with_the_secret_it_was_asked_for_with() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    // A code that was stolen from somebody else's way, put into one's own.
    let stolen = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    let own = provider.journey(&world.anonymous, "one", "SIGN_IN", "mallory").await;
    finish(&world.anonymous, with(&own, "code", stolen["code"].clone())).await.refused("PROVIDER_REFUSED", "");
    // A code that was asked for without PKCE.
    let departure = set_out(&world.anonymous, json!({ "provider": "one" })).await;
    let bare: Vec<&str> = address(&departure).split('&').filter(|part| !part.starts_with("code_challenge")).collect();
    let back = provider.visit(&bare.join("&"), "mallory").await;
    finish(&world.anonymous, answer("one", &departure, &back)).await.refused("PROVIDER_REFUSED", "");
    nobody_came_in(&world).await;
}

#[tokio::test]
async fn the_answer_of_one_provider_is_not_taken_for_anothers() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    assert_eq!(answer["issuer"], provider.issuer(), "this provider names itself");
    finish(&world.anonymous, with(&answer, "provider", "two")).await.refused("TOKEN_INVALID", "state");
    finish(&world.anonymous, with(&answer, "provider", "none")).await.refused("TOKEN_INVALID", "state");
    finish(&world.anonymous, with(&answer, "issuer", "https://evil.example")).await.refused("PROVIDER_REFUSED", "");
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mia").await;
    finish(&world.anonymous, with(&answer, "issuer", Value::Null)).await.refused("PROVIDER_REFUSED", "");
    nobody_came_in(&world).await;
}

#[tokio::test]
async fn a_way_for_one_purpose_serves_no_other() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let answer = provider.journey(&world.anonymous, "one", "SIGN_IN", "mallory").await;
    world.member.mutate("openIdLink", answer.clone()).await.refused("TOKEN_INVALID", "state");
    world.member.mutate("openIdReauthenticate", answer).await.refused("TOKEN_INVALID", "state");
    let answer = provider.journey(&world.member, "one", "LINK", "mallory").await;
    finish(&world.anonymous, answer.clone()).await.refused("TOKEN_INVALID", "state");
    // What the member began is not finished by somebody else, nor in another session of the member's.
    let elsewhere = world.session_of("member").await;
    for client in [&world.admin, &elsewhere] {
        client.mutate("openIdLink", answer.clone()).await.refused("TOKEN_INVALID", "state");
    }
    assert_eq!(world.anonymous.mutate("openIdLink", answer.clone()).await.code(), "UNAUTHENTICATED");
    nobody_came_in(&world).await;
    world.member.mutate("openIdLink", answer).await.well();
}

#[tokio::test]
async fn nobody_is_sent_back_to_a_page_that_is_not_set() {
    let provider = IdentityProvider::start().await;
    let settings = provider.settings(None);
    let world = World::with(|config| {
        settings.apply(config);
        config.openid.openid_callbacks = vec!["https://app.example.com/in".to_owned(), "https://b.example/".to_owned()];
    })
    .await;
    for (asked, sent) in [
        (Value::Null, "https://app.example.com/in/one"),
        (json!("https://app.example.com/in"), "https://app.example.com/in/one"),
        (json!("https://b.example"), "https://b.example/one"),
    ] {
        let departure = set_out(&world.anonymous, json!({ "provider": "one", "callback": asked })).await;
        assert_eq!(crate::support::provider::parameters(address(&departure))["redirect_uri"], sent);
    }
    for hostile in [
        "https://evil.example",
        "https://app.example.com/in.evil.example",
        "https://app.example.com/in/../../evil",
        "https://app.example.com/in?next=https://evil.example",
        "https://app.example.com@evil.example/in",
        "//evil.example",
        "javascript:alert(1)",
        "",
    ] {
        let input = json!({ "provider": "one", "callback": hostile });
        world.anonymous.mutate("openIdBegin", input).await.refused("CALLBACK_UNKNOWN", "callback");
    }
    world.anonymous.mutate("openIdBegin", json!({ "provider": "One" })).await.refused("PROVIDER_UNKNOWN", "provider");
}
