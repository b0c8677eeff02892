//! From `server.json` to a way of reaching the server. Values that it leaves open come with the import, have a default, or
//! are references to secrets of the same name; one that is missing is named.

use std::collections::BTreeMap;

use serde_json::Value;

use super::format::{Argument, Input, Launch, NamedInput, Package, RemoteTransport, ServerJson};
use super::{LAUNCH_KEY, MOST_BYTES, READABLE_SCHEMAS};
use crate::governance::McpErrorCode as Code;
use crate::governance::mcp_servers::transport::Transport;
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};

/// Which of the ways that a file offers is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    Package(usize),
    Remote(usize),
}

/// What a file says.
#[derive(Clone, Debug, PartialEq)]
pub struct Imported {
    /// The last part of the server's name.
    pub name: String,
    pub description: String,
    /// The version that the server's maker gave it.
    pub label: String,
    pub transport: Transport,
    pub manifest: Value,
}

fn invalid(message: impl Into<String>) -> Error {
    reject("source", Code::ManifestInvalid, message)
}

/// Reads a file. Without a choice the first package that can be started is taken, else the first remote.
pub fn import(text: &str, choice: Option<Choice>, values: &BTreeMap<String, String>) -> Result<Imported> {
    if text.len() > MOST_BYTES {
        return Err(invalid(format!("A server.json has at most {MOST_BYTES} bytes.")));
    }
    let manifest: Value = serde_json::from_str(text).map_err(|error| invalid(format!("This is no JSON: {error}.")))?;
    if checks::holds_nul(&manifest) {
        return Err(invalid("This holds a NUL character."));
    }
    let file: ServerJson =
        serde_json::from_str(text).map_err(|error| invalid(format!("This is no server.json: {error}.")))?;
    check_schema(&file)?;
    let (_, name) =
        file.name.split_once('/').filter(|(space, name)| !space.is_empty() && !name.contains('/')).ok_or_else(
            || invalid("The name of a server is written NAMESPACE/NAME, such as io.github.someone/weather."),
        )?;
    let transport = chosen(&file, choice, &Values(values))?;
    Ok(Imported {
        name: name.to_owned(),
        description: file.description.clone(),
        label: file.version.clone(),
        transport,
        manifest,
    })
}

fn check_schema(file: &ServerJson) -> Result<()> {
    let Some(schema) = &file.schema else { return Ok(()) };
    let is_readable = READABLE_SCHEMAS.iter().any(|date| schema.contains(&format!("/{date}/")));
    if is_readable {
        return Ok(());
    }
    Err(invalid(format!("The schema of this file is not one of {}.", READABLE_SCHEMAS.join(", "))))
}

fn chosen(file: &ServerJson, choice: Option<Choice>, values: &Values<'_>) -> Result<Transport> {
    match choice {
        Some(Choice::Package(index)) => match file.packages.get(index) {
            Some(found) => package(found, values),
            None => Err(reject("package", Code::ManifestInvalid, "The file has no package at this place.")),
        },
        Some(Choice::Remote(index)) => match file.remotes.get(index) {
            Some(found) => remote(found, values),
            None => Err(reject("remote", Code::ManifestInvalid, "The file has no remote at this place.")),
        },
        None => {
            if let Some(found) = file.packages.iter().find(|package| is_startable(package)) {
                return package(found, values);
            }
            if let Some(found) = file.remotes.first() {
                return remote(found, values);
            }
            match file.meta.as_ref().and_then(|meta| meta.get(LAUNCH_KEY)) {
                Some(found) => launch(found),
                None => Err(invalid("The file has neither a package that can be started here nor a remote.")),
            }
        }
    }
}

fn launch(found: &Value) -> Result<Transport> {
    let Launch { command, arguments, environment } = serde_json::from_value(found.clone())
        .map_err(|error| invalid(format!("_meta.{LAUNCH_KEY} is not understood: {error}.")))?;
    Ok(Transport::Stdio { command, arguments, environment })
}

fn is_startable(package: &Package) -> bool {
    package.transport.kind == "stdio" && ["npm", "pypi", "oci", "nuget"].contains(&package.registry_type.as_str())
}

fn package(package: &Package, values: &Values<'_>) -> Result<Transport> {
    if !is_startable(package) {
        let (kind, transport) = (&package.registry_type, &package.transport.kind);
        return Err(invalid(format!("A package of {kind} over {transport} cannot be started here.")));
    }
    let environment = values.named(&package.environment_variables, "environment variable")?;
    let mut runtime = values.arguments(&package.runtime_arguments)?;
    let own = values.arguments(&package.package_arguments)?;
    let identifier = package.identifier.as_str();
    let versioned = |sign: &str| match &package.version {
        Some(version) => format!("{identifier}{sign}{version}"),
        None => identifier.to_owned(),
    };
    let (command, whole) = match package.registry_type.as_str() {
        "npm" => {
            if !runtime.iter().any(|argument| ["-y", "--yes"].contains(&argument.as_str())) {
                runtime.insert(0, "-y".to_owned());
            }
            ("npx", versioned("@"))
        }
        "pypi" => ("uvx", versioned("==")),
        "oci" => {
            let started = ["run", "-i", "--rm"].map(str::to_owned).into_iter();
            // Values reach the container by name, so that none stands in the list of processes.
            let passed = environment.keys().flat_map(|name| ["-e".to_owned(), name.clone()]);
            runtime = started.chain(passed).chain(runtime).collect();
            let has_tag =
                identifier.contains('@') || identifier.rsplit('/').next().is_some_and(|end| end.contains(':'));
            ("docker", if has_tag { identifier.to_owned() } else { versioned(":") })
        }
        _ => {
            runtime.push("--yes".to_owned());
            ("dnx", versioned("@"))
        }
    };
    let command = package.runtime_hint.as_deref().unwrap_or(command).to_owned();
    let arguments = runtime.into_iter().chain([whole]).chain(own).collect();
    Ok(Transport::Stdio { command, arguments, environment })
}

fn remote(remote: &RemoteTransport, values: &Values<'_>) -> Result<Transport> {
    let url = values.filled(&remote.url, &remote.variables)?;
    let headers = values.named(&remote.headers, "header")?;
    match remote.kind.as_str() {
        "streamable-http" => Ok(Transport::Http { url, headers }),
        "sse" => Ok(Transport::Sse { url, headers }),
        other => Err(invalid(format!("A remote of the type {other} is not known."))),
    }
}

/// The values that came with the import.
struct Values<'a>(&'a BTreeMap<String, String>);

impl Values<'_> {
    /// The value of an input: the fixed one, the one that came along, the default, or a reference to a secret.
    fn of(&self, name: &str, input: &Input, what: &str) -> Result<Option<String>> {
        let given = || self.0.get(name).cloned();
        let value = match &input.value {
            Some(fixed) => Some(self.filled(fixed, &input.variables)?),
            None => given().or_else(|| input.default.clone()),
        };
        let value = match value {
            None if input.is_secret => Some(format!("${{secrets.{}}}", secret_name(name))),
            value => value,
        };
        match value {
            None if input.is_required => {
                let message = format!("The {what} {name} is needed: give it among the values.");
                Err(reject("values", Code::ValueMissing, message))
            }
            Some(value) if !input.choices.is_empty() && !input.choices.contains(&value) => {
                let message = format!("The {what} {name} is one of {}.", input.choices.join(", "));
                Err(reject("values", Code::ValueMissing, message))
            }
            value => Ok(value),
        }
    }

    fn named(&self, inputs: &[NamedInput], what: &str) -> Result<BTreeMap<String, String>> {
        let mut found = BTreeMap::new();
        for NamedInput { name, input } in inputs {
            if let Some(value) = self.of(name, input, what)? {
                found.insert(name.clone(), value);
            }
        }
        Ok(found)
    }

    fn arguments(&self, arguments: &[Argument]) -> Result<Vec<String>> {
        let mut found = Vec::with_capacity(arguments.len());
        for argument in arguments {
            match argument {
                Argument::Positional { value_hint, input } => {
                    let name = value_hint.as_deref().unwrap_or("without a name");
                    found.extend(self.of(name, input, "argument")?);
                }
                Argument::Named { name, input } => match self.of(name, input, "argument")? {
                    // A flag that takes no value stands for itself.
                    Some(value) if value.is_empty() => found.push(name.clone()),
                    Some(value) => found.extend([name.clone(), value]),
                    None => {}
                },
            }
        }
        Ok(found)
    }

    /// The text with the variables in braces replaced; what is no variable stays.
    fn filled(&self, text: &str, variables: &BTreeMap<String, Input>) -> Result<String> {
        let mut filled = text.to_owned();
        for (name, input) in variables {
            let hole = format!("{{{name}}}");
            if filled.contains(&hole) {
                let value = self.of(
                    name,
                    &Input { is_required: true, variables: BTreeMap::new(), ..input.clone() },
                    "variable",
                )?;
                filled = filled.replace(&hole, &value.unwrap_or_default());
            }
        }
        Ok(filled)
    }
}

/// The name of a secret for what is called so: headers have hyphens, which names of secrets do not.
fn secret_name(name: &str) -> String {
    let signs = name.chars().map(|sign| if sign.is_ascii_alphanumeric() { sign.to_ascii_uppercase() } else { '_' });
    let name: String = signs.take(99).collect();
    if name.starts_with(|sign: char| sign.is_ascii_digit()) { format!("_{name}") } else { name }
}
