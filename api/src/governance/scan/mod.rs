//! What is suspicious about a server, found offline: the same rules over the same server always find the same. Each
//! finding names its rule, place and excerpt. A check that crashes makes the report degraded, never passed.

mod launch;
pub(crate) mod patterns;
mod soft;
#[cfg(test)]
mod tests;
mod words;

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
};

use async_graphql::Enum;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::governance::pins::Tool;
pub use patterns::{email_pattern, payment_card_pattern, secret_pattern};
pub use words::is_hidden;

/// Raised with every change of a rule; a report says by which it was made.
pub const RULES_VERSION: i32 = 1;

/// How many different soft rules together ask for a review.
const SOFT_RULES_FOR_REVIEW: usize = 3;

/// A rule of the scan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, Serialize, Deserialize)]
#[graphql(name = "McpScanRule")]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// Characters that a model reads and nobody sees. Hard.
    HiddenUnicode,
    /// A command for a shell, in the open or encoded. Hard.
    ShellPayload,
    /// Orders to the model, such as to forget others or to keep something from the user. Hard.
    InjectedOrders,
    /// It speaks of the tools of other servers. Hard.
    OtherServersTools,
    /// A secret stands there itself. Hard.
    LiveSecret,
    /// A package is started in whichever version there is. Hard.
    UnpinnedPackage,
    /// The command is a shell, or hides behind one. Hard.
    ShellWrapped,
    /// It stands at a private address, or is reached without TLS. Hard.
    PrivateRemote,
    /// It presses to be used. Soft.
    CoerciveWording,
    /// A name that sounds like reading over words that do more. Soft.
    CapabilityMismatch,
    /// A parameter about which nothing is said. Soft.
    UnexplainedParameter,
    /// The server claims the contrary of what the tool's own words say. Soft.
    ContradictingAnnotations,
    /// A schema refers to something elsewhere. Soft.
    ExternalReference,
}

impl Rule {
    /// Whether one finding is enough to fail.
    #[must_use]
    pub fn is_hard(self) -> bool {
        self <= Self::PrivateRemote
    }
}

/// What a rule found.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Finding {
    pub rule: Rule,
    /// Where: a tool's name and a JSON pointer into it, or a place in the server's configuration.
    pub place: String,
    /// A short piece of what was found, with what is hidden escaped and secrets cut off.
    pub excerpt: String,
}

/// How a scan ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Passed,
    /// Enough is odd that a person should look.
    Review,
    /// A check crashed, so nothing is known.
    Degraded,
    Failed,
}

/// The findings of a scan.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Report {
    pub rules_version: i32,
    pub findings: Vec<Finding>,
    /// The checks that crashed.
    pub crashed: Vec<&'static str>,
}

/// How a server is reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Launch {
    Command { command: String, arguments: Vec<String>, environment: BTreeMap<String, String> },
    Remote { url: String, headers: BTreeMap<String, String>, private_allowed: bool },
}

/// Everything that is scanned.
#[derive(Clone, Debug, Default)]
pub struct Subject<'a> {
    pub launch: Option<&'a Launch>,
    /// What the server tells a model about itself.
    pub instructions: Option<&'a str>,
    pub tools: &'a [Tool],
    /// The tools of the project's other servers, with their servers.
    pub others: &'a [(String, String)],
}

type Check = (&'static str, fn(&Subject<'_>, &mut Vec<Finding>));

const CHECKS: &[Check] = &[
    ("hidden_unicode", words::hidden_unicode),
    ("shell_payload", words::shell_payload),
    ("injected_orders", words::injected_orders),
    ("other_servers_tools", words::other_servers_tools),
    ("live_secret", launch::live_secret),
    ("unpinned_package", launch::unpinned_package),
    ("shell_wrapped", launch::shell_wrapped),
    ("private_remote", launch::private_remote),
    ("coercive_wording", soft::coercive_wording),
    ("capability_mismatch", soft::capability_mismatch),
    ("unexplained_parameter", soft::unexplained_parameter),
    ("contradicting_annotations", soft::contradicting_annotations),
    ("external_reference", soft::external_reference),
];

/// Scans a server.
#[must_use]
pub fn scan(subject: &Subject<'_>) -> Report {
    run(CHECKS, subject)
}

/// Scans one tool by itself.
#[must_use]
pub fn scan_tool(tool: &Tool) -> Report {
    scan(&Subject { tools: std::slice::from_ref(tool), ..Subject::default() })
}

fn run(checks: &[Check], subject: &Subject<'_>) -> Report {
    let (mut findings, mut crashed) = (Vec::new(), Vec::new());
    for (name, check) in checks {
        let ended = catch_unwind(AssertUnwindSafe(|| {
            let mut found = Vec::new();
            check(subject, &mut found);
            found
        }));
        match ended {
            Ok(found) => findings.extend(found),
            Err(_) => crashed.push(*name),
        }
    }
    findings.sort();
    findings.dedup();
    Report { rules_version: RULES_VERSION, findings, crashed }
}

impl Report {
    /// How the scan ended.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        let mut soft: Vec<Rule> = self.findings.iter().map(|finding| finding.rule).collect();
        soft.dedup();
        if self.has_hard() {
            Verdict::Failed
        } else if !self.crashed.is_empty() {
            Verdict::Degraded
        } else if soft.len() >= SOFT_RULES_FOR_REVIEW {
            Verdict::Review
        } else {
            Verdict::Passed
        }
    }

    /// Whether a hard rule found something.
    #[must_use]
    pub fn has_hard(&self) -> bool {
        self.findings.iter().any(|finding| finding.rule.is_hard())
    }

    /// Whether a hard rule found something that an earlier report does not have.
    #[must_use]
    pub fn adds_hard_to(&self, earlier: &Self) -> bool {
        self.findings.iter().any(|finding| finding.rule.is_hard() && !earlier.findings.contains(finding))
    }
}

/// Calls with every text that a model or a person reads, names of fields included.
fn for_each_text(subject: &Subject<'_>, mut visit: impl FnMut(&str, &str)) {
    if let Some(instructions) = subject.instructions {
        visit("instructions", instructions);
    }
    for tool in subject.tools {
        let mut place = tool.name.clone();
        walk(&tool.to_value(), &mut place, &mut visit);
    }
}

fn walk(value: &Value, place: &mut String, visit: &mut impl FnMut(&str, &str)) {
    let length = place.len();
    match value {
        Value::String(text) => visit(place, text),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                place.push_str(&format!("/{index}"));
                walk(item, place, visit);
                place.truncate(length);
            }
        }
        Value::Object(fields) => {
            for (name, field) in fields {
                place.push_str(&format!("/{}", name.replace('~', "~0").replace('/', "~1")));
                visit(place, name);
                walk(field, place, visit);
                place.truncate(length);
            }
        }
        _ => {}
    }
}

const EXCERPT_CHARACTERS: usize = 80;

fn finding(rule: Rule, place: &str, excerpt: &str) -> Finding {
    let mut shown = String::new();
    for sign in excerpt.chars().take(EXCERPT_CHARACTERS) {
        if is_hidden(sign) || sign.is_control() {
            shown.extend(sign.escape_unicode());
        } else {
            shown.push(sign);
        }
    }
    Finding { rule, place: place.to_owned(), excerpt: shown }
}
