//! What a form registers comes back through `server.json`, and what real files say is read.

use std::collections::BTreeMap;

use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::governance::mcp_servers::transport::Transport;
use crate::platform::errors::Error;

fn there_and_back(transport: Transport) -> Transport {
    let exported =
        Exported { namespace: "acme.rocket", name: "tools", description: None, version: "1".to_owned(), transport };
    let text = export(exported).expect("a file");
    import(&text, None, &BTreeMap::new()).expect("it is read again").transport
}

fn entries() -> impl Strategy<Value = BTreeMap<String, String>> {
    let value = prop_oneof!["[a-z{}$]{0,8}", Just("${secrets.TOKEN}".to_owned()), Just("${secrets.KEY}".to_owned())];
    prop::collection::btree_map("TOKEN|KEY|[A-Za-z_]{1,6}", value, 0..4)
}

proptest! {
    #[test]
    fn a_command_comes_back(
        command in "npx|uvx|docker|node",
        arguments in prop::collection::vec("-y|[a-z@=.0-9-]{0,12}|server@1[.]0[.]0|tool==2[.]1", 0..5),
        environment in entries(),
    ) {
        let transport = Transport::Stdio { command, arguments, environment };
        prop_assert_eq!(there_and_back(transport.clone()), transport);
    }

    #[test]
    fn a_remote_comes_back(path in "[a-z/{}]{0,12}", headers in entries(), is_old in any::<bool>()) {
        let url = format!("https://tools.example.com/{path}");
        let transport = if is_old { Transport::Sse { url, headers } } else { Transport::Http { url, headers } };
        prop_assert_eq!(there_and_back(transport.clone()), transport);
    }

    #[test]
    fn whatever_is_pasted_is_read_or_refused(text in r#"[\[\]{}:,"a-z0-9$/]{0,64}"#) {
        let _ = import(&text, None, &BTreeMap::new());
    }
}

fn file() -> serde_json::Value {
    json!({
        "$schema": SCHEMA, "name": "io.github.someone/weather", "description": "The weather.", "version": "1.2.3",
        "packages": [
            { "registryType": "mcpb", "identifier": "https://example.com/a.mcpb", "transport": { "type": "stdio" } },
            { "registryType": "npm", "identifier": "@someone/weather", "version": "1.2.3", "runtimeHint": "npx",
              "transport": { "type": "stdio" },
              "packageArguments": [
                  { "type": "named", "name": "--units", "default": "metric", "choices": ["metric", "imperial"] },
                  { "type": "positional", "valueHint": "city", "isRequired": true } ],
              "environmentVariables": [
                  { "name": "API_KEY", "isSecret": true, "isRequired": true }, { "name": "LEVEL", "default": "info" },
                  { "name": "PROXY" } ] } ],
        "remotes": [ { "type": "sse", "url": "https://{region}.example.com/sse",
            "variables": { "region": { "default": "eu" } },
            "headers": [ { "name": "X-Api-Key", "isSecret": true }, { "name": "X-Team", "value": "{team}", "variables": { "team": {} } } ] } ],
    })
}

fn values(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_package_becomes_a_command_with_references_to_its_secrets() {
    let found = import(&file().to_string(), None, &values(&[("city", "Oslo")])).expect("a server");
    assert_eq!((found.name.as_str(), found.label.as_str()), ("weather", "1.2.3"));
    let arguments = ["-y", "@someone/weather@1.2.3", "--units", "metric", "Oslo"].map(str::to_owned).to_vec();
    let environment = values(&[("API_KEY", "${secrets.API_KEY}"), ("LEVEL", "info")]);
    assert_eq!(found.transport, Transport::Stdio { command: "npx".to_owned(), arguments, environment });
}

#[test]
fn a_remote_is_taken_when_it_is_chosen() {
    let found = import(&file().to_string(), Some(Choice::Remote(0)), &values(&[("team", "red")])).expect("a server");
    let headers = values(&[("X-Api-Key", "${secrets.X_API_KEY}"), ("X-Team", "red")]);
    assert_eq!(found.transport, Transport::Sse { url: "https://eu.example.com/sse".to_owned(), headers });
}

#[track_caller]
fn refused(text: &str, choice: Option<Choice>, given: &[(&str, &str)], code: &str, says: &str) {
    match import(text, choice, &values(given)) {
        Err(Error::Rejected(reasons)) => {
            assert_eq!(reasons[0].code, code);
            assert!(reasons[0].message.contains(says), "{}", reasons[0].message);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_missing_or_wrong_is_named() {
    let text = file().to_string();
    refused(&text, None, &[], "VALUE_MISSING", "city");
    refused(&text, None, &[("city", "Oslo"), ("--units", "x")], "VALUE_MISSING", "metric, imperial");
    refused(&text, Some(Choice::Package(0)), &[], "MANIFEST_INVALID", "mcpb");
    refused(&text, Some(Choice::Package(2)), &[], "MANIFEST_INVALID", "no package");
    refused("{", None, &[], "MANIFEST_INVALID", "no JSON");
    refused("{}", None, &[], "MANIFEST_INVALID", "name");
    refused(&" ".repeat(MOST_BYTES + 1), None, &[], "MANIFEST_INVALID", "bytes");
    let changed = |field: &str, value: serde_json::Value| {
        let mut file = file();
        file[field] = value;
        file.to_string()
    };
    refused(&changed("name", json!("weather")), None, &[], "MANIFEST_INVALID", "NAMESPACE");
    refused(
        &changed("$schema", json!("https://example.com/2024-01-01/x")),
        None,
        &[],
        "MANIFEST_INVALID",
        "2025-12-11",
    );
    let mut empty = file();
    empty["packages"] = json!([]);
    empty["remotes"] = json!([]);
    refused(&empty.to_string(), None, &[], "MANIFEST_INVALID", "neither");
}
