//! Settings: one that cannot work is refused at the start, by a sentence that names it, with the status 2.

use std::process::{Command, Output, Stdio};

use crate::support::{Database, World, environment};

fn trellis(settings: &[(&str, &str)], arguments: &[&str]) -> Output {
    Command::new(environment("TRELLIS_TEST_BIN"))
        .args(arguments)
        .env("DATABASE_URL", "postgres://127.0.0.1:1/nothing")
        .env("REDIS_URL", "redis://127.0.0.1:1")
        .env("TRELLIS_LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied())
        .stdin(Stdio::null())
        .output()
        .expect("the program starts")
}

#[test]
fn a_setting_that_cannot_work_is_named_and_refused() {
    let secret = "a secret of at least thirty-two bytes";
    let cases: &[(&[(&str, &str)], &str)] = &[
        (&[("TRELLIS_DATABASE_CONNECTIONS", "0")], "--database-connections"),
        (&[("TRELLIS_REFRESH_TOKEN_DAYS", "99999999999")], "--refresh-token-days"),
        (&[("TRELLIS_REFRESH_TOKEN_DAYS", "0")], "--refresh-token-days"),
        (&[("TRELLIS_ACCESS_TOKEN_SECONDS", "-5")], "--access-token-seconds"),
        (&[("TRELLIS_ACCESS_TOKEN_SECONDS", "soon")], "--access-token-seconds"),
        (&[("TRELLIS_BATCH", "0")], "--batch"),
        (&[("TRELLIS_OPERATION_SECONDS", "0")], "--operation-seconds"),
        (&[("TRELLIS_SOCKET_PING_SECONDS", "0")], "--socket-ping-seconds"),
        (&[("TRELLIS_SOCKET_INIT_SECONDS", "0")], "--socket-init-seconds"),
        (&[("TRELLIS_SOCKET_SEND_SECONDS", "0")], "--socket-send-seconds"),
        (&[("TRELLIS_SOCKET_STREAMS", "0")], "--socket-streams"),
        (&[("TRELLIS_SOCKET_MESSAGE_BYTES", "1")], "--socket-message-bytes"),
        (&[("TRELLIS_BODY_BYTES", "0")], "--body-bytes"),
        (&[("TRELLIS_CONNECTIONS", "0")], "--connections"),
        (&[("TRELLIS_CONNECTIONS_PER_ADDRESS", "0")], "--connections-per-address"),
        (&[("TRELLIS_QUERY_BYTES", "0")], "--query-bytes"),
        (&[("TRELLIS_QUERY_TOKENS", "0")], "--query-tokens"),
        (&[("TRELLIS_QUERY_DEPTH", "0")], "--query-depth"),
        (&[("TRELLIS_QUERY_DEPTH", "100000")], "--query-depth"),
        (&[("TRELLIS_QUERY_ALIASES", "0")], "--query-aliases"),
        (&[("TRELLIS_QUERY_ROOT_FIELDS", "0")], "--query-root-fields"),
        (&[("TRELLIS_QUERY_COST", "0")], "--query-cost"),
        (&[("TRELLIS_QUERY_CONTENT_BYTES", "0")], "--query-content-bytes"),
        (&[("TRELLIS_QUERY_BRACKETS", "151")], "--query-brackets"),
        (&[("TRELLIS_QUERY_NESTING", "0")], "--query-nesting"),
        (&[("TRELLIS_QUERY_DIRECTIVES", "many")], "--query-directives"),
        (&[("TRELLIS_QUERY_EXPANDED_FIELDS", "0")], "--query-expanded-fields"),
        (&[("TRELLIS_SESSION_LOOK_SECONDS", "0")], "--session-look-seconds"),
        (&[("TRELLIS_STOP_SECONDS", "0")], "--stop-seconds"),
        (&[("TRELLIS_LOG", "!!")], "--log"),
        (&[("TRELLIS_LISTEN", "nowhere")], "--listen"),
        (&[("TRELLIS_ENV", "staging")], "--environment"),
        (&[("DATABASE_URL", "mysql//secret-word@x")], "DATABASE_URL"),
        (&[("REDIS_URL", "http://secret-word@x")], "REDIS_URL"),
        (&[("TRELLIS_TOKEN_SECRET", "secret-word")], "TRELLIS_TOKEN_SECRET"),
        (&[("TRELLIS_ENV", "production")], "TRELLIS_TOKEN_SECRET"),
        (&[("TRELLIS_ENV", "production"), ("TRELLIS_TOKEN_SECRET", secret), ("TRELLIS_BATCH", "x")], "--batch"),
        (&[("TRELLIS_ENV", "production"), ("TRELLIS_TOKEN_SECRET", secret)], "TRELLIS_SEALING_KEYS"),
        (&[("TRELLIS_SEALING_KEYS", "1:secret-word")], "TRELLIS_SEALING_KEYS"),
        (&[("TRELLIS_PUBLIC_URL", "example.com")], "TRELLIS_PUBLIC_URL"),
        (&[("TRELLIS_TRUSTED_PROXIES", "nowhere")], "--trusted-proxies"),
        (&[("TRELLIS_ATTEMPTS_PER_NETWORK", "0")], "--attempts-per-network"),
    ];
    for (settings, named) in cases {
        let output = trellis(settings, &["serve"]);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{settings:?}: {said}");
        assert!(said.starts_with("error: ") && said.contains(named), "{settings:?}: {said}");
        assert!(!said.contains("panicked") && !said.contains("secret-word"), "{settings:?}: {said}");
    }
}

#[test]
fn every_setting_has_its_place_in_the_help() {
    let output = trellis(&[], &["serve", "--help"]);
    let help = String::from_utf8(output.stdout).expect("it speaks text");
    for setting in ["DATABASE_URL", "REDIS_URL", "TRELLIS_LOG", "TRELLIS_LISTEN", "TRELLIS_TOKEN_SECRET"] {
        assert!(help.contains(&format!("[env: {setting}")), "{setting}: {help}");
    }
}

#[tokio::test]
async fn a_role_that_is_not_there_is_named() {
    let database = Database::empty().await;
    let url = database.url();
    let settings = [("DATABASE_URL", url.as_str()), ("TRELLIS_DATABASE_ROLE", "nope")];
    let output = trellis(&settings, &["serve"]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{said}");
    assert!(said.contains("TRELLIS_DATABASE_ROLE") && said.contains("nope"), "{said}");
    assert!(!said.contains("does not answer"), "{said}");
}

#[tokio::test]
async fn the_demo_is_loaded_into_an_empty_database_alone_and_signs_in() {
    let world = World::new().await;
    let before = world.database.number("SELECT count(*) FROM identity.users").await;
    let of_world = world.database.url();
    let output = trellis(&[("DATABASE_URL", of_world.as_str())], &["demo", "--if-empty", "--scale", "small"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(world.database.number("SELECT count(*) FROM identity.users").await, before);

    let empty = Database::empty().await;
    let url = empty.url();
    let run = |arguments: &[&str]| {
        let output = trellis(&[("DATABASE_URL", url.as_str())], arguments);
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it speaks text")
    };
    run(&["migrate", "up"]);
    let loaded = run(&["demo", "--if-empty", "--scale", "small"]);
    assert!(loaded.contains("people") && loaded.contains("Sign in as"), "{loaded}");
    let people = empty.number("SELECT count(*) FROM identity.users").await;
    assert!(people > 1, "{people}");
    assert!(run(&["demo", "--if-empty", "--scale", "small"]).contains("not empty"));
    assert_eq!(empty.number("SELECT count(*) FROM identity.users").await, people);
    let credentials: serde_json::Value =
        serde_json::from_str(&run(&["demo", "--credentials"])).expect("one line of JSON");
    for field in ["email", "password", "token"] {
        assert!(credentials[field].as_str().is_some_and(|text| !text.is_empty()), "{credentials}");
    }
    let email = credentials["email"].as_str().expect("an address");
    assert!(loaded.contains(email), "{loaded}");
}
