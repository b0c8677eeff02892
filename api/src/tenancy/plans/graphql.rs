//! Subscriptions as a client sees them. What is used counts what is hidden too, so of an organization only its owners and
//! admins see it.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object, SimpleObject};
use chrono::{DateTime, Utc};
use entity::enums::{BillingCycle, Plan, SubscriptionStatus};
use entity::ids::{OrganizationId, SubscriptionId, UserId};
use entity::tenancy::{organization, subscription};

use super::rules::{self, Owner};
use super::standing::Payment;
use super::{standing, store};
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::organizations::Organization;

/// A subscription, whether it has a row or not.
#[derive(Clone, Debug)]
pub struct PlanSubscription {
    owner: Owner,
    /// The plan of who has never subscribed.
    plan: Plan,
    row: Option<Arc<subscription::Model>>,
}

/// What a plan leaves room for. Each is a whole number, which may be above what an Int holds.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct PlanLimits {
    /// Members of the organization; null for no limit.
    max_users: Option<f64>,
    /// Projects of the organization; null for no limit.
    max_projects: Option<f64>,
    /// Tokens in a calendar month; null for no limit. Uses of models consume them; a call of an MCP tool never does.
    max_tokens_per_month: Option<f64>,
    /// Tool servers, over all projects; null for no limit.
    max_mcp_servers: Option<f64>,
    /// Bytes of documents' content, the trash included; null for no limit.
    max_content_bytes: Option<f64>,
}

/// What is used of what a plan limits.
#[derive(Clone, Copy, Debug, SimpleObject)]
pub struct PlanUsage {
    /// Members of the organization, suspended ones included.
    users: i64,
    /// Projects of the organization.
    projects: i64,
    /// Tool servers, over all projects.
    mcp_servers: i64,
    /// Bytes of documents' content, the trash included: a whole number which may be above what an Int holds.
    content_bytes: f64,
}

impl PlanSubscription {
    /// The subscription, if the viewer may see it.
    pub async fn find(request: &Request, id: SubscriptionId) -> Result<Option<Self>> {
        if let Some(row) = request.find::<subscription::Entity>(id).await? {
            return Ok(Some(Self::from(subscription::Model::clone(&row))));
        }
        if request.viewer().user_id().map(UserId::uuid) == Some(id.uuid()) {
            return Self::of_viewer(request, UserId(id.uuid())).await.map(Some);
        }
        match request.find::<organization::Entity>(OrganizationId(id.uuid())).await? {
            Some(row) => Self::of_organization(request, &row).await,
            None => Ok(None),
        }
    }

    /// The subscription of an organization, for those who administer it.
    pub async fn of_organization(request: &Request, row: &organization::Model) -> Result<Option<Self>> {
        let owner = Owner::Organization(row.id);
        if !owner.permitted(&request.viewer()).contains(Action::Read) {
            return Ok(None);
        }
        let plan = row.plan;
        Ok(Some(Self { owner, plan, row: request.load::<store::OfOrganizations>(row.id).await? }))
    }

    /// The viewer's own.
    pub async fn of_viewer(request: &Request, id: UserId) -> Result<Self> {
        let row = store::of_user(request, id).await?.map(Arc::new);
        Ok(Self { owner: Owner::User(id), plan: Plan::Free, row })
    }

    fn told<T>(&self, of: impl FnOnce(&subscription::Model) -> Option<T>) -> Option<T> {
        self.row.as_deref().and_then(of)
    }
}

impl From<subscription::Model> for PlanSubscription {
    fn from(row: subscription::Model) -> Self {
        let owner = match (row.organization_id, row.user_id) {
            (Some(id), _) => Owner::Organization(id),
            (None, id) => Owner::User(id.unwrap_or(UserId(row.id.uuid()))),
        };
        Self { owner, plan: row.plan, row: Some(Arc::new(row)) }
    }
}

/// What an organization or a person has subscribed to. Of an organization its owners and admins see it, of a person
/// nobody else.
#[Object]
impl PlanSubscription {
    /// The id of the subscription.
    pub async fn id(&self) -> SubscriptionId {
        self.row.as_ref().map_or(self.owner.subscription_id(), |row| row.id)
    }

    /// The organization; null when it is a person's own.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        match self.owner {
            Owner::Organization(id) => Organization::find(ctx.request(), id).await,
            Owner::User(_) => Ok(None),
        }
    }

    /// The plan.
    async fn plan(&self) -> Plan {
        self.row.as_ref().map_or(self.plan, |row| row.plan)
    }

    /// How often it is billed.
    async fn billing_cycle(&self) -> BillingCycle {
        self.row.as_ref().map_or(BillingCycle::Monthly, |row| row.billing_cycle)
    }

    /// Its state.
    async fn status(&self) -> SubscriptionStatus {
        self.row.as_ref().map_or(SubscriptionStatus::Active, |row| row.status)
    }

    /// Whether it is paid for, in its trial, or so shortly unpaid that it changes nothing. Without that the limits are
    /// those of the free plan, and tools and models cannot be used.
    async fn is_in_good_standing(&self, ctx: &Context<'_>) -> bool {
        let request = ctx.request();
        let settings = &request.platform.config.plans;
        self.row.as_deref().is_none_or(|row| Payment::from(row).is_good(settings, request.now()))
    }

    /// When the period began that is paid for; null when nothing was paid for.
    async fn current_period_start(&self) -> Option<DateTime<Utc>> {
        self.told(|row| row.current_period_start)
    }

    /// When the period ends that is paid for; null when nothing was paid for.
    async fn current_period_end(&self) -> Option<DateTime<Utc>> {
        self.told(|row| row.current_period_end)
    }

    /// When the trial ends or ended; null when there was none.
    async fn trial_end(&self) -> Option<DateTime<Utc>> {
        self.told(|row| row.trial_end)
    }

    /// When it was canceled; null when it was not. It may go on until the end of the period.
    async fn canceled_at(&self) -> Option<DateTime<Utc>> {
        self.told(|row| row.canceled_at)
    }

    /// Since when a payment is due; null when none is.
    async fn past_due_since(&self) -> Option<DateTime<Utc>> {
        self.told(|row| row.past_due_since)
    }

    /// What it leaves room for at this moment.
    async fn limits(&self, ctx: &Context<'_>) -> PlanLimits {
        let request = ctx.request();
        let limits = standing::limits(self.row.as_deref(), self.plan, &request.platform.config.plans, request.now());
        // Whole numbers are exact up to 2^53.
        let number = |limit: Option<i64>| limit.map(|limit| limit as f64);
        PlanLimits {
            max_users: number(limits.max_users),
            max_projects: number(limits.max_projects),
            max_tokens_per_month: number(limits.max_tokens_per_month),
            max_mcp_servers: number(limits.max_mcp_servers),
            max_content_bytes: number(limits.max_content_bytes),
        }
    }

    /// What is used of it at this moment.
    async fn usage(&self, ctx: &Context<'_>) -> Result<PlanUsage> {
        let used = store::used(&ctx.request().connection(), self.owner).await?;
        Ok(PlanUsage {
            users: used.members,
            projects: used.projects,
            mcp_servers: used.mcp_servers,
            content_bytes: used.content_bytes as f64,
        })
    }

    /// Counts its changes; give it as expectedVersion. 1 before the first.
    async fn version(&self) -> i32 {
        self.row.as_ref().map_or(1, |row| row.version)
    }

    /// What you may do with it: EDIT changes the plan, where nobody is paid.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        self.owner.permitted(&ctx.request().viewer()).actions()
    }
}

/// A change of plan.
#[derive(InputObject)]
struct SubscriptionChangeInput {
    /// The organization; without one, your own subscription changes.
    organization_id: Option<OrganizationId>,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The new plan.
    plan: Plan,
    /// How often it is billed. Left out, that stays as it is.
    billing_cycle: Option<BillingCycle>,
}

payload! {
    /// What changing a plan ended with.
    SubscriptionChangePayload {
        /// The subscription as it is now, also after a CONFLICT; null when it was refused for another reason.
        subscription: PlanSubscription, TenancyErrorCode
    }
}

/// Changes of plans.
#[derive(Default)]
pub struct PlanMutation;

#[Object]
impl PlanMutation {
    /// Changes the plan of an organization, for its owners, or your own. Where payments are told of by their provider the
    /// plan follows them, and this is refused as BILLED_ELSEWHERE.
    async fn subscription_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: SubscriptionChangeInput,
    ) -> Result<SubscriptionChangePayload> {
        let (request, id) = (ctx.request(), input.organization_id);
        let result = rules::change_plan(request, id, input.plan, input.billing_cycle, input.expected_version).await;
        let mut outcome = Outcome::of(result)?.map(PlanSubscription::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            let owner = id.map(OrganizationId::uuid).or(request.viewer().user_id().map(UserId::uuid));
            if let Some(owner) = owner {
                outcome.object = PlanSubscription::find(request, SubscriptionId(owner)).await?;
            }
        }
        Ok(outcome.into())
    }
}
