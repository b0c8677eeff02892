//! A team of an organization. What is granted to a team is granted to its members.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::organization;
use crate::ids::{OrganizationId, TeamId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "teams", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: TeamId,
    pub organization_id: OrganizationId,
    pub name: String,
    pub description: Option<String>,
    pub version: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    #[sea_orm(belongs_to, from = "organization_id", to = "id")]
    pub organization: BelongsTo<organization::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
