//! Who may change a subscription, and whether it leaves room for what is about to be made.

use chrono::{DateTime, Utc};
use entity::enums::{BillingCycle, MemberRole, Plan, SubscriptionStatus};
use entity::ids::{OrganizationId, SpaceId, SubscriptionId, UserId};
use entity::tenancy::subscription::SubscriptionLimits;
use entity::tenancy::{organization, subscription};
use sea_orm::Condition;

use super::{standing, store};
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Reached, Result, reject, reject_over};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const CHANGE: ActionSet = READ.and(ActionSet::of(&[Action::Edit]));

impl Resource for subscription::Entity {
    type Id = SubscriptionId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::UsageRead, READ)];

    fn id(row: &subscription::Model) -> SubscriptionId {
        row.id
    }

    fn id_column() -> subscription::Column {
        subscription::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &subscription::Model) -> ActionSet {
        match (row.organization_id, row.user_id) {
            (Some(organization), _) => Owner::Organization(organization).permitted(viewer),
            (None, Some(user)) => Owner::User(user).permitted(viewer),
            (None, None) => ActionSet::NONE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        match (viewer.grants(), viewer.user_id()) {
            (Some(grants), Some(user)) => store::of_owners(grants.administered(), user),
            _ => nothing(),
        }
    }
}

/// Whose subscription it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    Organization(OrganizationId),
    User(UserId),
}

impl Owner {
    /// The id of the subscription.
    pub fn subscription_id(self) -> SubscriptionId {
        match self {
            Self::Organization(id) => SubscriptionId(id.uuid()),
            Self::User(id) => SubscriptionId(id.uuid()),
        }
    }

    /// What the viewer may do with the subscription.
    pub fn permitted(self, viewer: &Viewer) -> ActionSet {
        match self {
            Self::Organization(id) => match viewer.organization_role(id) {
                None | Some(MemberRole::Viewer | MemberRole::Member) => ActionSet::NONE,
                Some(MemberRole::Admin) => READ,
                Some(MemberRole::Owner) => CHANGE,
            },
            Self::User(id) if viewer.user_id() == Some(id) => CHANGE,
            Self::User(_) => ActionSet::NONE,
        }
    }
}

/// Something that a plan limits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counted {
    Members,
    Projects,
    McpServers,
    /// In bytes.
    Content,
}

impl Counted {
    fn most(self, limits: &SubscriptionLimits) -> Option<i64> {
        match self {
            Self::Members => limits.max_users,
            Self::Projects => limits.max_projects,
            Self::McpServers => limits.max_mcp_servers,
            Self::Content => limits.max_content_bytes,
        }
    }

    /// How many things, and the name of the limit.
    fn phrase(self, most: i64) -> String {
        match self {
            Self::Members => format!("{most} members: its limit maxUsers"),
            Self::Projects => format!("{most} projects: its limit maxProjects"),
            Self::McpServers => format!("{most} tool servers: its limit maxMcpServers"),
            Self::Content => format!("{most} bytes of content: its limit maxContentBytes"),
        }
    }
}

/// Refuses what the plan leaves no room for, with the code PLAN_LIMIT_REACHED, which the mutation's own codes must hold.
/// Call it after the other checks and locks of a write: nothing that waits for another write of the owner comes after it.
pub async fn check_room(
    write: &Write<'_>,
    owner: Owner,
    counted: Counted,
    more: i64,
    field: &'static str,
) -> Result<()> {
    let request = write.request();
    let row = store::of_owner(write, owner).await?;
    if counted.most(&limits_of(request, owner, row.as_ref(), write).await?).is_none() {
        return Ok(());
    }
    // What it allows may have changed while others were waited for.
    let row = store::locked(write, owner).await?;
    let Some(most) = counted.most(&limits_of(request, owner, Some(&row), write).await?) else { return Ok(()) };
    let used = store::used(write.connection(), owner).await?.of(counted);
    if more <= 0 || used + more <= most {
        return Ok(());
    }
    let message = format!("The plan allows at most {}; {used} are used.", counted.phrase(most));
    Err(reject_over(field, Code::PlanLimitReached, message, Reached { limit: most, used }))
}

async fn limits_of(
    request: &Request,
    owner: Owner,
    row: Option<&subscription::Model>,
    write: &Write<'_>,
) -> Result<SubscriptionLimits> {
    let settings = &request.platform.config.plans;
    let is_any_limited = settings.is_billed() || settings.plan_limits.is_some();
    let plan = match (row, is_any_limited) {
        (None, true) => store::plan_without_row(write.connection(), owner).await?,
        _ => Plan::Free,
    };
    Ok(standing::limits(row, plan, settings, request.now()))
}

/// Refuses content for which the plan of a space's owner leaves no room.
pub async fn check_content(
    write: &Write<'_>,
    space: SpaceId,
    organization: Option<OrganizationId>,
    field: &'static str,
    bytes: i64,
) -> Result<()> {
    let owner = match organization {
        Some(organization) => Owner::Organization(organization),
        None => store::owner_of_space(write, space).await?,
    };
    check_room(write, owner, Counted::Content, bytes, field).await
}

/// Changes the plan of an organization, or of the viewer, where nobody is paid.
pub async fn change_plan(
    request: &Request,
    organization: Option<OrganizationId>,
    plan: Plan,
    cycle: Option<BillingCycle>,
    expected_version: Option<i32>,
) -> Result<Committed<subscription::Model>> {
    let user = request.user_id()?;
    let mut write = request.begin_write_of_grants().await?;
    let owner = match organization {
        Some(id) => {
            write.granted::<organization::Entity>(id, Action::Transfer).await?;
            Owner::Organization(id)
        }
        None => Owner::User(user),
    };
    if request.platform.config.plans.is_billed() {
        let message = "The plan changes with what is paid for. Change it where you pay.";
        return Err(reject("plan", Code::BilledElsewhere, message));
    }
    let held = store::locked(&write, owner).await?;
    checks::version(expected_version, held.version, Code::Conflict, "The subscription changed since you read it.")?;
    let changed = Terms {
        plan,
        billing_cycle: cycle.unwrap_or(held.billing_cycle),
        status: SubscriptionStatus::Active,
        past_due_since: None,
        canceled_at: None,
        ..Terms::of(&held)
    };
    let updated = store::update(&write, &held, changed).await?;
    write.record(&event(&updated));
    write.commit(updated).await
}

/// What is told of a change.
pub fn event(row: &subscription::Model) -> TenancyEvent {
    TenancyEvent::SubscriptionChanged { subscription: row.id, organization: row.organization_id }
}

/// What a subscription says that can change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Terms {
    pub plan: Plan,
    pub billing_cycle: BillingCycle,
    pub status: SubscriptionStatus,
    pub current_period_start: Option<DateTime<Utc>>,
    pub current_period_end: Option<DateTime<Utc>>,
    pub trial_end: Option<DateTime<Utc>>,
    pub canceled_at: Option<DateTime<Utc>>,
    pub past_due_since: Option<DateTime<Utc>>,
    pub stripe_subscription_id: Option<String>,
    pub stripe_price_id: Option<String>,
    pub last_billing_event_at: Option<DateTime<Utc>>,
}

impl Terms {
    pub fn of(row: &subscription::Model) -> Self {
        Self {
            plan: row.plan,
            billing_cycle: row.billing_cycle,
            status: row.status,
            current_period_start: row.current_period_start,
            current_period_end: row.current_period_end,
            trial_end: row.trial_end,
            canceled_at: row.canceled_at,
            past_due_since: row.past_due_since,
            stripe_subscription_id: row.stripe_subscription_id.clone(),
            stripe_price_id: row.stripe_price_id.clone(),
            last_billing_event_at: row.last_billing_event_at,
        }
    }
}
