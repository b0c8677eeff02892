//! What operators need: numbers, one line of log for each operation, traces, settings that are refused, and an end that
//! leaves nothing half done.

use std::fs::File;
use std::process::Command;

use api::platform::config::{Config, ConfigError, Environment};
use reqwest::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::support::{Process, World, defaults, environment, eventually, within};

const SECRET: &str = "xKcD7v0p2QmZr9TnW4yLsB8hJ1fGaE6u";
const SEALING_KEYS: &str = "1:4nSPTjcI2Q8cS0qqvQbV0YyVxq0wJ1mGmX7r5UeZkLA=";
const PUBLIC_URL: &str = "https://trellis.example";

async fn metrics(world: &World) -> String {
    let answer = reqwest::get(world.server.at("/metrics")).await.expect("the server answers");
    assert_eq!(answer.status(), StatusCode::OK);
    answer.text().await.expect("text")
}

/// The number of the line that begins with the name and holds each of the labels.
fn number(metrics: &str, name: &str, labels: &[&str]) -> Option<f64> {
    let line = metrics.lines().find(|line| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' '])) && labels.iter().all(|label| line.contains(label))
    });
    line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
}

#[tokio::test]
async fn numbers_tell_of_operations_errors_and_parts() {
    let world = World::new().await;
    for _ in 0..3 {
        world.owner.query("query Whoami { viewer { user { id } } }", Value::Null).await.well();
    }
    world.owner.query("query Whoami { viewer { organizations(first: 0) { totalCount } } }", Value::Null).await;
    world.owner.query("{ nonsense }", Value::Null).await;
    world.owner.with_token(Some("nonsense")).query("{ __typename }", Value::Null).await;
    let _socket = world.owner.socket().await;
    let metrics = metrics(&world).await;
    let whoami = ["operation=\"Whoami\"", "kind=\"query\""];
    let ended = |outcome: &str| number(&metrics, "trellis_operations_total", &[&whoami[..], &[outcome]].concat());
    assert_eq!((ended("outcome=\"ok\""), ended("outcome=\"failed\"")), (Some(3.0), Some(1.0)), "{metrics}");
    assert_eq!(number(&metrics, "trellis_operation_seconds_count", &whoami), Some(4.0), "{metrics}");
    for (name, labels) in [
        ("trellis_errors_total", &["code=\"BAD_USER_INPUT\""][..]),
        ("trellis_errors_total", &["code=\"GRAPHQL_VALIDATION_FAILED\""]),
        ("trellis_turned_away_total", &["status=\"401\""]),
        ("trellis_connections", &["kind=\"open\""]),
        ("trellis_connections", &["kind=\"http\""]),
        ("trellis_documents_remembered", &[]),
        ("trellis_database_connections", &["state=\"idle\""]),
        ("trellis_database_connections", &["state=\"used\""]),
        ("trellis_cache_reads_total", &["outcome=\"hit\""]),
        ("trellis_feed_leader", &[]),
        ("trellis_feed_followers", &[]),
        ("trellis_feed_held_back_seconds", &[]),
        ("trellis_feed_unpublished_events", &[]),
    ] {
        assert!(number(&metrics, name, labels).is_some(), "{name} {labels:?}: {metrics}");
    }
    assert_eq!(number(&metrics, "trellis_connections", &["kind=\"open\""]), Some(1.0), "{metrics}");
}

#[tokio::test]
async fn names_of_operations_do_not_grow_the_numbers_without_end() {
    let world = World::new().await;
    for number in 0..250 {
        world.owner.query(&format!("query Name{number} {{ __typename }}"), Value::Null).await.well();
        world.anonymous.query(&format!("query Wrong{number} {{ nonsense }}"), Value::Null).await;
    }
    let metrics = metrics(&world).await;
    let counts = metrics.lines().filter(|line| line.starts_with("trellis_operation_seconds_count")).count();
    assert!((100..=202).contains(&counts), "{counts}");
    assert!(!metrics.contains("Wrong") && metrics.contains("operation=\"other\""), "{metrics}");
}

#[tokio::test]
async fn in_production_numbers_are_for_those_who_hold_the_token() {
    let production = |config: &mut Config| {
        config.environment = Environment::Production;
        config.token_secret = Some(SECRET.into());
    };
    let world = World::with(production).await;
    let get =
        |world: &World, token: &str| reqwest::Client::new().get(world.server.at("/metrics")).bearer_auth(token).send();
    assert_eq!(get(&world, "").await.expect("an answer").status(), StatusCode::NOT_FOUND);
    let world = World::with(|config| {
        production(config);
        config.metrics_token = Some("a token for Prometheus".into());
    })
    .await;
    assert_eq!(get(&world, "another").await.expect("an answer").status(), StatusCode::NOT_FOUND);
    assert_eq!(get(&world, "a token for Prometheus").await.expect("an answer").status(), StatusCode::OK);
}

#[tokio::test]
async fn production_logs_one_line_of_json_for_each_operation_and_no_secret() {
    let world = World::new().await;
    let file = tempfile::NamedTempFile::new().expect("a file");
    let mail = tempfile::tempdir().expect("a folder");
    let settings = [
        ("TRELLIS_ENV", "production"),
        ("TRELLIS_TOKEN_SECRET", SECRET),
        ("TRELLIS_SEALING_KEYS", SEALING_KEYS),
        ("TRELLIS_PUBLIC_URL", PUBLIC_URL),
        ("TRELLIS_MAIL_DIR", mail.path().to_str().expect("a plain path")),
        ("TRELLIS_LOG", "info"),
    ];
    let mut process = Process::logging(&world.database, &settings, File::create(file.path()).expect("a file")).await;
    let anonymous = process.client(&world.anonymous);
    let sign_in = "mutation SignIn($input: SignInInput!) { signIn(input: $input) { accessToken } }";
    let input = json!({ "email": "owner@acme.test", "password": crate::support::PASSWORD });
    let token = anonymous.query(sign_in, json!({ "input": input })).await.well().text("signIn.accessToken").to_owned();
    let owner = anonymous.with_token(Some(&token));
    owner.query("query Whoami { viewer { user { id } } }", Value::Null).await.well();
    owner.query("query Wrong { nonsense }", Value::Null).await;
    owner.with_token(Some("nonsense")).query("{ __typename }", Value::Null).await;
    process.program.end().await;

    let log = std::fs::read_to_string(file.path()).expect("it can be read");
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line is JSON")).collect();
    let told = |name: &str| {
        let mut lines = lines.iter().filter(|line| line["operation"] == name);
        let line = lines.next().unwrap_or_else(|| panic!("nothing of {name}: {log}"));
        assert!(lines.next().is_none(), "{name} is told twice: {log}");
        line
    };
    let whoami = told("Whoami");
    assert_eq!(
        (&whoami["kind"], &whoami["outcome"], &whoami["user_id"]),
        (&json!("query"), &json!("ok"), &json!(world.owner.id))
    );
    assert!(
        whoami["duration_ms"].is_f64() && whoami["statements"].is_u64() && whoami["request_id"].is_string(),
        "{whoami}"
    );
    assert_eq!(whoami["ip"], "127.0.0.1");
    assert_eq!(told("SignIn")["kind"], "mutation");
    assert_eq!(told("Wrong")["codes"], "GRAPHQL_VALIDATION_FAILED");
    assert!(lines.iter().any(|line| line["status"] == 401), "{log}");
    for secret in [&token, crate::support::PASSWORD, SECRET] {
        assert!(!log.contains(secret), "{log}");
    }
}

/// Hears one request on the port, and gives its path and what follows its head.
async fn hear(listener: &TcpListener) -> (String, Vec<u8>) {
    let (mut stream, _) = within("the collector is called", listener.accept()).await.expect("a connection");
    let mut heard = Vec::new();
    loop {
        let end = heard.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&heard[..end]).to_ascii_lowercase();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
            if heard.len() >= end + 4 + length.unwrap_or(0) {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await.expect("it listens");
                let path = head.split(' ').nth(1).expect("a path").to_owned();
                return (path, heard[end + 4..].to_vec());
            }
        }
        let read = within("a request arrives", stream.read_buf(&mut heard)).await.expect("it is not cut");
        assert!(read > 0, "the request is whole");
    }
}

#[tokio::test]
async fn traces_go_to_a_collector_and_continue_those_of_clients() {
    let world = World::new().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let collector = format!("http://{}", listener.local_addr().expect("an address"));
    let mut process = Process::start(&world.database, &[("TRELLIS_TRACES_ENDPOINT", &collector)]).await;
    let owner = process.client(&world.owner);
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request = owner.post().header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let content = json!({ "query": "query Traced { viewer { user { email } } }" });
    request.json(&content).send().await.expect("an answer").error_for_status().expect("a good one");
    let sent = async {
        let (path, spans) = hear(&listener).await;
        assert_eq!(path, "/v1/traces");
        spans
    };
    let (spans, ()) = tokio::join!(sent, process.program.end());
    let holds = |part: &[u8]| spans.windows(part.len()).any(|bytes| bytes == part);
    let id: Vec<u8> = (0..16).map(|at| u8::from_str_radix(&trace[2 * at..2 * at + 2], 16).expect("digits")).collect();
    assert!(holds(&id), "the client's trace goes on");
    assert!(holds(b"Traced") && holds(b"statement") && holds(b"FROM identity.sessions"), "operation and statements");
    assert!(!holds(b"owner@acme.test"), "values are told to nobody");
}

#[test]
fn production_refuses_weak_settings_and_says_which() {
    let sound = || {
        let mut config = defaults();
        config.environment = Environment::Production;
        config.token_secret = Some(SECRET.into());
        config.sealing_keys = Some(SEALING_KEYS.into());
        config.public_url = Some(PUBLIC_URL.to_owned());
        config.mail_url = Some("smtps://mail.example".into());
        config.mail_from = "Trellis <trellis@example.com>".to_owned();
        config
    };
    assert_eq!(sound().check(), Ok(()));
    let refused = |change: fn(&mut Config)| {
        let mut config = sound();
        change(&mut config);
        let refusal = config.check().expect_err("it is refused");
        assert!(refusal.to_string().starts_with("TRELLIS_"), "{refusal}");
        refusal
    };
    assert_eq!(refused(|config| config.token_secret = None), ConfigError::MissingTokenSecret);
    assert_eq!(refused(|config| config.token_secret = Some("short".into())), ConfigError::ShortTokenSecret(5));
    let simple = refused(|config| config.token_secret = Some("secretsecretsecretsecretsecretsecret".into()));
    assert_eq!(simple, ConfigError::SimpleTokenSecret);
    let zeros = "1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
    let both = format!("{SEALING_KEYS},{}", zeros.replacen('1', "2", 1));
    for (keys, number) in [(zeros, 1), (both.as_str(), 2)] {
        let mut config = sound();
        config.sealing_keys = Some(keys.into());
        assert_eq!(config.check(), Err(ConfigError::SimpleSealingKey(number)));
    }
    assert_eq!(refused(|config| config.metrics_token = Some("x".into())), ConfigError::ShortMetricsToken(1));
    assert_eq!(refused(|config| config.access_token_seconds = 59), ConfigError::ShortAccessTokenLife(59));
    assert_eq!(refused(|config| config.stores.database_role = String::new()), ConfigError::OwnerRole);
    assert_eq!(refused(|config| config.mail_from = "trellis@localhost".to_owned()), ConfigError::LocalSender);
    let shown = refused(|config| config.mail_url = Some("smtp://user:password@mail.example:587".into()));
    assert_eq!(shown, ConfigError::PlainMail);
    for url in ["smtp://user:password@mail.example:587?tls=required", "smtp://127.0.0.1:25"] {
        let mut config = sound();
        config.mail_url = Some(url.into());
        assert_eq!(config.check(), Ok(()), "{url}");
    }
    let any = refused(|config| config.http.cors_origins = vec!["*".to_owned()]);
    assert_eq!(any, ConfigError::InsecureOrigin("*".to_owned()));
    let mixed = refused(|config| config.http.cors_origins = vec!["*".to_owned(), "https://app.example.com".to_owned()]);
    assert_eq!(mixed, ConfigError::NoOrigin("*".to_owned()));
    let plain = "http://app.example.com".to_owned();
    let insecure = refused(|config| config.http.cors_origins = vec!["http://app.example.com".to_owned()]);
    assert_eq!(insecure, ConfigError::InsecureOrigin(plain));
    for wrong in ["app.example.com", "https://", "https://app.example.com/", "https://*.example.com", "*, https://a.b"]
    {
        let mut config = sound();
        config.http.cors_origins = vec![wrong.to_owned()];
        assert_eq!(config.check(), Err(ConfigError::NoOrigin(wrong.to_owned())));
    }
    for wrong in ["127.0.0.1:4318", "https://127.0.0.1:4318", "http://", "the collector"] {
        let mut config = sound();
        config.traces_endpoint = Some(wrong.to_owned());
        assert_eq!(config.check(), Err(ConfigError::TracesEndpoint), "{wrong}");
    }
    let mut development = defaults();
    development.access_token_seconds = 1;
    assert_eq!(development.check(), Ok(()));
}

#[test]
fn a_server_with_weak_settings_does_not_start() {
    let mut command = Command::new(environment("TRELLIS_TEST_BIN"));
    let output = command.arg("serve").env("TRELLIS_ENV", "production").env_remove("TRELLIS_TOKEN_SECRET").output();
    let output = output.expect("it can be run");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("TRELLIS_TOKEN_SECRET"));
}

#[tokio::test]
async fn a_server_that_is_told_to_stop_finishes_what_it_does() {
    let world = World::new().await;
    let id = world.owner.document(&world.handbook, json!({ "tags": ["blue"] })).await;
    let mut process = Process::start(&world.database, &[]).await;
    let owner = process.client(&world.owner);
    world
        .database
        .run(
            "ALTER TABLE content.tags ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY slow ON content.tags USING (pg_sleep (2) IS NOT NULL)",
        )
        .await;
    let query = "query($id: ID!) { node(id: $id) { ... on Document { tags(first: 5) { nodes { name } } } } }";
    let mut socket = owner.socket().await;
    let asked = socket.subscribe(query, json!({ "id": id })).await;
    let variables = json!({ "id": id });
    let answer = tokio::spawn({
        let owner = owner.clone();
        async move { owner.query(query, variables).await }
    });
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'PgSleep'";
    eventually("both run", async || (world.database.number(running).await >= 1).then_some(())).await;
    let (socket_answer, ()) = tokio::join!(socket.message(), process.program.end());
    assert_eq!((&socket_answer["type"], &socket_answer["id"]), (&json!("next"), &json!(asked)), "{socket_answer}");
    assert_eq!(socket.message().await["type"], "complete");
    assert_eq!(socket.message().await, 1001);
    let answer = answer.await.expect("it does not panic").well();
    assert_eq!(answer.list("node.tags.nodes").len(), 1);
}
