//! Deciding for whoever is about to act: the decision is recorded, and what was looked at is given back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use entity::ids::{ApprovalId, DecisionId, McpServerId, ProjectId};
use serde_json::Value;
use uuid::Uuid;

use super::recording::Made;
use super::standing::Standing;
use crate::governance::decision::{Decision, Input, ServerGates, decide as decide_purely};
use crate::metering::limits::LimitStanding;
use crate::platform::errors::Result;
use crate::platform::recording;
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
    server_id: Option<McpServerId>,
    duration: Duration,
}

/// Decides, and records the decision: for those who consume no limits.
///
/// # Errors
/// Those of `weigh`.
pub async fn decide(request: &Request, asked: Asked<'_>) -> Result<Decided> {
    let decided = weigh(request, asked).await?;
    decided.record(request, Vec::new()).await?;
    Ok(decided)
}

/// Decides. The viewer must have a role in the project, and nothing more is asked of them here: which role it takes to
/// call at all is for the caller to know. It waits for what it loads, as everything in an operation does. Limits are named
/// and not consumed, and nothing is recorded before `Decided::record`.
///
/// # Errors
/// `NotFound` for who has no role in the project.
pub async fn weigh(request: &Request, asked: Asked<'_>) -> Result<Decided> {
    let standing = Standing::of(request, asked.project_id).await?;
    let mut input = standing.input(request, &asked.what, asked.tool.as_ref());
    input.arguments = Some(asked.arguments.cloned().unwrap_or(Value::Null)).filter(|_| asked.tool.is_some());
    input.approval_id = asked.approval_id.map(ApprovalId::uuid);
    let begun = Instant::now();
    let decision = decide_purely(&standing.policies, &input);
    Ok(Decided {
        id: DecisionId(request.new_id()),
        decision: Arc::new(decision),
        input: Arc::new(input),
        standing,
        server_id: asked.tool.and_then(|tool| tool.server_id),
        duration: begun.elapsed(),
    })
}

impl Decided {
    /// The same with a limit that leaves no room, of this policy.
    #[must_use]
    pub fn limited_by(mut self, policy: Uuid) -> Self {
        self.decision = Arc::new((*self.decision).clone().limited_by(policy));
        self
    }

    /// Records the decision, with where its limits stand. Allows are recorded as often as the organization wants;
    /// everything else is.
    pub async fn record(&self, request: &Request, standings: Vec<LimitStanding>) -> Result<()> {
        let made = Made {
            id: self.id,
            organization_id: self.standing.organization_id,
            project_id: self.standing.project_id,
            server_id: self.server_id,
            decision: Arc::clone(&self.decision),
            input: Arc::clone(&self.input),
            standings,
            duration: self.duration,
            request_id: request.id,
        };
        match made.is_wanted(self.standing.ground.recorded_allows_percent) {
            true => recording::record(&request.platform, made).await,
            false => Ok(()),
        }
    }
}
