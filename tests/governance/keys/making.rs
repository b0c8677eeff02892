//! Making, changing and listing keys: who may, what is refused, and that the secret is nowhere.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{row_of, works};
use crate::support::{World, new_id, typed};

const EVERYTHING: &str = "secret apiKey { id name description prefix scopes allowedNetworks state usageCount lastUsedAt \
     expiresAt isCurrent version viewerCan project { id } createdBy { id } }";

#[tokio::test]
async fn a_key_is_shown_once_and_stored_as_beginning_and_digest() {
    let world = World::new().await;
    let input = json!({
        "projectId": world.rocket, "name": " Deploys ", "description": "For the pipeline.",
        "scopes": ["TOOLS_CALL", "DOCUMENTS_READ", "TOOLS_CALL"], "allowedNetworks": ["127.0.0.1", "10.1.2.3/8", "10.0.0.0/8"],
    });
    let answer = world.project_admin.mutate_for("apiKeyCreate", EVERYTHING, input).await.well();
    let secret = answer.text("apiKeyCreate.secret").to_owned();
    assert!(secret.starts_with("tr_live_") && secret.len() == 8 + 43, "{secret}");
    let key = answer.at("apiKeyCreate.apiKey");
    assert_eq!(
        *key,
        json!({
            "id": key["id"], "name": "Deploys", "description": "For the pipeline.", "prefix": &secret[..16],
            "scopes": ["DOCUMENTS_READ", "TOOLS_CALL"], "allowedNetworks": ["10.0.0.0/8", "127.0.0.1/32"], "state": "ACTIVE",
            "usageCount": 0.0, "lastUsedAt": null, "expiresAt": null, "isCurrent": false, "version": 1,
            "viewerCan": ["READ", "EDIT", "ROTATE", "REVOKE"], "project": { "id": world.rocket },
            "createdBy": { "id": world.project_admin.id },
        })
    );
    let id = key["id"].as_str().expect("an id");
    let row = world
        .database
        .row(&format!(
            "SELECT key_prefix, encode(key_hash, 'hex') AS hash FROM governance.api_keys WHERE {}",
            row_of(id)
        ))
        .await;
    let hash: String = Sha256::digest(secret.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(row, json!({ "key_prefix": &secret[..16], "hash": hash }));
    assert!(works(&world.anonymous.with_token(Some(&secret))).await);
    let test = json!({ "name": "Trial", "scopes": ["PROFILE_READ"], "mode": "TEST" });
    let answer = world.member.mutate_for("apiKeyCreate", EVERYTHING, test).await.well();
    assert!(answer.text("apiKeyCreate.secret").starts_with("tr_test_"));
    assert_eq!(answer.at("apiKeyCreate.apiKey.project"), &Value::Null);
    assert!(works(&world.anonymous.with_token(Some(answer.text("apiKeyCreate.secret")))).await);
}

#[tokio::test]
async fn an_idempotency_key_never_brings_a_secret_back() {
    let world = World::new().await;
    let input = json!({ "input": { "name": "Once", "scopes": ["PROFILE_READ"] } });
    let text = "mutation($input: ApiKeyCreateInput!) { apiKeyCreate(input: $input) { secret apiKey { id } } }";
    let first = world.member.query_once("again", text, input.clone()).await.well();
    let second = world.member.query_once("again", text, input).await.well();
    assert_ne!(first.text("apiKeyCreate.secret"), second.text("apiKeyCreate.secret"));
    let dump = world.database.rows("SELECT convert_from(body, 'UTF8') AS body FROM platform.idempotency_answers").await;
    assert!(dump.iter().all(|row| !row.to_string().contains("tr_live_")), "{dump:?}");
}

#[tokio::test]
async fn what_cannot_be_a_key_is_refused_and_named() {
    let world = World::new().await;
    let base = json!({ "name": "Key", "scopes": ["PROFILE_READ"] });
    let many: Vec<String> = (0..51).map(|number| format!("10.0.{number}.0/24")).collect();
    for (changes, code, field) in [
        (json!({ "name": " " }), "NAME_REQUIRED", "name"),
        (json!({ "name": "\u{200b}" }), "NAME_REQUIRED", "name"),
        (json!({ "name": "x".repeat(256) }), "TEXT_INVALID", "name"),
        (json!({ "name": "two\nlines" }), "TEXT_INVALID", "name"),
        (json!({ "description": "\u{202e}right to left" }), "TEXT_INVALID", "description"),
        (json!({ "scopes": [] }), "SCOPES_REQUIRED", "scopes"),
        (json!({ "allowedNetworks": ["here"] }), "NETWORK_INVALID", "allowedNetworks"),
        (json!({ "allowedNetworks": ["10.0.0.0/33"] }), "NETWORK_INVALID", "allowedNetworks"),
        (json!({ "allowedNetworks": [""] }), "NETWORK_INVALID", "allowedNetworks"),
        (json!({ "allowedNetworks": many }), "NETWORK_INVALID", "allowedNetworks"),
        (json!({ "expiresAt": "2020-01-01T00:00:00Z" }), "TIME_INVALID", "expiresAt"),
        (json!({ "expiresAt": "9999-01-01T00:00:00Z" }), "TIME_INVALID", "expiresAt"),
        (json!({ "id": typed("key", "018f0000-0000-7000-8000-000000000001") }), "ID_TAKEN", "id"),
    ] {
        let mut input = base.clone();
        input.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        world.member.mutate("apiKeyCreate", input.clone()).await.refused(code, field);
    }
    assert_eq!(world.database.number("SELECT count(*) FROM governance.api_keys").await, 0);
    let id = typed("key", &new_id().to_string());
    let input = json!({ "id": id, "name": "Übersicht 🚀", "scopes": ["PROFILE_READ"] });
    let answer = world.member.mutate_for("apiKeyCreate", "apiKey { id name }", input.clone()).await.well();
    assert_eq!(answer.at("apiKeyCreate.apiKey"), &json!({ "id": id, "name": "Übersicht 🚀" }));
    world.member.mutate("apiKeyCreate", input).await.refused("ID_TAKEN", "id");
}

#[tokio::test]
async fn keys_are_made_and_widened_by_who_proved_lately_who_they_are() {
    let world = World::new().await;
    let (id, _) = world.member.api_key(None, &["PROFILE_READ"]).await;
    let stale = "UPDATE identity.sessions SET authenticated_at = now() - interval '1 day'";
    world.database.run(stale).await;
    for (mutation, input) in [
        ("apiKeyCreate", json!({ "name": "Key", "scopes": ["PROFILE_READ"] })),
        ("apiKeyRotate", json!({ "id": id })),
        ("apiKeyUpdate", json!({ "id": id, "scopes": ["DOCUMENTS_READ"] })),
        ("apiKeyUpdate", json!({ "id": id, "allowedNetworks": [] })),
        ("apiKeyUpdate", json!({ "id": id, "expiresAt": null })),
    ] {
        world.member.mutate(mutation, input).await.refused("REAUTHENTICATION_REQUIRED", "");
    }
    world.member.mutate("apiKeyUpdate", json!({ "id": id, "name": "Renamed" })).await.well();
    world.member.mutate("apiKeyRevoke", json!({ "id": id })).await.well();
}

#[tokio::test]
async fn a_stale_version_is_a_conflict_with_the_present_key() {
    let world = World::new().await;
    let (id, _) = world.member.api_key(None, &["PROFILE_READ"]).await;
    let rename = |name: &str, version: i32| json!({ "id": id, "name": name, "expectedVersion": version });
    world.member.mutate("apiKeyUpdate", rename("First", 1)).await.well();
    let stale = world.member.mutate_for("apiKeyUpdate", "apiKey { name version }", rename("Second", 1)).await;
    stale.refused("CONFLICT", "expectedVersion");
    assert_eq!(stale.at("apiKeyUpdate.apiKey"), &json!({ "name": "First", "version": 2 }));
    world
        .member
        .mutate("apiKeyRotate", json!({ "id": id, "expectedVersion": 1 }))
        .await
        .refused("CONFLICT", "expectedVersion");
}

#[tokio::test]
async fn lists_are_filtered_and_paged() {
    let world = World::new().await;
    let (revoked, _) = world.project_admin.api_key(Some(&world.rocket), &["TOOLS_READ"]).await;
    let (rotated, _) = world.project_admin.api_key(Some(&world.rocket), &["TOOLS_CALL"]).await;
    let (expired, _) = world.owner.api_key(Some(&world.rocket), &["TOOLS_READ"]).await;
    world.owner.api_key(None, &["PROFILE_READ"]).await;
    world.project_admin.mutate("apiKeyRevoke", json!({ "id": revoked })).await.well();
    world.project_admin.mutate("apiKeyRotate", json!({ "id": rotated })).await.well();
    let past = "UPDATE governance.api_keys SET created_at = now() - interval '2 days', expires_at = now() - interval '1 day' WHERE";
    world.database.run(&format!("{past} {}", row_of(&expired))).await;
    let list = async |filter: Value| {
        let query = "query($id: ID!, $filter: ApiKeyFilter) { node(id: $id) { ... on Project { \
             apiKeys(first: 10, filter: $filter) { totalCount nodes { name state } } } } }";
        let answer = world.developer.query(query, json!({ "id": world.rocket, "filter": filter })).await.well();
        assert_eq!(answer.number("node.apiKeys.totalCount"), answer.list("node.apiKeys.nodes").len() as i64);
        let nodes = answer.list("node.apiKeys.nodes").iter();
        nodes
            .map(|node| format!("{} {}", node["name"].as_str().unwrap(), node["state"].as_str().unwrap()))
            .collect::<Vec<_>>()
    };
    let all = ["TOOLS_CALL ACTIVE", "TOOLS_CALL REPLACED", "TOOLS_READ REVOKED", "TOOLS_READ EXPIRED"];
    assert_eq!(list(Value::Null).await, all);
    assert_eq!(list(json!({ "states": ["ACTIVE", "REVOKED"] })).await, [all[0], all[2]]);
    assert_eq!(list(json!({ "states": ["REPLACED", "EXPIRED"] })).await, [all[1], all[3]]);
    assert!(list(json!({ "states": [] })).await.is_empty());
    assert_eq!(list(json!({ "scope": "TOOLS_READ" })).await, all[2..]);
    assert_eq!(list(json!({ "createdBy": world.owner.id })).await, all[3..]);
    assert_eq!(list(json!({ "name": { "contains": "call" } })).await, all[..2]);
    assert!(list(json!({ "lastUsedAt": { "since": "2020-01-01T00:00:00Z" } })).await.is_empty());
    let own = "{ viewer { apiKeys(first: 10) { totalCount nodes { name } } } }";
    let answer = world.owner.query(own, Value::Null).await.well();
    assert_eq!(answer.texts("viewer.apiKeys.nodes", "name"), ["PROFILE_READ"]);
    assert_eq!(world.project_admin.query(own, Value::Null).await.well().number("viewer.apiKeys.totalCount"), 0);
}

#[tokio::test]
async fn there_are_so_many_keys_and_no_more() {
    let world = World::new().await;
    let sql = format!(
        "INSERT INTO governance.api_keys (id, user_id, created_by, name, key_prefix, key_hash, scopes) \
         SELECT gen_random_uuid(), user_id, user_id, 'Key', 'tr_live_', sha256(number::text::bytea), '{{profile:read}}' \
         FROM generate_series(1, 200) AS number, (SELECT '{}'::uuid AS user_id) AS owner",
        crate::support::uuid(&world.member.id)
    );
    world.database.run(&sql).await;
    let input = json!({ "name": "One more", "scopes": ["PROFILE_READ"] });
    world.member.mutate("apiKeyCreate", input.clone()).await.refused("TOO_MANY", "");
    let one = world.database.row("SELECT id FROM governance.api_keys LIMIT 1").await;
    let one = typed("key", one["id"].as_str().expect("an id"));
    world.member.mutate("apiKeyRevoke", json!({ "id": one })).await.well();
    world.member.mutate("apiKeyCreate", input).await.well();
}
