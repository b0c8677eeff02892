//! Reading the audit log: by those who may, typed, narrowed and paged; and that it tells nobody what people write in
//! private.

use serde_json::{Value, json};

use crate::support::{Answer, Client, World, uuid};

const LOG: &str = "query($filter: AuditFilter, $first: Int, $after: String) { organization(slug: \"acme\") { \
    auditLog(first: $first, after: $after, filter: $filter) { totalCount pageInfo { hasNextPage endCursor } nodes { \
    id createdAt action ip userAgent requestId sensitive actor { kind user { name } } resource { type table id } \
    organization { slug } space { slug } project { slug } \
    changes { field old { kind text items } new { kind text items } } } } } }";

const ENTRIES: &str = "organization.auditLog.nodes";

async fn log(client: &Client, filter: Value) -> Answer {
    client.query(LOG, json!({ "first": 100, "filter": filter })).await.well()
}

/// The one entry that meets the filter.
async fn entry(client: &Client, filter: Value) -> Value {
    let answer = log(client, filter).await;
    let found = answer.list(ENTRIES);
    assert_eq!(found.len(), 1, "{}", answer.body);
    found[0].clone()
}

/// The change of a field.
fn change<'a>(entry: &'a Value, field: &str) -> &'a Value {
    let changes = entry["changes"].as_array().expect("changes");
    changes.iter().find(|change| change["field"] == field).unwrap_or_else(|| panic!("no change of {field}: {entry}"))
}

fn text(kind: &str, text: &str) -> Value {
    json!({ "kind": kind, "text": text, "items": null })
}

#[tokio::test]
async fn an_entry_says_who_did_what_to_what_from_where() {
    let world = World::new().await;
    let input = json!({ "id": world.rocket, "name": "Saturn", "allowedModels": ["one", "two"], "defaultModel": "two", "maxTokensPerDay": 5 });
    world.project_admin.mutate("projectUpdate", input).await.well();
    let entry = entry(&world.admin, json!({ "resourceId": world.rocket, "actions": ["UPDATE"] })).await;
    assert_eq!(entry["actor"], json!({ "kind": "USER", "user": { "name": "project-admin" } }));
    assert_eq!(entry["action"], "UPDATE");
    assert_eq!(entry["resource"], json!({ "type": "PROJECT", "table": "projects", "id": world.rocket }));
    assert_eq!((&entry["organization"]["slug"], &entry["project"]["slug"]), (&json!("acme"), &json!("rocket")));
    assert_eq!(
        (&entry["space"], &entry["sensitive"], &entry["ip"]),
        (&Value::Null, &json!(false), &json!("127.0.0.1"))
    );
    assert_eq!(entry["requestId"].as_str().map(str::len), Some(36));
    let name = change(&entry, "name");
    assert_eq!((&name["old"], &name["new"]), (&text("TEXT", "rocket"), &text("TEXT", "Saturn")));
    // What is inside settings and quotas is told field by field, and only what changed.
    let models = json!({ "kind": "LIST", "text": null, "items": ["one", "two"] });
    assert_eq!(change(&entry, "settings.allowedModels")["new"], models);
    let limit = change(&entry, "quotas.maxTokensPerDay");
    assert_eq!((&limit["old"], &limit["new"]), (&Value::Null, &text("NUMBER", "5")));
    let fields: Vec<&str> =
        entry["changes"].as_array().expect("changes").iter().filter_map(|change| change["field"].as_str()).collect();
    assert_eq!(
        fields,
        ["name", "quotas.maxTokensPerDay", "settings.allowedModels", "settings.defaultModel", "version"]
    );
}

#[tokio::test]
async fn ids_in_an_entry_are_those_a_client_knows() {
    let world = World::new().await;
    let team = world.admin.team(&world.acme, "crew").await;
    let member = world.admin.add_team_member(&team, &world.member).await;
    let entry = entry(&world.owner, json!({ "resourceId": member })).await;
    assert_eq!(entry["resource"], json!({ "type": "TEAM_MEMBER", "table": "team_members", "id": member }));
    for (field, id) in [
        ("id", &member),
        ("team_id", &team),
        ("user_id", &world.member.id),
        ("organization_id", &world.acme),
        ("added_by", &world.admin.id),
    ] {
        assert_eq!(change(&entry, field)["new"], text("ID", id), "{field}");
        assert!(change(&entry, field)["old"].is_null(), "{field}: there was nothing before");
    }
}

#[tokio::test]
async fn the_log_is_read_by_those_who_administer_and_nobody_else() {
    let world = World::new().await;
    for (name, client) in world.viewers() {
        let answer = client.query(LOG, json!({ "first": 5 })).await;
        match name {
            "owner" | "admin" => assert_eq!(answer.well().list(ENTRIES).len(), 5, "{name}"),
            "anonymous" | "stranger" | "suspended" => assert!(answer.well().at("organization").is_null(), "{name}"),
            _ => {
                assert_eq!(answer.code(), "FORBIDDEN", "{name}");
                assert!(answer.at("organization").is_null(), "{name}: {}", answer.body);
            }
        }
    }
}

#[tokio::test]
async fn the_newest_come_first_and_pages_hold_each_entry_once() {
    let world = World::new().await;
    let all = world
        .database
        .rows(&format!(
            "SELECT id FROM audit.logs WHERE organization_id = '{}' ORDER BY created_at DESC, id DESC",
            uuid(&world.acme)
        ))
        .await;
    let expected: Vec<String> =
        all.iter().map(|row| crate::support::typed("aud", row["id"].as_str().expect("an id"))).collect();
    let (mut found, mut after) = (Vec::new(), Value::Null);
    loop {
        let answer = world.admin.query(LOG, json!({ "first": 7, "after": after })).await.well();
        found.extend(answer.texts(ENTRIES, "id"));
        assert_eq!(answer.number("organization.auditLog.totalCount"), expected.len() as i64);
        if answer.at("organization.auditLog.pageInfo.hasNextPage") == false {
            break;
        }
        after = answer.at("organization.auditLog.pageInfo.endCursor").clone();
        // What is written meanwhile stands before, and moves nothing.
        world
            .owner
            .mutate("organizationUpdate", json!({ "id": world.acme, "name": found.len().to_string() }))
            .await
            .well();
        world.database.run("SET session_replication_role = replica; DELETE FROM audit.logs WHERE action = 'organizations.update'; RESET session_replication_role").await;
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn each_filter_leaves_exactly_what_meets_it() {
    let world = World::new().await;
    let document = world.editor.document(&world.lab, json!({ "tags": ["red"] })).await;
    world.editor.mutate("documentTrash", json!({ "id": document })).await.well();
    world.manager.mutate("documentDelete", json!({ "id": document })).await.well();
    let (editor, lab, rocket) = (uuid(&world.editor.id), uuid(&world.lab), uuid(&world.rocket));
    let moment = "2020-01-01T00:00:00Z";
    for (filter, condition) in [
        (json!({}), "true".to_owned()),
        (json!({ "actorId": world.editor.id }), format!("actor_id = '{editor}'")),
        (json!({ "actions": ["DELETE"] }), "action LIKE '%.delete'".to_owned()),
        (json!({ "actions": ["DELETE", "CREATE"] }), "action NOT LIKE '%.update'".to_owned()),
        (json!({ "actions": [] }), "false".to_owned()),
        (json!({ "resourceTypes": ["TAG"] }), "resource_type = 'tags'".to_owned()),
        (
            json!({ "resourceTypes": ["TAG", "SPACE"], "actions": ["CREATE"] }),
            "action IN ('tags.create', 'spaces.create')".to_owned(),
        ),
        (json!({ "resourceTypes": ["OTHER"] }), "false".to_owned()),
        (json!({ "resourceId": document }), format!("resource_id = '{}'", uuid(&document))),
        (json!({ "resourceId": world.lab }), format!("resource_type = 'spaces' AND resource_id = '{lab}'")),
        // The same number as another kind of id means another object.
        (json!({ "resourceId": crate::support::typed("tag", &lab) }), "false".to_owned()),
        (json!({ "spaceId": world.lab }), format!("space_id = '{lab}'")),
        (json!({ "projectId": world.rocket }), format!("project_id = '{rocket}'")),
        (json!({ "createdAt": { "since": moment } }), "true".to_owned()),
        (json!({ "createdAt": { "before": moment } }), "false".to_owned()),
        (
            json!({ "actorId": world.editor.id, "spaceId": world.lab, "actions": ["UPDATE"], "resourceTypes": ["DOCUMENT"] }),
            format!("actor_id = '{editor}' AND space_id = '{lab}' AND action = 'documents.update'"),
        ),
    ] {
        let expected = world
            .database
            .number(&format!(
                "SELECT count(*) FROM audit.logs WHERE organization_id = '{}' AND {condition}",
                uuid(&world.acme)
            ))
            .await;
        let answer = log(&world.admin, filter.clone()).await;
        assert_eq!(answer.number("organization.auditLog.totalCount"), expected, "{filter}");
        assert_eq!(answer.list(ENTRIES).len() as i64, expected.min(100), "{filter}");
        assert!(condition == "false" || expected > 0, "{filter} is met by something");
    }
    for filter in
        [json!({ "actions": ["CREATE", "CREATE", "CREATE", "CREATE"] }), json!({ "resourceTypes": vec!["TAG"; 51] })]
    {
        assert_eq!(world.admin.query(LOG, json!({ "first": 5, "filter": filter })).await.code(), "BAD_USER_INPUT");
    }
}

#[tokio::test]
async fn who_reads_the_log_does_not_read_what_is_written_in_private_by_it() {
    let world = World::new().await;
    let document = world.manager.document(&world.lab, json!({ "title": "Layoffs", "content": "secret" })).await;
    world.manager.tag(&world.lab, "Codename").await;
    let about =
        json!({ "spaceId": world.lab, "resourceTypes": ["DOCUMENT", "DOCUMENT_CONTENT", "TAG", "DOCUMENT_TAG"] });
    let before = log(&world.admin, about.clone()).await;
    assert!(!before.list(ENTRIES).is_empty(), "that something was done is told");
    assert!(!before.body.contains("Layoffs") && !before.body.contains("Codename"), "{}", before.body);
    let created = entry(&world.admin, json!({ "resourceId": document, "resourceTypes": ["DOCUMENT"] })).await;
    assert_eq!(change(&created, "title")["new"], json!({ "kind": "WITHHELD", "text": null, "items": null }));

    // An admin who adds itself reads, and that is in the log too.
    world.admin.add_space_member(&world.lab, &world.admin, "READER").await;
    assert!(log(&world.admin, about.clone()).await.body.contains("Codename"));
    let created = entry(&world.admin, json!({ "resourceId": document, "resourceTypes": ["DOCUMENT"] })).await;
    assert_eq!(change(&created, "title")["new"], text("TEXT", "Layoffs"));
    let size = entry(&world.admin, json!({ "resourceId": document, "resourceTypes": ["DOCUMENT_CONTENT"] })).await;
    assert_eq!(change(&size, "source.bytes")["new"], text("NUMBER", "6"));
    // A document that its author keeps private stays so.
    let private = world.manager.document(&world.lab, json!({ "title": "Diary", "visibility": "PRIVATE" })).await;
    let created = entry(&world.admin, json!({ "resourceId": private, "resourceTypes": ["DOCUMENT"] })).await;
    assert_eq!(change(&created, "title")["new"]["kind"], "WITHHELD");
}

#[tokio::test]
async fn secrets_are_told_as_secrets() {
    let world = World::new().await;
    let sql = format!(
        "UPDATE tenancy.organizations SET sso_config = '{{\"key\": \"hush\"}}' WHERE id = '{}'",
        uuid(&world.acme)
    );
    world.database.run(&sql).await;
    let entry = entry(&world.admin, json!({ "resourceId": world.acme, "actions": ["UPDATE"] })).await;
    assert_eq!(change(&entry, "sso_config")["new"], json!({ "kind": "REDACTED", "text": null, "items": null }));
    assert_eq!((&entry["sensitive"], &entry["actor"]), (&json!(true), &json!({ "kind": "SYSTEM", "user": null })));
    // A text that looks like a secret is none.
    world.owner.mutate("organizationUpdate", json!({ "id": world.acme, "description": "[redacted]" })).await.well();
    let newest = log(&world.admin, json!({ "resourceId": world.acme })).await;
    assert_eq!(change(&newest.list(ENTRIES)[0], "description")["new"], text("TEXT", "[redacted]"));
}

#[tokio::test]
async fn everybody_reads_what_was_done_to_their_own() {
    let world = World::new().await;
    let personal = world.personal_space(&world.member).await;
    let diary = world.member.document(&personal, json!({ "title": "Diary", "visibility": "SPACE" })).await;
    world.member.add_space_member(&personal, &world.reader, "EDITOR").await;
    world.reader.mutate("documentUpdate", json!({ "id": diary, "title": "Read" })).await.well();
    world.member.space(&world.acme, "studio", json!({})).await;
    world.owner.document(&world.handbook, json!({})).await;
    let sign_in = json!({ "email": "member@acme.test", "password": crate::support::PASSWORD });
    world.anonymous.mutate("signIn", sign_in).await.well();
    let query = "query($filter: AuditFilter) { viewer { auditLog(first: 100, filter: $filter) { totalCount nodes { id \
        action actor { kind user { name } } resource { type id } organization { slug } \
        changes { field new { text } } } } } }";
    let own = async |client: &Client, filter: Value| {
        client.query(query, json!({ "filter": filter })).await.well().list("viewer.auditLog.nodes").to_vec()
    };
    let entries = own(&world.member, json!({})).await;
    assert!(entries.iter().all(|entry| entry["organization"].is_null()), "{entries:?}");
    // Signing in happens before anybody is known, and is the person's.
    let sessions = own(&world.member, json!({ "resourceTypes": ["SESSION"], "actions": ["CREATE"] })).await;
    assert_eq!(sessions.len(), 2);
    assert_eq!(sessions[0]["actor"], json!({ "kind": "ANONYMOUS", "user": null }));
    // Whoever worked in one's own space did it to one's own.
    let renamed = own(&world.member, json!({ "resourceId": diary, "actions": ["UPDATE"] })).await;
    assert_eq!(renamed[0]["actor"]["user"]["name"], "reader");
    for client in [&world.reader, &world.owner, &world.stranger] {
        assert!(own(client, json!({ "resourceId": diary })).await.is_empty());
        for entry in &entries {
            assert!(client.node(entry["id"].as_str().expect("an id")).await.is_null());
        }
    }
    assert!(
        world
            .anonymous
            .query("{ viewer { auditLog(first: 1) { totalCount } } }", Value::Null)
            .await
            .well()
            .at("viewer")
            .is_null()
    );
}
