//! Usage: how many requests and tokens and how much money in a window. These rules decide nothing; a decision names
//! those that apply, the tightest first, and consuming them is a later step.

use async_graphql::Enum;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Problem;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "UsageMeasure")]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// Calls of tools and uses of models, each of which is one.
    Requests,
    /// Tokens that models read and write. Uses of models consume them; a call of an MCP tool never does.
    Tokens,
    /// US dollars. Uses of models cost; a call of an MCP tool never does.
    CostUsd,
}

/// A calendar window in the organization's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "UsageWindow")]
#[serde(rename_all = "snake_case")]
pub enum Window {
    /// From minute to minute.
    Minute,
    /// From hour to hour.
    Hour,
    /// From midnight to midnight.
    Day,
    /// From the first of a month to the first of the next.
    Month,
}

impl Window {
    /// Its length in seconds, for comparing limits; a month counts as 30 days.
    #[must_use]
    pub fn seconds(self) -> u32 {
        match self {
            Self::Minute => 60,
            Self::Hour => 3_600,
            Self::Day => 86_400,
            Self::Month => 2_592_000,
        }
    }
}

/// For whom a limit is counted apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "UsageCountedBy")]
#[serde(rename_all = "snake_case")]
pub enum CountedBy {
    /// All of the organization together.
    Organization,
    /// Each project.
    Project,
    /// Each person.
    User,
    /// Each API key.
    Key,
    /// Each server.
    Server,
    /// Each tool.
    Tool,
}

/// What happens when a limit is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "UsageEnforcement")]
#[serde(rename_all = "snake_case")]
pub enum Enforcement {
    /// Nothing more is admitted until the window ends.
    Hard,
    /// It is told once per window.
    Soft,
}

/// What holds while Redis does not answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "UsageWhenRedisAway")]
#[serde(rename_all = "snake_case")]
pub enum WhenRedisAway {
    /// Nothing is admitted.
    Deny,
    /// Everything is admitted.
    Allow,
    /// Each server process counts for itself.
    #[default]
    Local,
}

/// One limit of a usage policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageLimit {
    pub measure: Measure,
    pub amount: Decimal,
    pub window: Window,
    pub counted_by: CountedBy,
    pub enforcement: Enforcement,
    #[serde(default)]
    pub when_redis_away: WhenRedisAway,
}

impl UsageLimit {
    /// Whether it is a rate, kept for the moment, and not a budget, kept in the ledger: a hard limit of requests in a
    /// minute or an hour.
    #[must_use]
    pub fn is_rate(&self) -> bool {
        self.measure == Measure::Requests
            && self.enforcement == Enforcement::Hard
            && matches!(self.window, Window::Minute | Window::Hour)
    }
}

/// The rules of a usage policy.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UsageRules {
    pub limits: Vec<UsageLimit>,
}

/// A limit that applies to an action and is to be consumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppliedLimit {
    pub policy_id: Uuid,
    /// Which of the policy's limits.
    pub index: usize,
    pub limit: UsageLimit,
    /// False where the policy is only monitored: then it is counted and refuses nothing.
    pub enforced: bool,
    per_second: Decimal,
}

impl AppliedLimit {
    /// The tightest first among those that count the same; hard before soft where they are equally tight.
    pub(super) fn rank(&self) -> (Measure, Decimal, Enforcement, Uuid, usize) {
        (self.limit.measure, self.per_second, self.limit.enforcement, self.policy_id, self.index)
    }
}

pub(super) fn compile(
    policy_id: Uuid,
    enforced: bool,
    rules: &UsageRules,
    problems: &mut Vec<Problem>,
) -> Vec<AppliedLimit> {
    if rules.limits.is_empty() {
        problems.push(Problem { path: "rules.limits".to_owned(), message: "A usage policy has a limit.".to_owned() });
    }
    for (index, limit) in rules.limits.iter().enumerate() {
        if limit.amount.is_sign_negative() {
            let message = "An amount is not negative.".to_owned();
            problems.push(Problem { path: format!("rules.limits[{index}].amount"), message });
        }
        if limit.measure != Measure::CostUsd && !limit.amount.fract().is_zero() {
            let message = "Requests and tokens are whole.".to_owned();
            problems.push(Problem { path: format!("rules.limits[{index}].amount"), message });
        }
    }
    let applied = |(index, limit): (usize, &UsageLimit)| AppliedLimit {
        policy_id,
        index,
        limit: limit.clone(),
        enforced,
        per_second: limit.amount / Decimal::from(limit.window.seconds()),
    };
    rules.limits.iter().enumerate().map(applied).collect()
}
