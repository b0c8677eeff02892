//! What a page of another origin may do: nothing, unless it is allowed by setting; and never in the name of a user whose
//! token it does not hold.

use reqwest::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE, ORIGIN, SET_COOKIE,
};
use reqwest::{Method, Response, StatusCode};
use serde_json::json;

use crate::support::World;

const PAGE: &str = "https://app.example.com";

async fn preflight(world: &World, origin: &str) -> Response {
    reqwest::Client::new()
        .request(Method::OPTIONS, world.server.graphql())
        .header(ORIGIN, origin)
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "authorization,content-type,idempotency-key")
        .send()
        .await
        .expect("the server answers")
}

async fn ask(world: &World, origin: &str) -> Response {
    let request = world.owner.post().header(ORIGIN, origin).json(&json!({ "query": "{ __typename }" }));
    request.send().await.expect("the server answers")
}

#[tokio::test]
async fn no_page_elsewhere_may_ask_unless_it_is_allowed() {
    let world = World::new().await;
    for response in [preflight(&world, PAGE).await, ask(&world, PAGE).await] {
        assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_ORIGIN), "{:?}", response.headers());
    }
    let world = World::with(|config| config.http.cors_origins = vec![PAGE.to_owned()]).await;
    for response in [preflight(&world, PAGE).await, ask(&world, PAGE).await] {
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], PAGE);
        assert!(!response.headers().contains_key(ACCESS_CONTROL_ALLOW_CREDENTIALS));
    }
    let allowed = preflight(&world, PAGE).await.headers()["access-control-allow-headers"].clone();
    let allowed = allowed.to_str().expect("text").to_owned();
    assert!(
        ["authorization", "content-type", "idempotency-key"].iter().all(|name| allowed.contains(name)),
        "{allowed}"
    );
    for origin in ["https://evil.example.com", "https://app.example.com.evil.com", "http://app.example.com", "null"] {
        for response in [preflight(&world, origin).await, ask(&world, origin).await] {
            assert_ne!(
                response.headers().get(ACCESS_CONTROL_ALLOW_ORIGIN).map(|value| value.as_bytes()),
                Some(origin.as_bytes())
            );
        }
    }
    let world = World::with(|config| config.http.cors_origins = vec!["*".to_owned()]).await;
    assert_eq!(ask(&world, PAGE).await.headers()[ACCESS_CONTROL_ALLOW_ORIGIN], "*");
}

#[tokio::test]
async fn a_form_or_an_image_of_a_page_elsewhere_changes_nothing() {
    let world = World::new().await;
    let id = world.editor.document(&world.lab, json!({})).await;
    let before = world.database.digest().await;
    let mutation = format!("mutation {{ documentTrash(input: {{ id: \"{id}\" }}) {{ document {{ id }} }} }}");
    let body = json!({ "query": mutation }).to_string();
    // What a browser sends without asking first: the types of a form, or none.
    for media in [
        "text/plain",
        "text/plain; application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
    ] {
        let request = world.editor.post().header(CONTENT_TYPE, media).header(ORIGIN, PAGE).body(body.clone());
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::UNSUPPORTED_MEDIA_TYPE, "{media}");
    }
    let encoded: String = mutation.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let image = world.editor.get(&format!("query={encoded}")).header(ORIGIN, PAGE).send().await.expect("an answer");
    assert_eq!(image.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.database.digest().await, before);
    // Nothing is ever known of a user but by the header that a page must hold.
    let signed_in =
        world.anonymous.post().json(&json!({ "query": "mutation { signIn(input: { email: \"owner@acme.test\", \
        password: \"correct horse battery staple\" }) { accessToken } }" }));
    assert!(!signed_in.send().await.expect("an answer").headers().contains_key(SET_COOKIE));
}
