//! An event that a mutation wrote in its own transaction. The relay gives it its `position` in the feed.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use crate::enums::{ActorType, EventStream};
use crate::ids::{EventId, OrganizationId, ProjectId, SpaceId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "platform", table_name = "outbox", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key)]
    pub id: i64,
    pub position: Option<i64>,
    pub event_id: EventId,
    pub event_type: String,
    pub stream: EventStream,
    pub actor_type: ActorType,
    pub actor_id: Option<Uuid>,
    pub resource_type: String,
    pub resource_id: Uuid,
    pub organization_id: Option<OrganizationId>,
    pub space_id: Option<SpaceId>,
    pub project_id: Option<ProjectId>,
    pub payload: Json,
    pub request_id: Option<Uuid>,
    pub created_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
