//! Deciding for whoever is about to act: the decision is recorded, and what was looked at is given back.

use std::sync::Arc;
use std::time::Instant;

use entity::ids::{ApprovalId, DecisionId, McpServerId, ProjectId};
use serde_json::Value;

use super::recording::{self, Made};
use super::standing::Standing;
use crate::governance::decision::{Decision, Input, ServerGates, decide as decide_purely};
use crate::platform::errors::Result;
use crate::platform::request::Request;

/// What somebody wants to use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Use {
    Tool {
        server: String,
        tool: String,
        /// The model on whose behalf, where it is known.
        model: Option<String>,
    },
    Model {
        model: String,
    },
}

/// What is known of the tool: what `own_tools::known` says.
#[derive(Clone, Copy, Debug)]
pub struct Tool {
    /// None for a tool of Trellis itself.
    pub server_id: Option<McpServerId>,
    pub gates: ServerGates,
}

/// What somebody is about to do.
#[derive(Clone, Debug)]
pub struct Asked<'a> {
    pub project_id: ProjectId,
    pub what: Use,
    /// None for a model, and for a tool that is not there: that is refused.
    pub tool: Option<Tool>,
    /// The arguments of the call.
    pub arguments: Option<&'a Value>,
    /// An approval that was checked to be bound to just this call; consuming it comes later, with the call.
    pub approval_id: Option<ApprovalId>,
}

/// What was decided, and from what.
#[derive(Clone, Debug)]
pub struct Decided {
    pub id: DecisionId,
    pub decision: Arc<Decision>,
    pub input: Arc<Input>,
    pub standing: Standing,
    /// Allows are recorded as often as the organization wants; everything else is.
    pub is_recorded: bool,
}

/// Decides, and records the decision. The viewer must have a role in the project, and nothing more is asked of them here: which
/// role it takes to call at all is for the caller to know. It waits for what it loads, as everything in an operation does. Limits are named and not consumed.
///
/// # Errors
/// `NotFound` for who has no role in the project.
pub async fn decide(request: &Request, asked: Asked<'_>) -> Result<Decided> {
    let standing = Standing::of(request, asked.project_id).await?;
    let mut input = standing.input(request, &asked.what, asked.tool.as_ref());
    input.arguments = Some(asked.arguments.cloned().unwrap_or(Value::Null)).filter(|_| asked.tool.is_some());
    input.approval_id = asked.approval_id.map(ApprovalId::uuid);
    let begun = Instant::now();
    let decision = decide_purely(&standing.policies, &input);
    let duration = begun.elapsed();
    let id = DecisionId(request.new_id());
    let (decision, input) = (Arc::new(decision), Arc::new(input));
    let made = Made {
        id,
        organization_id: standing.organization_id,
        project_id: standing.project_id,
        server_id: asked.tool.and_then(|tool| tool.server_id),
        decision: Arc::clone(&decision),
        input: Arc::clone(&input),
        duration,
        request_id: request.id,
    };
    let is_recorded = made.is_wanted(standing.ground.recorded_allows_percent);
    if is_recorded {
        recording::record(&request.platform, made).await?;
    }
    Ok(Decided { id, decision, input, standing, is_recorded })
}
