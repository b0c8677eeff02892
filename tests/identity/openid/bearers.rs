//! Access tokens of another issuer: whose they are, and which are none.

use api::platform::clock::{Clock, SystemClock};
use base64_url::encode;
use serde_json::{Value, json};

use crate::support::authenticator::guarded;
use crate::support::provider::{AUDIENCE, parameters, set_out};
use crate::support::{Client, IdentityProvider, World, uuid};

mod base64_url {
    /// URL-safe base64 without padding.
    pub fn encode(bytes: &[u8]) -> String {
        const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let mut text = String::new();
        for chunk in bytes.chunks(3) {
            let bits = chunk.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
            for place in 0..=chunk.len() {
                text.push(char::from(LETTERS[(bits >> (18 - 6 * place) & 63) as usize]));
            }
        }
        text
    }
}

fn now() -> i64 {
    SystemClock.now().timestamp()
}

/// What a good token says of somebody.
fn claims(provider: &IdentityProvider, person: &str) -> Value {
    json!({
        "iss": provider.issuer(), "sub": person, "aud": AUDIENCE, "iat": now(), "exp": now() + 300,
        "client_id": "app", "scope": "read",
        "email": format!("{person}@example.com"), "email_verified": true,
    })
}

fn with(claims: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut changed = claims.clone();
    changed[field] = value.into();
    changed
}

async fn bearer(world: &World, provider: &IdentityProvider, person: &str) -> Client {
    let token = provider.signed("RS256", json!({}), claims(provider, person)).await;
    world.anonymous.with_token(Some(&token))
}

const WHO: &str = "{ viewer { user { id email } sessions(first: 9) { nodes { id provider } } } }";

#[tokio::test]
async fn a_bearer_is_made_at_first_sight_and_found_again() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mut seen = Vec::new();
    for key in ["RS256", "ES256", "RS256"] {
        let token = provider.signed(key, json!({}), claims(&provider, "mia")).await;
        let client = world.anonymous.with_token(Some(&token));
        for _ in 0..2 {
            let answer = client.query(WHO, Value::Null).await.well();
            assert_eq!(answer.text("viewer.user.email"), "mia@example.com");
            assert_eq!(answer.list("viewer.sessions.nodes").len(), 1, "one session for all tokens");
            seen.push(answer.text("viewer.user.id").to_owned());
        }
    }
    seen.dedup();
    assert_eq!(seen.len(), 1);
    // The same person by signing in.
    assert_eq!(provider.session(&world.anonymous, "one", "mia").await.id, seen[0]);
}

#[tokio::test]
async fn many_first_sights_at_once_are_one_person() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let client = bearer(&world, &provider, "mia").await;
    let answers = futures_util::future::join_all((0..6).map(|_| client.query(WHO, Value::Null))).await;
    answers.into_iter().for_each(|answer| drop(answer.well()));
    assert_eq!(world.database.number("SELECT count(*) FROM identity.users WHERE email LIKE 'mia@%'").await, 1);
    assert_eq!(world.database.number("SELECT count(*) FROM identity.sessions WHERE is_foreign").await, 1);
}

#[tokio::test]
async fn every_transport_takes_a_foreign_token() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let client = bearer(&world, &provider, "mia").await;
    let space = world.personal_space(&client).await;
    let document = client.document(&space, json!({})).await;
    let follow = "subscription($id: ID!) { documentChanged(id: $id) { document { title } } }";
    let mut socket = client.socket().await;
    socket.subscribe(follow, json!({ "id": document })).await;
    socket.settle().await;
    client.mutate("documentUpdate", json!({ "id": document, "title": "Changed" })).await.well();
    assert_eq!(socket.event().await["documentChanged"]["document"]["title"], "Changed");
    let response = client
        .post()
        .header("accept", "text/event-stream")
        .json(&json!({ "query": "{ viewer { user { email } } }" }))
        .send()
        .await
        .expect("the server answers");
    assert!(response.text().await.expect("events").contains("mia@example.com"));
}

#[tokio::test]
async fn a_real_access_token_of_the_provider_is_taken() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    // Another client of the provider asks it for a token for us.
    let departure = set_out(&world.anonymous, json!({ "provider": "two" })).await;
    let sent = parameters(departure["authorizationUrl"].as_str().expect("an address"));
    let address = format!(
        "{}/auth?client_id=two&response_type=code&redirect_uri={}&scope=openid%20read&resource={AUDIENCE}",
        provider.issuer(),
        sent["redirect_uri"]
    );
    let back = provider.visit(&address, "mia").await;
    let form = format!(
        "grant_type=authorization_code&client_id=two&client_secret=secret%20of%20two&code={}&redirect_uri={}&resource={AUDIENCE}",
        back["code"], sent["redirect_uri"]
    );
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client")
        .post(format!("{}/token", provider.issuer()))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(form)
        .send()
        .await
        .expect("the provider answers");
    let answer: Value = answer.json().await.expect("JSON");
    let token = answer["access_token"].as_str().unwrap_or_else(|| panic!("{answer}"));
    let answer = world.anonymous.with_token(Some(token)).query(WHO, Value::Null).await.well();
    assert_eq!(answer.text("viewer.user.id"), mia.id);
    // What the provider made for a sign-in is none for us.
    assert!(answer.json["id_token"].is_null());
}

#[tokio::test]
async fn what_is_no_good_token_is_nobody() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let good = claims(&provider, "mia");
    let mut tokens = vec![
        ("another audience", provider.signed("RS256", json!({}), with(&good, "aud", "https://other.example")).await),
        ("for a sign-in", provider.signed("RS256", json!({}), with(&good, "aud", "one")).await),
        ("with a nonce", provider.signed("RS256", json!({}), with(&good, "nonce", "x")).await),
        ("expired", provider.signed("RS256", json!({}), with(&good, "exp", now() - 60)).await),
        ("not yet", provider.signed("RS256", json!({}), with(&good, "nbf", now() + 120)).await),
        (
            "a longer issuer",
            provider.signed("RS256", json!({}), with(&good, "iss", format!("{}/", provider.issuer()))).await,
        ),
        ("another issuer", provider.signed("RS256", json!({}), with(&good, "iss", "https://evil.example")).await),
        ("our own issuer", provider.signed("RS256", json!({}), with(&good, "iss", "trellis")).await),
        ("an unlisted key", provider.signed("unlisted", json!({}), good.clone()).await),
        ("the public key as a secret", provider.signed("secret", json!({}), good.clone()).await),
        ("no subject", provider.signed("RS256", json!({}), with(&good, "sub", "")).await),
        ("a strange subject", provider.signed("RS256", json!({}), with(&good, "sub", "mia\u{0}")).await),
        ("a long subject", provider.signed("RS256", json!({}), with(&good, "sub", "m".repeat(256))).await),
    ];
    for missing in ["exp", "iss", "aud", "sub", "iat"] {
        let mut claims = good.clone();
        claims.as_object_mut().expect("an object").remove(missing);
        tokens.push((missing, provider.signed("RS256", json!({}), claims).await));
    }
    // A listed key under the name of an unlisted one, and the other way round.
    let listed = provider.signed("RS256", json!({}), good.clone()).await;
    tokens.push((
        "another's key id",
        provider.signed("unlisted", json!({ "kid": header(&listed)["kid"] }), good.clone()).await,
    ));
    tokens.push(("no key id", provider.signed("unlisted", json!({ "kid": null }), good.clone()).await));
    for algorithm in ["none", "None", "NONE", "HS256", "ES256", "RS512", "PS256"] {
        let head = json!({ "alg": algorithm, "kid": header(&listed)["kid"], "typ": "at+jwt" });
        let parts: Vec<&str> = listed.split('.').collect();
        let head = encode(head.to_string().as_bytes());
        tokens.push((algorithm, format!("{head}.{}.{}", parts[1], parts[2])));
        tokens.push((algorithm, format!("{head}.{}.", parts[1])));
    }
    let altered = encode(with(&good, "sub", "owner").to_string().as_bytes());
    let parts: Vec<&str> = listed.split('.').collect();
    tokens.push(("altered claims", format!("{}.{altered}.{}", parts[0], parts[2])));
    tokens.push(("huge", format!("{}.{}.{}", parts[0], encode(&[b' '; 40_000]), parts[2])));
    for (what, token) in tokens {
        let client = world.anonymous.with_token(Some(&token));
        let answer = client.query("{ __typename }", Value::Null).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (401, "UNAUTHENTICATED"), "{what}: {}", answer.body);
    }
    assert_eq!(world.database.number("SELECT count(*) FROM identity.oauth_connections").await, 0);
    world.anonymous.with_token(Some(&listed)).query(WHO, Value::Null).await.well();
}

fn header(token: &str) -> Value {
    let header = jsonwebtoken::decode_header(token).expect("a header");
    json!({ "kid": header.kid })
}

#[tokio::test]
async fn a_bearer_without_a_verified_address_of_their_own_is_nobody() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let good = claims(&provider, "mia");
    for claims in [
        with(&good, "email_verified", false),
        with(&good, "email", "member@acme.test"),
        with(&good, "email", Value::Null),
    ] {
        let token = provider.signed("RS256", json!({}), claims).await;
        let answer = world.anonymous.with_token(Some(&token)).query(WHO, Value::Null).await;
        assert_eq!(answer.code(), "UNAUTHENTICATED");
    }
    // Who is known needs none.
    provider.session(&world.anonymous, "one", "mia").await;
    let token = provider.signed("RS256", json!({}), with(&good, "email", Value::Null)).await;
    world.anonymous.with_token(Some(&token)).query(WHO, Value::Null).await.well();
}

#[tokio::test]
async fn the_session_of_foreign_tokens_can_be_ended() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = bearer(&world, &provider, "mia").await;
    mia.query(WHO, Value::Null).await.well();
    let before = with(&with(&claims(&provider, "mia"), "jti", "another"), "iat", now());
    mia.query("mutation { signOut { signedOut } }", Value::Null).await.well();
    assert!(!mia.is_signed_in().await);
    let earlier = provider.signed("RS256", json!({}), before).await;
    assert!(!world.anonymous.with_token(Some(&earlier)).is_signed_in().await, "made before the end");
    let later = provider.signed("RS256", json!({}), with(&claims(&provider, "mia"), "iat", now() + 1)).await;
    assert!(world.anonymous.with_token(Some(&later)).is_signed_in().await);
    assert!(!mia.is_signed_in().await && !world.anonymous.with_token(Some(&earlier)).is_signed_in().await);
}

#[tokio::test]
async fn a_foreign_token_is_no_way_around_a_second_factor_nor_a_proof() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let token = bearer(&world, &provider, "mia").await;
    // However lately, or in the future, the owner proved to the issuer who they are.
    for proved in [now(), now() + 100_000] {
        let fresh = provider.signed("RS256", json!({}), with(&claims(&provider, "leo"), "auth_time", proved)).await;
        let fresh = world.anonymous.with_token(Some(&fresh));
        for client in [&token, &fresh] {
            let answer = client.query("mutation { mfaEnroll { userErrors { code } } }", Value::Null).await;
            assert_eq!(answer.refusals(), ["REAUTHENTICATION_REQUIRED"]);
        }
    }
    let mia = provider.session(&world.anonymous, "one", "mia").await;
    guarded(&mia).await;
    assert!(!token.is_signed_in().await);
    let later = provider.signed("RS256", json!({}), with(&claims(&provider, "mia"), "iat", now() + 1)).await;
    assert!(!world.anonymous.with_token(Some(&later)).is_signed_in().await);
    assert!(mia.is_signed_in().await);
}

#[tokio::test]
async fn a_second_factor_that_is_set_up_with_a_foreign_token_ends_it() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let token = bearer(&world, &provider, "mia").await;
    assert!(token.is_signed_in().await);
    // As if its holder had given a password in this very session.
    world.database.run("UPDATE identity.sessions SET authenticated_at = now() WHERE is_foreign").await;
    guarded(&token).await;
    assert!(!token.is_signed_in().await);
    let later = provider.signed("RS256", json!({}), with(&claims(&provider, "mia"), "iat", now() + 1)).await;
    assert!(!world.anonymous.with_token(Some(&later)).is_signed_in().await);
}

#[tokio::test]
async fn the_session_of_foreign_tokens_stands_on_the_address_that_they_tell_last() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let domain = async || {
        let row = world.database.row("SELECT provider_domain FROM identity.sessions WHERE is_foreign").await;
        row["provider_domain"].clone()
    };
    let told = claims(&provider, "mia");
    for (email, verified, expected) in [
        ("mia@example.com", true, json!("example.com")),
        ("mia@example.net", true, json!("example.net")),
        ("mia@example.com", false, Value::Null),
        ("p@x@example.org", true, Value::Null),
        ("mia@example.com", true, json!("example.com")),
    ] {
        provider.says("mia", json!({ "email": email, "email_verified": verified })).await;
        let changed = with(&with(&told, "email", email), "email_verified", verified);
        let changed = with(&changed, "jti", crate::support::new_id().to_string());
        let token = provider.signed("RS256", json!({}), changed).await;
        assert!(world.anonymous.with_token(Some(&token)).is_signed_in().await);
        assert_eq!(domain().await, expected, "{email}");
    }
}

#[tokio::test]
async fn who_is_suspended_is_nobody_by_a_foreign_token() {
    let provider = IdentityProvider::start().await;
    let world = provider.world().await;
    let mia = bearer(&world, &provider, "mia").await;
    let answer = mia.query(WHO, Value::Null).await.well();
    let id = uuid(answer.text("viewer.user.id"));
    world.database.run(&format!("UPDATE identity.users SET status = 'suspended' WHERE id = '{id}'")).await;
    assert!(!mia.is_signed_in().await);
    assert!(!bearer(&world, &provider, "mia").await.is_signed_in().await);
}

#[tokio::test]
async fn keys_that_change_are_asked_for_again_and_not_too_often() {
    let mut provider = IdentityProvider::start().await;
    let settings = provider.settings(None);
    let patient = World::with(|config| {
        settings.apply(config);
        config.openid.openid_keys_seconds = 3_600;
    })
    .await;
    let eager = World::with(|config| {
        settings.apply(config);
        config.openid.openid_keys_seconds = 1;
    })
    .await;
    let old = bearer(&patient, &provider, "mia").await;
    assert!(old.is_signed_in().await);
    assert_eq!(provider.asked_for_keys().await, 1);
    // However many tokens name keys that nobody knows.
    for _ in 0..5 {
        let token = provider.signed("unlisted", json!({}), claims(&provider, "mia")).await;
        assert!(!patient.anonymous.with_token(Some(&token)).is_signed_in().await);
    }
    assert_eq!(provider.asked_for_keys().await, 1);
    let before = provider.signed("RS256", json!({}), claims(&provider, "bo")).await;
    assert!(eager.anonymous.with_token(Some(&before)).is_signed_in().await);

    let unseen = provider.signed("RS256", json!({}), with(&claims(&provider, "bo"), "jti", "unseen")).await;
    provider.restart().await;
    let after = provider.signed("RS256", json!({}), claims(&provider, "ada")).await;
    assert!(!patient.anonymous.with_token(Some(&after)).is_signed_in().await);
    let new = eager.anonymous.with_token(Some(&after));
    crate::support::eventually("the new key is known", async || new.is_signed_in().await.then_some(())).await;
    let forged = provider.signed("unlisted", json!({}), claims(&provider, "mia")).await;
    assert!(!eager.anonymous.with_token(Some(&forged)).is_signed_in().await);
    // And what the old key signed is nothing any more.
    assert!(!eager.anonymous.with_token(Some(&unseen)).is_signed_in().await);
}
