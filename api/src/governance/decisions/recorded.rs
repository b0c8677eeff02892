//! A decision as it is written down.

use entity::enums::DecisionAction;
use entity::governance::decision::Model;
use entity::ids::{ApiKeyId, PolicyId, UserId};
use sha2::{Digest, Sha256};

use super::recording::Made;
use super::redaction::redacted_arguments;
use super::trace::{ReasonKind, Trace};
use crate::governance::decision::{Action, ComplianceFinding, Input, Reason};
use crate::governance::pins::canonical;
use crate::platform::checks;
use crate::platform::errors::{Error, Result};

/// Names of tools, servers and models longer than this are cut where they are recorded.
pub const MOST_NAME_CHARS: usize = 255;

/// The row of a decision.
pub fn row(made: &Made) -> Result<Model> {
    let Made { decision, input, .. } = made;
    let (kept, is_whole) = redacted(input, &decision.findings);
    // Whether a limit has room is not decided by policies alone.
    let is_replayable = is_whole && decision.reason != Reason::Limit;
    let trace = Trace::of(decision).with_standings(&made.standings);
    let (action, server_tool) = match &input.action {
        Action::CallTool { tool, .. } => (DecisionAction::CallTool, Some(tool.clone())),
        Action::UseModel { .. } => (DecisionAction::UseModel, None),
    };
    Ok(Model {
        id: made.id,
        created_at: input.at,
        organization_id: made.organization_id,
        project_id: made.project_id,
        user_id: input.user_id.map(UserId),
        api_key_id: input.key_id.map(ApiKeyId),
        server_id: made.server_id,
        tool_name: server_tool.map(|name| shortened(&name)),
        model: input.action.model().map(shortened),
        action,
        outcome: decision.outcome.into(),
        would_be: decision.would_be.map(Into::into),
        reason: ReasonKind::of(decision.reason).as_str().to_owned(),
        winner_id: decision.winner.map(PolicyId),
        policy_set_version: decision.policy_set_version,
        input_hash: hash(input)?,
        input: checks::without_nul(serde_json::to_value(&kept).map_err(Error::internal)?),
        is_replayable,
        trace: checks::without_nul(serde_json::to_value(trace).map_err(Error::internal)?),
        duration_us: i32::try_from(made.duration.as_micros()).ok(),
        request_id: Some(made.request_id),
    })
}

/// As much of a name as its column holds; the input has the whole of it.
fn shortened(name: &str) -> String {
    checks::shortened(name, MOST_NAME_CHARS)
}

/// SHA-256 over the canonical JSON of everything that was looked at, before anything was redacted.
fn hash(input: &Input) -> Result<Vec<u8>> {
    let value = serde_json::to_value(input).map_err(Error::internal)?;
    Ok(Sha256::digest(canonical(&value).as_bytes()).to_vec())
}

/// The input as it may be kept, and whether it can be decided again from that.
fn redacted(input: &Input, findings: &[ComplianceFinding]) -> (Input, bool) {
    let Some(arguments) = &input.arguments else { return (input.clone(), true) };
    let (arguments, is_whole) = redacted_arguments(arguments, findings);
    (Input { arguments: Some(arguments), ..input.clone() }, is_whole)
}
