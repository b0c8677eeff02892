//! What makes a tool risky and how it drifted, between what is computed, what is stored and what a client sees.

use async_graphql::SimpleObject;
use entity::enums::{RiskLevel, ToolDrift};
use entity::governance::mcp_tool;
use serde::Deserialize;

use crate::governance::pins::{self, Change, DriftKind, Tool};
use crate::governance::risk;
use crate::platform::errors::{Error, Result};

/// The level as it is stored.
pub fn level(level: risk::RiskLevel) -> RiskLevel {
    match level {
        risk::RiskLevel::Low => RiskLevel::Low,
        risk::RiskLevel::Medium => RiskLevel::Medium,
        risk::RiskLevel::High => RiskLevel::High,
        risk::RiskLevel::Critical => RiskLevel::Critical,
    }
}

/// The kind of drift as it is stored.
pub fn drift(kind: DriftKind) -> ToolDrift {
    match kind {
        DriftKind::Cosmetic => ToolDrift::Cosmetic,
        DriftKind::Compatible => ToolDrift::Compatible,
        DriftKind::Added => ToolDrift::Added,
        DriftKind::Removed => ToolDrift::Removed,
        DriftKind::Breaking => ToolDrift::Breaking,
        DriftKind::PrivilegeExpanding => ToolDrift::PrivilegeExpanding,
        DriftKind::Poisoned => ToolDrift::Poisoned,
    }
}

/// The tool as it was found last.
pub fn found(row: &mcp_tool::Model) -> Result<Tool> {
    Ok(Tool {
        name: row.name.clone(),
        title: row.title.clone(),
        description: row.description.clone(),
        input_schema: row.input_schema.clone(),
        output_schema: row.output_schema.clone(),
        annotations: row.annotations.clone().map(serde_json::from_value).transpose().map_err(Error::internal)?,
    })
}

/// The tool as it was approved; none where it never was.
pub fn approved(row: &mcp_tool::Model) -> Result<Option<Tool>> {
    row.approved_tool.clone().map(serde_json::from_value).transpose().map_err(Error::internal)
}

/// A fact about a tool that carries risk, and what gives it away.
#[derive(Clone, Debug, Deserialize, SimpleObject)]
pub struct McpRiskReason {
    /// The fact.
    fact: risk::Fact,
    /// Where it shows: a JSON pointer into the tool, such as /description.
    place: String,
    /// What gives it away.
    excerpt: String,
}

/// The stored reasons of a risk, the gravest first.
pub fn risk_reasons(row: &mcp_tool::Model) -> Result<Vec<McpRiskReason>> {
    serde_json::from_value(row.risk_reasons.clone()).map_err(Error::internal)
}

/// One difference between a tool as it was approved and as it was found.
#[derive(Clone, Debug, SimpleObject)]
pub struct McpToolChange {
    /// Where: a JSON pointer into the tool, such as /inputSchema/properties/path; empty for the whole tool.
    place: String,
    /// What stood there when it was approved, as JSON; null when nothing did.
    before: Option<String>,
    /// What stands there now, as JSON; null when nothing does.
    after: Option<String>,
    /// How much this difference alone matters.
    kind: ToolDrift,
    /// The difference in one line, with what cannot be seen escaped.
    line: String,
}

impl From<Change> for McpToolChange {
    fn from(change: Change) -> Self {
        Self {
            line: change.to_string(),
            before: change.before.map(|value| value.to_string()),
            after: change.after.map(|value| value.to_string()),
            kind: drift(change.kind),
            place: change.place,
        }
    }
}

/// Differences that are shown of one tool at most.
const MOST_CHANGES: usize = 200;

/// What a reviewer reads: how the tool differs from what was approved.
pub fn changes(row: &mcp_tool::Model) -> Result<Vec<McpToolChange>> {
    let approved: Vec<Tool> = approved(row)?.into_iter().collect();
    let found = if row.is_present { vec![found(row)?] } else { Vec::new() };
    let drifts = pins::drift(&approved, &found);
    Ok(drifts.into_iter().flat_map(|drift| drift.changes).take(MOST_CHANGES).map(McpToolChange::from).collect())
}
