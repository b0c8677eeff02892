//! A draft of policies tried on decisions that were made.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::SimulationState;
use crate::ids::{OrganizationId, PolicySimulationId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(schema_name = "governance", table_name = "policy_simulations", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: PolicySimulationId,
    pub organization_id: OrganizationId,
    /// None for all projects of the organization.
    pub project_id: Option<ProjectId>,
    pub created_by: Option<UserId>,
    pub draft: Json,
    pub window_start: DateTimeUtc,
    pub window_end: DateTimeUtc,
    pub state: SimulationState,
    pub total: i64,
    pub done: i64,
    pub result: Option<Json>,
    pub error: Option<String>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
}

impl ActiveModelBehavior for ActiveModel {}
