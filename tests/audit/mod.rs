//! The audit log: what it records, what it keeps to itself, and that nobody changes it. `reading` and `live` are about
//! those who read it.

mod live;
mod reading;

use serde_json::{Value, json};

use crate::support::{PASSWORD, World, uuid};

async fn entries(world: &World, filter: &str) -> Vec<Value> {
    world.database.rows(&format!("SELECT * FROM audit.logs WHERE {filter} ORDER BY created_at")).await
}

#[tokio::test]
async fn a_change_is_recorded_with_who_made_it_and_in_which_request() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "title": "Before" })).await;
    world.manager.mutate("documentUpdate", json!({ "id": id, "title": "After", "content": "one two" })).await.well();
    let found = entries(&world, &format!("resource_id = '{}'", uuid(&id))).await;
    let actions: Vec<&str> = found.iter().filter_map(|entry| entry["action"].as_str()).collect();
    assert_eq!(actions.iter().filter(|action| **action == "documents.create").count(), 1, "{actions:?}");
    assert_eq!(actions.iter().filter(|action| **action == "documents.update").count(), 1, "{actions:?}");
    assert_eq!(actions.iter().filter(|action| **action == "document_contents.update").count(), 1, "{actions:?}");

    let update = found.iter().find(|entry| entry["action"] == "documents.update").expect("an entry");
    assert_eq!((&update["actor_type"], &update["actor_id"]), (&json!("user"), &json!(uuid(&world.manager.id))));
    assert_eq!(
        (&update["organization_id"], &update["space_id"]),
        (&json!(uuid(&world.acme)), &json!(uuid(&world.lab)))
    );
    assert_eq!(update["changes"]["title"], json!({ "old": "Before", "new": "After" }));
    assert_eq!(update["changes"]["version"], json!({ "old": 1, "new": 2 }));
    assert!(update["changes"].get("status").is_none(), "only what changed: {update}");
    assert!(update["actor_ip"].as_str().is_some_and(|ip| ip.starts_with("127.0.0.1")));

    let request = update["request_id"].as_str().expect("a request");
    let same = entries(&world, &format!("request_id = '{request}'")).await;
    assert!(same.iter().all(|entry| entry["actor_id"] == update["actor_id"]) && same.len() >= 2);
    let event = world
        .database
        .row(&format!("SELECT * FROM platform.outbox WHERE request_id = '{request}' AND stream = 'documents'"))
        .await;
    assert_eq!((&event["event_type"], &event["actor_id"]), (&json!("document.updated"), &update["actor_id"]));
}

#[tokio::test]
async fn every_acknowledged_mutation_has_its_entry_and_its_event() {
    let world = World::new().await;
    let before = world.database.number("SELECT coalesce(max(id), 0) FROM platform.outbox").await;
    let mut expected = 0;
    for number in 0..5 {
        let id = world.editor.document(&world.lab, json!({ "title": number.to_string() })).await;
        for mutation in ["documentPublish", "documentArchive", "documentTrash", "documentRestore"] {
            world.editor.mutate(mutation, json!({ "id": id })).await.well();
        }
        expected += 5;
    }
    let events = world
        .database
        .number(&format!("SELECT count(*) FROM platform.outbox WHERE stream = 'documents' AND id > {before}"))
        .await;
    assert_eq!(events, expected);
    let requests = format!(
        "SELECT count(DISTINCT o.request_id) FROM platform.outbox o JOIN audit.logs l ON l.request_id = o.request_id \
         AND l.resource_id = o.resource_id AND l.resource_type = 'documents' WHERE o.id > {before}"
    );
    assert_eq!(world.database.number(&requests).await, expected);
}

#[tokio::test]
async fn what_was_refused_leaves_no_trace() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    world
        .editor
        .mutate("documentUpdate", json!({ "id": id, "title": "x", "expectedVersion": 7 }))
        .await
        .refused("CONFLICT", "expectedVersion");
    assert_eq!(world.reader.mutate("documentUpdate", json!({ "id": id, "title": "x" })).await.code(), "FORBIDDEN");
    assert_eq!(world.stranger.mutate("documentTrash", json!({ "id": id })).await.code(), "NOT_FOUND");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn the_role_of_the_server_adds_to_the_log_and_changes_nothing_in_it() {
    let world = World::new().await;
    world.editor.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    let partitions = world
        .database
        .rows("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = 'audit.logs'::regclass")
        .await;
    let mut tables: Vec<&str> = partitions.iter().filter_map(|row| row["name"].as_str()).collect();
    tables.push("audit.logs");
    assert!(tables.len() > 2, "{tables:?}");
    for table in tables {
        for statement in [
            format!("UPDATE {table} SET actor_id = NULL"),
            format!("DELETE FROM {table}"),
            format!("TRUNCATE {table}"),
            format!("DROP TABLE {table}"),
            format!("ALTER TABLE {table} DISABLE TRIGGER ALL"),
            format!("ALTER TABLE {table} RENAME TO gone"),
        ] {
            refuses(&world, "SET LOCAL ROLE trellis_server; ", &statement).await;
        }
    }
    for statement in [
        "ALTER TABLE content.documents DISABLE TRIGGER audit",
        "DROP TRIGGER audit ON content.documents",
        "SET session_replication_role = replica",
        "CREATE TABLE audit.other (id int)",
        "ALTER FUNCTION audit.record() RENAME TO other",
    ] {
        refuses(&world, "SET LOCAL ROLE trellis_server; ", statement).await;
    }
    // Not even who owns it changes it by mistake.
    for statement in ["UPDATE audit.logs SET actor_id = NULL", "DELETE FROM audit.logs", "TRUNCATE audit.logs"] {
        refuses(&world, "", statement).await;
    }
    assert_eq!(world.database.digest().await, before);
}

async fn refuses(world: &World, role: &str, statement: &str) {
    let result = world.database.try_run(&format!("{role}{statement}")).await;
    let Err(refused) = result else { panic!("done: {role}{statement}") };
    let refused = refused.to_string();
    let reasons = ["permission denied", "must be owner", "append-only"];
    assert!(reasons.iter().any(|reason| refused.contains(reason)), "{role}{statement}: {refused}");
}

#[tokio::test]
async fn the_server_works_as_its_role() {
    let world = World::new().await;
    let row = sqlx::query_scalar::<_, String>("SELECT current_user::text")
        .fetch_one(world.server.platform().database.pool())
        .await;
    assert_eq!(row.expect("a name"), "trellis_server");
}

#[tokio::test]
async fn secrets_show_that_they_changed_and_not_what_they_are() {
    let world = World::new().await;
    let input = json!({ "email": "nora@example.org", "password": PASSWORD, "name": "Nora" });
    let answer = world.anonymous.mutate_for("signUp", "refreshToken", input).await.well();
    let account =
        entries(&world, "action = 'users.create' AND changes -> 'email' ->> 'new' = 'nora@example.org'").await;
    assert_eq!(account[0]["changes"]["password_hash"], json!({ "new": "[redacted]" }));
    assert_eq!(account[0]["sensitive"], true);
    let session = entries(&world, "action = 'sessions.create'").await;
    assert!(session.iter().all(|entry| entry["changes"]["token_hash"] == json!({ "new": "[redacted]" })));
    let refresh = json!({ "refreshToken": answer.text("signUp.refreshToken") });
    world.anonymous.mutate("tokenRefresh", refresh).await.well();
    let renewed = entries(&world, "action = 'sessions.update'").await;
    assert_eq!(renewed[0]["changes"]["token_hash"], json!({ "old": "[redacted]", "new": "[redacted]" }));
    assert_eq!(renewed[0]["changes"]["previous_token_hash"]["new"], "[redacted]");
    assert_eq!(world.database.number("SELECT count(*) FROM audit.logs l WHERE l::text LIKE '%argon2%'").await, 0);
}

#[tokio::test]
async fn content_is_not_copied_into_the_log() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "content": "a confidential sentence" })).await;
    world.editor.mutate("documentUpdate", json!({ "id": id, "content": "another confidential sentence" })).await.well();
    assert_eq!(world.database.number("SELECT count(*) FROM audit.logs l WHERE l::text LIKE '%confidential%'").await, 0);
    assert_eq!(
        world.database.number("SELECT count(*) FROM platform.outbox o WHERE o::text LIKE '%confidential%'").await,
        0
    );
    let entry = entries(&world, "action = 'document_contents.update'").await;
    assert_eq!(entry[0]["changes"], json!({ "source": { "old_bytes": 23, "new_bytes": 29 } }));
}

#[tokio::test]
async fn every_table_that_holds_what_is_somebodys_is_audited() {
    let world = World::new().await;
    let sql = "SELECT format('%s.%s', t.table_schema, t.table_name) AS name, \
               bool_or(g.tgname IS NOT NULL) AS audited, \
               coalesce(bit_or(g.tgtype), 0) AS events \
               FROM information_schema.tables t \
               LEFT JOIN pg_trigger g ON g.tgrelid = format('%I.%I', t.table_schema, t.table_name)::regclass \
                   AND NOT g.tgisinternal AND g.tgenabled = 'O' AND g.tgfoid IN \
                   (SELECT p.oid FROM pg_proc p WHERE p.prosrc LIKE '%audit.write(%') \
               WHERE t.table_type = 'BASE TABLE' AND (t.table_schema IN ('identity', 'tenancy', 'content', 'governance', 'collaboration', 'metering', 'assistant') \
                   OR EXISTS (SELECT FROM information_schema.columns c WHERE c.table_schema = t.table_schema AND c.table_name = t.table_name \
                       AND c.column_name = 'organization_id')) \
               AND t.table_schema NOT IN ('audit', 'platform', 'information_schema', 'pg_catalog') GROUP BY 1 ORDER BY 1";
    let tables = world.database.rows(sql).await;
    assert!(tables.len() > 20, "{}", tables.len());
    // Logs and ledgers of their own, which are appended to, and counters.
    let unaudited = ["governance.decisions", "governance.policy_sets", "metering.", "tenancy.billing_events"];
    // A row trigger after insert, update and delete: bits 0, 2, 4 and 3 of tgtype.
    let missing: Vec<&Value> = tables
        .iter()
        .filter(|table| table["events"].as_i64().is_none_or(|events| events & 0b11101 != 0b11101))
        .filter(|table| {
            let name = table["name"].as_str().expect("a name");
            !unaudited.iter().any(|unaudited| name.starts_with(unaudited))
        })
        .collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

#[tokio::test]
async fn what_the_server_does_by_itself_is_recorded_as_the_systems() {
    let world = World::new().await;
    world.database.run("UPDATE tenancy.spaces SET description = 'by hand' WHERE slug = 'lab'").await;
    let entry = entries(&world, "action = 'spaces.update' AND changes -> 'description' ->> 'new' = 'by hand'").await;
    assert_eq!((&entry[0]["actor_type"], &entry[0]["actor_id"]), (&json!("system"), &Value::Null));
}
