//! Compliance: patterns and detectors over the arguments and results of tools; what is found blocks the call, is
//! redacted or is flagged. A finding names its place and never repeats what stands there.

use std::{cmp::Ordering, sync::Arc};

use async_graphql::Enum;
use regex::{Regex, RegexBuilder};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    Check, CompiledPolicies, Effect, Problem,
    compile::CompiledRules,
    input::{Facts, Input},
    votes::Vote,
};
use crate::governance::scan::{email_pattern, payment_card_pattern, secret_pattern};

/// What happens to what is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "ComplianceResponse")]
#[serde(rename_all = "snake_case")]
pub enum Response {
    /// It is recorded only.
    Flag,
    /// It is replaced by `[redacted]`.
    Redact,
    /// The call is denied.
    Block,
}

/// Built-in detectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "ComplianceDetector")]
#[serde(rename_all = "snake_case")]
pub enum Detector {
    /// Keys and tokens of known services, and private keys.
    Secrets,
    /// Addresses of mail.
    EmailAddresses,
    /// Numbers of payment cards, with their check digit.
    PaymentCards,
}

/// The rules of a compliance policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ComplianceRules {
    /// Regular expressions that take linear time.
    #[serde(default)]
    pub patterns: Vec<String>,
    #[serde(default)]
    pub detectors: Vec<Detector>,
    pub in_arguments: bool,
    pub in_results: bool,
    pub response: Response,
}

/// Something was found.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ComplianceFinding {
    pub policy_id: Uuid,
    /// The detector or the place of the pattern in the policy.
    pub rule: String,
    /// A JSON pointer; where the name of a field is what was found, to what holds the field.
    pub place: String,
    pub response: Response,
}

impl ComplianceFinding {
    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (std::cmp::Reverse(one.response), one.policy_id);
        key(self).cmp(&key(other)).then_with(|| (&self.place, &self.rule).cmp(&(&other.place, &other.rule)))
    }
}

#[derive(Debug)]
struct Search {
    rule: String,
    pattern: Regex,
    holds: fn(&str) -> bool,
}

#[derive(Debug)]
pub(super) struct CompiledCompliance {
    policy_id: Uuid,
    searches: Vec<Search>,
    expected: Arc<str>,
    in_arguments: bool,
    in_results: bool,
    response: Response,
}

const MAXIMUM_PATTERN_BYTES: usize = 1_000;
const MAXIMUM_COMPILED_BYTES: usize = 1 << 20;

impl CompiledCompliance {
    pub(super) fn new(policy_id: Uuid, rules: &ComplianceRules, problems: &mut Vec<Problem>) -> Self {
        let mut searches: Vec<Search> = rules.detectors.iter().map(|detector| detector.search()).collect();
        for (index, source) in rules.patterns.iter().enumerate() {
            let rule = format!("patterns[{index}]");
            match compile_pattern(source) {
                Ok(pattern) => searches.push(Search { rule, pattern, holds: |_| true }),
                Err(message) => problems.push(Problem { path: format!("rules.{rule}"), message }),
            }
        }
        if searches.is_empty() {
            let message = "A compliance policy has a pattern or a detector.".to_owned();
            problems.push(Problem { path: "rules".to_owned(), message });
        }
        let names = searches.iter().map(|search| search.rule.as_str()).collect::<Vec<_>>().join(", ");
        let expected = format!("nothing found by {names}").into();
        let (in_arguments, in_results, response) = (rules.in_arguments, rules.in_results, rules.response);
        Self { policy_id, searches, expected, in_arguments, in_results, response }
    }

    pub(super) fn vote(&self, input: &Input, facts: &Facts, checks: &mut Vec<Check>) -> Vote {
        let mut vote = Vote::default();
        let Some(arguments) = input.arguments.as_ref().filter(|_| self.in_arguments) else { return vote };
        self.find(arguments, &mut String::new(), &mut vote.findings);
        let holds = vote.findings.is_empty();
        let places = || vote.findings.iter().map(|finding| finding.place.as_str()).collect::<Vec<_>>().join(", ");
        let actual = if holds { facts.none.clone() } else { format!("found at {}", places()).into() };
        checks.push(Check { field: "arguments", expected: self.expected.clone(), actual, holds });
        if !holds && self.response == Response::Block {
            vote.raise(Effect::Deny);
        }
        vote
    }

    fn find(&self, value: &Value, place: &mut String, findings: &mut Vec<ComplianceFinding>) {
        match value {
            Value::String(text) => self.note(text, place, findings),
            Value::Number(number) => self.note(&number.to_string(), place, findings),
            _ => {}
        }
        let parent = place.clone();
        for_each_child(value, place, |name, child, place| {
            let found = name.map_or(0, |name| {
                let before = findings.len();
                self.note(name, &parent, findings);
                findings.len() - before
            });
            // Every place below would repeat the name.
            if found == 0 {
                self.find(child, place, findings);
            }
        });
    }

    fn note(&self, text: &str, place: &str, findings: &mut Vec<ComplianceFinding>) {
        for search in self.searches.iter().filter(|search| search.is_in(text)) {
            let (policy_id, response) = (self.policy_id, self.response);
            let (rule, place) = (search.rule.clone(), place.to_owned());
            findings.push(ComplianceFinding { policy_id, rule, place, response });
        }
    }
}

impl CompiledPolicies {
    /// What the policies that apply to this call find in its result. Blocking is up to the caller.
    #[must_use]
    pub fn find_in_result(&self, input: &Input, result: &Value) -> Vec<ComplianceFinding> {
        let facts = Facts::new(input);
        let mut findings = Vec::new();
        for policy in self.policies.iter().filter(|policy| policy.mode == super::Mode::Enforce) {
            let CompiledRules::Compliance(compliance) = &policy.rules else { continue };
            if compliance.in_results && policy.applies(input, &facts, &mut Vec::new()) {
                compliance.find(result, &mut String::new(), &mut findings);
            }
        }
        findings.sort_unstable_by(ComplianceFinding::order);
        findings
    }
}

/// Replaces what stands at the places of findings that are to be redacted.
pub fn redact(value: &mut Value, findings: &[ComplianceFinding]) {
    for finding in findings.iter().filter(|finding| finding.response == Response::Redact) {
        if let Some(found) = value.pointer_mut(&finding.place) {
            *found = Value::String("[redacted]".to_owned());
        }
    }
}

impl Search {
    fn is_in(&self, text: &str) -> bool {
        self.pattern.find_iter(text).any(|found| (self.holds)(found.as_str()))
    }
}

impl Detector {
    fn search(self) -> Search {
        let (rule, pattern, holds): (_, _, fn(&str) -> bool) = match self {
            Self::Secrets => ("secrets", secret_pattern(), |_| true),
            Self::EmailAddresses => ("email_addresses", email_pattern(), |_| true),
            Self::PaymentCards => ("payment_cards", payment_card_pattern(), has_check_digit),
        };
        Search { rule: rule.to_owned(), pattern: pattern.clone(), holds }
    }
}

/// Luhn's formula.
fn has_check_digit(text: &str) -> bool {
    let digits: Vec<u32> = text.chars().filter_map(|sign| sign.to_digit(10)).collect();
    let weigh = |(place, digit): (usize, &u32)| if place % 2 == 1 { digit * 2 / 10 + digit * 2 % 10 } else { *digit };
    (13..=19).contains(&digits.len()) && digits.iter().rev().enumerate().map(weigh).sum::<u32>() % 10 == 0
}

fn compile_pattern(source: &str) -> Result<Regex, String> {
    if source.is_empty() || source.len() > MAXIMUM_PATTERN_BYTES {
        return Err(format!("A pattern has between 1 and {MAXIMUM_PATTERN_BYTES} bytes."));
    }
    let pattern =
        RegexBuilder::new(source).size_limit(MAXIMUM_COMPILED_BYTES).build().map_err(|error| error.to_string())?;
    if pattern.is_match("") { Err("A pattern does not match the empty text.".to_owned()) } else { Ok(pattern) }
}

/// Visits the children with their JSON pointers, and with their names where they have one.
fn for_each_child(value: &Value, place: &mut String, mut visit: impl FnMut(Option<&str>, &Value, &mut String)) {
    let length = place.len();
    let mut enter = |name: Option<&str>, segment: &str, child: &Value| {
        place.push('/');
        place.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        visit(name, child, place);
        place.truncate(length);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| enter(None, &index.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| enter(Some(name), name, field)),
        _ => {}
    }
}
