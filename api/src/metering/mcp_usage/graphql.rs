//! Calls of tools as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::enums::McpCallStatus;
use entity::ids::{ApiKeyId, ApprovalId, DecisionId, McpCallId, McpServerId, PolicyId, ProjectId};
use entity::metering::mcp_usage;

use super::filter::McpCallFilter;
use super::store;
use crate::governance::decision::{ComplianceFinding, Response};
use crate::governance::decisions::Decision;
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::projects::Project;

/// A call.
#[derive(Clone, Debug)]
pub struct McpCall(pub Arc<mcp_usage::Model>);

impl Node for McpCall {}

impl From<mcp_usage::Model> for McpCall {
    fn from(row: mcp_usage::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl McpCall {
    /// The call, if it is over and the viewer may see it.
    pub async fn find(request: &Request, id: McpCallId) -> Result<Option<Self>> {
        Ok(request.find::<mcp_usage::Entity>(id).await?.map(Self))
    }
}

/// What a compliance policy found in the arguments or the result of a call.
#[derive(SimpleObject)]
pub struct McpCallFinding {
    /// The policy.
    policy_id: PolicyId,
    /// The detector, or the place of the pattern in the policy.
    rule: String,
    /// Where: a JSON pointer into the arguments, or, after `result`, into the result.
    place: String,
    /// What the policy did about what was found, or would have done if it were enforced.
    response: Response,
    /// Whether the response was carried out; false where the policy was only monitored and nothing was done.
    enforced: bool,
}

impl From<ComplianceFinding> for McpCallFinding {
    fn from(finding: ComplianceFinding) -> Self {
        let ComplianceFinding { policy_id, rule, place, response, enforced } = finding;
        Self { policy_id: PolicyId(policy_id), rule, place, response, enforced }
    }
}

/// A call of a tool and how it ended. Neither its arguments nor its result are kept. Seen by who called, and by who
/// administers the project. It is recorded a moment after it ended, and kept for 90 days.
#[Object]
impl McpCall {
    /// The id of the call.
    pub async fn id(&self) -> McpCallId {
        self.0.id
    }

    /// The project; null when it is deleted meanwhile.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Project::find(ctx.request(), self.0.project_id).await
    }

    /// The id of the server whose tool was called; null for a tool of Trellis itself, and where there is no such tool.
    async fn server_id(&self) -> Option<McpServerId> {
        self.0.server_id
    }

    /// The name of the server; `trellis` for a tool of Trellis itself. Where there is no such tool, as the caller wrote it; empty where the caller named none.
    async fn server_name(&self) -> &str {
        &self.0.server_name
    }

    /// The name of the tool; where there is none, as the caller wrote it, cut at 255 characters.
    async fn tool_name(&self) -> &str {
        &self.0.tool_name
    }

    /// The model on whose behalf it was called; null where that was not said.
    async fn model(&self) -> Option<&str> {
        self.0.model.as_deref()
    }

    /// Who called, or whose key; null once that account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user_id {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The API key that called; null for a person.
    async fn api_key_id(&self) -> Option<ApiKeyId> {
        self.0.api_key_id
    }

    /// The id of the decision about it; null where it came to none.
    async fn decision_id(&self) -> Option<DecisionId> {
        self.0.decision_id
    }

    /// The decision about it; null where it is not recorded: allows are as often as the organization wants.
    async fn decision(&self, ctx: &Context<'_>) -> Result<Option<Decision>> {
        match self.0.decision_id {
            Some(id) => Decision::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The approval that let it through; null where it needed none.
    async fn approval_id(&self) -> Option<ApprovalId> {
        self.0.approval_id
    }

    /// How it ended.
    async fn status(&self) -> McpCallStatus {
        self.0.status
    }

    /// Why it did not succeed, to branch on; null where it did.
    async fn error_code(&self) -> Option<&str> {
        self.0.error_code.as_deref()
    }

    /// Why it did not succeed, for people; null where it did.
    async fn error_message(&self) -> Option<&str> {
        self.0.error_message.as_deref()
    }

    /// How long the server took, in milliseconds; null where it was not asked.
    async fn latency_ms(&self) -> Option<i32> {
        self.0.latency_ms
    }

    /// How large the arguments were, in bytes of JSON.
    async fn input_bytes(&self) -> i32 {
        self.0.input_bytes
    }

    /// How large the result was as the server sent it, in bytes; null where there was none.
    async fn output_bytes(&self) -> Option<i32> {
        self.0.output_bytes
    }

    /// What compliance policies found in the arguments and in the result.
    async fn findings(&self) -> Result<Vec<McpCallFinding>> {
        let findings: Vec<ComplianceFinding> =
            serde_json::from_value(self.0.findings.clone()).map_err(Error::internal)?;
        Ok(findings.into_iter().map(McpCallFinding::from).collect())
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<mcp_usage::Entity>(&self.0).actions()
    }
}

/// A page of the calls of a project that the viewer may read, the latest first.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<McpCallFilter>,
) -> Result<Connection<McpCall>> {
    let filter = Arc::new(filter.unwrap_or_default().check()?);
    let slice = request.load::<store::OfProjects>((id, page, Arc::clone(&filter))).await?;
    let count = count_by(move |request| {
        let filter = Arc::clone(&filter);
        Box::pin(async move { store::count_of_project(request, id, &filter).await })
    });
    Ok(Connection::new(slice, store::place, McpCall::from, count))
}
