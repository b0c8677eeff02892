//! Secrets: set and never read back, put in their place when they are used, and found nowhere else.

use std::fs::File;
use std::process::Command;
use std::sync::Arc;

use api::governance::secrets::{COLUMNS, Unresolved, missing, resolve};
use api::platform::clock::SystemClock;
use api::platform::config::Config;
use api::platform::envelopes::Envelope;
use api::platform::request::Request;
use api::platform::sealing::Sealing;
use entity::ids::ProjectId;
use serde_json::json;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::support::{Answer, Database, Process, World, defaults, environment, typed, uuid};

fn project(world: &World) -> ProjectId {
    world.rocket.parse().expect("an id")
}

async fn resolved(world: &World, texts: &[&str]) -> Result<Vec<String>, Unresolved> {
    let request = Request::as_system(world.server.platform(), "a call is made");
    let texts = resolve(&request, project(world), texts).await?;
    let shown = format!("{texts:?} {}", serde_json::to_string(&texts).expect("JSON"));
    assert!(!shown.contains("value of"), "{shown}");
    Ok(texts.into_iter().map(|text| text.expose().clone()).collect())
}

#[tokio::test]
async fn a_secret_is_set_listed_changed_and_deleted_and_never_read() {
    let world = World::new().await;
    let input = json!({ "projectId": world.rocket, "name": "TOKEN", "value": "the value of it" });
    let fields = "secret { id name reference version createdAt updatedAt createdBy { id } project { id } viewerCan }";
    let made = world.project_admin.mutate_for("secretCreate", fields, input).await.well();
    let secret = made.at("secretCreate.secret");
    let id = secret["id"].as_str().expect("an id").to_owned();
    assert_eq!(secret["reference"], "${secrets.TOKEN}");
    assert_eq!((&secret["version"], &secret["viewerCan"]), (&json!(1), &json!(["READ", "EDIT", "DELETE"])));
    world.project_admin.secret(&world.rocket, "ANOTHER", "the value of another").await;
    let list = "query($id: ID!) { node(id: $id) { ... on Project { secrets(first: 10) { totalCount nodes { name version } } } } }";
    for (client, names) in [(&world.developer, &["ANOTHER", "TOKEN"][..]), (&world.project_viewer, &[])] {
        let answer = client.query(list, json!({ "id": world.rocket })).await.well();
        assert_eq!(answer.texts("node.secrets.nodes", "name"), names);
        assert_eq!(answer.number("node.secrets.totalCount"), names.len() as i64);
    }
    let update = |value: &str, version: i32| json!({ "id": id, "value": value, "expectedVersion": version });
    world.project_admin.mutate("secretUpdate", update("the value of now", 1)).await.well();
    let stale = world.project_admin.mutate_for("secretUpdate", "secret { version }", update("late", 1)).await;
    stale.refused("CONFLICT", "expectedVersion");
    assert_eq!(stale.at("secretUpdate.secret.version"), 2);
    assert_eq!(resolved(&world, &["${secrets.TOKEN}"]).await.expect("resolved"), ["the value of now"]);
    world.project_admin.mutate("secretDelete", json!({ "id": id })).await.well();
    let error = resolved(&world, &["${secrets.TOKEN}"]).await.expect_err("it is gone");
    assert!(matches!(&error, Unresolved::Missing { name } if name == "TOKEN"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_a_secret_is_refused_and_named() {
    let world = World::new().await;
    world.project_admin.secret(&world.rocket, "TAKEN", "x").await;
    let base = json!({ "projectId": world.rocket, "name": "NAME", "value": "x" });
    for (changes, code, field) in [
        (json!({ "name": "" }), "NAME_INVALID", "name"),
        (json!({ "name": "1A" }), "NAME_INVALID", "name"),
        (json!({ "name": "a-b" }), "NAME_INVALID", "name"),
        (json!({ "name": "é" }), "NAME_INVALID", "name"),
        (json!({ "name": "x".repeat(101) }), "NAME_INVALID", "name"),
        (json!({ "name": "TAKEN" }), "NAME_TAKEN", "name"),
        (json!({ "value": "" }), "VALUE_INVALID", "value"),
        (json!({ "value": "a planted\0value" }), "VALUE_INVALID", "value"),
        (json!({ "value": "a planted value ".repeat(2_049) }), "VALUE_INVALID", "value"),
        (json!({ "id": typed("sec", "018f0000-0000-7000-8000-000000000001") }), "ID_TAKEN", "id"),
    ] {
        let mut input = base.clone();
        input.as_object_mut().expect("an object").extend(changes.as_object().expect("an object").clone());
        let answer = world.project_admin.mutate("secretCreate", input).await;
        answer.refused(code, field);
        assert!(!answer.body.contains("planted"), "{}", answer.body);
    }
    for value in ["x".repeat(32 * 1024), "-----BEGIN KEY-----\n\t🔑 ${secrets.TAKEN}\r\n".to_owned()] {
        world.project_admin.secret(&world.rocket, &format!("OF_{}", value.len()), &value).await;
        let name = format!("${{secrets.OF_{}}}", value.len());
        assert_eq!(resolved(&world, &[&name]).await.expect("resolved"), [value]);
    }
}

#[tokio::test]
async fn references_are_replaced_and_what_is_missing_is_named() {
    let world = World::new().await;
    for name in ["A", "B"] {
        world.project_admin.secret(&world.rocket, name, &format!("value of {name}")).await;
    }
    let texts = ["Bearer ${secrets.A}", "${secrets.B}${secrets.A}", "plain $HOME ${x}", ""];
    let expected = ["Bearer value of A", "value of Bvalue of A", "plain $HOME ${x}", ""];
    assert_eq!(resolved(&world, &texts).await.expect("resolved"), expected);
    let request = Request::as_system(world.server.platform(), "somebody stores texts");
    let found = missing(&request, project(&world), &["${secrets.A} ${secrets.C}", "${secrets.D}"]).await;
    assert_eq!(found.expect("names"), ["C", "D"]);
    let error = resolved(&world, &["${secrets.A} ${secrets.C}"]).await.expect_err("C is missing");
    assert_eq!(error.to_string(), "the project has no secret C");
    let error = resolved(&world, &["${secrets.A"]).await.expect_err("it does not end");
    assert!(matches!(error, Unresolved::Malformed(_)), "{error}");
    // Another project has none of these.
    let other = world.owner.project(&world.acme, "other").await.parse().expect("an id");
    assert_eq!(missing(&request, other, &["${secrets.A}"]).await.expect("names"), ["A"]);
}

#[tokio::test]
async fn an_envelope_opens_in_its_own_place_and_is_wrapped_anew_by_upkeep() {
    const OLD: &str = "1:MTExMTExMTExMTExMTExMTExMTExMTExMTExMTExMTE=";
    const NEW: &str = "2:MjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjIyMjI=";
    let world = World::with(|config| config.sealing_keys = Some(OLD.into())).await;
    let [one, other] = [
        world.project_admin.secret(&world.rocket, "ONE", "value of one").await,
        world.project_admin.secret(&world.rocket, "OTHER", "value of other").await,
    ];
    let rows = "SELECT id, encode(sealed_secret, 'base64') AS value, encode(wrapped_secret_key, 'base64') AS key, wrapping_version \
                FROM governance.secrets ORDER BY name";
    let before = world.database.rows(rows).await;
    assert!(before.iter().all(|row| row["wrapping_version"] == 1), "{before:?}");
    // The parts of another row open nowhere.
    let swap = format!(
        "UPDATE governance.secrets AS mine SET sealed_secret = theirs.sealed_secret, wrapped_secret_key = theirs.wrapped_secret_key \
         FROM governance.secrets AS theirs WHERE mine.id = '{}' AND theirs.id = '{}'",
        uuid(&one),
        uuid(&other)
    );
    world.database.run(&swap).await;
    assert!(matches!(resolved(&world, &["${secrets.ONE}"]).await, Err(Unresolved::Failed(_))));
    world.project_admin.mutate("secretUpdate", json!({ "id": one, "value": "value of one" })).await.well();
    let before = world.database.rows(rows).await;
    let config = Config { sealing_keys: Some(format!("{NEW},{OLD}").into()), ..defaults() };
    let both = Sealing::new(&config, &[COLUMNS.key], Arc::new(SystemClock)).expect("good keys");
    assert_eq!(both.reseal(&world.server.platform().database).await.expect("wrapped anew"), 2);
    let after = world.database.rows(rows).await;
    for (before, after) in before.iter().zip(&after) {
        assert_eq!((&before["value"], &after["wrapping_version"]), (&after["value"], &json!(2)));
        assert_ne!(before["key"], after["key"]);
    }
    let sql = "SELECT sealed_secret, wrapped_secret_key FROM governance.secrets WHERE id = $1";
    let row = Uuid::parse_str(&uuid(&one)).expect("a UUID");
    let (value, key): (Vec<u8>, Vec<u8>) =
        sqlx::query_as(sql).bind(row).fetch_one(world.database.pool()).await.expect("the row");
    let config = Config { sealing_keys: Some(NEW.into()), ..defaults() };
    let new = Sealing::new(&config, &[COLUMNS.key], Arc::new(SystemClock)).expect("good keys");
    let mut envelope = Envelope { value, key };
    assert_eq!(new.disclose(COLUMNS, row, &envelope).expect("opened"), b"value of one");
    assert!(new.disclose(COLUMNS, Uuid::nil(), &envelope).is_err());
    for index in 0..envelope.value.len() {
        envelope.value[index] ^= 1;
        assert!(new.disclose(COLUMNS, row, &envelope).is_err(), "byte {index}");
        envelope.value[index] ^= 1;
    }
}

#[tokio::test]
async fn a_key_with_the_scope_sets_secrets_and_reads_none() {
    let world = World::new().await;
    let (_, key) = world.project_admin.api_key(Some(&world.rocket), &["SECRETS_WRITE"]).await;
    let id = key.secret(&world.rocket, "BY_KEY", "value of it").await;
    key.mutate("secretUpdate", json!({ "id": id, "value": "value of now" })).await.well();
    assert_eq!(resolved(&world, &["${secrets.BY_KEY}"]).await.expect("resolved"), ["value of now"]);
    let (_, other) = world.project_admin.api_key(Some(&world.rocket), &["PROJECTS_WRITE"]).await;
    assert!(other.node(&id).await.is_null());
    let input = json!({ "projectId": world.rocket, "name": "NO", "value": "no" });
    assert_eq!(other.mutate("secretCreate", input).await.code(), "FORBIDDEN");
}

/// All that PostgreSQL has, as SQL.
fn dump(database: &Database) -> String {
    let program =
        std::env::var("TRELLIS_TEST_PG_BIN").map_or("pg_dump".to_owned(), |folder| format!("{folder}/pg_dump"));
    let output = Command::new(program).args(["--data-only", "--inserts", "--dbname", &database.url()]).output();
    let output = output.expect("pg_dump runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// All that Redis has under the database's prefix, of every type.
async fn redis(database: &Database) -> String {
    let client = redis::Client::open(environment("TRELLIS_TEST_REDIS_URL")).expect("an address");
    let mut connection = client.get_multiplexed_async_connection().await.expect("Redis answers");
    let pattern = format!("{}:*", database.name());
    let keys: Vec<String> = redis::cmd("KEYS").arg(pattern).query_async(&mut connection).await.expect("keys");
    let mut all = String::new();
    for key in keys {
        let dumped: redis::Value = redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.expect("a value");
        all += &format!("{key} ");
        if let redis::Value::BulkString(bytes) = dumped {
            all += &String::from_utf8_lossy(&bytes);
        }
    }
    all
}

#[tokio::test]
async fn a_planted_value_is_found_nowhere() {
    const PLANTED: &str = "planted-5f0c2b7e-value";
    let world = World::new().await;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("log");
    let log = File::create(&path).expect("a log");
    // Everything is logged that can be.
    let process = Process::logging(&world.database, &[("TRELLIS_LOG", "trace")], log).await;
    let admin = process.client(&world.project_admin);
    let mut answers: Vec<Answer> = Vec::new();
    let create = "mutation($input: SecretCreateInput!) { secretCreate(input: $input) { secret { id name version } userErrors { code message } } }";
    let update = "mutation($input: SecretUpdateInput!) { secretUpdate(input: $input) { secret { id version } userErrors { code message } } }";
    let value = |name: &str| json!({ "input": { "projectId": world.rocket, "name": name, "value": PLANTED } });
    let made = admin.query_once("first", create, value("PLANTED")).await.well();
    let id = made.text("secretCreate.secret.id").to_owned();
    answers.push(admin.query_once("first", create, value("PLANTED")).await);
    for input in [value("1"), json!({ "input": { "projectId": world.acme, "name": "A", "value": PLANTED } })] {
        answers.push(admin.query(create, input).await);
    }
    answers.push(admin.query(create, value("PLANTED")).await);
    answers.push(process.client(&world.developer).query(create, value("OTHER")).await);
    answers.push(process.client(&world.stranger).query(create, value("OTHER")).await);
    let change = json!({ "input": { "id": id, "value": format!("{PLANTED}-2") } });
    answers.push(admin.query_once("second", update, change.clone()).await);
    let stale = json!({ "input": { "id": id, "value": PLANTED, "expectedVersion": 1 } });
    answers.push(admin.query(update, stale).await);
    let inline = format!(
        "mutation {{ secretUpdate(input: {{ id: \"{id}\", value: \"{PLANTED}\" }}) {{ secret {{ version }} }} }}"
    );
    let hash: String = Sha256::digest(inline.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
    let persisted =
        json!({ "query": inline, "extensions": { "persistedQuery": { "version": 1, "sha256Hash": hash } } });
    let kept = admin.post().json(&persisted).send().await.expect("an answer");
    answers.push(Answer::read(kept).await.well());
    let log_of = "query($id: ID!) { organization(slug: \"acme\") { auditLog(first: 20, filter: { resourceId: $id }) { nodes { \
                  sensitive changes { field old { kind text } new { kind text } } } } } }";
    let entries = process.client(&world.owner).query(log_of, json!({ "id": id })).await.well();
    assert!(entries.list("organization.auditLog.nodes").len() >= 3, "{}", entries.body);
    assert!(entries.body.contains("REDACTED"), "{}", entries.body);
    answers.push(entries);
    answers.push(
        admin
            .query(
                "query($id: ID!) { node(id: $id) { ... on Secret { name version reference } } }",
                json!({ "id": id }),
            )
            .await,
    );
    for answer in &answers {
        assert!(!answer.body.contains(PLANTED), "{}", answer.body);
    }
    let dump = dump(&world.database);
    assert!(dump.contains("INSERT INTO governance.secrets") && dump.contains("secret.updated"));
    let log = std::fs::read_to_string(&path).expect("a log");
    assert!(log.contains("operation"), "{log}");
    for (place, text) in [("PostgreSQL", dump), ("Redis", redis(&world.database).await), ("the log", log)] {
        let hex: String = PLANTED.bytes().map(|byte| format!("{byte:02x}")).collect();
        assert!(!text.contains(PLANTED), "{place}");
        assert!(!text.contains(&hex), "{place}, in hexadecimal digits");
    }
}
