//! Access: which models, servers and tools, at which hours and from which networks. What is blocked is denied. The
//! allowed lists of a level are taken together: one of them must hold the name, and a level without any says nothing.

use std::sync::Arc;

use chrono::{DateTime, Datelike, Days, NaiveTime, Utc, Weekday};
use chrono_tz::Tz;
use ipnetwork::IpNetwork;
use serde::{Deserialize, Serialize};

use super::{
    Action, Check, Effect, Glob, Problem, ToolGlob,
    input::{Facts, Input},
    votes::{Listed, Vote},
};

/// Hours of the week in a time zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hours {
    /// The name of an IANA time zone.
    pub zone: String,
    /// The days on which the hours begin; none means every day.
    #[serde(default)]
    pub days: Vec<Weekday>,
    pub from: NaiveTime,
    /// Where it is not after `from`, the hours end on the next day.
    pub until: NaiveTime,
}

/// The rules of an access policy. An empty list says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AccessRules {
    pub allowed_models: Vec<String>,
    pub blocked_models: Vec<String>,
    pub allowed_servers: Vec<String>,
    pub blocked_servers: Vec<String>,
    pub allowed_tools: Vec<String>,
    pub blocked_tools: Vec<String>,
    /// Each use of these tools is approved by somebody else.
    pub approved_tools: Vec<String>,
    /// Outside all of these, the action is denied.
    pub hours: Vec<Hours>,
    /// From outside all of these, and from an unknown address, the action is denied.
    pub networks: Vec<IpNetwork>,
}

impl AccessRules {
    /// Whether the policy can only ever allow.
    pub(super) fn only_allows(&self) -> bool {
        self.blocked_models.is_empty()
            && self.blocked_servers.is_empty()
            && self.blocked_tools.is_empty()
            && self.approved_tools.is_empty()
            && self.hours.is_empty()
            && self.networks.is_empty()
    }
}

#[derive(Debug)]
struct List<G> {
    globs: Vec<G>,
    expected: Arc<str>,
}

#[derive(Debug)]
pub(super) struct CompiledAccess {
    allowed_models: List<Glob>,
    blocked_models: List<Glob>,
    allowed_servers: List<Glob>,
    blocked_servers: List<Glob>,
    allowed_tools: List<ToolGlob>,
    blocked_tools: List<ToolGlob>,
    approved_tools: List<ToolGlob>,
    hours: Vec<(Tz, Hours)>,
    hours_expected: Arc<str>,
    networks: Vec<IpNetwork>,
    networks_expected: Arc<str>,
}

impl CompiledAccess {
    pub(super) fn new(rules: &AccessRules, problems: &mut Vec<Problem>) -> Self {
        let mut hours = Vec::new();
        for (index, range) in rules.hours.iter().enumerate() {
            match range.zone.parse::<Tz>() {
                Ok(zone) => hours.push((zone, range.clone())),
                Err(_) => problems.push(Problem {
                    path: format!("rules.hours[{index}].zone"),
                    message: format!("`{}` is no time zone.", range.zone),
                }),
            }
        }
        Self {
            allowed_models: list("allowedModels", &rules.allowed_models, Glob::new, problems),
            blocked_models: list("blockedModels", &rules.blocked_models, Glob::new, problems),
            allowed_servers: list("allowedServers", &rules.allowed_servers, Glob::new, problems),
            blocked_servers: list("blockedServers", &rules.blocked_servers, Glob::new, problems),
            allowed_tools: list("allowedTools", &rules.allowed_tools, ToolGlob::new, problems),
            blocked_tools: list("blockedTools", &rules.blocked_tools, ToolGlob::new, problems),
            approved_tools: list("approvedTools", &rules.approved_tools, ToolGlob::new, problems),
            hours_expected: describe_hours(&rules.hours),
            hours,
            networks_expected: join(&rules.networks),
            networks: rules.networks.clone(),
        }
    }

    pub(super) fn vote(&self, input: &Input, facts: &Facts, checks: &mut Vec<Check>) -> Vote {
        let mut vote = Vote::default();
        let mut note = |field, expected: &Arc<str>, actual: &Arc<str>, holds| {
            checks.push(Check { field, expected: expected.clone(), actual: actual.clone(), holds });
            holds
        };
        if let Some(model) = input.action.model() {
            let listed = |list: &List<Glob>| list.globs.iter().any(|glob| glob.matches(model));
            if !self.blocked_models.globs.is_empty()
                && note("blockedModels", &self.blocked_models.expected, &facts.model, listed(&self.blocked_models))
            {
                vote.raise(Effect::Deny);
            }
            if !self.allowed_models.globs.is_empty() {
                let holds =
                    note("allowedModels", &self.allowed_models.expected, &facts.model, listed(&self.allowed_models));
                vote.models = Listed::from(holds);
            }
        }
        if let Some((server, tool)) = input.action.tool() {
            let server_listed = |list: &List<Glob>| list.globs.iter().any(|glob| glob.matches(server));
            let tool_listed = |list: &List<ToolGlob>| list.globs.iter().any(|glob| glob.matches(server, tool));
            if !self.blocked_servers.globs.is_empty() {
                let holds = server_listed(&self.blocked_servers);
                if note("blockedServers", &self.blocked_servers.expected, &facts.server, holds) {
                    vote.raise(Effect::Deny);
                }
            }
            if !self.blocked_tools.globs.is_empty()
                && note("blockedTools", &self.blocked_tools.expected, &facts.tool, tool_listed(&self.blocked_tools))
            {
                vote.raise(Effect::Deny);
            }
            if !self.allowed_servers.globs.is_empty() {
                let holds = server_listed(&self.allowed_servers);
                note("allowedServers", &self.allowed_servers.expected, &facts.server, holds);
                vote.tools = vote.tools.and(Listed::from(holds));
            }
            if !self.allowed_tools.globs.is_empty() {
                let holds = tool_listed(&self.allowed_tools);
                note("allowedTools", &self.allowed_tools.expected, &facts.tool, holds);
                vote.tools = vote.tools.and(Listed::from(holds));
            }
            if !self.approved_tools.globs.is_empty()
                && note("approvedTools", &self.approved_tools.expected, &facts.tool, tool_listed(&self.approved_tools))
            {
                vote.tools = Listed::Held;
                vote.raise(Effect::RequireApproval);
            }
        }
        if !self.hours.is_empty() {
            let open = self.hours.iter().any(|(zone, hours)| is_within(*zone, hours, input.at));
            if !note("hours", &self.hours_expected, &facts.at, open) {
                vote.raise(Effect::Deny);
            }
        }
        if !self.networks.is_empty() {
            let holds = input
                .address
                .is_some_and(|address| self.networks.iter().any(|network| network.contains(address.to_canonical())));
            if !note("networks", &self.networks_expected, &facts.address, holds) {
                vote.raise(Effect::Deny);
                if input.address.is_none() {
                    vote.error = Some("The address is unknown.".into());
                }
            }
        }
        let held = match input.action {
            Action::CallTool { .. } => vote.tools,
            Action::UseModel { .. } => vote.models,
        };
        if held == Listed::Held {
            vote.raise(Effect::Allow);
        }
        vote
    }
}

fn is_within(zone: Tz, hours: &Hours, at: DateTime<Utc>) -> bool {
    let local = at.with_timezone(&zone).naive_local();
    let (today, time) = (local.date(), local.time());
    let begins = |day: Weekday| hours.days.is_empty() || hours.days.contains(&day);
    if hours.from < hours.until {
        return begins(today.weekday()) && hours.from <= time && time < hours.until;
    }
    let yesterday = today.checked_sub_days(Days::new(1)).is_some_and(|day| begins(day.weekday()));
    (begins(today.weekday()) && hours.from <= time) || (yesterday && time < hours.until)
}

fn list<G>(
    name: &str,
    patterns: &[String],
    compile: impl Fn(&str) -> Result<G, String>,
    problems: &mut Vec<Problem>,
) -> List<G> {
    let globs = Problem::collect(&format!("rules.{name}"), patterns, &compile, problems);
    List { globs, expected: patterns.join(", ").into() }
}

fn join<T: ToString>(values: &[T]) -> Arc<str> {
    values.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ").into()
}

fn describe_hours(ranges: &[Hours]) -> Arc<str> {
    let describe = |range: &Hours| {
        let days = range.days.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ");
        let days = if days.is_empty() { "every day" } else { &days };
        format!("{days} {} to {} {}", range.from.format("%H:%M"), range.until.format("%H:%M"), range.zone)
    };
    ranges.iter().map(describe).collect::<Vec<_>>().join(", ").into()
}
