//! GraphiQL in a real browser, and what the server says about its files.

use std::path::Path;
use std::process::Command;

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::support::{World, environment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_browser_runs_a_query_and_a_subscription_and_asks_no_other_machine() {
    let world = World::new().await;
    let document = world.owner.document(&world.handbook, json!({ "title": "Before" })).await;
    let token = world.owner.token.clone().expect("a token");
    let follow = format!("subscription {{ documentChanged(id: \"{document}\") {{ kind document {{ title }} }} }}");
    let change = format!(
        "mutation {{ documentUpdate(input: {{id: \"{document}\", title: \"Seen live\"}}) {{ userErrors {{ code }} }} }}"
    );
    let mut browser = Command::new(environment("TRELLIS_NODE"));
    browser
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("browser/graphiql.mjs"))
        .args(["--url", &world.server.at("/graphiql"), "--token", &token])
        .args(["--query", "{ viewer { user { email } } }", "--expect", "owner@acme.test"])
        .args(["--subscription", &follow, "--trigger-url", &world.server.graphql(), "--trigger", &change])
        .args(["--expect-event", "Seen live", "--timeout-seconds", "60"]);
    let output = tokio::task::spawn_blocking(move || browser.output()).await.expect("no panic").expect("node starts");
    let report: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    assert_eq!(report["ok"], true, "{report}\n{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_is_locked_down_and_its_files_never_change() {
    let world = World::new().await;
    let page = reqwest::get(world.server.at("/graphiql")).await.expect("an answer");
    assert_eq!(page.status(), StatusCode::OK);
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.contains("default-src 'none'") && policy.contains("connect-src 'self'"), "{policy}");
    let html = page.text().await.expect("a page");
    let script = html.split("src=\"").nth(1).and_then(|rest| rest.split('"').next()).expect("a script");
    let asset = reqwest::get(world.server.at(script)).await.expect("an answer");
    assert_eq!(asset.status(), StatusCode::OK, "{script}");
    assert!(asset.headers()["cache-control"].to_str().expect("text").contains("immutable"));
    let missing = reqwest::get(world.server.at("/graphiql/assets/none.js")).await.expect("an answer");
    assert_eq!(missing.status(), StatusCode::NOT_FOUND);
    let start = reqwest::get(world.server.at("/")).await.expect("an answer");
    assert_eq!(start.url().path(), "/graphiql");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn production_has_no_graphiql_and_no_introspection_unless_set() {
    let world = World::with(|config| {
        config.environment = api::platform::config::Environment::Production;
        config.token_secret = Some("a secret of more than thirty-two bytes".into());
    })
    .await;
    for path in ["/graphiql", "/"] {
        let answer = reqwest::get(world.server.at(path)).await.expect("an answer");
        assert_eq!(answer.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let answer = world.anonymous.query("{ __schema { queryType { name } } }", Value::Null).await;
    assert!(answer.at("__schema").is_null(), "{}", answer.body);
}
