//! GitHub's OAuth, against a stand-in for a server of one's own: what it is asked, and what is made of its answers.

use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::HeaderMap;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use tokio::net::TcpListener;

use crate::support::World;
use crate::support::provider::{SESSION, Settings, parameters, set_out};

/// What the stand-in was asked, and what it answers of addresses.
#[derive(Clone, Default)]
struct Server {
    asked: Arc<Mutex<Vec<BTreeMap<String, String>>>>,
    addresses: Arc<Mutex<Value>>,
}

async fn token(State(server): State<Server>, Form(form): Form<BTreeMap<String, String>>) -> Json<Value> {
    let is_good = form["code"] == "good";
    server.asked.lock().expect("a lock").push(form);
    Json(if is_good {
        json!({ "access_token": "gho_x", "token_type": "bearer" })
    } else {
        json!({ "error": "bad_verification_code" })
    })
}

fn checked(headers: &HeaderMap) {
    assert_eq!(headers["authorization"], "Bearer gho_x");
    assert!(headers.contains_key("user-agent"), "GitHub wants one");
}

async fn user(headers: HeaderMap) -> Json<Value> {
    checked(&headers);
    Json(json!({ "id": 4711, "login": "mia", "name": null, "email": "shown@example.com" }))
}

async fn addresses(State(server): State<Server>, headers: HeaderMap) -> Json<Value> {
    checked(&headers);
    Json(server.addresses.lock().expect("a lock").clone())
}

#[tokio::test]
async fn githubs_people_are_known_by_their_number() {
    let server = Server::default();
    let router = Router::new()
        .route("/login/oauth/access_token", post(token))
        .route("/api/v3/user", get(user))
        .route("/api/v3/user/emails", get(addresses))
        .with_state(server.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let issuer = format!("http://{}", listener.local_addr().expect("an address"));
    let serving = tokio::spawn(async move { axum::serve(listener, router).await });
    let settings = Settings::new(&format!(
        "[[provider]]\nid = \"git\"\nname = \"GitHub\"\nkind = \"github\"\nissuer = \"{issuer}\"\n\
         client_id = \"trellis\"\nclient_secret = \"hush\"\n"
    ));
    let world = World::with(|config| settings.apply(config)).await;

    let journey = async |code: &str| {
        let departure = set_out(&world.anonymous, json!({ "provider": "git" })).await;
        let address = departure["authorizationUrl"].as_str().expect("an address").to_owned();
        assert!(address.starts_with(&format!("{issuer}/login/oauth/authorize?")), "{address}");
        let sent = parameters(&address);
        let answer = json!({
            "provider": "git", "state": sent["state"], "code": code, "browserSecret": departure["browserSecret"],
        });
        (sent, world.anonymous.mutate_for("openIdSignIn", SESSION, answer).await)
    };

    *server.addresses.lock().expect("a lock") = json!([
        { "email": "other@example.com", "primary": false, "verified": true },
        { "email": "mia@example.com", "primary": true, "verified": false },
    ]);
    journey("good").await.1.refused("EMAIL_UNVERIFIED", "");
    *server.addresses.lock().expect("a lock") =
        json!([{ "email": "mia@example.com", "primary": true, "verified": true }]);
    let (sent, first) = journey("good").await;
    let first = first.well();
    assert_eq!(first.text("openIdSignIn.viewer.user.email"), "mia@example.com");
    assert_eq!(first.text("openIdSignIn.viewer.user.name"), "mia");
    assert_eq!(sent["scope"], "read:user user:email");
    let asked = server.asked.lock().expect("a lock").last().cloned().expect("a question");
    assert_eq!(
        (asked["client_secret"].as_str(), asked["redirect_uri"].as_str()),
        ("hush", sent["redirect_uri"].as_str())
    );
    assert_eq!(asked["code_verifier"].len(), 43);
    let second = journey("good").await.1.well();
    assert_eq!(first.text("openIdSignIn.viewer.user.id"), second.text("openIdSignIn.viewer.user.id"));
    journey("bad").await.1.refused("PROVIDER_REFUSED", "");
    // It cannot be asked whether somebody is there.
    let reauthenticate = json!({ "provider": "git", "purpose": "REAUTHENTICATE" });
    world.member.mutate("openIdBegin", reauthenticate).await.refused("PROVIDER_UNAVAILABLE", "provider");
    serving.abort();
}
