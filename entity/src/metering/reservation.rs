//! What a call may cost, held until it is known what it did cost.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::ReservationState;
use crate::ids::{BudgetId, DecisionId, OrganizationId, ProjectId, ReservationId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "metering", table_name = "reservations", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: ReservationId,
    pub budget_id: BudgetId,
    pub organization_id: OrganizationId,
    pub project_id: Option<ProjectId>,
    pub decision_id: DecisionId,
    pub estimate: Decimal,
    pub actual: Option<Decimal>,
    pub state: ReservationState,
    pub expires_at: DateTimeUtc,
    pub settled_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
