//! Queries, mutations and subscriptions over one socket.

use serde_json::{Value, json};

use super::{Peer, followers};
use crate::support::{World, graph};

const CHANGES: &str = "subscription($id: ID!) { documentChanged(id: $id) { kind document { title } } }";

#[tokio::test]
async fn operations_of_every_kind_run_and_complete() {
    let world = World::new().await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    peer.subscribe("q", "{ viewer { user { id } } }", json!({})).await;
    let user = json!({ "viewer": { "user": { "id": world.editor.id } } });
    assert_eq!(peer.hear().await, json!({ "id": "q", "type": "next", "payload": { "data": user } }));
    assert_eq!(peer.hear().await, json!({ "id": "q", "type": "complete" }));

    let input = json!({ "input": { "spaceId": world.lab, "title": "Said over a socket", "content": "Some text." } });
    peer.subscribe("m", &graph().mutation("documentCreate", "document { id }"), input).await;
    let made = peer.hear().await;
    assert_eq!((&made["type"], &made["payload"]["errors"]), (&json!("next"), &Value::Null), "{made}");
    let id = made["payload"]["data"]["documentCreate"]["document"]["id"].clone();
    assert_eq!(peer.hear().await, json!({ "id": "m", "type": "complete" }));

    peer.subscribe("s", CHANGES, json!({ "id": id })).await;
    followers(&world, 1).await;
    for title in ["One", "Two"] {
        world.manager.mutate("documentUpdate", json!({ "id": id, "title": title })).await.well();
        loop {
            let event = peer.hear().await;
            assert_eq!((&event["id"], &event["type"]), (&json!("s"), &json!("next")), "{event}");
            let change = &event["payload"]["data"]["documentChanged"];
            assert_eq!(change["document"]["title"], title);
            // That it was made may be told late.
            if change["kind"] != "CREATED" {
                break;
            }
        }
    }
    peer.say(r#"{"id":"s","type":"complete"}"#).await;
    followers(&world, 0).await;
    // Its id is free again, and completing what is not there means nothing.
    peer.say(r#"{"id":"s","type":"complete"}"#).await;
    peer.subscribe("s", "query A { __typename } query B { b: __typename }", json!({})).await;
    assert_eq!(peer.hear().await["type"], "error");
    let payload = json!({ "query": "query A { __typename } query B { b: __typename }", "operationName": "B" });
    peer.say(&json!({ "id": "s", "type": "subscribe", "payload": payload }).to_string()).await;
    assert_eq!(peer.hear().await["payload"], json!({ "data": { "b": "Query" } }));
}

#[tokio::test]
async fn leaving_ends_what_runs() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    for politely in [true, false] {
        let mut peer = Peer::introduced(&world, &world.editor).await;
        peer.subscribe("1", CHANGES, json!({ "id": id })).await;
        followers(&world, 1).await;
        if politely {
            peer.0.close(None).await.expect("a close");
        }
        drop(peer);
        followers(&world, 0).await;
    }
}

#[tokio::test]
async fn what_is_refused_before_it_runs_is_an_error_and_nothing_follows() {
    let world = World::new().await;
    let mut peer = Peer::introduced(&world, &world.anonymous).await;
    let bomb = format!("{{ __typename(x: {}{}) }}", "[".repeat(2_000), "]".repeat(2_000));
    for (query, code) in [
        ("", "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense", "GRAPHQL_PARSE_FAILED"),
        ("{ nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        ("subscription { nonsense }", "GRAPHQL_VALIDATION_FAILED"),
        (&bomb, "QUERY_TOO_COMPLEX"),
    ] {
        peer.subscribe("1", query, json!({})).await;
        let refusal = peer.hear().await;
        assert_eq!((&refusal["id"], &refusal["type"]), (&json!("1"), &json!("error")), "{refusal}");
        assert_eq!(refusal["payload"][0]["extensions"]["code"], code, "{refusal}");
    }
    peer.subscribe("1", "{ __typename }", json!({})).await;
    assert_eq!(peer.hear().await["type"], "next");
}

#[tokio::test]
async fn an_error_of_a_field_is_part_of_the_result() {
    let world = World::new().await;
    let mut peer = Peer::introduced(&world, &world.anonymous).await;
    for query in [graph().mutation("organizationCreate", ""), CHANGES.to_owned()] {
        let input = json!({ "input": { "name": "Mine", "slug": "mine" }, "id": world.editor.document(&world.lab, json!({})).await });
        peer.subscribe("1", &query, input).await;
        let result = peer.hear().await;
        assert_eq!(result["type"], "next", "{result}");
        let code = &result["payload"]["errors"][0]["extensions"]["code"];
        assert!(code == "UNAUTHENTICATED" || code == "NOT_FOUND", "{result}");
        assert_eq!(peer.hear().await, json!({ "id": "1", "type": "complete" }));
    }
}

#[tokio::test]
async fn a_mutation_repeated_under_its_key_happens_once_whatever_it_comes_by() {
    let world = World::new().await;
    let text = graph().mutation("documentCreate", "document { id } commitCursor");
    let variables = json!({ "input": { "spaceId": world.lab, "title": "Once", "content": "" } });
    let mut peer = Peer::introduced(&world, &world.editor).await;
    let payload = json!({ "query": text, "variables": variables, "extensions": { "idempotencyKey": "k" } });
    let mut answers = Vec::new();
    for _ in 0..2 {
        peer.say(&json!({ "id": "1", "type": "subscribe", "payload": payload }).to_string()).await;
        answers.push(peer.hear().await["payload"].take());
        assert_eq!(peer.hear().await["type"], "complete");
    }
    answers.push(world.editor.query_once("k", &text, variables).await.well().json);
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    assert_eq!(world.database.number("SELECT count(*) FROM content.documents").await, 1);
}

#[tokio::test]
async fn a_long_answer_arrives_whole() {
    let world = World::new().await;
    let content = "All work and no play. ".repeat(50_000);
    let id = world.editor.document(&world.lab, json!({ "content": content })).await;
    let mut peer = Peer::introduced(&world, &world.editor).await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { content { text } } } }";
    peer.subscribe("1", query, json!({ "id": id })).await;
    assert_eq!(peer.hear().await["payload"]["data"]["node"]["content"]["text"], content);
    assert_eq!(peer.hear().await["type"], "complete");
}
