//! How projects are stored.

use std::collections::HashMap;
use std::sync::Arc;

use entity::enums::ProjectStatus;
use entity::ids::{OrganizationId, ProjectId, UserId};
use entity::tenancy::project::{self, Column, Entity, Model, ProjectQuotas, ProjectSettings};
use entity::tenancy::{organization, space};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::rules::NewProject;
use crate::platform::authorization::{Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The live projects among these.
pub fn among(ids: Vec<ProjectId>) -> Condition {
    Condition::all().add(Column::Id.eq_any(ids)).add(Column::DeletedAt.is_null())
}

const BY_NAME: Sort<Column> = Sort { column: Column::Name, id: Column::Id, kind: SortKind::Text, descending: false };

/// Where a row stands in a list by name.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// A page of projects below each of many organizations.
pub struct BelowOrganizations;

impl Load for BelowOrganizations {
    type Key = (OrganizationId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::new();
        for (page, parents) in children::by_page(keys) {
            let query = Read::new(context.viewer.clone()).visible::<Entity>();
            let slices = children::pages(
                &context.connection,
                query,
                Column::OrganizationId,
                &parents,
                &page,
                &BY_NAME,
                |row: &Model| Some(row.organization_id),
            )
            .await?;
            found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone()), slice)));
        }
        Ok(found)
    }
}

/// How many projects each organization has for the viewer.
pub struct CountBelowOrganizations;

impl Load for CountBelowOrganizations {
    type Key = OrganizationId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<OrganizationId>) -> Result<HashMap<OrganizationId, i64>> {
        let query = Read::new(context.viewer.clone()).visible::<Entity>();
        children::counts(&context.connection, query, Column::OrganizationId, &keys).await
    }
}

/// The project of a slug in an organization, shared between requests; each viewer's right is checked after loading.
pub struct BySlug;

impl Load for BySlug {
    type Key = (OrganizationId, String);
    type Value = Option<Arc<Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (organizations, slugs): (Vec<OrganizationId>, Vec<String>) = keys.into_iter().unzip();
        let query = Read::new(context.viewer.clone()).visible::<Entity>();
        let rows = query
            .filter(Column::OrganizationId.eq_any(organizations))
            .filter(Column::Slug.eq_any(slugs))
            .filter(Column::DeletedAt.is_null())
            .all(&context.connection)
            .await?;
        Ok(rows.into_iter().map(|row| ((row.organization_id, row.slug.clone()), Some(Arc::new(row)))).collect())
    }
}

const SPACES_BY_TIME: Sort<space::Column> =
    Sort { column: space::Column::CreatedAt, id: space::Column::Id, kind: SortKind::Time, descending: false };

/// Where a space stands in the list of a project.
pub fn place_of_space(row: &space::Model) -> Cursor {
    Cursor::new(space::Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of the spaces that are attached to each of many projects.
pub struct AttachedSpaces;

impl Load for AttachedSpaces {
    type Key = (ProjectId, Page);
    type Value = Slice<space::Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let mut found = HashMap::new();
        for (page, parents) in children::by_page(keys) {
            let query = Read::new(context.viewer.clone()).visible::<space::Entity>();
            let slices = children::pages(
                &context.connection,
                query,
                space::Column::ProjectId,
                &parents,
                &page,
                &SPACES_BY_TIME,
                |row: &space::Model| row.project_id,
            )
            .await?;
            found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone()), slice)));
        }
        Ok(found)
    }
}

/// How many attached spaces each project has for the viewer.
pub struct CountAttachedSpaces;

impl Load for CountAttachedSpaces {
    type Key = ProjectId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<ProjectId>) -> Result<HashMap<ProjectId, i64>> {
        let query = Read::new(context.viewer.clone()).visible::<space::Entity>();
        children::counts(&context.connection, query, space::Column::ProjectId, &keys).await
    }
}

pub async fn insert(
    write: &Write<'_>,
    organization: &Granted<organization::Entity>,
    new: NewProject,
    creator: UserId,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = project::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        organization_id: Set(organization.id),
        name: Set(new.name),
        slug: Set(new.slug),
        description: Set(new.description),
        settings: Set(ProjectSettings::default()),
        quotas: Set(ProjectQuotas::default()),
        status: Set(ProjectStatus::Active),
        created_by: Set(Some(creator)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(organization, row).await.map_err(refused)
}

/// The new values of a project; none leaves a value as it is.
pub struct ProjectUpdate {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub status: Option<ProjectStatus>,
    pub settings: ProjectSettings,
    pub quotas: ProjectQuotas,
}

pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, update: ProjectUpdate) -> Result<Model> {
    let mut row = changed(write, granted);
    if let Some(name) = update.name {
        row.name = Set(name);
    }
    if let Some(slug) = update.slug {
        row.slug = Set(slug);
    }
    if let Some(description) = update.description {
        row.description = Set(Some(description).filter(|text| !text.is_empty()));
    }
    if let Some(status) = update.status {
        row.status = Set(status);
    }
    row.settings = Set(update.settings);
    row.quotas = Set(update.quotas);
    write.update(granted, row).await.map_err(refused)
}

pub async fn mark_deleted(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let mut row = changed(write, granted);
    row.deleted_at = Set(Some(write.request().now()));
    write.update(granted, row).await
}

fn changed(write: &Write<'_>, granted: &Granted<Entity>) -> project::ActiveModel {
    project::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    }
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("projects_slug_key", || {
            reject("slug", Code::SlugTaken, "Another project of the organization has this slug.")
        })
        .when_constraint("projects_pkey", || checks::id_taken(Code::IdTaken))
}
