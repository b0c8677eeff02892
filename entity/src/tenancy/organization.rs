//! An organization: the tenant that owns spaces and projects. `owner_id` is its founder.

use async_graphql::SimpleObject;
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{DecisionOutcome, OrganizationStatus, Plan, SpaceRole};
use crate::ids::{OrganizationId, UserId};
use crate::secret::Secret;

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "organizations", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: OrganizationId,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub logo_url: Option<String>,
    pub billing_email: Option<String>,
    pub support_email: Option<String>,
    pub settings: OrganizationSettings,
    pub stripe_customer_id: Option<String>,
    /// Whether nobody reaches it but by its provider.
    pub sso_enabled: bool,
    pub sso_provider: Option<String>,
    /// Whether whom its provider vouches for becomes a member.
    pub sso_auto_join: bool,
    pub sso_config: Option<Secret<Json>>,
    pub allowed_email_domains: Vec<String>,
    pub plan: Plan,
    pub status: OrganizationStatus,
    pub owner_id: Option<UserId>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What the administrators of an organization have decided for all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationSettings {
    /// The model that assistants use unless a project says otherwise.
    pub default_model: String,
    /// Whether a tool server needs an administrator's approval before it may be used.
    pub require_mcp_approval: bool,
    /// Whether a tool server is approved by somebody else than who submitted it.
    pub require_other_mcp_approver: bool,
    /// How long audit entries are kept, in days.
    pub audit_retention_days: i32,
    /// Whether members may create spaces. Administrators always may.
    pub members_may_create_spaces: bool,
    /// Whether members may create projects. Administrators always may.
    pub members_may_create_projects: bool,
    /// The role that members get in a new open space, unless its creator chooses another.
    pub default_space_role: SpaceRole,
    /// What is decided about the call of a tool when no policy of the organization says anything.
    pub default_tool_outcome: DecisionOutcome,
    /// What is decided about the use of a model when no policy of the organization says anything.
    pub default_model_outcome: DecisionOutcome,
    /// How many of a hundred decisions that allow something are recorded. All others always are.
    pub recorded_allows_percent: i32,
    /// For how many minutes an approval is asked for, and good once it is given.
    pub approval_minutes: i32,
    /// The time zone of its calendar, as an IANA name such as "Europe/Berlin": days and months of budgets begin by it.
    pub timezone: String,
}

impl Default for OrganizationSettings {
    fn default() -> Self {
        Self {
            default_model: "claude-3-sonnet".to_owned(),
            require_mcp_approval: true,
            require_other_mcp_approver: false,
            audit_retention_days: 90,
            members_may_create_spaces: true,
            members_may_create_projects: false,
            default_space_role: SpaceRole::Reader,
            default_tool_outcome: DecisionOutcome::Deny,
            default_model_outcome: DecisionOutcome::Allow,
            recorded_allows_percent: 100,
            approval_minutes: 60,
            timezone: "UTC".to_owned(),
        }
    }
}
