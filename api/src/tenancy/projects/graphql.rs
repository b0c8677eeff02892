//! Projects as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::enums::{ProjectRole, ProjectStatus};
use entity::ids::{OrganizationId, ProjectId};
use entity::tenancy::project::{self, ProjectQuotas, ProjectSettings};

use super::rules::{self, NewProject, ProjectChanges};
use super::store;
use crate::governance::api_keys::{self, ApiKey, ApiKeyFilter};
use crate::governance::approvals::{self, Approval, ApprovalFilter};
use crate::governance::decisions::{self, Decision, DecisionFilter, TracedLimit};
use crate::governance::mcp_servers::{self, McpServer, McpServerFilter};
use crate::governance::mcp_tools::{self, McpTool, McpToolFilter};
use crate::governance::policies::{self, Policy, PolicyFilter};
use crate::governance::secrets::{self, Secret};
use crate::metering::budgets::{self, Budget, BudgetFilter};
use crate::metering::mcp_usage::{self, McpCall, McpCallFilter};
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::deletion::{self, ProjectDeletionImpact};
use crate::tenancy::organizations::Organization;
use crate::tenancy::project_members::{self, ProjectMember};
use crate::tenancy::quotas::{self, ProjectUsage};
use crate::tenancy::spaces::Space;

/// A project.
#[derive(Clone, Debug)]
pub struct Project(pub Arc<project::Model>);

impl Node for Project {}

impl From<project::Model> for Project {
    fn from(row: project::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Project {
    /// The project, if the viewer may see it.
    pub async fn find(request: &Request, id: ProjectId) -> Result<Option<Self>> {
        Ok(request.find::<project::Entity>(id).await?.map(Self))
    }
}

/// A project: where an organization keeps API keys, tool servers, policies and budgets.
#[Object]
impl Project {
    /// The id of the project.
    pub async fn id(&self) -> ProjectId {
        self.0.id
    }

    /// The organization it belongs to; null when it is closed meanwhile.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        Organization::find(ctx.request(), self.0.organization_id).await
    }

    /// Its name, 1 to 255 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name in addresses, unique in the organization.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What it is for; null when nobody said.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// How assistants and tools behave in it.
    async fn settings(&self) -> &ProjectSettings {
        &self.0.settings
    }

    /// How much it may use and hold.
    async fn quotas(&self) -> &ProjectQuotas {
        &self.0.quotas
    }

    /// How much it holds. Null unless you administer it.
    async fn usage(&self, ctx: &Context<'_>) -> Result<Option<ProjectUsage>> {
        quotas::of_project(ctx.request(), &self.0).await
    }

    /// Whether it is in use, paused or archived. An archived project can only be read.
    async fn status(&self) -> ProjectStatus {
        self.0.status
    }

    /// Counts the changes of its properties; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its properties last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<project::Entity>(&self.0).actions()
    }

    /// Your role in it: your own or your teams', whichever is higher. Owners and admins of the organization are its admins. Null for who has none.
    async fn viewer_role(&self, ctx: &Context<'_>) -> Option<ProjectRole> {
        ctx.request().viewer().project_role(self.0.id)
    }

    /// What the usage policies leave in each window, the latest window first. Its admins see all of
    /// them, others those of their own use.
    async fn budgets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only budgets that meet this.")] filter: Option<BudgetFilter>,
    ) -> Result<Connection<Budget>> {
        budgets::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The limits of usage policies that apply to what you do in it, up to 100, and where they stand now, also before you
    /// used any. Those that are counted for each server or tool are named, and stand differently for each. Empty for who
    /// has no role in it.
    async fn limits(&self, ctx: &Context<'_>) -> Result<Vec<TracedLimit>> {
        decisions::limits_of_project(ctx.request(), self.0.id).await
    }

    /// What deleting it would take along. Null unless you may delete it.
    async fn deletion_impact(&self, ctx: &Context<'_>) -> Result<Option<ProjectDeletionImpact>> {
        deletion::of_project(ctx.request(), &self.0).await
    }

    /// The spaces attached to it that you may see, the oldest first.
    async fn spaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Space>> {
        attached_spaces(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its secrets by name, never their values. Empty for who may not see them.
    async fn secrets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Secret>> {
        secrets::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its API keys, the newest first. For everybody with a role in it.
    async fn api_keys(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only keys that meet this.")] filter: Option<ApiKeyFilter>,
    ) -> Result<Connection<ApiKey>> {
        api_keys::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The people and teams that were added to it, in that order.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProjectMember>> {
        project_members::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its MCP servers, in the order in which they were registered.
    async fn mcp_servers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only servers that meet this.")] filter: Option<McpServerFilter>,
    ) -> Result<Connection<McpServer>> {
        mcp_servers::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The tools of all its MCP servers by name, also those that are gone. Tools of the same name are of different servers.
    async fn mcp_tools(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only tools that meet this.")] filter: Option<McpToolFilter>,
    ) -> Result<Connection<McpTool>> {
        mcp_tools::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// Its own policies and those of its servers that you may see, the oldest first; the organization's hold in it too.
    async fn policies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only policies that meet this.")] filter: Option<PolicyFilter>,
    ) -> Result<Connection<Policy>> {
        policies::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// What was decided in it that you may read, the newest first: everything for its admins, for others what is about themselves.
    async fn decisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only decisions that meet this.")] filter: Option<DecisionFilter>,
    ) -> Result<Connection<Decision>> {
        decisions::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The requests for approval in it that you may read, the newest first: all of them for its admins, for others their own.
    async fn approvals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only requests that meet this.")] filter: Option<ApprovalFilter>,
    ) -> Result<Connection<Approval>> {
        approvals::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The calls of tools in it that you may read, the newest first: all of them for its admins, for others their own.
    async fn mcp_calls(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only calls that meet this.")] filter: Option<McpCallFilter>,
    ) -> Result<Connection<McpCall>> {
        mcp_usage::of_project(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }
}

/// A page of the projects of an organization.
pub async fn of_organization(request: &Request, id: OrganizationId, page: Page) -> Result<Connection<Project>> {
    Connection::of::<store::BelowOrganizations, store::CountBelowOrganizations, _>(
        request,
        id,
        page,
        store::place,
        Project::from,
    )
    .await
}

/// The project of a slug, if the viewer may see it.
pub async fn by_slug(request: &Request, organization: OrganizationId, slug: String) -> Result<Option<Project>> {
    if !checks::is_slug(&slug) {
        return Ok(None);
    }
    let row = request.load::<store::BySlug>((organization, slug)).await?;
    let visible = row.filter(|row| request.permitted::<project::Entity>(row).contains(Action::Read));
    Ok(visible.map(Project))
}

/// A page of the spaces that are attached to a project.
async fn attached_spaces(request: &Request, id: ProjectId, page: Page) -> Result<Connection<Space>> {
    Connection::of::<store::AttachedSpaces, store::CountAttachedSpaces, _>(
        request,
        id,
        page,
        store::place_of_space,
        Space::from,
    )
    .await
}

/// A new project of an organization.
#[derive(InputObject)]
struct ProjectCreateInput {
    /// An id of your making (a UUIDv7 in its `prj_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<ProjectId>,
    /// The organization it belongs to.
    organization_id: OrganizationId,
    /// Its name, 1 to 255 characters.
    name: String,
    /// Its name in addresses: 1 to 100 lower-case letters, digits and single hyphens; unique in the organization.
    slug: String,
    /// What it is for, up to 2,000 characters.
    description: Option<String>,
}

/// Changes of a project. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct ProjectUpdateInput {
    /// The project.
    id: ProjectId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new name, 1 to 255 characters.
    name: Option<String>,
    /// Its new slug.
    slug: Option<String>,
    /// What it is for, up to 2,000 characters; null for none.
    description: MaybeUndefined<String>,
    /// Pauses or archives it, or brings it back. Alone when the project is archived.
    status: Option<ProjectStatus>,
    /// The models that may be used: 1 to 100 names of up to 100 characters.
    allowed_models: Option<Vec<String>>,
    /// The model that is used unless a request names another; one of the allowed.
    default_model: Option<String>,
    /// Whether a new tool server may be used without approval.
    mcp_auto_approve: Option<bool>,
    /// Whether its tool servers may stand at private addresses and be reached without TLS, where the operator of this server allows it.
    mcp_private_addresses: Option<bool>,
    /// Tokens in a day, in UTC: a whole number, 0 to 10^12; null for no limit. Uses of models consume them; a call of an
    /// MCP tool never does.
    max_tokens_per_day: MaybeUndefined<f64>,
    /// Cost in a day, in UTC, in United States dollars: 0 to 10^9; null for no limit. Uses of models cost; a call of an
    /// MCP tool never does.
    max_cost_per_day_usd: MaybeUndefined<f64>,
    /// Requests in a minute: 0 to 10^6; null for no limit.
    max_requests_per_minute: MaybeUndefined<i32>,
    /// People and teams with a role in the project: 0 to 10^6; null for no limit. Those who are there stay.
    max_members: MaybeUndefined<i32>,
    /// Documents and notes in the spaces attached to it: 0 to 10^9; null for no limit. Those that are there stay.
    max_documents: MaybeUndefined<i32>,
    /// Bytes of UTF-8 that the content of those documents takes: a whole number, 0 to 10^12; null for no limit.
    max_content_bytes: MaybeUndefined<f64>,
}

/// A project to delete.
#[derive(InputObject)]
struct ProjectDeleteInput {
    /// The project.
    id: ProjectId,
}

payload! {
    /// What creating a project ended with.
    ProjectCreatePayload {
        /// The new project; null when it was refused.
        project: Project, TenancyErrorCode
    }
}

payload! {
    /// What changing a project ended with.
    ProjectUpdatePayload {
        /// The project as it is now, also after a CONFLICT; null when it was refused for another reason.
        project: Project, TenancyErrorCode
    }
}

payload! {
    /// What deleting a project ended with.
    ProjectDeletePayload {
        /// The id of the project that is gone; null when it was refused.
        deleted_id: ProjectId, TenancyErrorCode
    }
}

/// Changes of projects.
#[derive(Default)]
pub struct ProjectMutation;

#[Object]
impl ProjectMutation {
    /// Creates a project of an organization. You become its admin. For owners and admins, and for members where the organization allows it.
    async fn project_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new project.")] input: ProjectCreateInput,
    ) -> Result<ProjectCreatePayload> {
        let new = NewProject {
            id: input.id,
            organization_id: input.organization_id,
            name: input.name,
            slug: input.slug,
            description: input.description,
        };
        let outcome = Outcome::of(rules::create_project(ctx.request(), new).await)?;
        Ok(outcome.map(Project::from).into())
    }

    /// Changes a project's properties, settings, quotas and status. For its admins.
    async fn project_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: ProjectUpdateInput,
    ) -> Result<ProjectUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = ProjectChanges {
            name: input.name,
            slug: input.slug,
            description: checks::text_change(input.description),
            status: input.status,
            allowed_models: input.allowed_models,
            default_model: input.default_model,
            mcp_auto_approve: input.mcp_auto_approve,
            mcp_private_addresses: input.mcp_private_addresses,
            max_tokens_per_day: input.max_tokens_per_day.into(),
            max_cost_per_day_usd: input.max_cost_per_day_usd.into(),
            max_requests_per_minute: input.max_requests_per_minute.into(),
            max_members: input.max_members.into(),
            max_documents: input.max_documents.into(),
            max_content_bytes: input.max_content_bytes.into(),
        };
        let result = rules::update_project(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(Project::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = Project::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Deletes a project. For its admins. The spaces attached to it stay.
    async fn project_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The project.")] input: ProjectDeleteInput,
    ) -> Result<ProjectDeletePayload> {
        let outcome = Outcome::of(rules::delete_project(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }
}
