//! What an organization or a user, never both, has subscribed to.

use async_graphql::SimpleObject;
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
    pub limits: SubscriptionLimits,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}

/// What a subscription allows. Null means no limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct SubscriptionLimits {
    /// Members of the organization.
    pub max_users: Option<i32>,
    /// Projects of the organization.
    pub max_projects: Option<i32>,
    /// Tokens in a billing month.
    pub max_tokens_per_month: Option<i64>,
    /// Tool servers, over all projects.
    pub max_mcp_servers: Option<i32>,
}

impl Default for SubscriptionLimits {
    fn default() -> Self {
        Self {
            max_users: Some(5),
            max_projects: Some(3),
            max_tokens_per_month: Some(1_000_000),
            max_mcp_servers: Some(10),
        }
    }
}
