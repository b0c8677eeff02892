//! A retried mutation happens once and is answered as the first time.

use std::collections::HashSet;

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, PASSWORD, World, graph, new_id, typed};

fn create(world: &World, title: &str) -> (String, Value) {
    let text = graph().mutation("documentCreate", "document { id title createdAt version } commitCursor");
    (text, json!({ "input": { "spaceId": world.lab, "title": title, "content": "Some text." } }))
}

async fn documents(world: &World) -> i64 {
    world.database.number("SELECT count(*) FROM content.documents").await
}

#[tokio::test]
async fn a_retry_gets_the_first_answer_to_the_letter() {
    let world = World::new().await;
    let (text, variables) = create(&world, "Once");
    let first = world.editor.query_once("key-1", &text, variables.clone()).await.well();
    let events = world.database.number("SELECT count(*) FROM platform.outbox WHERE stream = 'documents'").await;
    // Even when the object has changed meanwhile.
    let id = first.text("documentCreate.document.id").to_owned();
    world.editor.mutate("documentUpdate", json!({ "id": id, "title": "Changed" })).await.well();
    for _ in 0..3 {
        let again = world.editor.query_once("key-1", &text, variables.clone()).await;
        assert_eq!((again.status, &again.body), (first.status, &first.body));
        assert_eq!(again.headers["content-type"], first.headers["content-type"]);
    }
    assert_eq!(documents(&world).await, 1);
    assert_eq!(
        world.database.number("SELECT count(*) FROM platform.outbox WHERE stream = 'documents'").await,
        events + 1
    );
}

#[tokio::test]
async fn a_retry_gets_the_first_outcome_where_only_the_answer_was_lost() {
    let world = World::new().await;
    let (text, variables) = create(&world, "Once");
    let first = world.editor.query_once("key-1", &text, variables.clone()).await.well();
    // The server died between the commit and keeping the answer.
    world.database.run("DELETE FROM platform.idempotency_answers").await;
    let again = world.editor.query_once("key-1", &text, variables).await.well();
    assert_eq!(again.json["data"], first.json["data"]);
    assert_eq!(documents(&world).await, 1);
}

#[tokio::test]
async fn a_key_is_for_one_request() {
    let world = World::new().await;
    let (text, variables) = create(&world, "Once");
    world.editor.query_once("key-1", &text, variables.clone()).await.well();
    let (_, other_variables) = create(&world, "Another");
    let other_text = text.replace("createdAt", "updatedAt");
    let before = world.database.digest().await;
    for (text, variables) in [(&text, &other_variables), (&other_text, &variables)] {
        let answer = world.editor.query_once("key-1", text, variables.clone()).await;
        assert_eq!(answer.code(), "IDEMPOTENCY_KEY_REUSED", "{}", answer.body);
        assert!(answer.payload().is_null(), "{}", answer.body);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn a_key_belongs_to_who_used_it() {
    let world = World::new().await;
    let (text, variables) = create(&world, "Once");
    let first = world.editor.query_once("key-1", &text, variables.clone()).await.well();
    let second = world.manager.query_once("key-1", &text, variables).await.well();
    assert_ne!(first.text("documentCreate.document.id"), second.text("documentCreate.document.id"));
    assert_eq!(documents(&world).await, 2);
}

#[tokio::test]
async fn retries_at_once_run_once() {
    let world = World::new().await;
    let (text, variables) = create(&world, "Once");
    let answers = join_all((0..12).map(|_| world.editor.query_once("key-1", &text, variables.clone()))).await;
    let ids: HashSet<&str> = answers.iter().map(|answer| answer.text("documentCreate.document.id")).collect();
    assert_eq!(ids.len(), 1, "{ids:?}");
    assert_eq!(documents(&world).await, 1);
}

#[tokio::test]
async fn a_document_may_hold_several_mutations_under_one_key() {
    let world = World::new().await;
    let text = "mutation($space: ID!) { \
        one: documentCreate(input: { spaceId: $space, title: \"One\" }) { document { id title } userErrors { code } } \
        two: documentCreate(input: { spaceId: $space, title: \"Two\" }) { document { id title } userErrors { code } } }";
    let variables = json!({ "space": world.lab });
    let first = world.editor.query_once("key-1", text, variables.clone()).await.well();
    assert_ne!(first.text("one.document.id"), first.text("two.document.id"));
    let again = world.editor.query_once("key-1", text, variables.clone()).await;
    assert_eq!(again.body, first.body);
    world.database.run("DELETE FROM platform.idempotency_answers").await;
    let again = world.editor.query_once("key-1", text, variables).await.well();
    assert_eq!(again.json["data"], first.json["data"]);
    assert_eq!(documents(&world).await, 2);
}

#[tokio::test]
async fn a_refused_mutation_may_be_tried_again_under_its_key() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let text = graph().mutation("documentPublish", "");
    let variables = json!({ "input": { "id": id } });
    let answer = world.reader.query_once("key-1", &text, variables.clone()).await;
    assert_eq!(answer.code(), "FORBIDDEN");
    world.database.run("UPDATE tenancy.space_members SET role = 'editor' WHERE role = 'reader'").await;
    world.reader.query_once("key-1", &text, variables).await.well();
}

#[tokio::test]
async fn a_malformed_key_is_refused() {
    let world = World::new().await;
    let (text, variables) = create(&world, "Once");
    for key in ["", &"x".repeat(256)] {
        let answer = world.editor.query_once(key, &text, variables.clone()).await;
        assert_eq!((answer.status.as_u16(), answer.code()), (400, "BAD_USER_INPUT"), "{}", answer.body);
    }
    world.editor.query_once(&"x".repeat(255), &text, variables).await.well();
    assert_eq!(documents(&world).await, 1);
}

#[tokio::test]
async fn a_client_made_id_is_taken_as_it_is_and_cannot_be_used_twice() {
    let world = World::new().await;
    let uuid = &new_id().to_string();
    let mut twice = Vec::new();
    for (mutation, object, prefix, client, input) in [
        ("organizationCreate", "organization", "org", &world.owner, json!({ "name": "New", "slug": "new" })),
        (
            "projectCreate",
            "project",
            "prj",
            &world.owner,
            json!({ "organizationId": world.acme, "name": "New", "slug": "new" }),
        ),
        (
            "spaceCreate",
            "space",
            "spc",
            &world.owner,
            json!({ "organizationId": world.acme, "name": "New", "slug": "new" }),
        ),
        ("documentCreate", "document", "doc", &world.editor, json!({ "spaceId": world.lab, "title": "New" })),
        ("tagCreate", "tag", "tag", &world.editor, json!({ "spaceId": world.lab, "name": "new" })),
        (
            "invitationCreate",
            "invitation",
            "inv",
            &world.owner,
            json!({ "organizationId": world.acme, "email": "new@example.org", "role": "MEMBER" }),
        ),
        (
            "spaceMemberAdd",
            "spaceMember",
            "spm",
            &world.manager,
            json!({ "spaceId": world.lab, "userId": world.member.id, "role": "READER" }),
        ),
        (
            "projectMemberAdd",
            "projectMember",
            "prm",
            &world.owner,
            json!({ "projectId": world.rocket, "userId": world.member.id, "role": "VIEWER" }),
        ),
    ] {
        let mut input = input;
        input["id"] = json!(typed(prefix, uuid));
        let answer = client.mutate(mutation, input.clone()).await.well();
        assert_eq!(answer.text(&format!("{mutation}.{object}.id")), typed(prefix, uuid));
        // Only the id is the same the second time.
        for (field, other) in [
            ("slug", json!("other")),
            ("name", json!("other")),
            ("title", json!("Other")),
            ("userId", json!(world.developer.id)),
            ("email", json!("other@example.org")),
        ] {
            if input.get(field).is_some() {
                input[field] = other;
            }
        }
        twice.push((mutation, client, input));
    }
    let before = world.database.digest().await;
    for (mutation, client, input) in twice {
        client.mutate(mutation, input).await.refused("ID_TAKEN", "id");
    }
    let after = world.database.digest().await;
    for table in
        ["tenancy.invitations", "tenancy.projects", "tenancy.organizations", "content.documents", "content.tags"]
    {
        assert_eq!(before[table], after[table], "{table}");
    }
    // Somebody who may not see the document learns nothing more than that.
    let vault = json!({ "id": typed("doc", uuid), "spaceId": world.vault, "title": "Mine" });
    world.stranger.mutate("documentCreate", vault).await.refused("ID_TAKEN", "id");
}

#[tokio::test]
async fn tokens_are_not_kept_for_retries() {
    let world = World::new().await;
    let text = graph().mutation("signIn", "accessToken refreshToken");
    let variables = json!({ "input": { "email": "member@acme.test", "password": PASSWORD } });
    let answer = world.member.query_once("key-1", &text, variables).await.well();
    for token in [answer.text("signIn.accessToken"), answer.text("signIn.refreshToken")] {
        for (table, column) in
            [("idempotency_answers", "convert_from(body, 'UTF8')"), ("idempotency_keys", "outcome::text")]
        {
            let sql = format!("SELECT count(*) FROM platform.{table} WHERE {column} LIKE '%{token}%'");
            assert_eq!(world.database.number(&sql).await, 0, "{table}");
        }
    }
}

#[tokio::test]
async fn a_large_answer_is_not_kept_and_its_outcome_is() {
    let world = World::new().await;
    let text = graph().mutation("documentCreate", "document { id title content { text } }");
    let long = json!({ "input": { "spaceId": world.lab, "title": "Long", "content": "word ".repeat(60_000) } });
    let short = json!({ "input": { "spaceId": world.lab, "title": "Short", "content": "word" } });
    let first = world.editor.query_once("long", &text, long.clone()).await.well();
    world.editor.query_once("short", &text, short).await.well();
    let kept = world.database.rows("SELECT key, length(body) AS bytes FROM platform.idempotency_answers").await;
    assert_eq!(kept.len(), 1, "{kept:?}");
    assert_eq!(kept[0]["key"], "short");
    let again = world.editor.query_once("long", &text, long).await.well();
    assert_eq!(again.json["data"], first.json["data"]);
    assert_eq!(documents(&world).await, 2);
}

#[tokio::test]
async fn a_batch_takes_no_key() {
    let world = World::new().await;
    let (text, variables) = create(&world, "Twice");
    let operation = json!({ "query": text, "variables": variables });
    let before = world.database.digest().await;
    let post = world.editor.post().header("idempotency-key", "key-1").json(&json!([operation, operation]));
    let answer = Answer::read(post.send().await.expect("the server answers")).await;
    assert_eq!((answer.status.as_u16(), answer.code()), (400, "BAD_REQUEST"), "{}", answer.body);
    assert!(answer.body.contains("Idempotency-Key"), "{}", answer.body);
    assert_eq!(world.database.digest().await, before);
    let post = world.editor.post().json(&json!([operation, operation]));
    Answer::read(post.send().await.expect("the server answers")).await;
    assert_eq!(documents(&world).await, 2);
}
