//! Errors tell a client what it can use, and nothing else.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn a_fault_of_the_server_shows_an_id_and_never_its_cause() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    world.database.run("ALTER TABLE content.document_contents RENAME TO hidden_name").await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { title content { text } } } }";
    let answer = world.editor.query(query, json!({ "id": id })).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, "INTERNAL"), "{}", answer.body);
    let error = &answer.json["errors"][0];
    let log_id = error["extensions"]["id"].as_str().expect("an id to quote");
    assert!(error["message"].as_str().is_some_and(|message| message.contains(log_id)), "{error}");
    for leak in ["document_contents", "relation", "SELECT", "postgres", "sql", "Db", "panicked"] {
        assert!(!answer.body.contains(leak), "{leak} leaks: {}", answer.body);
    }
}

#[tokio::test]
async fn a_failed_write_shows_no_cause_and_leaves_nothing_behind() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({ "content": "as it was" })).await;
    world
        .database
        .run(
            "CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN RAISE EXCEPTION 'the secret cause'; END $$; \
             CREATE TRIGGER fail BEFORE INSERT ON platform.outbox FOR EACH ROW EXECUTE FUNCTION public.fail()",
        )
        .await;
    let before = world.database.digest().await;
    let answer = world.editor.mutate("documentUpdate", json!({ "id": id, "content": "changed" })).await;
    assert_eq!(answer.code(), "INTERNAL", "{}", answer.body);
    assert!(!answer.body.contains("secret cause"), "{}", answer.body);
    assert_eq!(world.database.digest().await, before, "rows, audit and events are one transaction");
}

#[tokio::test]
async fn errors_suggest_no_names() {
    let world = World::new().await;
    let answer = world.anonymous.query("{ organisation(slug: \"acme\") { id } viewr { id } }", Value::Null).await;
    assert_eq!(answer.status, StatusCode::BAD_REQUEST);
    assert!(!answer.body.contains("organization") && !answer.body.contains("Did you mean"), "{}", answer.body);
}

#[tokio::test]
async fn a_page_out_of_bounds_names_its_argument() {
    let world = World::new().await;
    for (arguments, field) in [
        ("", "first"),
        ("(first: 0)", "first"),
        ("(first: 101)", "first"),
        ("(first: -1)", "first"),
        ("(last: 0)", "last"),
        ("(first: 1, last: 1)", "last"),
        ("(first: 1, after: \"nonsense\")", "after"),
        ("(last: 1, before: \"\")", "before"),
    ] {
        let query = format!("{{ viewer {{ organizations{arguments} {{ totalCount }} }} }}");
        let answer = world.owner.query(&query, Value::Null).await;
        assert_eq!(answer.code(), "BAD_USER_INPUT", "{arguments}: {}", answer.body);
        assert_eq!(answer.json["errors"][0]["extensions"]["field"], field, "{arguments}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_id_of_another_kind_is_refused_and_an_unknown_one_is_not_found() {
    let world = World::new().await;
    for id in ["", "nonsense", "doc_", "doc_zzzzzzzzzzzzzzzzzzzzzzzzzz", "nope_01h455vb4pex5vsknk084sn02q"] {
        let answer = world.owner.query("query($id: ID!) { node(id: $id) { id } }", json!({ "id": id })).await;
        assert!(!answer.codes().is_empty(), "{id}: {}", answer.body);
        assert!(!answer.codes().contains(&"INTERNAL"), "{id}: {}", answer.body);
    }
    let answer = world.owner.mutate("documentTrash", json!({ "id": world.acme })).await;
    assert!(!answer.codes().is_empty() && answer.at("documentTrash").is_null(), "{}", answer.body);
    let unknown = "doc_01h455vb4pex5vsknk084sn02q";
    assert!(world.owner.node(unknown).await.is_null());
    assert_eq!(world.owner.mutate("documentTrash", json!({ "id": unknown })).await.code(), "NOT_FOUND");
}

#[tokio::test]
async fn a_malformed_id_among_others_costs_them_nothing() {
    let world = World::new().await;
    let query = "query($ids: [ID!]!) { nodes(ids: $ids) { id } }";
    let ids = json!([world.acme, "nonsense", "doc_01h455vb4pex5vsknk084sn02q", world.lab]);
    let answer = world.owner.query(query, json!({ "ids": ids })).await;
    assert_eq!(answer.code(), "BAD_USER_INPUT", "{}", answer.body);
    let error = &answer.json["errors"][0];
    assert_eq!((&error["path"], &error["extensions"]["field"]), (&json!(["nodes", 1]), &json!("ids")));
    let seen = json!([{ "id": world.acme }, null, null, { "id": world.lab }]);
    assert_eq!(answer.at("nodes"), &seen, "{}", answer.body);
}

#[tokio::test]
async fn nothing_is_found_by_what_can_be_no_slug() {
    let world = World::new().await;
    let long = "x".repeat(100_000);
    for slug in ["a\u{0}", "", "-", "ACME", "acme ", "\u{200b}acme", long.as_str()] {
        let query = "query($slug: String!) { organization(slug: $slug) { id } }";
        let answer = world.owner.query(query, json!({ "slug": slug })).await.well();
        assert!(answer.at("organization").is_null(), "{}", answer.body);
        let query = "query($slug: String!) { organization(slug: \"acme\") { \
                     space(slug: $slug) { id } project(slug: $slug) { id } } }";
        let answer = world.owner.query(query, json!({ "slug": slug })).await.well();
        assert_eq!(answer.at("organization"), &json!({ "space": null, "project": null }), "{}", answer.body);
    }
}

#[tokio::test]
async fn a_mutation_that_fails_hides_none_that_was_committed() {
    let world = World::new().await;
    let text = "mutation($space: ID!) { \
        first: documentCreate(input: { spaceId: $space, title: \"One\" }) { document { title } } \
        second: documentTrash(input: { id: \"doc_01h455vb4pex5vsknk084sn02q\" }) { document { id } } \
        third: documentCreate(input: { spaceId: $space, title: \"Three\" }) { document { title } } }";
    let answer = world.editor.query(text, json!({ "space": world.lab })).await;
    assert_eq!((answer.status, answer.code()), (StatusCode::OK, "NOT_FOUND"), "{}", answer.body);
    assert_eq!(answer.json["errors"][0]["path"], json!(["second"]));
    let told = json!({ "first": { "document": { "title": "One" } }, "second": null,
                       "third": { "document": { "title": "Three" } } });
    assert_eq!(answer.json["data"], told);
}

#[tokio::test]
async fn an_operation_that_takes_too_long_is_stopped() {
    let world = World::with(|config| config.operation_seconds = 1).await;
    let mut holder = world.database.pool().begin().await.expect("a transaction");
    sqlx::query("LOCK TABLE content.documents").execute(&mut *holder).await.expect("a lock");
    let query = "{ viewer { documents(first: 1) { nodes { id } } } }";
    let answer = world.member.query(query, Value::Null).await;
    assert_eq!(answer.code(), "TIMEOUT", "{}", answer.body);
    holder.rollback().await.expect("the lock is given back");
    world.member.query(query, Value::Null).await.well();
}
