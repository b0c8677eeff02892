//! How organizations are stored.

use std::collections::HashMap;
use std::sync::Arc;

use entity::enums::{OrganizationStatus, Plan};
use entity::ids::{OrganizationId, UserId};
use entity::tenancy::organization::{self, Column, Entity, Model, OrganizationSettings};
use sea_orm::ActiveValue::Set;
use sea_orm::{ColumnTrait, Condition, QueryFilter};

use super::rules::{NewOrganization, OrganizationChanges};
use crate::platform::authorization::{Authority, Granted, Read};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::held;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::write::Write;
use crate::tenancy::TenancyErrorCode as Code;

/// The live organizations among these.
pub fn among(ids: Vec<OrganizationId>) -> Condition {
    Condition::all()
        .add(Column::Id.eq_any(ids))
        .add(Column::DeletedAt.is_null())
        .add(Column::Status.eq(OrganizationStatus::Active))
}

/// The organization of a slug, shared between concurrent requests; each viewer's right is checked after loading.
pub struct BySlug;

impl Load for BySlug {
    type Key = String;
    type Value = Option<Arc<Model>>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<String>) -> Result<HashMap<String, Self::Value>> {
        let query = Read::new(context.viewer.clone()).visible::<Entity>();
        let query = query.filter(Column::Slug.eq_any(keys)).filter(Column::DeletedAt.is_null());
        let rows = held::of_query(context, query).await?;
        Ok(rows.into_iter().map(|row| (row.slug.clone(), Some(row))).collect())
    }
}

const BY_NAME: Sort<Column> = Sort { column: Column::Name, id: Column::Id, kind: SortKind::Text, descending: false };

/// Where a row stands in a list by name.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// The viewer's organizations, by name.
pub async fn of_viewer(request: &Request, page: &Page) -> Result<Slice<Model>> {
    let query = page.apply(request.read().visible::<Entity>(), &BY_NAME)?;
    Ok(page.slice(query.all(&request.connection()).await?))
}

/// How many organizations the viewer is a member of.
pub async fn count_of_viewer(request: &Request) -> Result<i64> {
    request.count(request.read().visible::<Entity>()).await
}

pub async fn insert(
    write: &Write<'_>,
    authority: &dyn Authority,
    new: NewOrganization,
    founder: UserId,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = organization::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        name: Set(new.name),
        slug: Set(new.slug),
        description: Set(new.description),
        settings: Set(OrganizationSettings::default()),
        plan: Set(Plan::Free),
        status: Set(OrganizationStatus::Active),
        owner_id: Set(Some(founder)),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, row).await.map_err(refused)
}

pub async fn update(write: &Write<'_>, granted: &Granted<Entity>, changes: OrganizationChanges) -> Result<Model> {
    let mut row = organization::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    };
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
    if let Some(email) = changes.billing_email {
        row.billing_email = Set(or_none(email));
    }
    if let Some(email) = changes.support_email {
        row.support_email = Set(or_none(email));
    }
    let held = granted.settings.clone();
    row.settings = Set(OrganizationSettings {
        members_may_create_spaces: changes.members_may_create_spaces.unwrap_or(held.members_may_create_spaces),
        members_may_create_projects: changes.members_may_create_projects.unwrap_or(held.members_may_create_projects),
        default_space_role: changes.default_space_role.unwrap_or(held.default_space_role),
        require_mcp_approval: changes.require_mcp_approval.unwrap_or(held.require_mcp_approval),
        require_other_mcp_approver: changes.require_other_mcp_approver.unwrap_or(held.require_other_mcp_approver),
        audit_retention_days: changes.audit_retention_days.unwrap_or(held.audit_retention_days),
        default_model: changes.default_model.unwrap_or(held.default_model),
        default_tool_outcome: changes.default_tool_outcome.unwrap_or(held.default_tool_outcome),
        default_model_outcome: changes.default_model_outcome.unwrap_or(held.default_model_outcome),
        recorded_allows_percent: changes.recorded_allows_percent.unwrap_or(held.recorded_allows_percent),
        approval_minutes: changes.approval_minutes.unwrap_or(held.approval_minutes),
        timezone: changes.timezone.unwrap_or(held.timezone),
    });
    write.update(granted, row).await.map_err(refused)
}

pub async fn mark_deleted(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let now = write.request().now();
    let row = organization::ActiveModel {
        id: Set(granted.id),
        deleted_at: Set(Some(now)),
        updated_at: Set(now),
        version: Set(granted.version + 1),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("organizations_slug_key", || {
            reject("slug", Code::SlugTaken, "Another organization has this slug.")
        })
        .when_constraint("organizations_pkey", || checks::id_taken(Code::IdTaken))
}
