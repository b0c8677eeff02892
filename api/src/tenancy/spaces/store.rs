//! How spaces are stored.

use std::collections::HashMap;
use std::sync::Arc;

use entity::enums::{SpacePrivacy, SpaceRole};
use entity::ids::{OrganizationId, SpaceId, SpaceMemberId, UserId};
use entity::tenancy::space::{self, Column, Entity, Model, SpaceSettings};
use entity::tenancy::{organization, space_member};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::rules::{NewSpace, SpaceChanges};
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The live spaces among these, or of these organizations.
pub fn within(spaces: Vec<SpaceId>, administered: Vec<OrganizationId>) -> Condition {
    let own = Condition::any().add(Column::Id.eq_any(spaces));
    let own = if administered.is_empty() { own } else { own.add(Column::OrganizationId.eq_any(administered)) };
    Condition::all().add(own).add(Column::DeletedAt.is_null())
}

const BY_NAME: Sort<Column> = Sort { column: Column::Name, id: Column::Id, kind: SortKind::Text, descending: false };

/// Where a row stands in a list by name.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// A page of all spaces that the viewer may see, by name, and where the next one begins.
pub async fn visible(request: &Request, page: &Page) -> Result<(Vec<Model>, Option<Cursor>)> {
    let query = page.apply(request.read().visible::<Entity>(), &BY_NAME)?;
    let slice = page.slice(query.all(&request.connection()).await?);
    let next = slice.rows.last().filter(|_| slice.has_next_page).map(place);
    Ok((slice.rows, next))
}

/// A page of spaces below each of many organizations.
pub struct BelowOrganizations;

impl Load for BelowOrganizations {
    type Key = (OrganizationId, Page);
    type Value = Slice<Arc<Model>>;
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
                |row: &Model| row.organization_id,
            )
            .await?;
            found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone()), slice.map(Arc::new))));
        }
        Ok(found)
    }
}

/// How many spaces each organization has for the viewer.
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

/// The space of a slug in an organization, shared between requests; each viewer's right is checked after loading.
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
        Ok(rows
            .into_iter()
            .filter_map(|row| Some(((row.organization_id?, row.slug.clone()), Some(Arc::new(row)))))
            .collect())
    }
}

/// The personal space of a user.
pub struct Personal;

impl Load for Personal {
    type Key = UserId;
    type Value = Option<Arc<Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<UserId>) -> Result<HashMap<UserId, Self::Value>> {
        let query = Read::new(context.viewer.clone()).visible::<Entity>();
        let rows = query
            .filter(Column::UserId.eq_any(keys))
            .filter(Column::IsPersonal.eq(true))
            .all(&context.connection)
            .await?;
        Ok(rows.into_iter().filter_map(|row| Some((row.user_id?, Some(Arc::new(row))))).collect())
    }
}

pub async fn insert(
    write: &Write<'_>,
    organization: &Granted<organization::Entity>,
    new: NewSpace,
    creator: UserId,
    default_role: SpaceRole,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = space::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        organization_id: Set(Some(organization.id)),
        project_id: Set(new.project_id),
        name: Set(new.name),
        slug: Set(new.slug),
        description: Set(new.description),
        icon: Set(new.icon),
        color: Set(new.color),
        privacy: Set(new.privacy.unwrap_or(SpacePrivacy::Open)),
        default_role: Set(new.default_role.unwrap_or(default_role)),
        is_personal: Set(false),
        is_listed: Set(new.is_listed.unwrap_or(false)),
        settings: Set(SpaceSettings::default()),
        created_by: Set(Some(creator)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(organization, row).await.map_err(refused)
}

pub async fn insert_personal(write: &Write<'_>, authority: &dyn Authority, user: UserId) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = space::ActiveModel {
        id: Set(SpaceId(request.new_id())),
        user_id: Set(Some(user)),
        name: Set("Personal".to_owned()),
        slug: Set("personal".to_owned()),
        privacy: Set(SpacePrivacy::Private),
        default_role: Set(SpaceRole::Reader),
        is_personal: Set(true),
        settings: Set(SpaceSettings::default()),
        created_by: Set(Some(user)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, row).await
}

/// Makes the creator of a space its manager.
pub async fn add_manager(
    write: &Write<'_>,
    organization: &Granted<organization::Entity>,
    space: &Model,
    user: UserId,
) -> Result<()> {
    let request = write.request();
    let now = request.now();
    let row = space_member::ActiveModel {
        id: Set(SpaceMemberId(request.new_id())),
        space_id: Set(space.id),
        organization_id: Set(space.organization_id),
        user_id: Set(Some(user)),
        role: Set(SpaceRole::Manager),
        added_by: Set(Some(user)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(organization, row).await?;
    Ok(())
}

pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, changes: SpaceChanges) -> Result<Model> {
    let mut row = changed(write, granted);
    if let Some(name) = changes.name {
        row.name = Set(name);
    }
    if let Some(slug) = changes.slug {
        row.slug = Set(slug);
    }
    let or_none = |text: String| Some(text).filter(|text| !text.is_empty());
    if let Some(description) = changes.description {
        row.description = Set(or_none(description));
    }
    if let Some(icon) = changes.icon {
        row.icon = Set(or_none(icon));
    }
    if let Some(color) = changes.color {
        row.color = Set(or_none(color));
    }
    if let Some(privacy) = changes.privacy {
        row.privacy = Set(privacy);
    }
    if let Some(role) = changes.default_role {
        row.default_role = Set(role);
    }
    if let Some(listed) = changes.is_listed {
        row.is_listed = Set(listed);
    }
    if let Some(project) = changes.project_id {
        row.project_id = Set(project);
    }
    if let Some(visibility) = changes.default_document_visibility {
        row.settings = Set(SpaceSettings { default_document_visibility: visibility });
    }
    write.update(granted, row).await.map_err(refused)
}

pub async fn set_archived(write: &Write<'_>, granted: &Granted<Entity>, archived: bool) -> Result<Model> {
    let mut row = changed(write, granted);
    row.archived_at = Set(archived.then(|| write.request().now()));
    write.update(granted, row).await
}

pub async fn mark_deleted(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let mut row = changed(write, granted);
    row.deleted_at = Set(Some(write.request().now()));
    write.update(granted, row).await
}

fn changed(write: &Write<'_>, granted: &Granted<Entity>) -> space::ActiveModel {
    space::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    }
}

fn refused(error: Error) -> Error {
    let taken = || reject("slug", Code::SlugTaken, "Another space here has this slug.");
    error
        .when_constraint("spaces_organization_slug_key", taken)
        .when_constraint("spaces_user_slug_key", taken)
        .when_constraint("spaces_pkey", || checks::id_taken(Code::IdTaken))
}
