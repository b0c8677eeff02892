//! A limit in one calendar window, for one subject, and what of it is used and reserved.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{BudgetMeasure, BudgetSubject};
use crate::ids::{BudgetId, OrganizationId, PolicyId, ProjectId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "metering", table_name = "budgets", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: BudgetId,
    pub organization_id: OrganizationId,
    pub project_id: Option<ProjectId>,
    pub policy_id: PolicyId,
    pub limit_index: i32,
    pub subject_type: BudgetSubject,
    pub subject_id: Uuid,
    /// Who created the key whose use is counted; none for other subjects.
    pub key_creator_id: Option<UserId>,
    pub measure: BudgetMeasure,
    pub amount: Decimal,
    pub used: Decimal,
    pub reserved: Decimal,
    pub window_start: DateTimeUtc,
    pub window_end: DateTimeUtc,
    pub thresholds_told: Vec<i32>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
