//! What an organization or a user, never both, has subscribed to.

use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{BillingCycle, Plan, SubscriptionStatus};
use crate::ids::{OrganizationId, SubscriptionId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "subscriptions", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SubscriptionId,
    pub organization_id: Option<OrganizationId>,
    pub user_id: Option<UserId>,
    pub plan: Plan,
    pub stripe_subscription_id: Option<String>,
    pub stripe_price_id: Option<String>,
    pub billing_cycle: BillingCycle,
    pub status: SubscriptionStatus,
    pub current_period_start: Option<DateTimeUtc>,
    pub current_period_end: Option<DateTimeUtc>,
    pub trial_end: Option<DateTimeUtc>,
    pub canceled_at: Option<DateTimeUtc>,
    pub past_due_since: Option<DateTimeUtc>,
    /// What was agreed on with this subscriber; none is what the plan allows.
    pub limits: Option<SubscriptionLimits>,
    pub last_billing_event_at: Option<DateTimeUtc>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a subscription allows. None is no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct SubscriptionLimits {
    /// Members of the organization.
    pub max_users: Option<i64>,
    /// Projects of the organization.
    pub max_projects: Option<i64>,
    /// Tokens in a billing month.
    pub max_tokens_per_month: Option<i64>,
    /// Tool servers, over all projects.
    pub max_mcp_servers: Option<i64>,
    /// Bytes of documents' content.
    pub max_content_bytes: Option<i64>,
}
