//! What a key reaches: what its creator does now, within its project and its scopes, and nothing that is between the
//! server and a person.

use reqwest::header::ACCEPT;
use serde_json::{Value, json};

use super::works;
use crate::support::{Answer, Client, World, uuid};

#[tokio::test]
async fn a_key_comes_in_by_every_transport() {
    let world = World::new().await;
    let (id, key) = world.editor.api_key(None, &["DOCUMENTS_READ"]).await;
    let query = "{ viewer { apiKey { id } } }";
    let posted = key.query(query, Value::Null).await.well();
    let got = Answer::read(key.get("query={viewer{apiKey{id}}}").send().await.expect("an answer")).await.well();
    for answer in [posted, got] {
        assert_eq!(answer.text("viewer.apiKey.id"), id);
    }
    let events = key.post().header(ACCEPT, "text/event-stream").json(&json!({ "query": query }));
    let events = events.send().await.expect("an answer").text().await.expect("events");
    assert!(
        events.contains(&format!("event: next\ndata: {{\"data\":{{\"viewer\":{{\"apiKey\":{{\"id\":\"{id}\"}}}}}}}}")),
        "{events}"
    );
    let document = world.editor.document(&world.lab, json!({})).await;
    let mut socket = key.socket().await;
    let changed = "subscription($id: ID!) { documentChanged(id: $id) { document { title } } }";
    socket.subscribe(changed, json!({ "id": document })).await;
    socket.settle().await;
    world.editor.mutate("documentUpdate", json!({ "id": document, "title": "Seen" })).await.well();
    assert_eq!(socket.event().await["documentChanged"]["document"]["title"], "Seen");
}

#[tokio::test]
async fn what_is_no_key_is_nobody() {
    let world = World::new().await;
    let (_, key) = world.editor.api_key(None, &["DOCUMENTS_READ"]).await;
    let secret = key.token.clone().expect("a secret");
    let long = format!("{secret}{}", "x".repeat(4_000));
    for token in ["tr_live_", "tr_test_x", &secret[..50], &secret.replace("tr_live_", "tr_test_"), &long, "tr_other_x"]
    {
        assert!(!works(&key.with_token(Some(token))).await, "{token}");
    }
    assert!(works(&key).await);
}

async fn sees(client: &Client, document: &str) -> bool {
    !client.node(document).await.is_null()
}

#[tokio::test]
async fn a_key_reaches_what_its_creator_reaches_now() {
    let world = World::new().await;
    let document = world.manager.document(&world.lab, json!({})).await;
    let (_, key) = world.editor.api_key(None, &["DOCUMENTS_WRITE"]).await;
    let rename = || key.mutate("documentUpdate", json!({ "id": document, "title": "New" }));
    rename().await.well();
    let role = |role: &str| {
        let editor = uuid(&world.editor.id);
        format!("UPDATE tenancy.space_members SET role = '{role}' WHERE user_id = '{editor}'")
    };
    world.database.run(&role("reader")).await;
    assert_eq!(rename().await.code(), "FORBIDDEN");
    assert!(sees(&key, &document).await);
    world.database.run(&role("editor")).await;
    rename().await.well();
    let gone = format!("DELETE FROM tenancy.space_members WHERE user_id = '{}'", uuid(&world.editor.id));
    world.database.run(&gone).await;
    assert_eq!(rename().await.code(), "NOT_FOUND");
    assert!(!sees(&key, &document).await);
    world.database.run("UPDATE identity.users SET status = 'suspended' WHERE email = 'editor@acme.test'").await;
    assert!(!works(&key).await, "a key is good as long as its creator is");
}

#[tokio::test]
async fn a_key_of_a_project_stays_within_it() {
    let world = World::new().await;
    let inside = world.owner.space(&world.acme, "inside", json!({ "projectId": world.rocket })).await;
    let other = world.owner.project(&world.acme, "other").await;
    let outside = world.owner.space(&world.acme, "outside", json!({ "projectId": other })).await;
    let personal = world.personal_space(&world.owner).await;
    let [within, beyond, own] = [&inside, &outside, &personal].map(|space| world.owner.document(space, json!({})));
    let (within, beyond, own) = (within.await, beyond.await, own.await);
    let scopes = ["DOCUMENTS_WRITE", "SPACES_WRITE", "PROJECTS_WRITE", "MEMBERS_WRITE", "AUDIT_READ", "PROFILE_READ"];
    let (_, key) = world.owner.api_key(Some(&world.rocket), &scopes).await;
    for (id, expected) in [
        (&within, true),
        (&beyond, false),
        (&own, false),
        (&inside, true),
        (&outside, false),
        (&personal, false),
        (&world.rocket, true),
        (&other, false),
        (&world.acme, true),
        (&world.globex, false),
        (&world.lab, false),
    ] {
        assert_eq!(!key.node(id).await.is_null(), expected, "{id}");
    }
    key.mutate("documentUpdate", json!({ "id": within, "title": "New" })).await.well();
    for (mutation, input, code) in [
        ("documentUpdate", json!({ "id": beyond, "title": "New" }), "NOT_FOUND"),
        ("documentCreate", json!({ "spaceId": personal, "title": "New" }), "NOT_FOUND"),
        ("spaceCreate", json!({ "organizationId": world.acme, "name": "New", "slug": "new" }), "FORBIDDEN"),
        (
            "invitationCreate",
            json!({ "organizationId": world.acme, "email": "x@acme.test", "role": "VIEWER" }),
            "FORBIDDEN",
        ),
    ] {
        assert_eq!(key.mutate(mutation, input).await.code(), code, "{mutation}");
    }
    let lists = "{ viewer { documents(first: 10) { nodes { id } } organizations(first: 10) { nodes { \
         slug spaces(first: 10) { nodes { slug } } projects(first: 10) { nodes { slug } } } } auditLog(first: 5) { totalCount } } }";
    let answer = key.query(lists, Value::Null).await.well();
    assert_eq!(answer.texts("viewer.documents.nodes", "id"), [within.as_str()]);
    assert_eq!(answer.texts("viewer.organizations.nodes.0.spaces.nodes", "slug"), ["inside"]);
    assert_eq!(answer.texts("viewer.organizations.nodes.0.projects.nodes", "slug"), ["rocket"]);
    assert_eq!(answer.number("viewer.auditLog.totalCount"), 0);
    // A space that leaves the project leaves the key.
    world.owner.mutate("spaceUpdate", json!({ "id": inside, "projectId": null })).await.well();
    assert!(!sees(&key, &within).await);
    // Whoever has no role in the project any more has a key for nothing.
    world.owner.mutate("projectDelete", json!({ "id": world.rocket })).await.well();
    assert!(key.node(&world.acme).await.is_null() && key.node(&world.rocket).await.is_null());
}

#[tokio::test]
async fn a_scope_is_for_what_it_says_and_nothing_else() {
    let world = World::new().await;
    let document = world.owner.document(&world.handbook, json!({ "visibility": "PUBLIC" })).await;
    let (_, members) = world.owner.api_key(None, &["MEMBERS_READ"]).await;
    let (_, documents) = world.owner.api_key(None, &["DOCUMENTS_READ"]).await;
    let (_, sharing) = world.owner.api_key(None, &["DOCUMENTS_SHARE"]).await;
    assert!(sees(&documents, &document).await && !sees(&members, &document).await, "not even what is public");
    let in_space =
        "query($id: ID!) { node(id: $id) { ... on Space { documents(first: 5) { totalCount nodes { id } } } } }";
    let listed = documents.query(in_space, json!({ "id": world.handbook })).await.well();
    assert_eq!(listed.texts("node.documents.nodes", "id"), [document.as_str()]);
    let listed = members.query(in_space, json!({ "id": world.handbook })).await.well();
    assert_eq!((listed.list("node.documents.nodes").len(), listed.number("node.documents.totalCount")), (0, 0));
    let people = "query($id: ID!) { node(id: $id) { ... on Document { owner { name email } } } }";
    let answer = documents.query(people, json!({ "id": document })).await.well();
    assert_eq!(answer.at("node.owner"), &json!({ "name": "owner", "email": null }));
    assert_eq!(documents.query("{ viewer { user { id } } }", Value::Null).await.code(), "FORBIDDEN");
    let update = |visibility: &str| json!({ "id": document, "visibility": visibility });
    let renaming = json!({ "id": document, "title": "New" });
    assert_eq!(sharing.mutate("documentUpdate", renaming).await.code(), "FORBIDDEN");
    assert_eq!(documents.mutate("documentUpdate", update("SPACE")).await.code(), "FORBIDDEN");
    let can = "query($id: ID!) { node(id: $id) { ... on Document { viewerCan } } }";
    let answer = sharing.query(can, json!({ "id": document })).await.well();
    assert_eq!(answer.at("node.viewerCan"), &json!(["READ", "SHARE"]));
}

#[tokio::test]
async fn what_is_gone_from_a_space_is_told_to_no_key_that_could_not_read_it() {
    let world = World::new().await;
    let (_, spaces) = world.owner.api_key(None, &["SPACES_READ"]).await;
    let mut socket = spaces.socket().await;
    let activity = "subscription($id: ID!) { spaceActivity(spaceId: $id) { __typename } }";
    socket.subscribe(activity, json!({ "id": world.handbook })).await;
    socket.settle().await;
    let document = world.owner.document(&world.handbook, json!({ "tags": ["seen"] })).await;
    world.owner.mutate("documentTrash", json!({ "id": document })).await.well();
    world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "name": "Renamed" })).await.well();
    assert_eq!(socket.event().await["spaceActivity"]["__typename"], "SpaceChange");
}

#[tokio::test]
async fn no_key_does_what_is_between_the_server_and_a_person() {
    let world = World::new().await;
    let every = crate::support::graph().values("ApiKeyScope");
    let every: Vec<&str> = every.iter().map(String::as_str).collect();
    let (id, key) = world.owner.api_key(None, &every).await;
    for (mutation, input) in [
        (
            "passwordChange",
            json!({ "currentPassword": crate::support::PASSWORD, "newPassword": "another good password" }),
        ),
        ("apiKeyCreate", json!({ "name": "More", "scopes": ["PROFILE_READ"] })),
        ("apiKeyRotate", json!({ "id": id })),
        ("apiKeyRevoke", json!({ "id": id })),
        ("organizationCreate", json!({ "name": "New", "slug": "new" })),
        ("organizationDelete", json!({ "id": world.acme })),
        ("organizationLeave", json!({ "organizationId": world.acme })),
        ("activeContextSet", json!({ "organizationId": world.acme })),
        ("spaceJoin", json!({ "spaceId": world.handbook })),
    ] {
        assert_eq!(key.mutate(mutation, input).await.code(), "FORBIDDEN", "{mutation}");
    }
    for query in [
        "{ viewer { mfa { enabled } } }",
        "{ viewer { accountDeletion { blockedBy } } }",
        "{ viewer { settings { theme } } }",
    ] {
        assert_eq!(key.query(query, Value::Null).await.code(), "FORBIDDEN", "{query}");
    }
    let none =
        "{ viewer { sessions(first: 5) { totalCount } oauthConnections(first: 5) { totalCount } signInsNeeded } }";
    let answer = key.query(none, Value::Null).await.well();
    assert_eq!(answer.number("viewer.sessions.totalCount"), 0);
}

#[tokio::test]
async fn a_person_and_their_key_do_not_share_idempotent_answers() {
    let world = World::new().await;
    let (_, key) = world.owner.api_key(None, &["DOCUMENTS_WRITE"]).await;
    let text =
        "mutation($input: DocumentCreateInput!) { documentCreate(input: $input) { document { id owner { email } } } }";
    let input = json!({ "input": { "spaceId": world.handbook, "title": "Once" } });
    let person = world.owner.query_once("same", text, input.clone()).await.well();
    let program = key.query_once("same", text, input.clone()).await.well();
    assert_ne!(person.text("documentCreate.document.id"), program.text("documentCreate.document.id"));
    assert_eq!(program.at("documentCreate.document.owner.email"), &Value::Null);
    let again = key.query_once("same", text, input).await.well();
    assert_eq!(again.body, program.body);
}

#[tokio::test]
async fn the_audit_log_names_the_key_and_so_do_events() {
    let world = World::new().await;
    let (id, key) = world.owner.api_key(None, &["DOCUMENTS_WRITE"]).await;
    let document = key.document(&world.handbook, json!({})).await;
    let log = "query($id: ID!) { organization(slug: \"acme\") { auditLog(first: 5, filter: { resourceId: $id }) { nodes { \
         actor { kind user { id } apiKey { id name } } } } } }";
    let answer = world.owner.query(log, json!({ "id": document })).await.well();
    let actor = json!({ "kind": "API_KEY", "user": null, "apiKey": { "id": id, "name": "DOCUMENTS_WRITE" } });
    assert_eq!(answer.at("organization.auditLog.nodes.0.actor"), &actor);
    let event = "SELECT actor_type, actor_id FROM platform.outbox WHERE event_type = 'document.created'";
    assert_eq!(world.database.row(event).await, json!({ "actor_type": "api_key", "actor_id": uuid(&id) }));
    let owned = "query($id: ID!) { node(id: $id) { ... on Document { owner { id } } } }";
    let answer = world.owner.query(owned, json!({ "id": document })).await.well();
    assert_eq!(answer.text("node.owner.id"), world.owner.id);
}

#[tokio::test]
async fn where_single_sign_on_is_enforced_a_key_comes_in_as_its_creator_did() {
    let world = World::new().await;
    let (id, key) = world.owner.api_key(None, &["ORGANIZATIONS_READ"]).await;
    assert!(!key.node(&world.acme).await.is_null());
    let enforced = "UPDATE tenancy.organizations SET sso_enabled = true, sso_provider = 'one', \
                    allowed_email_domains = '{acme.test}' WHERE slug = 'acme'";
    world.database.run(enforced).await;
    assert!(key.node(&world.acme).await.is_null(), "no provider vouched for whoever made it");
    let vouched = "UPDATE governance.api_keys SET provider = 'one', provider_domain = 'acme.test', version = 2 WHERE";
    world.database.run(&format!("{vouched} {}", super::row_of(&id))).await;
    assert!(!key.node(&world.acme).await.is_null());
}
