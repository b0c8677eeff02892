//! From a way of reaching a server to `server.json`. A command that is a package of a known registry is told as one.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::format::{Argument, Input, Launch, NamedInput, Package, PackageTransport, RemoteTransport, ServerJson};
use super::{LAUNCH_KEY, SCHEMA};
use crate::governance::mcp_servers::transport::Transport;
use crate::platform::errors::{Error, Result};

/// Characters of a description at most, by the schema.
const MOST_DESCRIPTION: usize = 100;

/// What is written of a server.
pub struct Exported<'a> {
    /// Who offers it, in the manner of a domain.
    pub namespace: &'a str,
    pub name: &'a str,
    pub description: Option<&'a str>,
    pub version: String,
    pub transport: Transport,
}

/// Writes a file, with secrets as inputs that whoever uses it gives.
pub fn export(server: Exported<'_>) -> Result<String> {
    let description = server.description.filter(|text| !text.trim().is_empty()).unwrap_or(server.name);
    let mut file = ServerJson {
        schema: Some(SCHEMA.to_owned()),
        name: format!("{}/{}", server.namespace, server.name),
        description: description.chars().take(MOST_DESCRIPTION).collect(),
        version: server.version,
        ..ServerJson::default()
    };
    match server.transport {
        Transport::Http { url, headers } => file.remotes.push(remote("streamable-http", url, headers)),
        Transport::Sse { url, headers } => file.remotes.push(remote("sse", url, headers)),
        Transport::Stdio { command, arguments, environment } => match package(&command, &arguments) {
            Some(found) => file.packages.push(Package { environment_variables: named(environment), ..found }),
            None => {
                let launch = json!(Launch { command, arguments, environment });
                file.meta = Some(Map::from_iter([(LAUNCH_KEY.to_owned(), launch)]));
            }
        },
    }
    let text: Value = serde_json::to_value(file).map_err(Error::internal)?;
    serde_json::to_string_pretty(&text).map_err(Error::internal)
}

fn remote(kind: &str, url: String, headers: BTreeMap<String, String>) -> RemoteTransport {
    RemoteTransport { kind: kind.to_owned(), url, headers: named(headers), variables: BTreeMap::new() }
}

fn named(values: BTreeMap<String, String>) -> Vec<NamedInput> {
    let named = values.into_iter().map(|(name, value)| {
        let is_own_secret = value == format!("${{secrets.{name}}}") && name == name.to_ascii_uppercase();
        let input = match is_own_secret {
            true => Input { is_required: true, is_secret: true, ..Input::default() },
            false => Input { value: Some(value), ..Input::default() },
        };
        NamedInput { name, input }
    });
    named.collect()
}

/// The package of a command in the one form that reading gives back: npx and uvx with an exact version.
fn package(command: &str, arguments: &[String]) -> Option<Package> {
    let (registry_type, sign, rest) = match (command, arguments) {
        ("npx", [yes, rest @ ..]) if yes == "-y" => ("npm", "@", rest),
        ("uvx", rest) => ("pypi", "==", rest),
        _ => return None,
    };
    let (whole, own) = rest.split_first()?;
    let (identifier, version) = whole.rsplit_once(sign)?;
    let is_plain =
        !identifier.is_empty() && !version.is_empty() && !whole.starts_with('-') && !identifier.contains("==");
    is_plain.then(|| Package {
        registry_type: registry_type.to_owned(),
        identifier: identifier.to_owned(),
        version: Some(version.to_owned()),
        transport: PackageTransport { kind: "stdio".to_owned() },
        package_arguments: own.iter().map(|value| positional(value)).collect(),
        ..Package::default()
    })
}

fn positional(value: &str) -> Argument {
    Argument::Positional { value_hint: None, input: Input { value: Some(value.to_owned()), ..Input::default() } }
}
