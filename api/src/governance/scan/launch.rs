//! Hard rules over how a server is reached: secrets in the open, packages without a version, shells, private addresses.

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
    sync::LazyLock,
};

use regex::Regex;

use super::{
    Finding, Launch, Rule, Subject, finding, for_each_text,
    patterns::{fixed, secret_pattern},
};

static SECRET_NAME: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"(?i)(?:token|secret|password|passwd|credential|api_?key|private_?key|authorization)"));
static REFERENCE: LazyLock<Regex> = LazyLock::new(|| fixed(r"^(?:Bearer |Basic )?\$\{secrets\.[A-Za-z0-9_]+\}$"));

pub(super) fn live_secret(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let mut look = |place: &str, text: &str| {
        if let Some(found) = secret_pattern().find(text) {
            findings.push(finding(Rule::LiveSecret, place, &start_of(found.as_str())));
        }
    };
    for_each_text(subject, &mut look);
    let mut named = Vec::new();
    match subject.launch {
        Some(Launch::Command { command, arguments, environment }) => {
            look("command", command);
            for (index, argument) in arguments.iter().enumerate() {
                look(&format!("arguments[{index}]"), argument);
            }
            named.extend(environment.iter().map(|(name, value)| (format!("environment.{name}"), name, value)));
        }
        Some(Launch::Remote { url, headers, .. }) => {
            look("url", url);
            named.extend(headers.iter().map(|(name, value)| (format!("headers.{name}"), name, value)));
        }
        None => {}
    }
    for (place, name, value) in named {
        let is_secret = SECRET_NAME.is_match(name) && !is_plain(value) && !REFERENCE.is_match(value);
        if is_secret || secret_pattern().is_match(value) {
            findings.push(finding(Rule::LiveSecret, &place, &start_of(value)));
        }
    }
}

/// Nothing, a switch or a small number, such as `MAX_TOKENS` has: too little to be a secret.
fn is_plain(value: &str) -> bool {
    let is_number = value.len() <= 6 && value.parse::<f64>().is_ok();
    value.is_empty() || is_number || ["true", "false", "yes", "no", "on", "off"].contains(&value)
}

/// Enough to recognise a secret by, and not enough to use it.
fn start_of(secret: &str) -> String {
    let shown = if secret.chars().count() >= 16 { 4 } else { 0 };
    secret.chars().take(shown).chain("…".chars()).collect()
}

/// The name of a program without its folders and ending, in lower case.
fn program(command: &str) -> String {
    let name = command.rsplit(['/', '\\']).next().unwrap_or(command).to_lowercase();
    let name = name.strip_suffix(".exe").or(name.strip_suffix(".cmd")).unwrap_or(&name);
    name.to_owned()
}

static NPM_EXACT: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"^(?:@[^/@]+/)?[^/@]+@\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?$"));
static PYTHON_EXACT: LazyLock<Regex> =
    LazyLock::new(|| fixed(r"^[A-Za-z0-9._-]+(?:\[[^\]]*\])?(?:==|@)\d+(?:\.\d+)+[0-9A-Za-z.+-]*$"));
static IMAGE_EXACT: LazyLock<Regex> = LazyLock::new(|| fixed(r"@sha256:[0-9a-f]{64}$"));

/// Flags of the runners that take a value and are no package.
const FLAGS_WITH_VALUE: [&str; 14] = [
    "-e",
    "--env",
    "-v",
    "--volume",
    "--mount",
    "--name",
    "--network",
    "-w",
    "--workdir",
    "-p",
    "--python",
    "--index-url",
    "--registry",
    "--cache",
];
const FLAGS_WITH_PACKAGE: [&str; 4] = ["--package", "--from", "--spec", "--with"];

pub(super) fn unpinned_package(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Some(Launch::Command { command, arguments, .. }) = subject.launch else { return };
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (exact, rest): (&Regex, &[&str]) = match (program(command).as_str(), words.as_slice()) {
        ("npx" | "bunx" | "pnpx", rest)
        | ("npm", ["exec" | "x", rest @ ..])
        | ("pnpm" | "yarn", ["dlx", rest @ ..])
        | ("bun", ["x", rest @ ..]) => (&NPM_EXACT, rest),
        ("uvx", rest) | ("uv", ["tool", "run", rest @ ..]) | ("pipx", ["run", rest @ ..]) => (&PYTHON_EXACT, rest),
        ("docker" | "podman", ["run", rest @ ..]) => (&IMAGE_EXACT, rest),
        _ => return,
    };
    let packages = packages(rest);
    if packages.is_empty() {
        findings.push(finding(Rule::UnpinnedPackage, "arguments", "no package is named"));
    }
    for package in packages.into_iter().filter(|package| !exact.is_match(package)) {
        findings.push(finding(Rule::UnpinnedPackage, "arguments", package));
    }
}

/// The packages that flags name, else the first word that is no flag.
fn packages<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let (mut named, mut first) = (Vec::new(), None);
    let mut words = words.iter().copied();
    while let Some(word) = words.next() {
        if let Some((flag, value)) = word.split_once('=').filter(|_| word.starts_with("--")) {
            if FLAGS_WITH_PACKAGE.contains(&flag) {
                named.push(value);
            }
        } else if FLAGS_WITH_PACKAGE.contains(&word) {
            named.extend(words.next());
        } else if FLAGS_WITH_VALUE.contains(&word) {
            words.next();
        } else if !word.starts_with('-') {
            first = Some(word);
            break;
        }
    }
    if named.is_empty() { first.into_iter().collect() } else { named }
}

const SHELLS: [&str; 10] = ["sh", "bash", "zsh", "dash", "ksh", "fish", "cmd", "powershell", "pwsh", "busybox"];
const WRAPPERS: [&str; 5] = ["env", "sudo", "nohup", "xargs", "timeout"];

pub(super) fn shell_wrapped(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Some(Launch::Command { command, arguments, .. }) = subject.launch else { return };
    let name = program(command);
    let wraps = WRAPPERS.contains(&name.as_str())
        && arguments.iter().any(|argument| SHELLS.contains(&program(argument).as_str()));
    if SHELLS.contains(&name.as_str()) || wraps || command.contains([' ', ';', '|', '&', '$', '`', '\n']) {
        findings.push(finding(Rule::ShellWrapped, "command", command));
    }
}

pub(super) fn private_remote(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let Some(Launch::Remote { url, private_allowed: false, .. }) = subject.launch else { return };
    let host = url.strip_prefix("https://").and_then(host);
    if host.is_none_or(|host| is_private(&host)) {
        // What follows the path may hold a secret.
        let shown = url.split(['?', '#']).next().unwrap_or_default();
        findings.push(finding(Rule::PrivateRemote, "url", shown));
    }
}

fn host(rest: &str) -> Option<String> {
    let authority = rest.split(['/', '?', '#', '\\']).next()?;
    // A user in an address serves to hide the host.
    if authority.is_empty() || authority.contains('@') {
        return None;
    }
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next()?,
        None => authority.split(':').next()?,
    };
    Some(host.trim_end_matches('.').to_lowercase())
}

fn is_private(host: &str) -> bool {
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => is_private_v4(address),
        Ok(IpAddr::V6(address)) => is_private_v6(address),
        Err(_) => {
            let end = host.rsplit('.').next().unwrap_or(host);
            // A last label that is a number makes an address in another notation.
            let is_number = end.starts_with(|sign: char| sign.is_ascii_digit()) || end.is_empty();
            is_number || !host.contains('.') || ["local", "internal", "localhost", "lan", "home", "arpa"].contains(&end)
        }
    }
}

fn is_private_v4(address: Ipv4Addr) -> bool {
    let [first, second, ..] = address.octets();
    address.is_private()
        || address.is_loopback()
        || address.is_link_local()
        || address.is_multicast()
        || first == 0
        || first >= 240
        || (first == 100 && (64..128).contains(&second))
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    let first = address.segments()[0];
    address.to_ipv4_mapped().is_some_and(is_private_v4)
        || address.is_loopback()
        || address.is_unspecified()
        || address.is_multicast()
        || first & 0xfe00 == 0xfc00
        || first & 0xffc0 == 0xfe80
}
