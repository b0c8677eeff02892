//! Documents that are named instead of sent: automatic persisted queries, and trusted documents alone.

use std::io::Write as _;

use reqwest::StatusCode;
use reqwest::header::ACCEPT;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::support::{Answer, Client, World, eventually};

const QUERY: &str = "query Whoami { viewer { user { id } } }";

fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn named(hash: &str) -> Value {
    json!({ "persistedQuery": { "version": 1, "sha256Hash": hash } })
}

async fn post(client: &Client, content: Value) -> Answer {
    let request = client.post().header(ACCEPT, "application/graphql-response+json").json(&content);
    Answer::read(request.send().await.expect("the server answers")).await
}

#[tokio::test]
async fn a_document_is_sent_once_and_named_from_then_on() {
    let world = World::new().await;
    let extensions = named(&hash(QUERY));
    let unknown = post(&world.owner, json!({ "extensions": extensions })).await;
    assert_eq!((unknown.status, unknown.code()), (StatusCode::BAD_REQUEST, "PERSISTED_QUERY_NOT_FOUND"));
    assert_eq!(unknown.json["errors"][0]["message"], "PersistedQueryNotFound", "what clients look for");
    // To older clients it is a well-formed request.
    let older = world.owner.post().json(&json!({ "extensions": extensions }));
    assert_eq!(older.send().await.expect("an answer").status(), StatusCode::OK);

    post(&world.owner, json!({ "query": QUERY, "extensions": extensions })).await.well();
    let again = post(&world.owner, json!({ "extensions": extensions })).await.well();
    assert_eq!(again.text("viewer.user.id"), world.owner.id);
    // Who asks is looked at each time.
    let other = post(&world.member, json!({ "documentId": hash(QUERY) })).await.well();
    assert_eq!(other.text("viewer.user.id"), world.member.id);
    let url =
        format!("extensions={}", extensions.to_string().replace('"', "%22").replace('{', "%7B").replace('}', "%7D"));
    let by_get = Answer::read(world.owner.get(&url).send().await.expect("an answer")).await.well();
    assert_eq!(by_get.text("viewer.user.id"), world.owner.id);
    let mut socket = world.owner.socket().await;
    let payload = json!({ "query": "", "extensions": extensions });
    socket.send(json!({ "id": "1", "type": "subscribe", "payload": payload })).await;
    assert_eq!(socket.event().await["viewer"]["user"]["id"], world.owner.id);
}

#[tokio::test]
async fn what_one_server_learned_another_knows_through_redis_and_each_works_without() {
    let world = World::new().await;
    let extensions = named(&hash(QUERY));
    post(&world.owner, json!({ "query": QUERY, "extensions": extensions })).await.well();
    let database = &world.database;
    let prefix = format!("{}:", database.name());
    let beside = crate::support::Server::start(database, |config| config.stores.redis_prefix = prefix).await;
    let owner = world.owner.of(&beside.graphql());
    eventually("Redis has it", async || {
        let answer = post(&owner, json!({ "extensions": extensions })).await;
        answer.codes().is_empty().then_some(())
    })
    .await;

    let alone = crate::support::Server::start(database, |config| {
        config.stores.redis_url = "redis://127.0.0.1:1".into();
    })
    .await;
    let owner = world.owner.of(&alone.graphql());
    assert_eq!(post(&owner, json!({ "extensions": extensions })).await.code(), "PERSISTED_QUERY_NOT_FOUND");
    post(&owner, json!({ "query": QUERY, "extensions": extensions })).await.well();
    post(&owner, json!({ "extensions": extensions })).await.well();
}

#[tokio::test]
async fn nothing_is_kept_under_a_false_hash_or_that_was_not_let_in() {
    let world = World::new().await;
    let other = "query Other { __typename }";
    let forged = post(&world.owner, json!({ "query": other, "extensions": named(&hash(QUERY)) })).await;
    assert_eq!((forged.status, forged.code()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{}", forged.body);
    assert_eq!(
        post(&world.owner, json!({ "extensions": named(&hash(QUERY)) })).await.code(),
        "PERSISTED_QUERY_NOT_FOUND"
    );
    let hostile = format!("{{ __typename(x: {}) }}", "[".repeat(100));
    post(&world.owner, json!({ "query": hostile, "extensions": named(&hash(&hostile)) })).await;
    let named_again = post(&world.owner, json!({ "extensions": named(&hash(&hostile)) })).await;
    assert_eq!(named_again.code(), "PERSISTED_QUERY_NOT_FOUND");
    for extensions in [
        json!({ "persistedQuery": 7 }),
        json!({ "persistedQuery": { "version": 2, "sha256Hash": hash(QUERY) } }),
        json!({ "persistedQuery": { "version": 1 } }),
    ] {
        let answer = post(&world.owner, json!({ "query": QUERY, "extensions": extensions })).await;
        assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "BAD_USER_INPUT"), "{}", answer.body);
    }
}

#[tokio::test]
async fn beside_trusted_documents_nothing_is_run() {
    let update = "mutation Rename($name: String!) { profileUpdate(input: { name: $name }) { userErrors { code } } }";
    for manifest in [
        json!({ "whoami": QUERY, "rename": update }),
        json!({ "format": "apollo-persisted-query-manifest", "version": 1, "operations": [
            { "id": "whoami", "name": "Whoami", "type": "query", "body": QUERY },
            { "id": "rename", "name": "Rename", "type": "mutation", "body": update },
        ] }),
    ] {
        let mut file = tempfile::NamedTempFile::new().expect("a file");
        file.write_all(manifest.to_string().as_bytes()).expect("it can be written");
        let path = file.path().to_owned();
        let world = World::with(|config| config.http.trusted_documents = Some(path)).await;
        for content in [
            json!({ "documentId": "whoami" }),
            json!({ "extensions": named("whoami") }),
            json!({ "extensions": named(&hash(QUERY)) }),
            json!({ "query": QUERY }),
        ] {
            let answer = post(&world.owner, content).await.well();
            assert_eq!(answer.text("viewer.user.id"), world.owner.id);
        }
        for query in
            ["{ __typename }", "query Whoami { viewer { user { id email } } }", "mutation { signOut { commitCursor } }"]
        {
            let answer = post(&world.owner, json!({ "query": query })).await;
            assert_eq!((answer.status, answer.code()), (StatusCode::BAD_REQUEST, "UNTRUSTED_DOCUMENT"), "{query}");
            // Nor once it is registered, or hidden behind an id that is trusted.
            let answer = post(&world.owner, json!({ "query": query, "extensions": named(&hash(query)) })).await;
            assert_eq!(answer.code(), "UNTRUSTED_DOCUMENT", "{query}");
            let answer = post(&world.owner, json!({ "query": query, "documentId": "whoami" })).await;
            assert_eq!(answer.code(), "UNTRUSTED_DOCUMENT", "{query}");
            let answer = post(&world.owner, json!({ "extensions": named(&hash(query)) })).await;
            assert_eq!(answer.code(), "PERSISTED_QUERY_NOT_FOUND", "{query}");
            let mut socket = world.owner.socket().await;
            socket.subscribe(query, json!({})).await;
            let message = socket.message().await;
            assert_eq!(
                (&message["type"], crate::support::socket::codes(&message)),
                (&json!("error"), vec!["UNTRUSTED_DOCUMENT"])
            );
            let events = world.owner.post().header(ACCEPT, "text/event-stream").json(&json!({ "query": query }));
            let events = events.send().await.expect("an answer").text().await.expect("text");
            assert!(events.contains("UNTRUSTED_DOCUMENT"), "{events}");
        }
    }
}
