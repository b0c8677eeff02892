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
    /// False where the policy is only monitored: then it is named and nothing is done about it.
    #[serde(default = "enforced_unless_said")]
    pub enforced: bool,
}

/// Findings from before monitored policies told theirs do not say it: they were all enforced.
pub fn enforced_unless_said() -> bool {
    true
}

impl ComplianceFinding {
    /// Whether anything is done about it: it is more than flagged, and not only monitored.
    pub fn is_acted_on(&self) -> bool {
        self.enforced && self.response != Response::Flag
    }

    /// Whether it is to be taken out of what is given.
    fn is_redacted(&self) -> bool {
        self.enforced && self.response == Response::Redact
    }

    pub(super) fn order(&self, other: &Self) -> Ordering {
        let key = |one: &Self| (std::cmp::Reverse((one.enforced, one.response)), one.policy_id);
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
    enforced: bool,
}

const MAXIMUM_PATTERN_BYTES: usize = 1_000;
const MAXIMUM_COMPILED_BYTES: usize = 1 << 20;
/// What one policy names of one call.
const MAXIMUM_FINDINGS: usize = 100;
const MAXIMUM_PLACE_BYTES: usize = 1_000;

impl CompiledCompliance {
    pub(super) fn new(policy_id: Uuid, enforced: bool, rules: &ComplianceRules, problems: &mut Vec<Problem>) -> Self {
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
        Self { policy_id, searches, expected, in_arguments, in_results, response, enforced }
    }

    pub(super) fn vote(&self, input: &Input, facts: &Facts, checks: &mut Vec<Check>) -> Vote {
        let mut vote = Vote::default();
        let Some(arguments) = input.arguments.as_ref().filter(|_| self.in_arguments) else { return vote };
        let mut found = Found::default();
        self.find(arguments, &mut String::new(), &mut found);
        let holds = found.findings.is_empty();
        let places = || found.findings.iter().map(|finding| finding.place.as_str()).collect::<Vec<_>>().join(", ");
        let actual = if holds { facts.none.clone() } else { format!("found at {}", places()).into() };
        checks.push(Check { field: "arguments", expected: self.expected.clone(), actual, holds });
        if !holds && self.blocks(&found) {
            vote.raise(Effect::Deny);
        }
        vote.findings = found.findings;
        vote
    }

    /// Whether what was found is not let through. What is not known whole cannot be redacted whole.
    fn blocks(&self, found: &Found) -> bool {
        match self.response {
            Response::Block => true,
            Response::Redact => found.is_cut,
            Response::Flag => false,
        }
    }

    fn find(&self, value: &Value, place: &mut String, found: &mut Found) {
        match value {
            Value::String(text) => self.note(text, place, found),
            Value::Number(number) => self.note(&number.to_string(), place, found),
            _ => {}
        }
        for_each_child(value, place, |name, child, place, parent| {
            let before = found.findings.len();
            if let Some(name) = name {
                self.note(name, &place[..parent], found);
            }
            // Every place below would repeat the name.
            if found.findings.len() == before && !found.is_cut {
                self.find(child, place, found);
            }
        });
    }

    fn note(&self, text: &str, place: &str, found: &mut Found) {
        for search in self.searches.iter().filter(|search| search.is_in(text)) {
            if found.findings.len() == MAXIMUM_FINDINGS || place.len() > MAXIMUM_PLACE_BYTES {
                found.is_cut = true;
            }
            if found.findings.len() < MAXIMUM_FINDINGS {
                let end = place.floor_char_boundary(MAXIMUM_PLACE_BYTES);
                let (rule, place) = (search.rule.clone(), place[..end].to_owned());
                let (policy_id, response, enforced) = (self.policy_id, self.response, self.enforced);
                found.findings.push(ComplianceFinding { policy_id, rule, place, response, enforced });
            }
        }
    }
}

/// What one policy found.
#[derive(Default)]
struct Found {
    findings: Vec<ComplianceFinding>,
    /// There is more, or it stands at places too long to name: then nothing more is looked for.
    is_cut: bool,
}

/// What policies found in a result.
#[derive(Debug, Default)]
pub struct FoundInResult {
    pub findings: Vec<ComplianceFinding>,
    /// The policy that does not let it through.
    pub blocked_by: Option<Uuid>,
}

impl CompiledPolicies {
    /// Whether any policy that applies to this call looks at results.
    #[must_use]
    pub fn look_at_results(&self, input: &Input) -> bool {
        self.of_results(input, &Facts::new(input)).next().is_some()
    }

    /// Whether any of them would do something about what it finds. One that flags or is monitored only records it.
    #[must_use]
    pub fn act_on_results(&self, input: &Input) -> bool {
        self.of_results(input, &Facts::new(input))
            .any(|compliance| compliance.enforced && compliance.response != Response::Flag)
    }

    fn of_results<'a>(&'a self, input: &'a Input, facts: &'a Facts) -> impl Iterator<Item = &'a CompiledCompliance> {
        self.policies.iter().filter_map(move |policy| {
            let CompiledRules::Compliance(compliance) = &policy.rules else { return None };
            (compliance.in_results && policy.applies(input, facts, &mut Vec::new())).then_some(compliance)
        })
    }

    /// What the policies that apply to this call find in parts of its result, each with the JSON pointer to it.
    #[must_use]
    pub fn find_in_result(&self, input: &Input, parts: &[(String, Value)]) -> FoundInResult {
        let facts = Facts::new(input);
        let mut all = FoundInResult::default();
        for compliance in self.of_results(input, &facts) {
            let mut found = Found::default();
            for (place, part) in parts {
                compliance.find(part, &mut place.clone(), &mut found);
            }
            if compliance.enforced && !found.findings.is_empty() && compliance.blocks(&found) {
                all.blocked_by.get_or_insert(compliance.policy_id);
            }
            all.findings.extend(found.findings);
        }
        all.findings.sort_unstable_by(ComplianceFinding::order);
        all
    }
}

/// Replaces what stands at the places of findings that are to be redacted.
pub fn redact(value: &mut Value, findings: &[ComplianceFinding]) {
    for finding in findings.iter().filter(|finding| finding.is_redacted()) {
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

/// Visits the children with their JSON pointers, the length of their parent's, and their names where they have one.
fn for_each_child(value: &Value, place: &mut String, mut visit: impl FnMut(Option<&str>, &Value, &mut String, usize)) {
    let length = place.len();
    let mut enter = |name: Option<&str>, segment: &str, child: &Value| {
        place.push('/');
        place.push_str(&segment.replace('~', "~0").replace('/', "~1"));
        visit(name, child, place, length);
        place.truncate(length);
    };
    match value {
        Value::Array(items) => items.iter().enumerate().for_each(|(index, item)| enter(None, &index.to_string(), item)),
        Value::Object(fields) => fields.iter().for_each(|(name, field)| enter(Some(name), name, field)),
        _ => {}
    }
}
