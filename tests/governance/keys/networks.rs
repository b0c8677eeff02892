//! From where a key is good.

use serde_json::{Value, json};

use super::works;
use crate::support::{Answer, World};

#[tokio::test]
async fn a_key_is_good_from_its_networks_alone() {
    let world = World::with(|config| config.session_look_seconds = 1).await;
    let input = |networks: &[&str]| json!({ "name": "Here", "scopes": ["PROFILE_READ"], "allowedNetworks": networks });
    let (_, elsewhere) = world.editor.api_key_of(input(&["192.0.2.0/24", "2001:db8::/32"])).await;
    assert!(!works(&elsewhere).await);
    let (id, here) = world.editor.api_key_of(input(&["192.0.2.0/24", "127.0.0.0/8"])).await;
    assert!(works(&here).await);
    let mut socket = here.socket().await;
    socket.settle().await;
    let away = json!({ "id": id, "allowedNetworks": ["192.0.2.0/24"] });
    world.editor.mutate("apiKeyUpdate", away).await.well();
    assert!(!works(&here).await);
    assert_eq!(socket.message().await, 4403, "what is open ends too");
    world.editor.mutate("apiKeyUpdate", json!({ "id": id, "allowedNetworks": [] })).await.well();
    assert!(works(&here).await);
}

#[tokio::test]
async fn behind_a_proxy_the_address_is_the_one_that_the_proxy_saw() {
    let proxied = World::with(|config| {
        config.http.trusted_proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    })
    .await;
    let open = World::new().await;
    for (world, believed) in [(&proxied, true), (&open, false)] {
        let input = json!({ "name": "There", "scopes": ["PROFILE_READ"], "allowedNetworks": ["192.0.2.0/24"] });
        let (_, key) = world.editor.api_key_of(input).await;
        for (from, is_within) in [("192.0.2.7", true), ("198.51.100.7", false), ("198.51.100.7, 192.0.2.7", true)] {
            let body = json!({ "query": "{ viewer { apiKey { lastUsedIp } } }", "variables": Value::Null });
            let sent = key.post().header("x-forwarded-for", from).json(&body).send();
            let answer = Answer::read(sent.await.expect("an answer")).await;
            assert_eq!(answer.codes().is_empty(), believed && is_within, "{from}: {}", answer.body);
        }
    }
}
