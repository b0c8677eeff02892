//! How a server is reached, as it was checked: what can be a command, an address, a header, and that a secret stands
//! there as a reference alone.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::enums::McpTransport;
use entity::governance::mcp_server_version::{Environment, Model, TransportConfig};
use http::{HeaderName, HeaderValue};
use regex::Regex;
use url::Url;

use crate::governance::McpErrorCode as Code;
use crate::governance::scan::patterns::fixed;
use crate::governance::scan::{self, Launch, Rule, Subject};
use crate::platform::errors::{Error, Result, reject_all};

/// How a server is reached. Secrets are references.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Transport {
    Stdio { command: String, arguments: Vec<String>, environment: BTreeMap<String, String> },
    Http { url: String, headers: BTreeMap<String, String> },
    Sse { url: String, headers: BTreeMap<String, String> },
}

const MOST_ARGUMENTS: usize = 100;
const MOST_ENTRIES: usize = 100;
const MOST_COMMAND_BYTES: usize = 1_024;
const MOST_ARGUMENT_BYTES: usize = 4_096;
const MOST_NAME_BYTES: usize = 255;
const MOST_VALUE_BYTES: usize = 8_192;
const MOST_URL_BYTES: usize = 2_048;

/// Headers that speak of the connection itself, or that the protocol sets.
const RESERVED_HEADERS: [&str; 13] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "host",
    "last-event-id",
    "mcp-method",
    "mcp-name",
    "mcp-protocol-version",
    "mcp-session-id",
    "te",
    "transfer-encoding",
    "upgrade",
];

static ENVIRONMENT_NAME: LazyLock<Regex> = LazyLock::new(|| fixed(r"^[A-Za-z_][A-Za-z0-9_]*$"));
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| fixed(r"\$\{secrets\.([A-Za-z_][A-Za-z0-9_]{0,99})\}"));
const REFERENCE_START: &str = "${secrets.";

impl Transport {
    /// How the version is reached.
    pub fn of(version: &Model) -> Result<Self> {
        Self::of_columns(version.transport_type, version.transport_config.clone(), version.environment.clone())
    }

    /// The same from its columns.
    pub fn of_columns(kind: McpTransport, config: TransportConfig, environment: Environment) -> Result<Self> {
        match (kind, config) {
            (McpTransport::Stdio, TransportConfig::Command { command, arguments }) => {
                Ok(Self::Stdio { command, arguments, environment: environment.0 })
            }
            (McpTransport::Http, TransportConfig::Remote { url, headers }) => Ok(Self::Http { url, headers }),
            (McpTransport::Sse, TransportConfig::Remote { url, headers }) => Ok(Self::Sse { url, headers }),
            _ => Err(Error::internal("the config of a version is not of its transport")),
        }
    }

    pub fn kind(&self) -> McpTransport {
        match self {
            Self::Stdio { .. } => McpTransport::Stdio,
            Self::Http { .. } => McpTransport::Http,
            Self::Sse { .. } => McpTransport::Sse,
        }
    }

    /// What is stored of it: the config, and the environment apart.
    pub fn into_columns(self) -> (TransportConfig, Environment) {
        match self {
            Self::Stdio { command, arguments, environment } => {
                (TransportConfig::Command { command, arguments }, Environment(environment))
            }
            Self::Http { url, headers } | Self::Sse { url, headers } => {
                (TransportConfig::Remote { url, headers }, Environment::default())
            }
        }
    }

    /// As the scan sees it.
    pub fn launch(&self, private_allowed: bool) -> Launch {
        match self.clone() {
            Self::Stdio { command, arguments, environment } => Launch::Command { command, arguments, environment },
            Self::Http { url, headers } | Self::Sse { url, headers } => {
                Launch::Remote { url, headers, private_allowed }
            }
        }
    }

    /// The secrets that it refers to, by name.
    pub fn secret_names(&self) -> Vec<String> {
        let values = match self {
            Self::Stdio { environment, .. } => environment.values(),
            Self::Http { headers, .. } | Self::Sse { headers, .. } => headers.values(),
        };
        let mut names: Vec<String> = values
            .flat_map(|value| REFERENCE.captures_iter(value).map(|found| found[1].to_owned()).collect::<Vec<_>>())
            .collect();
        names.sort();
        names.dedup();
        names
    }

    /// The transport, if it can be one. Every problem is told at once, with its path below `transport`.
    pub fn checked(self) -> Result<Self> {
        let mut problems = Problems { at: format!("transport.{}", self.kind().as_str()), found: Vec::new() };
        match &self {
            Self::Stdio { command, arguments, environment } => {
                check_command(command, arguments, &mut problems);
                check_environment(environment, &mut problems);
            }
            Self::Http { url, headers } | Self::Sse { url, headers } => {
                check_url(url, &mut problems);
                check_headers(headers, &mut problems);
            }
        }
        if !problems.found.is_empty() {
            return Err(reject_all(Code::TransportInvalid, problems.found));
        }
        let open = secrets_in_the_open(&self);
        if open.is_empty() { Ok(self) } else { Err(reject_all(Code::SecretInTheOpen, open)) }
    }
}

struct Problems {
    at: String,
    found: Vec<(String, String)>,
}

impl Problems {
    fn add(&mut self, place: &str, message: impl Into<String>) {
        self.found.push((format!("{}.{place}", self.at), message.into()));
    }
}

fn check_command(command: &str, arguments: &[String], problems: &mut Problems) {
    if command.trim().is_empty() {
        problems.add("command", "Name the command.");
    }
    if arguments.len() > MOST_ARGUMENTS {
        problems.add("arguments", format!("At most {MOST_ARGUMENTS} arguments fit."));
    }
    let arguments = arguments.iter().enumerate();
    let places = arguments.map(|(index, text)| (format!("arguments[{index}]"), text.as_str(), MOST_ARGUMENT_BYTES));
    for (place, text, most) in std::iter::once(("command".to_owned(), command, MOST_COMMAND_BYTES)).chain(places) {
        if text.len() > most {
            problems.add(&place, format!("At most {most} bytes fit."));
        } else if text.contains(|sign: char| sign.is_control() && !matches!(sign, '\n' | '\t')) {
            problems.add(&place, "This holds control characters.");
        } else if text.contains(REFERENCE_START) {
            problems.add(
                &place,
                "A secret here would be seen by every process of the machine. Put it into the environment.",
            );
        }
    }
}

fn check_environment(environment: &BTreeMap<String, String>, problems: &mut Problems) {
    if environment.len() > MOST_ENTRIES {
        problems.add("environment", format!("At most {MOST_ENTRIES} variables fit."));
    }
    for (name, value) in environment {
        let place = format!("environment.{name}");
        if name.len() > MOST_NAME_BYTES || !ENVIRONMENT_NAME.is_match(name) {
            problems.add(&place, "A variable's name has letters, digits and underscores, and begins with no digit.");
        } else if ["LD_", "DYLD_"].iter().any(|start| name.starts_with(start)) {
            problems.add(&place, "This variable changes which code the command runs.");
        }
        if value.contains('\0') {
            problems.add(&place, "This holds a NUL character.");
        }
        check_value(&place, value, problems);
    }
}

fn check_url(text: &str, problems: &mut Problems) {
    let Some(url) = Url::parse(text).ok().filter(|url| ["http", "https"].contains(&url.scheme())) else {
        return problems.add("url", "Write an address that begins with https://.");
    };
    if url.host_str().is_none_or(str::is_empty) {
        problems.add("url", "The address has no host.");
    }
    if !url.username().is_empty() || url.password().is_some() {
        problems.add("url", "An address holds no user and password. Put a reference to a secret into the headers.");
    }
    if url.fragment().is_some() {
        problems.add("url", "What stands behind # is never sent.");
    }
    if text.len() > MOST_URL_BYTES || text.contains(|sign: char| sign.is_control() || sign.is_whitespace()) {
        problems.add("url", format!("An address has at most {MOST_URL_BYTES} bytes and no white space."));
    }
    if text.contains(REFERENCE_START) {
        problems.add("url", "A secret in an address is logged on its way. Put it into the headers.");
    }
}

fn check_headers(headers: &BTreeMap<String, String>, problems: &mut Problems) {
    if headers.len() > MOST_ENTRIES {
        problems.add("headers", format!("At most {MOST_ENTRIES} headers fit."));
    }
    let mut known: Vec<String> = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let place = format!("headers.{name}");
        let lower = name.to_ascii_lowercase();
        if name.len() > MOST_NAME_BYTES || HeaderName::try_from(name.as_str()).is_err() {
            problems.add(&place, "This is not the name of a header.");
        } else if RESERVED_HEADERS.contains(&lower.as_str()) {
            problems.add(&place, "This header is set by the protocol itself.");
        } else if known.contains(&lower) {
            problems.add(&place, "This header stands there twice.");
        }
        known.push(lower);
        if HeaderValue::try_from(value.as_str()).is_err() {
            problems.add(&place, "This is not the value of a header.");
        }
        check_value(&place, value, problems);
    }
}

fn check_value(place: &str, value: &str, problems: &mut Problems) {
    if value.len() > MOST_VALUE_BYTES {
        problems.add(place, format!("At most {MOST_VALUE_BYTES} bytes fit."));
    }
    if REFERENCE.find_iter(value).count() != value.matches(REFERENCE_START).count() {
        problems
            .add(place, "A reference to a secret is written ${secrets.NAME}, with letters, digits and underscores.");
    }
}

/// Where a secret stands itself, and not a reference to it.
fn secrets_in_the_open(transport: &Transport) -> Vec<(String, String)> {
    let launch = transport.launch(true);
    let report = scan::scan(&Subject { launch: Some(&launch), ..Subject::default() });
    let found = report.findings.into_iter().filter(|finding| finding.rule == Rule::LiveSecret);
    let told = found.map(|finding| {
        let place = format!("transport.{}.{}", transport.kind().as_str(), finding.place);
        let message = format!(
            "{} looks like a secret. Keep it among the secrets of the project and write ${{secrets.NAME}} here.",
            finding.place
        );
        (place, message)
    });
    told.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn stdio(environment: &[(&str, &str)]) -> Transport {
        Transport::Stdio {
            command: "npx".to_owned(),
            arguments: vec!["-y".to_owned(), "server@1.0.0".to_owned()],
            environment: entries(environment),
        }
    }

    fn places(transport: Transport) -> Vec<String> {
        match transport.checked() {
            Ok(_) => Vec::new(),
            Err(Error::Rejected(reasons)) => reasons.iter().map(|reason| reason.field.to_string()).collect(),
            Err(other) => panic!("{other}"),
        }
    }

    #[test]
    fn a_reference_is_taken_and_a_secret_is_not() {
        assert_eq!(
            places(stdio(&[("API_KEY", "${secrets.API_KEY}"), ("MODE", "fast"), ("MAX_TOKENS", "100")])),
            [""; 0]
        );
        assert_eq!(places(stdio(&[("API_KEY", "hunter2hunter2hunter2")])), ["transport.stdio.environment.API_KEY"]);
        let planted = format!("ghp_{}", "a".repeat(36));
        assert_eq!(places(stdio(&[("MODE", &planted)])), ["transport.stdio.environment.MODE"]);
        let headers = entries(&[("Authorization", "Bearer ${secrets.TOKEN}"), ("X-Key", &planted)]);
        let remote = Transport::Http { url: "https://tools.example.com/mcp".to_owned(), headers };
        assert_eq!(remote.secret_names(), ["TOKEN"]);
        assert_eq!(places(remote), ["transport.http.headers.X-Key"]);
    }

    #[test]
    fn every_problem_is_told_with_its_place() {
        let environment = entries(&[("1A", "x"), ("LD_PRELOAD", "x.so"), ("A", "${secrets.a-b}")]);
        let arguments = vec!["a\0b".to_owned(), "${secrets.A}".to_owned()];
        let transport = Transport::Stdio { command: " ".to_owned(), arguments, environment };
        let below =
            ["command", "arguments[0]", "arguments[1]", "environment.1A", "environment.A", "environment.LD_PRELOAD"];
        assert_eq!(places(transport), below.map(|place| format!("transport.stdio.{place}")));
    }

    #[test]
    fn an_address_is_one_of_the_web() {
        for text in [
            "",
            "x",
            "ftp://example.com",
            "file:///etc/passwd",
            "https://",
            "https://a:b@example.com",
            "https://a.example/#b",
        ] {
            let remote = Transport::Sse { url: text.to_owned(), headers: BTreeMap::new() };
            assert_eq!(places(remote), ["transport.sse.url"], "{text}");
        }
        let headers = entries(&[("Host", "x"), ("a b", "x"), ("X", "a\nb")]);
        let remote = Transport::Http { url: "https://a.example".to_owned(), headers };
        let below = ["headers.Host", "headers.X", "headers.a b"];
        assert_eq!(places(remote), below.map(|place| format!("transport.http.{place}")));
    }
}
