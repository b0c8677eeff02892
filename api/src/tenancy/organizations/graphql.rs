//! Organizations as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::enums::{DecisionOutcome, Plan, SpaceRole};
use entity::ids::OrganizationId;
use entity::tenancy::organization::{self, OrganizationSettings};

use super::rules::{self, NewOrganization, OrganizationChanges};
use super::store;
use crate::audit::{self, AuditEntry, AuditFilter};
use crate::governance::approvals::{self, Approval, ApprovalFilter};
use crate::governance::decisions::{self, Decision, DecisionFilter};
use crate::governance::mcp_servers::{self, McpServer, McpServerFilter};
use crate::governance::policies::{self, Policy, PolicyFilter};
use crate::governance::simulations::{self, PolicySimulation};
use crate::metering::budgets::{self, Budget, BudgetFilter};
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page, count_by};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::deletion::{self, OrganizationDeletionImpact};
use crate::tenancy::invitations::{self, Invitation};
use crate::tenancy::join_requests::{self, SpaceListing};
use crate::tenancy::members::{self, Member};
use crate::tenancy::plans::PlanSubscription;
use crate::tenancy::projects::{self, Project};
use crate::tenancy::single_sign_on::SingleSignOn;
use crate::tenancy::spaces::{self, Space};
use crate::tenancy::teams::{self, Team};

/// An organization: people who work together, and the spaces and projects they own.
#[derive(Clone, Debug)]
pub struct Organization(pub Arc<organization::Model>);

impl Node for Organization {}

impl From<organization::Model> for Organization {
    fn from(row: organization::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Organization {
    /// The organization, if the viewer may see it.
    pub async fn find(request: &Request, id: OrganizationId) -> Result<Option<Self>> {
        Ok(request.find::<organization::Entity>(id).await?.map(Self))
    }
}

/// An organization: people who work together, and the spaces and projects they own.
#[Object]
impl Organization {
    /// The id of the organization.
    pub async fn id(&self) -> OrganizationId {
        self.0.id
    }

    /// Its name, 1 to 255 characters.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// Its name in addresses, unique on this server.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// What the organization is for, in its own words; null for none.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// The address of its logo; null for none.
    async fn logo_url(&self) -> Option<&str> {
        self.0.logo_url.as_deref()
    }

    /// Where invoices go. Null unless you administer the organization.
    async fn billing_email(&self, ctx: &Context<'_>) -> Option<&str> {
        let may_edit = ctx.request().permitted::<organization::Entity>(&self.0).contains(Action::Edit);
        self.0.billing_email.as_deref().filter(|_| may_edit)
    }

    /// Where its people find help; null when nobody said.
    async fn support_email(&self) -> Option<&str> {
        self.0.support_email.as_deref()
    }

    /// What its administrators have decided for all of it.
    async fn settings(&self) -> &OrganizationSettings {
        &self.0.settings
    }

    /// How its members sign in. Null unless you administer the organization.
    async fn single_sign_on(&self, ctx: &Context<'_>) -> Option<SingleSignOn> {
        let may_edit = ctx.request().permitted::<organization::Entity>(&self.0).contains(Action::Edit);
        may_edit.then(|| SingleSignOn(Arc::clone(&self.0)))
    }

    /// The plan it is on.
    async fn plan(&self) -> Plan {
        self.0.plan
    }

    /// What it has subscribed to, with its limits and what is used of them. Null unless you administer the organization.
    async fn subscription(&self, ctx: &Context<'_>) -> Result<Option<PlanSubscription>> {
        PlanSubscription::of_organization(ctx.request(), &self.0).await
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
        ctx.request().permitted::<organization::Entity>(&self.0).actions()
    }

    /// Your role in it; null for who has none.
    async fn viewer_role(&self, ctx: &Context<'_>) -> Option<entity::enums::MemberRole> {
        ctx.request().viewer().organization_role(self.0.id)
    }

    /// The spaces of the organization that you may see, by name.
    async fn spaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Space>> {
        spaces::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// The space with this slug; null unless you may see one.
    async fn space(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug of the space.")] slug: String,
    ) -> Result<Option<Space>> {
        spaces::by_slug(ctx.request(), self.0.id, slug).await
    }

    /// The projects of the organization that you may see, by name.
    async fn projects(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Project>> {
        projects::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// The project with this slug; null unless you may see one.
    async fn project(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug of the project.")] slug: String,
    ) -> Result<Option<Project>> {
        projects::by_slug(ctx.request(), self.0.id, slug).await
    }

    /// Its members, in the order they were added.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Member>> {
        members::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// The invitations to it, the newest first. For its owners and admins; null with the error FORBIDDEN for others.
    async fn invitations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Option<Connection<Invitation>>> {
        let page = Page::new(first, after, last, before)?;
        invitations::of_organization(ctx.request(), self.0.id, page).await.map(Some)
    }

    /// Its teams, by name.
    async fn teams(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Team>> {
        teams::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its private spaces that you may ask to join, by name.
    async fn joinable_spaces(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SpaceListing>> {
        join_requests::listed_in(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its own policies that you may see, the oldest first; those of its projects are with the projects.
    async fn policies(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only policies that meet this.")] filter: Option<PolicyFilter>,
    ) -> Result<Connection<Policy>> {
        policies::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The simulations that you may see, the newest first: those of the organization for its owners and admins, and those of a project for its admins.
    async fn policy_simulations(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<PolicySimulation>> {
        simulations::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// What was decided in it that you may read, the newest first: everything for admins of the projects, for others what is about themselves.
    async fn decisions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only decisions that meet this.")] filter: Option<DecisionFilter>,
    ) -> Result<Connection<Decision>> {
        decisions::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The requests for approval in all its projects that you may read, the newest first: all of them for admins of the projects, for others their own.
    async fn approvals(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only requests that meet this.")] filter: Option<ApprovalFilter>,
    ) -> Result<Connection<Approval>> {
        approvals::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// The MCP servers of all its projects that you may see, in the order in which they were registered.
    async fn mcp_servers(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only servers that meet this.")] filter: Option<McpServerFilter>,
    ) -> Result<Connection<McpServer>> {
        mcp_servers::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// What the usage policies of it and of its projects leave in each window, the latest window first. Its owners and
    /// admins see all of them, others those of projects they administer and of their own use.
    async fn budgets(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only budgets that meet this.")] filter: Option<BudgetFilter>,
    ) -> Result<Connection<Budget>> {
        budgets::of_organization(ctx.request(), self.0.id, Page::new(first, after, last, before)?, filter).await
    }

    /// What deleting it would take along. Null unless you may delete it.
    async fn deletion_impact(&self, ctx: &Context<'_>) -> Result<Option<OrganizationDeletionImpact>> {
        deletion::of_organization(ctx.request(), &self.0).await
    }

    /// What was done in it, the newest first. For its owners and admins; null with the error FORBIDDEN for others.
    async fn audit_log(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
        #[graphql(desc = "Only entries that meet this.")] filter: Option<AuditFilter>,
    ) -> Result<Option<Connection<AuditEntry>>> {
        let page = Page::new(first, after, last, before)?;
        audit::of_organization(ctx.request(), self.0.id, page, filter).await.map(Some)
    }
}

/// The organizations that a page of the viewer's list holds.
pub async fn of_viewer(request: &Request, page: Page) -> Result<Connection<Organization>> {
    let slice = store::of_viewer(request, &page).await?;
    let count = count_by(|request| Box::pin(store::count_of_viewer(request)));
    Ok(Connection::new(slice, store::place, Organization::from, count))
}

/// Queries of organizations.
#[derive(Default)]
pub struct OrganizationQuery;

#[Object]
impl OrganizationQuery {
    /// The organization with this slug; null unless you are a member of one.
    async fn organization(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug of the organization.")] slug: String,
    ) -> Result<Option<Organization>> {
        let request = ctx.request();
        if !checks::is_slug(&slug) {
            return Ok(None);
        }
        let row = request.load::<store::BySlug>(slug).await?;
        let visible = row.filter(|row| request.permitted::<organization::Entity>(row).contains(Action::Read));
        Ok(visible.map(Organization))
    }
}

/// A new organization.
#[derive(InputObject)]
struct OrganizationCreateInput {
    /// An id of your making (a UUIDv7 in its `org_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<OrganizationId>,
    /// Its name, 1 to 255 characters.
    name: String,
    /// Its name in addresses: 1 to 100 lower-case letters, digits and single hyphens; unique on this server.
    slug: String,
    /// What it is for, up to 2,000 characters.
    description: Option<String>,
}

/// Changes of an organization. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct OrganizationUpdateInput {
    /// The organization.
    id: OrganizationId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new name, 1 to 255 characters.
    name: Option<String>,
    /// Its new slug.
    slug: Option<String>,
    /// What it is for, up to 2,000 characters; null for none.
    description: MaybeUndefined<String>,
    /// Where invoices go; null for none.
    billing_email: MaybeUndefined<String>,
    /// Where its people find help; null for none.
    support_email: MaybeUndefined<String>,
    /// Whether members may create spaces.
    members_may_create_spaces: Option<bool>,
    /// Whether members may create projects.
    members_may_create_projects: Option<bool>,
    /// The role that members get in a new open space.
    default_space_role: Option<SpaceRole>,
    /// Whether a tool server needs an administrator's approval.
    require_mcp_approval: Option<bool>,
    /// Whether a tool server is approved by somebody else than who submitted it.
    require_other_mcp_approver: Option<bool>,
    /// How long audit entries are kept: 1 to 3650 days.
    audit_retention_days: Option<i32>,
    /// The model that assistants use unless a project says otherwise.
    default_model: Option<String>,
    /// What is decided about the call of a tool when no policy of the organization says anything.
    default_tool_outcome: Option<DecisionOutcome>,
    /// What is decided about the use of a model when no policy of the organization says anything.
    default_model_outcome: Option<DecisionOutcome>,
    /// How many of a hundred decisions that allow something are recorded, 0 to 100.
    recorded_allows_percent: Option<i32>,
    /// For how many minutes an approval is asked for, and good once it is given: 1 to 10080.
    approval_minutes: Option<i32>,
    /// The time zone of its calendar, as an IANA name such as "Europe/Berlin".
    timezone: Option<String>,
}

/// An organization to delete.
#[derive(InputObject)]
struct OrganizationDeleteInput {
    /// The organization.
    id: OrganizationId,
}

payload! {
    /// What creating an organization ended with.
    OrganizationCreatePayload {
        /// The new organization; null when it was refused.
        organization: Organization, TenancyErrorCode
    }
}

payload! {
    /// What changing an organization ended with.
    OrganizationUpdatePayload {
        /// The organization as it is now, also after a CONFLICT; null when it was refused for another reason.
        organization: Organization, TenancyErrorCode
    }
}

payload! {
    /// What deleting an organization ended with.
    OrganizationDeletePayload {
        /// The id of the organization that is gone; null when it was refused.
        deleted_id: OrganizationId, TenancyErrorCode
    }
}

/// Changes of organizations.
#[derive(Default)]
pub struct OrganizationMutation;

#[Object]
impl OrganizationMutation {
    /// Creates an organization. You become its owner.
    async fn organization_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new organization.")] input: OrganizationCreateInput,
    ) -> Result<OrganizationCreatePayload> {
        let new = NewOrganization { id: input.id, name: input.name, slug: input.slug, description: input.description };
        let outcome = Outcome::of(rules::create_organization(ctx.request(), new).await)?;
        Ok(outcome.map(Organization::from).into())
    }

    /// Changes an organization's properties and settings. For its owners and admins.
    async fn organization_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: OrganizationUpdateInput,
    ) -> Result<OrganizationUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = OrganizationChanges {
            name: input.name,
            slug: input.slug,
            description: checks::text_change(input.description),
            billing_email: checks::text_change(input.billing_email),
            support_email: checks::text_change(input.support_email),
            members_may_create_spaces: input.members_may_create_spaces,
            members_may_create_projects: input.members_may_create_projects,
            default_space_role: input.default_space_role,
            require_mcp_approval: input.require_mcp_approval,
            require_other_mcp_approver: input.require_other_mcp_approver,
            audit_retention_days: input.audit_retention_days,
            default_model: input.default_model,
            default_tool_outcome: input.default_tool_outcome,
            default_model_outcome: input.default_model_outcome,
            recorded_allows_percent: input.recorded_allows_percent,
            approval_minutes: input.approval_minutes,
            timezone: input.timezone,
        };
        let result = rules::update_organization(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(Organization::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = Organization::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Deletes an organization with everything in it. For its owners, with a recent proof of who they are.
    async fn organization_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] input: OrganizationDeleteInput,
    ) -> Result<OrganizationDeletePayload> {
        let outcome = Outcome::of(rules::delete_organization(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }
}
