//! Decisions as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::enums::{DecisionAction, DecisionOutcome};
use entity::governance::decision;
use entity::ids::{ApiKeyId, ApprovalId, DecisionId, McpServerId, OrganizationId, ProjectId, UserId};
use serde_json::Value;

use super::filter::DecisionFilter;
use super::store;
use super::trace::{ReasonGiven, Trace};
use crate::governance::decision::Input;
use crate::governance::policies::{Policy, PolicyRole};
use crate::identity::users::User;
use crate::metering::limits::Subjects;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::projects::Project;

/// A decision.
#[derive(Clone, Debug)]
pub struct Decision(pub Arc<decision::Model>);

impl Node for Decision {}

impl From<decision::Model> for Decision {
    fn from(row: decision::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Decision {
    /// The decision, if the viewer may see it.
    pub async fn find(request: &Request, id: DecisionId) -> Result<Option<Self>> {
        Ok(request.find::<decision::Entity>(id).await?.map(Self))
    }

    /// Whose use it was about.
    fn subjects(&self) -> Subjects {
        let Self(row) = self;
        Subjects {
            decision: row.id,
            organization: row.organization_id,
            project: Some(row.project_id),
            user: row.user_id,
            key: row.api_key_id,
            server: row.server_id,
            tool: None,
        }
    }

    fn read_trace(&self) -> Result<Trace> {
        serde_json::from_value(self.0.trace.clone()).map_err(Error::internal)
    }
}

/// What was looked at.
#[derive(SimpleObject)]
pub struct DecisionInput {
    /// What somebody wanted to do.
    action: DecisionAction,
    /// The server whose tool was to be called; null for the use of a model.
    server: Option<String>,
    /// The tool; null for the use of a model.
    tool: Option<String>,
    /// The model; null where none was known.
    model: Option<String>,
    /// The person; null for nobody.
    user_id: Option<UserId>,
    /// The API key; null where none was used.
    key_id: Option<ApiKeyId>,
    /// The roles in the organization and the project.
    roles: Vec<PolicyRole>,
    /// The network address; null where it was not known.
    address: Option<String>,
    /// When.
    at: DateTime<Utc>,
    /// The arguments, without what looks like a secret; null where there were none.
    arguments: Option<Value>,
    /// The approval that was held; null for none.
    approval_id: Option<ApprovalId>,
}

impl From<Input> for DecisionInput {
    fn from(input: Input) -> Self {
        let tool = input.action.tool().map(|(server, tool)| (server.to_owned(), tool.to_owned()));
        let model = input.action.model().map(str::to_owned);
        let action = if tool.is_some() { DecisionAction::CallTool } else { DecisionAction::UseModel };
        let (server, tool) = tool.unzip();
        Self {
            action,
            server,
            tool,
            model,
            user_id: input.user_id.map(UserId),
            key_id: input.key_id.map(ApiKeyId),
            roles: input.roles.iter().filter_map(|role| PolicyRole::parse(role)).collect(),
            address: input.address.map(|address| address.to_string()),
            at: input.at,
            arguments: input.arguments.filter(|arguments| !arguments.is_null()),
            approval_id: input.approval_id.map(ApprovalId),
        }
    }
}

/// A decision: what may happen, and the whole trace of why. It never changes.
#[Object]
impl Decision {
    /// The id of the decision.
    pub async fn id(&self) -> DecisionId {
        self.0.id
    }

    /// The project; null when it is deleted meanwhile.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Project::find(ctx.request(), self.0.project_id).await
    }

    /// The person, or whose key was used; null for nobody, and once that account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user_id {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The API key; null where none was used.
    async fn api_key_id(&self) -> Option<ApiKeyId> {
        self.0.api_key_id
    }

    /// The server whose tool was to be called; null where there is no such server.
    async fn server_id(&self) -> Option<McpServerId> {
        self.0.server_id
    }

    /// What was decided about.
    async fn action(&self) -> DecisionAction {
        self.0.action
    }

    /// What was decided.
    async fn outcome(&self) -> DecisionOutcome {
        self.0.outcome
    }

    /// What would be decided if the monitored policies were enforced; null where that makes no difference.
    async fn would_be(&self) -> Option<DecisionOutcome> {
        self.0.would_be
    }

    /// Why.
    async fn reason(&self) -> Result<ReasonGiven> {
        Ok(self.read_trace()?.reason.into())
    }

    /// The policy that is reported; null where none made the outcome, and once it is gone.
    async fn winner(&self, ctx: &Context<'_>) -> Result<Option<Policy>> {
        match self.0.winner_id {
            Some(id) => Policy::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The version of the organization's set of policies.
    async fn policy_set_version(&self) -> i64 {
        self.0.policy_set_version
    }

    /// SHA-256 of everything that was looked at, before anything was left out, in hexadecimal digits.
    async fn input_hash(&self) -> String {
        self.0.input_hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// What was looked at.
    async fn input(&self) -> Result<DecisionInput> {
        let input: Input = serde_json::from_value(self.0.input.clone()).map_err(Error::internal)?;
        Ok(input.into())
    }

    /// Whether what is kept of the input is enough to decide again.
    async fn is_replayable(&self) -> bool {
        self.0.is_replayable
    }

    /// Every gate and policy that was tried.
    async fn trace(&self, ctx: &Context<'_>) -> Result<Trace> {
        Ok(self.read_trace()?.told_to(&ctx.request().viewer(), &self.subjects()))
    }

    /// How long deciding took, in microseconds; null where it was not measured.
    async fn duration_us(&self) -> Option<i32> {
        self.0.duration_us
    }

    /// The request in which it was made; null for what the server did by itself.
    async fn request_id(&self) -> Option<String> {
        self.0.request_id.map(|id| id.to_string())
    }

    /// When it was made.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<decision::Entity>(&self.0).actions()
    }
}

/// A page of the decisions of a project that the viewer may read.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<DecisionFilter>,
) -> Result<Connection<Decision>> {
    let filter = filter.unwrap_or_default().check()?;
    let (place, wrap) = (store::place, Decision::from);
    Connection::narrowed::<store::OfProjects, store::CountOfProjects, _, _, _>(request, id, page, filter, place, wrap)
        .await
}

/// A page of the decisions of an organization that the viewer may read.
pub async fn of_organization(
    request: &Request,
    id: OrganizationId,
    page: Page,
    filter: Option<DecisionFilter>,
) -> Result<Connection<Decision>> {
    let filter = filter.unwrap_or_default().check()?;
    Connection::narrowed::<store::OfOrganizations, store::CountOfOrganizations, _, _, _>(
        request,
        id,
        page,
        filter,
        store::place,
        Decision::from,
    )
    .await
}
