//! A policy as it is written and stored: whose it is, what it applies to, its mode and its typed rules.

use async_graphql::Enum;
use entity::enums::DecisionOutcome;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{AccessRules, AppliesTo, ComplianceRules, CustomRules, UsageRules};

/// What a policy says about an action, or what is done when none says anything. Ordered by strictness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Effect {
    Allow,
    RequireApproval,
    Deny,
}

impl From<DecisionOutcome> for Effect {
    fn from(outcome: DecisionOutcome) -> Self {
        match outcome {
            DecisionOutcome::Allow => Self::Allow,
            DecisionOutcome::RequireApproval => Self::RequireApproval,
            DecisionOutcome::Deny => Self::Deny,
        }
    }
}

impl From<Effect> for DecisionOutcome {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::RequireApproval => Self::RequireApproval,
            Effect::Deny => Self::Deny,
        }
    }
}

/// Whose policy it is. Only an organization's grants: the others narrow what it granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, Enum)]
#[graphql(name = "PolicyLevel")]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// An organization's: it holds in all its projects, and it alone can grant.
    Organization,
    /// A project's: it narrows what the organization grants.
    Project,
    /// A server's: it narrows further, for the tools of that server.
    Server,
}

impl Level {
    /// Every level, from the widest to the narrowest.
    pub const ALL: [Self; 3] = [Self::Organization, Self::Project, Self::Server];
}

/// Whether a policy acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    Enforce,
    /// Tried and recorded, and without any effect.
    Monitor,
    /// Not tried. A draft is disabled until it is published.
    Disabled,
}

/// What a policy says, by its type.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "type", content = "rules", rename_all = "snake_case")]
pub enum Rules {
    Usage(UsageRules),
    Access(AccessRules),
    Compliance(ComplianceRules),
    Custom(CustomRules),
}

/// One policy.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Policy {
    pub id: Uuid,
    /// The version of this policy, for the trace.
    pub version: i32,
    pub name: String,
    pub level: Level,
    /// Whose tools a server's policy is about, and nothing at the other levels.
    #[serde(default)]
    pub server: Option<String>,
    pub mode: Mode,
    /// Which of the policies that decide alike is reported: the highest. It never lets an allow beat a deny.
    pub priority: i32,
    #[serde(default)]
    pub applies_to: AppliesTo,
    #[serde(flatten)]
    pub rules: Rules,
}

/// What is done when no policy of the organization says anything, from the organization's settings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Defaults {
    pub tools: Effect,
    pub models: Effect,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { tools: Effect::Deny, models: Effect::Allow }
    }
}
