//! The rules of a policy as a client reads them.

use async_graphql::{SimpleObject, Union};

use super::input::PolicyDay;
use crate::governance::decision::{
    AccessRules, ComplianceRules, CountedBy, Detector, Enforcement, Hours, Measure, Response, Rules, UsageLimit,
    WhenRedisAway, Window,
};

/// What a policy says, by its type.
#[derive(Clone, Debug, Union)]
pub enum PolicyRules {
    Usage(UsagePolicyRules),
    Access(AccessPolicyRules),
    Compliance(CompliancePolicyRules),
    Custom(CustomPolicyRules),
}

/// How much may be used in a window of time.
#[derive(Clone, Debug, SimpleObject)]
pub struct UsagePolicyRules {
    /// The limits. All of them hold.
    limits: Vec<PolicyUsageLimit>,
}

/// One limit.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyUsageLimit {
    /// What is counted.
    measure: Measure,
    /// How much, as a decimal number.
    amount: String,
    /// In which window, in the organization's time zone.
    window: Window,
    /// For whom it is counted apart.
    counted_by: CountedBy,
    /// What happens when it is reached.
    enforcement: Enforcement,
    /// What holds while the counters cannot be reached.
    when_redis_away: WhenRedisAway,
}

/// Which models, servers and tools may be used, when and from where. An empty list says nothing.
#[derive(Clone, Debug, SimpleObject)]
pub struct AccessPolicyRules {
    /// Patterns over the names of models.
    allowed_models: Vec<String>,
    /// Patterns over the names of models.
    blocked_models: Vec<String>,
    /// Patterns over the names of servers.
    allowed_servers: Vec<String>,
    /// Patterns over the names of servers.
    blocked_servers: Vec<String>,
    /// Patterns over `server/tool`.
    allowed_tools: Vec<String>,
    /// Patterns over `server/tool`.
    blocked_tools: Vec<String>,
    /// Each use of these tools is approved by somebody else.
    approved_tools: Vec<String>,
    /// Outside all of these hours everything is denied.
    hours: Vec<PolicyHours>,
    /// From outside all of these networks everything is denied.
    networks: Vec<String>,
}

/// Hours of the week.
#[derive(Clone, Debug, SimpleObject)]
pub struct PolicyHours {
    /// The time zone.
    zone: String,
    /// The days on which the hours begin; none means every day.
    days: Vec<PolicyDay>,
    /// When they begin, as "HH:MM".
    from: String,
    /// When they end, as "HH:MM"; on the next day where it is not after the beginning.
    until: String,
}

/// What arguments and results of tools may hold.
#[derive(Clone, Debug, SimpleObject)]
pub struct CompliancePolicyRules {
    /// Regular expressions.
    patterns: Vec<String>,
    /// Built-in detectors.
    detectors: Vec<Detector>,
    /// Whether arguments are looked at.
    in_arguments: bool,
    /// Whether results are looked at.
    in_results: bool,
    /// What happens to what is found.
    response: Response,
}

/// Text in Cedar.
#[derive(Clone, Debug, SimpleObject)]
pub struct CustomPolicyRules {
    /// The text.
    text: String,
}

impl From<Rules> for PolicyRules {
    fn from(rules: Rules) -> Self {
        match rules {
            Rules::Usage(rules) => {
                Self::Usage(UsagePolicyRules { limits: rules.limits.iter().map(PolicyUsageLimit::from).collect() })
            }
            Rules::Access(rules) => Self::Access(AccessPolicyRules::from(rules)),
            Rules::Compliance(rules) => Self::Compliance(CompliancePolicyRules::from(rules)),
            Rules::Custom(rules) => Self::Custom(CustomPolicyRules { text: rules.text }),
        }
    }
}

impl From<&UsageLimit> for PolicyUsageLimit {
    fn from(limit: &UsageLimit) -> Self {
        Self {
            measure: limit.measure,
            amount: limit.amount.to_string(),
            window: limit.window,
            counted_by: limit.counted_by,
            enforcement: limit.enforcement,
            when_redis_away: limit.when_redis_away,
        }
    }
}

impl From<AccessRules> for AccessPolicyRules {
    fn from(rules: AccessRules) -> Self {
        Self {
            allowed_models: rules.allowed_models,
            blocked_models: rules.blocked_models,
            allowed_servers: rules.allowed_servers,
            blocked_servers: rules.blocked_servers,
            allowed_tools: rules.allowed_tools,
            blocked_tools: rules.blocked_tools,
            approved_tools: rules.approved_tools,
            hours: rules.hours.into_iter().map(Into::into).collect(),
            networks: rules.networks.iter().map(ToString::to_string).collect(),
        }
    }
}

impl From<Hours> for PolicyHours {
    fn from(hours: Hours) -> Self {
        Self {
            zone: hours.zone,
            days: hours.days.into_iter().map(PolicyDay::from).collect(),
            from: hours.from.format("%H:%M").to_string(),
            until: hours.until.format("%H:%M").to_string(),
        }
    }
}

impl From<ComplianceRules> for CompliancePolicyRules {
    fn from(rules: ComplianceRules) -> Self {
        Self {
            patterns: rules.patterns,
            detectors: rules.detectors,
            in_arguments: rules.in_arguments,
            in_results: rules.in_results,
            response: rules.response,
        }
    }
}
