//! Soft rules: odd by themselves and no proof. Several different ones ask for a person.

use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use super::{Finding, Rule, Subject, finding, for_each_text, patterns::fixed};
use crate::governance::{
    pins::Tool,
    risk::{Fact, assess_words, facts::words},
};

static COERCIVE: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"(?i)\byou must\b|\balways (?:call|use|run|invoke) this\b|\bbefore (?:using |calling )?any other tools?\b",
        r"|\binstead of (?:any|all|the) other tools?\b|\bthis tool is mandatory\b|\bnever (?:use|call) other\b",
    ))
});

pub(super) fn coercive_wording(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for_each_text(subject, |place, text| {
        if let Some(found) = COERCIVE.find(text) {
            findings.push(finding(Rule::CoerciveWording, place, found.as_str()));
        }
    });
}

const MILD: [&str; 10] = ["get", "list", "read", "search", "find", "show", "count", "sum", "calculate", "echo"];

/// A name that sounds like reading over words that do more.
pub(super) fn capability_mismatch(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in subject.tools {
        if !words(&tool.name).first().is_some_and(|word| MILD.contains(&word.as_str())) {
            continue;
        }
        let told = assess_words(tool).reasons.into_iter().find(|reason| {
            matches!(reason.fact, Fact::RunsCode | Fact::MovesMoney | Fact::Destructive | Fact::SendsOutward)
        });
        if let Some(reason) = told {
            findings.push(finding(Rule::CapabilityMismatch, &place(tool, &reason.place), &reason.excerpt));
        }
    }
}

pub(super) fn unexplained_parameter(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in subject.tools {
        let properties = tool.input_schema.get("properties").and_then(Value::as_object);
        for (name, schema) in properties.into_iter().flatten() {
            let explained =
                ["description", "title", "enum", "const", "$ref"].iter().any(|key| schema.get(key).is_some());
            if !explained {
                findings.push(finding(Rule::UnexplainedParameter, &place(tool, "/inputSchema/properties"), name));
            }
        }
    }
}

/// The server claims the contrary of what the tool's own words say.
pub(super) fn contradicting_annotations(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in subject.tools {
        let Some(annotations) = &tool.annotations else { continue };
        let told = assess_words(tool);
        let at_name = |fact| told.reasons.iter().any(|reason| reason.fact == fact && reason.place == "/name");
        let mut add = |hint: &str| {
            let place = place(tool, &format!("/annotations/{hint}"));
            findings.push(finding(Rule::ContradictingAnnotations, &place, &tool.name));
        };
        let reads = annotations.read_only_hint == Some(true);
        if reads
            && (at_name(Fact::Destructive)
                || at_name(Fact::WritesLocally)
                || annotations.destructive_hint == Some(true))
        {
            add("readOnlyHint");
        }
        if annotations.destructive_hint == Some(false) && at_name(Fact::Destructive) {
            add("destructiveHint");
        }
        if annotations.open_world_hint == Some(false)
            && (at_name(Fact::SendsOutward) || at_name(Fact::UntrustedContent))
        {
            add("openWorldHint");
        }
    }
}

pub(super) fn external_reference(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for tool in subject.tools {
        for (side, schema) in
            [("/inputSchema", Some(&tool.input_schema)), ("/outputSchema", tool.output_schema.as_ref())]
        {
            let mut targets = Vec::new();
            collect_references(schema.unwrap_or(&Value::Null), &mut targets);
            for target in targets.into_iter().filter(|target| !target.starts_with('#')) {
                findings.push(finding(Rule::ExternalReference, &place(tool, side), target));
            }
        }
    }
}

fn collect_references<'a>(schema: &'a Value, targets: &mut Vec<&'a str>) {
    match schema {
        Value::Object(fields) => {
            for (keyword, value) in fields {
                if let ("$ref" | "$dynamicRef", Value::String(target)) = (keyword.as_str(), value) {
                    targets.push(target);
                }
                collect_references(value, targets);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect_references(item, targets)),
        _ => {}
    }
}

fn place(tool: &Tool, pointer: &str) -> String {
    format!("{}{pointer}", tool.name)
}
