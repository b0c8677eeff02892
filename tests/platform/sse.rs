//! GraphQL over server-sent events (graphql-sse, distinct connections mode).

use reqwest::header::{ACCEPT, ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_TYPE};
use reqwest::{RequestBuilder, Response, StatusCode};
use serde_json::{Value, json};

use crate::support::{Answer, World, eventually, graph, within};

const EVENTS: &str = "text/event-stream";
const ACTIVITY: &str = "subscription($id: ID!) { spaceActivity(spaceId: $id) { __typename } }";

/// The events of one response.
struct Events {
    response: Response,
    unread: String,
}

impl Events {
    async fn of(request: RequestBuilder) -> Self {
        let response = request.header(ACCEPT, EVENTS).send().await.expect("the server answers");
        assert_eq!(response.status(), StatusCode::OK);
        Self { response, unread: String::new() }
    }

    /// The name and the data of the next event; none at the end, an error when it was cut.
    async fn event(&mut self) -> Result<Option<(String, String)>, reqwest::Error> {
        loop {
            while let Some((event, rest)) = self.unread.split_once("\n\n") {
                let (event, rest) = (event.to_owned(), rest.to_owned());
                self.unread = rest;
                if event != ":" {
                    let (name, data) = event.split_once('\n').expect("a name and data");
                    let name = name.strip_prefix("event: ").expect("a name");
                    return Ok(Some((name.to_owned(), data.strip_prefix("data: ").expect("data").to_owned())));
                }
            }
            match within("an event", self.response.chunk()).await? {
                Some(bytes) => self.unread.push_str(std::str::from_utf8(&bytes).expect("UTF-8")),
                None => return Ok(None),
            }
        }
    }

    async fn next(&mut self) -> Value {
        let (name, data) = self.event().await.expect("it is not cut").expect("it does not end");
        assert_eq!(name, "next");
        serde_json::from_str(&data).expect("JSON")
    }

    async fn complete(&mut self) {
        let last = self.event().await.expect("it is not cut");
        assert_eq!(last, Some(("complete".to_owned(), String::new())));
        assert_eq!(self.event().await.expect("it is not cut"), None);
    }
}

fn operation(query: &str, variables: Value) -> Value {
    json!({ "query": query, "variables": variables })
}

async fn followers(world: &World, number: usize) {
    let feed = &world.server.platform().feed;
    eventually("the subscriptions begin or end", async || (feed.status().followers == number).then_some(())).await;
}

#[tokio::test]
async fn operations_of_every_kind_run_and_complete() {
    let world = World::new().await;
    let ask = |query: &str, variables: Value| Events::of(world.editor.post().json(&operation(query, variables)));
    let mut events = ask("{ viewer { user { id } } }", json!({})).await;
    assert_eq!(events.next().await, json!({ "data": { "viewer": { "user": { "id": world.editor.id } } } }));
    events.complete().await;
    let input = json!({ "input": { "spaceId": world.lab, "title": "Told by events", "content": "" } });
    let mut events = ask(&graph().mutation("documentCreate", "document { id }"), input).await;
    let id = events.next().await["data"]["documentCreate"]["document"]["id"].clone();
    events.complete().await;

    let changes = "subscription($id: ID!) { documentChanged(id: $id) { kind document { title } } }";
    let mut events = ask(changes, json!({ "id": id })).await;
    followers(&world, 1).await;
    for title in ["One", "Two"] {
        world.manager.mutate("documentUpdate", json!({ "id": id, "title": title })).await.well();
        loop {
            let change = events.next().await["data"]["documentChanged"].take();
            assert_eq!(change["document"]["title"], title);
            // That it was made may be told late.
            if change["kind"] != "CREATED" {
                break;
            }
        }
    }
    // Hanging up is how a client completes.
    drop(events);
    followers(&world, 0).await;
}

#[tokio::test]
async fn nothing_on_the_way_may_hold_events_back() {
    let world = World::new().await;
    let post =
        world.editor.post().header(ACCEPT_ENCODING, "gzip, br").json(&operation(ACTIVITY, json!({ "id": world.lab })));
    let mut events = Events::of(post).await;
    let headers = events.response.headers();
    assert_eq!(headers[CONTENT_TYPE], "text/event-stream; charset=utf-8");
    assert_eq!(
        (&headers["cache-control"], &headers["x-accel-buffering"]),
        (&"no-cache".parse().expect("a header"), &"no".parse().expect("a header"))
    );
    assert!(!headers.contains_key(CONTENT_ENCODING), "{headers:?}");
    // A comment comes at once, before there is anything to tell.
    let first = within("the first bytes", events.response.chunk()).await.expect("it is not cut");
    assert_eq!(first.as_deref(), Some(&b":\n\n"[..]));
}

#[tokio::test]
async fn what_is_refused_is_told_by_an_event() {
    let world = World::new().await;
    let bomb = format!("{{ __typename(x: {}{}) }}", "[".repeat(2_000), "]".repeat(2_000));
    for (content, code) in [
        (json!({}), "BAD_USER_INPUT"),
        (json!({ "query": "{ nonsense" }), "GRAPHQL_PARSE_FAILED"),
        (json!({ "query": "subscription { nonsense }" }), "GRAPHQL_VALIDATION_FAILED"),
        (json!({ "query": bomb }), "QUERY_TOO_COMPLEX"),
    ] {
        let mut events = Events::of(world.anonymous.post().json(&content)).await;
        let refusal = events.next().await;
        assert_eq!(refusal["errors"][0]["extensions"]["code"], code, "{refusal}");
        assert!(refusal.get("data").is_none(), "{refusal}");
        events.complete().await;
    }
    let bad = world
        .anonymous
        .with_token(Some("nonsense"))
        .post()
        .header(ACCEPT, EVENTS)
        .json(&operation("{ __typename }", json!({})));
    assert_eq!(bad.send().await.expect("an answer").status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn get_serves_queries_and_subscriptions_but_no_mutation() {
    let world = World::new().await;
    let mut events = Events::of(world.editor.get("query=%7B__typename%7D")).await;
    assert_eq!(events.next().await, json!({ "data": { "__typename": "Query" } }));
    events.complete().await;
    let query = format!("query=subscription%7BspaceActivity(spaceId:%22{}%22)%7B__typename%7D%7D", world.lab);
    let mut events = Events::of(world.editor.get(&query)).await;
    followers(&world, 1).await;
    world.editor.document(&world.lab, json!({})).await;
    assert!(events.next().await["data"]["spaceActivity"]["__typename"].is_string());
    let refused = world.editor.get("query=mutation%7BsignOut%7BuserErrors%7Bcode%7D%7D%7D").header(ACCEPT, EVENTS);
    assert_eq!(refused.send().await.expect("an answer").status(), StatusCode::METHOD_NOT_ALLOWED);
    world.editor.query("{ viewer { user { id } } }", json!({})).await.well();
}

#[tokio::test]
async fn who_accepts_json_too_gets_events_when_it_subscribes_or_prefers_them() {
    let world = World::new().await;
    let both = "application/graphql-response+json, application/json, text/event-stream, multipart/mixed";
    for (accept, query, expected) in [
        (both, "{ __typename }", "application/graphql-response+json"),
        (both, ACTIVITY, EVENTS),
        ("text/event-stream, multipart/mixed", ACTIVITY, EVENTS),
        ("application/json;q=0.5, text/event-stream", "{ __typename }", EVENTS),
        ("application/json, text/event-stream;q=0", ACTIVITY, "application/json"),
        ("*/*", ACTIVITY, "application/json"),
    ] {
        let post = world.editor.post().header(ACCEPT, accept).json(&operation(query, json!({ "id": world.lab })));
        let response = post.send().await.expect("the server answers");
        let media = response.headers()[CONTENT_TYPE].to_str().expect("a media type");
        assert_eq!(media.split(';').next(), Some(expected), "{accept}: {query}");
    }
}

#[tokio::test]
async fn a_mutation_repeated_under_its_key_happens_once_whatever_it_comes_by() {
    let world = World::new().await;
    let text = graph().mutation("documentCreate", "document { id } commitCursor");
    let variables = json!({ "input": { "spaceId": world.lab, "title": "Once", "content": "" } });
    let first = world.editor.query_once("k", &text, variables.clone()).await.well();
    let again = world.editor.post().header("idempotency-key", "k").json(&operation(&text, variables));
    let mut events = Events::of(again).await;
    assert_eq!(events.next().await, first.json);
    events.complete().await;
    assert_eq!(world.database.number("SELECT count(*) FROM content.documents").await, 1);
}

#[tokio::test]
async fn a_token_that_expires_ends_its_stream_with_a_typed_error() {
    let world = World::with(|config| config.access_token_seconds = 3).await;
    let mut events = Events::of(world.editor.post().json(&operation(ACTIVITY, json!({ "id": world.lab })))).await;
    assert_eq!(events.next().await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    events.complete().await;
}

#[tokio::test]
async fn a_session_that_ends_ends_its_stream_with_a_typed_error() {
    let world = World::new().await;
    let mut events = Events::of(world.editor.post().json(&operation(ACTIVITY, json!({ "id": world.lab })))).await;
    followers(&world, 1).await;
    world.editor.query("mutation { signOut { userErrors { code } } }", json!({})).await.well();
    world.manager.document(&world.lab, json!({})).await;
    assert_eq!(events.next().await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    events.complete().await;
}

#[tokio::test]
async fn an_idle_stream_ends_soon_after_its_session_did() {
    let world = World::with(|config| config.session_look_seconds = 1).await;
    let mut events = Events::of(world.editor.post().json(&operation(ACTIVITY, json!({ "id": world.lab })))).await;
    followers(&world, 1).await;
    world.editor.query("mutation { signOut { userErrors { code } } }", json!({})).await.well();
    assert_eq!(events.next().await["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    events.complete().await;
    followers(&world, 0).await;
}

#[tokio::test]
async fn a_stream_too_many_is_refused_and_plain_requests_are_not() {
    let world = World::with(|config| config.connections_per_address = 1).await;
    let post = || world.editor.post().json(&operation(ACTIVITY, json!({ "id": world.lab })));
    let first = Events::of(post()).await;
    let refused = Answer::read(post().header(ACCEPT, EVENTS).send().await.expect("an answer")).await;
    assert_eq!((refused.status, refused.code()), (StatusCode::SERVICE_UNAVAILABLE, "RATE_LIMITED"));
    world.editor.query("{ __typename }", json!({})).await.well();
    drop(first);
    eventually("its place is free", async || {
        let response = post().header(ACCEPT, EVENTS).send().await.expect("an answer");
        response.status().is_success().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_server_that_leaves_cuts_subscriptions_so_that_clients_return() {
    let world = World::new().await;
    let mut events = Events::of(world.editor.post().json(&operation(ACTIVITY, json!({ "id": world.lab })))).await;
    followers(&world, 1).await;
    let World { server, .. } = world;
    let (cut, ()) = tokio::join!(events.event(), server.stop());
    assert!(cut.is_err(), "{cut:?}");
}
