//! How teams are stored.

use std::collections::HashMap;

use entity::ids::{OrganizationId, ProjectId, SpaceId, TeamId};
use entity::tenancy::team::{self, Column, Entity, Model};
use entity::tenancy::{organization, project_member, space_member};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::rules::{NewTeam, TeamChanges};
use crate::platform::authorization::Granted;
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The teams of these organizations.
pub fn among(organizations: Vec<OrganizationId>) -> Condition {
    Condition::all().add(Column::OrganizationId.eq_any(organizations))
}

const BY_NAME: Sort<Column> = Sort { column: Column::Name, id: Column::Id, kind: SortKind::Text, descending: false };

/// Where a row stands in a list by name.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// A page of teams below each of many organizations.
pub struct BelowOrganizations;

impl Load for BelowOrganizations {
    type Key = (OrganizationId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.organization_id);
        children::visible_pages::<Entity, _>(context, keys, Column::OrganizationId, &BY_NAME, parent).await
    }
}

/// How many teams each organization has.
pub struct CountBelowOrganizations;

impl Load for CountBelowOrganizations {
    type Key = OrganizationId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<OrganizationId>) -> Result<HashMap<OrganizationId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::OrganizationId, &keys).await
    }
}

/// The spaces in which the team has a role.
pub async fn granted_spaces(write: &Write<'_>, team: TeamId) -> Result<Vec<SpaceId>> {
    let roles = write.read().through_granted_row::<space_member::Entity>("the roles of a team that changes");
    let rows = roles.filter(space_member::Column::TeamId.eq(team)).all(write.connection()).await?;
    Ok(rows.into_iter().map(|row| row.space_id).collect())
}

/// The projects in which the team has a role.
pub async fn granted_projects(write: &Write<'_>, team: TeamId) -> Result<Vec<ProjectId>> {
    let roles = write.read().through_granted_row::<project_member::Entity>("the roles of a team that changes");
    let rows = roles.filter(project_member::Column::TeamId.eq(team)).all(write.connection()).await?;
    Ok(rows.into_iter().map(|row| row.project_id).collect())
}

pub async fn insert(write: &Write<'_>, organization: &Granted<organization::Entity>, new: NewTeam) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = team::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        organization_id: Set(organization.id),
        name: Set(new.name),
        description: Set(new.description),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
    };
    write.insert(organization, row).await.map_err(refused)
}

pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, changes: TeamChanges) -> Result<Model> {
    let mut row = team::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
    if let Some(name) = changes.name {
        row.name = Set(name);
    }
    if let Some(description) = changes.description {
        row.description = Set(Some(description).filter(|text| !text.is_empty()));
    }
    write.update(granted, row).await.map_err(refused)
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("teams_name_key", || {
            reject("name", Code::NameTaken, "Another team of the organization has this name.")
        })
        .when_constraint("teams_pkey", || checks::id_taken(Code::IdTaken))
}
