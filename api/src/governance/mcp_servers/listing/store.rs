//! How lists of servers are read.

use std::collections::HashMap;

use entity::enums::{McpServerStatus, McpTransport};
use entity::governance::mcp_server::{Column, Entity, Model};
use entity::governance::mcp_server_version;
use entity::ids::{OrganizationId, ProjectId};
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{ColumnTrait, Condition, EntityName};

use super::filter::McpServerFilter;
use crate::governance::mcp_tools;
use crate::platform::children::{self, Narrowed, NarrowedCount};
use crate::platform::errors::Result;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Slice, Sort, SortKey, SortKind};

const BY_TIME: Sort<Column> =
    Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: false };

/// Where a server stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn condition(filter: &McpServerFilter) -> Condition {
    let waits = |wanted: bool| if wanted { needs_review() } else { needs_review().not() };
    Condition::all()
        .add_option(filter.statuses.clone().map(|statuses| Column::Status.is_in(statuses)))
        .add_option(filter.health.clone().map(|health| Column::Health.is_in(health)))
        .add_option(filter.transports.clone().map(reached_by))
        .add_option(filter.is_enabled.map(|is_enabled| Column::IsEnabled.eq(is_enabled)))
        .add_option(filter.needs_review.map(waits))
        .add_option(filter.drifts.clone().map(mcp_tools::server_has_drifted))
        .add_option(filter.name.as_ref().map(|name| name.condition(Column::Name)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
        .add_option(filter.updated_at.as_ref().map(|time| time.condition(Column::UpdatedAt)))
}

fn reached_by(transports: Vec<McpTransport>) -> Expr {
    let version = mcp_server_version::Entity;
    let current = Query::select()
        .expr(Expr::value(1))
        .from(version.table_ref())
        .and_where(Expr::col((version, mcp_server_version::Column::Id)).equals((Entity, Column::CurrentVersionId)))
        .and_where(mcp_server_version::Column::TransportType.is_in(transports))
        .to_owned();
    Expr::exists(current)
}

/// Invariant: what owners and admins of the organization can still decide about a server or its tools.
fn needs_review() -> Condition {
    let submitted =
        Condition::all().add(Column::Status.eq(McpServerStatus::Pending)).add(Column::SubmittedAt.is_not_null());
    let drifted = Condition::all()
        .add(Column::Status.eq(McpServerStatus::Approved))
        .add(mcp_tools::server_has_drifted(mcp_tools::reviewed()));
    Condition::any().add(submitted).add(drifted)
}

/// A page of the servers of each of many projects.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = Narrowed<ProjectId, McpServerFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, project) = (Column::ProjectId, |row: &Model| Some(row.project_id));
        children::narrowed_pages::<Entity, _, _>(context, keys, column, &BY_TIME, condition, project).await
    }
}

/// How many servers each list of a project holds.
pub struct CountOfProjects;

impl Load for CountOfProjects {
    type Key = NarrowedCount<ProjectId, McpServerFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::ProjectId, condition).await
    }
}

/// A page of the servers of all projects of each of many organizations.
pub struct OfOrganizations;

impl Load for OfOrganizations {
    type Key = Narrowed<OrganizationId, McpServerFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, organization) = (Column::OrganizationId, |row: &Model| Some(row.organization_id));
        children::narrowed_pages::<Entity, _, _>(context, keys, column, &BY_TIME, condition, organization).await
    }
}

/// How many servers each list of an organization holds.
pub struct CountOfOrganizations;

impl Load for CountOfOrganizations {
    type Key = NarrowedCount<OrganizationId, McpServerFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::OrganizationId, condition).await
    }
}
