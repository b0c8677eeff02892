//! How much harm a tool can do: the maximum over facts that its names, words and schema give away. What the server claims
//! in annotations raises the level and never takes a fact away.

pub(crate) mod facts;
#[cfg(test)]
mod tests;

use async_graphql::Enum;
use serde::{Deserialize, Serialize};

use crate::governance::pins::Tool;

/// How much harm a tool can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RiskLevel {
    Low,
    Medium,
    High,
    Critical,
}

/// A fact about a tool that carries risk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Enum, Serialize, Deserialize)]
#[graphql(name = "McpRiskFact")]
#[serde(rename_all = "snake_case")]
pub enum Fact {
    /// It runs code, a shell or SQL.
    RunsCode,
    /// It reads the environment of its process.
    ReadsEnvironment,
    /// It reads passwords, keys or tokens.
    ReadsCredentials,
    /// It pays, charges or transfers.
    MovesMoney,
    /// It deletes or overwrites.
    Destructive,
    /// It sends something to others.
    SendsOutward,
    /// The server does not say whether it only reads or destroys.
    EffectsUnsaid,
    /// It writes where it runs.
    WritesLocally,
    /// It reads what is private.
    ReadsPrivate,
    /// It brings in what anybody may have written.
    UntrustedContent,
}

impl Fact {
    /// The level that this fact alone makes.
    #[must_use]
    pub fn level(self) -> RiskLevel {
        match self {
            Self::RunsCode | Self::ReadsEnvironment | Self::ReadsCredentials | Self::MovesMoney => RiskLevel::Critical,
            Self::Destructive | Self::SendsOutward | Self::EffectsUnsaid => RiskLevel::High,
            Self::WritesLocally | Self::ReadsPrivate | Self::UntrustedContent => RiskLevel::Medium,
        }
    }
}

/// A fact, and what gives it away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RiskReason {
    pub fact: Fact,
    /// A JSON pointer into the tool.
    pub place: String,
    pub excerpt: String,
}

/// The level of a tool with its reasons, the gravest first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Assessment {
    pub level: RiskLevel,
    pub reasons: Vec<RiskReason>,
}

impl Assessment {
    /// Whether something gives this fact away.
    #[must_use]
    pub fn has(&self, fact: Fact) -> bool {
        self.reasons.iter().any(|reason| reason.fact == fact)
    }
}

/// The risk of a tool.
#[must_use]
pub fn assess(tool: &Tool) -> Assessment {
    let mut reasons = facts::told(tool);
    reasons.extend(claimed(tool));
    reasons.sort_by(|one, other| {
        let key = |reason: &RiskReason| (std::cmp::Reverse(reason.fact.level()), reason.fact);
        key(one).cmp(&key(other)).then_with(|| one.place.cmp(&other.place))
    });
    let level = reasons.iter().map(|reason| reason.fact.level()).max().unwrap_or(RiskLevel::Low);
    Assessment { level, reasons }
}

/// The facts that words alone give away, whatever the server claims.
#[must_use]
pub fn assess_words(tool: &Tool) -> Assessment {
    let reasons = facts::told(tool);
    let level = reasons.iter().map(|reason| reason.fact.level()).max().unwrap_or(RiskLevel::Low);
    Assessment { level, reasons }
}

fn claimed(tool: &Tool) -> Vec<RiskReason> {
    let annotations = tool.annotations.clone().unwrap_or_default();
    let mut reasons = Vec::new();
    let mut add = |fact, hint: &str, claim: Option<bool>| {
        let said = claim.map_or_else(|| "not said".to_owned(), |claim| claim.to_string());
        let place = format!("/annotations/{hint}");
        reasons.push(RiskReason { fact, place, excerpt: format!("{hint}: {said}") });
    };
    let (reads, destroys) = (annotations.read_only_hint, annotations.destructive_hint);
    if destroys == Some(true) {
        add(Fact::Destructive, "destructiveHint", destroys);
    } else if reads != Some(true) && destroys.is_none() {
        add(Fact::EffectsUnsaid, "destructiveHint", destroys);
    }
    if reads != Some(true) {
        add(Fact::WritesLocally, "readOnlyHint", reads);
    }
    if annotations.open_world_hint != Some(false) {
        add(Fact::UntrustedContent, "openWorldHint", annotations.open_world_hint);
    }
    reasons
}
