//! A space: where content lives. It belongs to a user or to an organization, never to both.
//! `default_role` is what an open space gives to every active member of its organization.

use async_graphql::SimpleObject;
use sea_orm::FromJsonQueryResult;
use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

use super::organization;
use crate::enums::{DocumentVisibility, SpacePrivacy, SpaceRole};
use crate::ids::{OrganizationId, ProjectId, SpaceId, UserId};

#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(schema_name = "tenancy", table_name = "spaces", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: SpaceId,
    pub user_id: Option<UserId>,
    pub organization_id: Option<OrganizationId>,
    pub project_id: Option<ProjectId>,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub icon: Option<String>,
    pub color: Option<String>,
    pub privacy: SpacePrivacy,
    pub default_role: SpaceRole,
    pub is_personal: bool,
    /// Shows its name to the organization while it is private, so that its members may ask to join.
    pub is_listed: bool,
    pub settings: SpaceSettings,
    pub created_by: Option<UserId>,
    pub version: i32,
    pub archived_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub deleted_at: Option<DateTimeUtc>,
    #[sea_orm(belongs_to, from = "organization_id", to = "id")]
    pub organization: BelongsTo<Option<organization::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}

/// What the managers of a space have decided for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, SimpleObject)]
#[serde(rename_all = "camelCase", default)]
pub struct SpaceSettings {
    /// Who may read a new document, unless its author chooses otherwise.
    pub default_document_visibility: DocumentVisibility,
}

impl Default for SpaceSettings {
    fn default() -> Self {
        Self { default_document_visibility: DocumentVisibility::Space }
    }
}
