//! What a program can find out about where it runs: nothing that is ours.

use std::env;
use std::path::Path;

use api::platform::mcp::hide_environment;
use serde_json::{Value, json};

use crate::support::mcp::{bounds, discover_and_call, hostile, with_secret};
use crate::support::{environment, eventually};

#[tokio::test]
async fn a_thief_finds_its_own_secret_and_none_of_ours() {
    hide_environment().expect("the system can hide it");
    let server = with_secret(hostile("thief", Path::new("/nonexistent")), "API_KEY", "its own");
    let result = discover_and_call(&server, "weather", json!({}), &bounds()).await.expect("an answer");
    let found = result.structured.expect("what it found");

    let names = found["environment"].as_object().expect("its environment").keys().map(String::as_str);
    let told = ["API_KEY", "PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LC_CTYPE", "TZ"];
    let told = [&told[..], &["SSL_CERT_FILE", "SSL_CERT_DIR", "NODE_EXTRA_CA_CERTS"]].concat();
    assert_eq!(names.filter(|name| !told.contains(name)).collect::<Vec<_>>(), [] as [&str; 0]);
    assert_eq!(found["environment"]["API_KEY"], "its own");

    // Ours is at hand, and it cannot be read: not by the same user, and not by root without its privileges.
    let parent = std::process::id();
    for file in ["environ", "maps", "auxv"] {
        let read = found[format!("{parent} {file}")].as_str().expect("an outcome");
        assert!(["EACCES", "EPERM"].contains(&read), "{file}: {read}");
    }
    let planted = [environment("TRELLIS_TEST_DATABASE_URL"), environment("TRELLIS_TEST_BIN")];
    let everything = found.to_string();
    assert!(env::vars().any(|(_, value)| value == planted[0]));
    for secret in planted {
        assert!(!everything.contains(&secret));
    }
}

#[tokio::test]
async fn a_program_has_no_privileges_and_a_folder_of_its_own() {
    let server = hostile("thief", Path::new("/nonexistent"));
    let result = discover_and_call(&server, "weather", json!({}), &bounds()).await.expect("an answer");
    let found = result.structured.expect("what it found");
    let privileges = found["privileges"].as_array().expect("a list").iter().filter_map(Value::as_str);
    for line in privileges {
        let (name, value) = line.split_once(":\t").expect("a name and a value");
        match name {
            "CapBnd" => {}
            "NoNewPrivs" => assert_eq!(value, "1"),
            _ => assert_eq!(value, "0000000000000000", "{name}"),
        }
    }
    // Its own three streams, and what Node opens for itself; none of the sockets of this process.
    assert!(found["descriptors"].as_u64().is_some_and(|count| count < 40), "{}", found["descriptors"]);
    let home = found["home"].as_str().expect("a folder");
    assert_eq!((&found["here"], &found["files"]), (&json!(home), &json!([])));
    eventually("its folder is gone", async || (!Path::new(home).exists()).then_some(())).await;
}
