//! Requests for approval as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use entity::enums::ApprovalState;
use entity::governance::approval;
use entity::ids::{ApiKeyId, ApprovalId, DecisionId, McpServerId, OrganizationId, ProjectId};
use serde_json::Value;

use super::filter::ApprovalFilter;
use super::store;
use crate::governance::decisions::Decision;
use crate::governance::policies::Policy;
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::projects::Project;

/// A request for approval.
#[derive(Clone, Debug)]
pub struct Approval(pub Arc<approval::Model>);

impl Node for Approval {}

impl From<approval::Model> for Approval {
    fn from(row: approval::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Approval {
    /// The request, if the viewer may see it.
    pub async fn find(request: &Request, id: ApprovalId) -> Result<Option<Self>> {
        Ok(request.find::<approval::Entity>(id).await?.map(Self))
    }
}

fn digits(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A request to call a tool once, with just these arguments. Somebody else who administers the project answers it; without
/// an answer in time it is a no. Seen by who asked and by who may answer.
#[Object]
impl Approval {
    /// The id of the request; give it with the call once it is approved.
    pub async fn id(&self) -> ApprovalId {
        self.0.id
    }

    /// The project; null when it is deleted meanwhile.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Project::find(ctx.request(), self.0.project_id).await
    }

    /// The server whose tool is to be called; null where it is a tool of Trellis itself.
    async fn server_id(&self) -> Option<McpServerId> {
        self.0.server_id
    }

    /// The name of that server; "trellis" for a tool of Trellis itself.
    async fn server_name(&self) -> &str {
        &self.0.server_name
    }

    /// The name of the tool.
    async fn tool_name(&self) -> &str {
        &self.0.tool_name
    }

    /// The id of the decision that asks for it; null where none was made.
    async fn decision_id(&self) -> Option<DecisionId> {
        self.0.decision_id
    }

    /// The decision that asks for it; null where it is not recorded yet or any more.
    async fn decision(&self, ctx: &Context<'_>) -> Result<Option<Decision>> {
        match self.0.decision_id {
            Some(id) => Decision::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Who asks, or whose key; null once that account is gone.
    async fn requested_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::find_through(ctx.request(), self.0.requested_by).await
    }

    /// The API key that asks; null for a person.
    async fn api_key_id(&self) -> Option<ApiKeyId> {
        self.0.api_key_id
    }

    /// The arguments, without what looks like a secret.
    async fn arguments(&self) -> &Value {
        &self.0.redacted_arguments
    }

    /// SHA-256 of the canonical arguments, in hexadecimal digits: the call must bring the same.
    async fn arguments_hash(&self) -> String {
        digits(&self.0.arguments_hash)
    }

    /// SHA-256 of the tool as it was when this was asked, in hexadecimal digits.
    async fn pin(&self) -> String {
        digits(&self.0.pin)
    }

    /// The policy that asks for it; null where it is the organization's default, and once the policy is gone.
    async fn policy(&self, ctx: &Context<'_>) -> Result<Option<Policy>> {
        match self.0.policy_id {
            Some(id) => Policy::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The version of that policy; null where no policy asks for it.
    async fn policy_version(&self) -> Option<i32> {
        self.0.policy_version
    }

    /// Where it stands.
    async fn state(&self, ctx: &Context<'_>) -> ApprovalState {
        match self.0.state {
            ApprovalState::Pending | ApprovalState::Approved if self.0.expires_at <= ctx.request().now() => {
                ApprovalState::Expired
            }
            state => state,
        }
    }

    /// What who asks wants to say; null for nothing.
    async fn message(&self) -> Option<&str> {
        self.0.message.as_deref()
    }

    /// Who answered; null while nobody has, and once that account is gone.
    async fn decided_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.decided_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When it was answered; null while nobody has.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    /// Why it was answered so; null where nobody said.
    async fn decision_reason(&self) -> Option<&str> {
        self.0.decision_reason.as_deref()
    }

    /// When the call was made; null while it was not.
    async fn consumed_at(&self) -> Option<DateTime<Utc>> {
        self.0.consumed_at
    }

    /// Until when it can be answered, and once it is approved, used.
    async fn expires_at(&self) -> DateTime<Utc> {
        self.0.expires_at
    }

    /// Counts its changes.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was asked.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: DECIDE approves or denies it, WITHDRAW takes it back.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<approval::Entity>(&self.0).actions()
    }
}

/// A page of the requests of a project that the viewer may read.
pub async fn of_project(
    request: &Request,
    id: ProjectId,
    page: Page,
    filter: Option<ApprovalFilter>,
) -> Result<Connection<Approval>> {
    let filter = filter.unwrap_or_default().check()?;
    let (place, wrap) = (store::place, Approval::from);
    Connection::narrowed::<store::OfProjects, store::CountOfProjects, _, _, _>(request, id, page, filter, place, wrap)
        .await
}

/// A page of the requests in all projects of an organization that the viewer may read.
pub async fn of_organization(
    request: &Request,
    id: OrganizationId,
    page: Page,
    filter: Option<ApprovalFilter>,
) -> Result<Connection<Approval>> {
    let filter = filter.unwrap_or_default().check()?;
    Connection::narrowed::<store::OfOrganizations, store::CountOfOrganizations, _, _, _>(
        request,
        id,
        page,
        filter,
        store::place,
        Approval::from,
    )
    .await
}
