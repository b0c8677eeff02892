//! How servers and their versions are stored.

use std::collections::HashMap;

use entity::enums::{McpHealth, McpServerStatus, McpTransport};
use entity::governance::mcp_server::{self, Column, Entity, Model};
use entity::governance::mcp_server_version;
use entity::ids::{McpServerId, McpServerVersionId, OrganizationId, ProjectId, UserId};
use entity::tenancy::project;
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, FromQueryResult, PaginatorTrait, QueryFilter, QuerySelect,
    Statement,
};
use serde_json::Value;

use super::transport::Transport;
use crate::governance::McpErrorCode as Code;
use crate::platform::authorization::{Authority, Granted};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;

/// The servers of these projects.
pub fn within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(Column::ProjectId.eq_any(projects)).add(Column::DeletedAt.is_null())
}

/// The versions of the servers of these projects.
pub fn versions_within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(mcp_server_version::Column::ProjectId.eq_any(projects))
}

const NEWEST_VERSION: Sort<mcp_server_version::Column> = Sort {
    column: mcp_server_version::Column::Number,
    id: mcp_server_version::Column::Id,
    kind: SortKind::Number,
    descending: true,
};

/// Where a version stands in the list of its server.
pub fn place_of_version(row: &mcp_server_version::Model) -> Cursor {
    Cursor::new(mcp_server_version::Column::Number, SortKey::Number(row.number.into()), row.id)
}

/// A page of the versions of each of many servers.
pub struct Versions;

impl Load for Versions {
    type Key = (McpServerId, Page);
    type Value = Slice<mcp_server_version::Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, parent) =
            (mcp_server_version::Column::ServerId, |row: &mcp_server_version::Model| Some(row.server_id));
        children::visible_pages::<mcp_server_version::Entity, _>(context, keys, column, &NEWEST_VERSION, parent).await
    }
}

/// How many versions each server has.
pub struct CountVersions;

impl Load for CountVersions {
    type Key = McpServerId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<McpServerId>) -> Result<HashMap<McpServerId, i64>> {
        let column = mcp_server_version::Column::ServerId;
        children::visible_counts::<mcp_server_version::Entity, _>(context, column, &keys).await
    }
}

/// How many servers the project has.
pub async fn count(write: &Write<'_>, project: ProjectId) -> Result<u64> {
    let servers = write.read().visible::<Entity>().filter(Column::ProjectId.eq(project));
    Ok(servers.count(write.connection()).await?)
}

/// The number of the server's last version.
pub async fn last_number(write: &Write<'_>, server: McpServerId) -> Result<i32> {
    let versions = write.read().visible::<mcp_server_version::Entity>();
    let last: Option<Option<i32>> = versions
        .filter(mcp_server_version::Column::ServerId.eq(server))
        .select_only()
        .column_as(mcp_server_version::Column::Number.max(), "number")
        .into_tuple()
        .one(write.connection())
        .await?;
    Ok(last.flatten().unwrap_or(0))
}

/// The version, if the viewer may read it.
pub async fn version(write: &Write<'_>, id: McpServerVersionId) -> Result<Option<mcp_server_version::Model>> {
    let versions = write.read().visible::<mcp_server_version::Entity>();
    Ok(versions.filter(mcp_server_version::Column::Id.eq(id)).one(write.connection()).await?)
}

/// Adds a server without a version, which the same write adds.
pub async fn insert(
    write: &Write<'_>,
    project: &Granted<project::Entity>,
    id: Option<McpServerId>,
    name: String,
    description: Option<String>,
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = mcp_server::ActiveModel {
        id: Set(checks::new_id(request, id, Code::IdTaken)?),
        organization_id: Set(project.organization_id),
        project_id: Set(project.id),
        registered_by: Set(write.viewer().user_id()),
        name: Set(name),
        description: Set(description),
        status: Set(McpServerStatus::Pending),
        health: Set(McpHealth::Unknown),
        is_enabled: Set(true),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(project, row).await.map_err(refused)
}

/// What the row of a new version is made from.
pub struct NewVersion {
    pub id: Option<McpServerVersionId>,
    pub number: i32,
    pub label: Option<String>,
    pub transport: Transport,
    pub manifest: Option<Value>,
    pub manifest_url: Option<String>,
}

/// Adds a version. The database fills in project and organization.
pub async fn insert_version(
    write: &Write<'_>,
    authority: &dyn Authority,
    server: McpServerId,
    new: NewVersion,
) -> Result<mcp_server_version::Model> {
    let request = write.request();
    let transport_type: McpTransport = new.transport.kind();
    let (config, environment) = new.transport.into_columns();
    let row = mcp_server_version::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        server_id: Set(server),
        number: Set(new.number),
        label: Set(new.label),
        transport_type: Set(transport_type),
        transport_config: Set(config),
        environment: Set(environment),
        manifest: Set(new.manifest),
        manifest_url: Set(new.manifest_url),
        created_by: Set(write.viewer().user_id()),
        created_at: Set(request.now()),
        ..Default::default()
    };
    write.insert(authority, row).await.map_err(refused)
}

/// The version that a new server begins with.
pub async fn set_first_version(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    version: McpServerVersionId,
) -> Result<Model> {
    let row =
        mcp_server::ActiveModel { id: Set(granted.id), current_version_id: Set(Some(version)), ..Default::default() };
    write.update(granted, row).await
}

/// Another version: whatever was decided about the one before does not hold for it.
pub async fn set_current_version(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    version: McpServerVersionId,
) -> Result<Model> {
    let row = mcp_server::ActiveModel {
        current_version_id: Set(Some(version)),
        status: Set(McpServerStatus::Pending),
        submitted_by: Set(None),
        submitted_at: Set(None),
        rejection_reason: Set(None),
        health: Set(McpHealth::Unknown),
        health_checked_at: Set(None),
        health_error: Set(None),
        ..changed(write, granted)
    };
    write.update(granted, row).await
}

pub async fn update(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    description: Option<String>,
    is_enabled: Option<bool>,
) -> Result<Model> {
    let mut row = changed(write, granted);
    if let Some(description) = description {
        row.description = Set(Some(description).filter(|text| !text.is_empty()));
    }
    if let Some(is_enabled) = is_enabled {
        row.is_enabled = Set(is_enabled);
    }
    write.update(granted, row).await
}

pub async fn mark_deleted(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let mut row = changed(write, granted);
    row.deleted_at = Set(Some(write.request().now()));
    write.update(granted, row).await
}

pub async fn set_submitted(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let row = mcp_server::ActiveModel {
        status: Set(McpServerStatus::Pending),
        submitted_by: Set(write.viewer().user_id()),
        submitted_at: Set(Some(write.request().now())),
        rejection_reason: Set(None),
        ..changed(write, granted)
    };
    write.update(granted, row).await
}

/// Approved by somebody, or by the rules of project and organization alone.
pub async fn set_approved(write: &Write<'_>, granted: &Granted<Entity>, by: Option<UserId>) -> Result<Model> {
    let row = mcp_server::ActiveModel {
        status: Set(McpServerStatus::Approved),
        approved_by: Set(by),
        approved_at: Set(Some(write.request().now())),
        approved_version_id: Set(granted.current_version_id),
        rejection_reason: Set(None),
        ..changed(write, granted)
    };
    write.update(granted, row).await
}

pub async fn set_rejected(write: &Write<'_>, granted: &Granted<Entity>, reason: String) -> Result<Model> {
    let row = mcp_server::ActiveModel {
        status: Set(McpServerStatus::Rejected),
        rejection_reason: Set(Some(reason)),
        ..changed(write, granted)
    };
    write.update(granted, row).await
}

pub async fn set_deprecated(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let row = mcp_server::ActiveModel { status: Set(McpServerStatus::Deprecated), ..changed(write, granted) };
    write.update(granted, row).await
}

/// Another state of what a server is, seen by whoever decides: its tools or the scan of them.
pub async fn set_found(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    write.update(granted, changed(write, granted)).await
}

/// Whether the server answers, which is no change of what it is.
pub async fn set_health(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    health: McpHealth,
    error: Option<String>,
) -> Result<Model> {
    let row = mcp_server::ActiveModel {
        id: Set(granted.id),
        health: Set(health),
        health_checked_at: Set(Some(write.request().now())),
        health_error: Set(error),
        ..Default::default()
    };
    write.update(granted, row).await
}

fn changed(write: &Write<'_>, granted: &Granted<Entity>) -> mcp_server::ActiveModel {
    mcp_server::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    }
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("mcp_servers_name_key", || {
            reject("name", Code::NameTaken, "Another server of the project has this name.")
        })
        .when_constraint("mcp_servers_pkey", || checks::id_taken(Code::IdTaken))
        .when_constraint("mcp_server_versions_pkey", || checks::id_taken(Code::IdTaken))
}

/// Somebody who wants to be told by mail.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Recipient {
    pub user_id: UserId,
    pub email: String,
}

/// Letters of one change at most.
const MOST_LETTERS: i64 = 50;

const APPROVERS_SQL: &str = "SELECT u.id AS user_id, u.email \
     FROM tenancy.members m JOIN identity.users u ON u.id = m.user_id \
     LEFT JOIN identity.user_settings s ON s.user_id = u.id \
     WHERE m.organization_id = $1 AND m.status = 'active' AND m.role IN ('owner', 'admin') \
     AND u.deleted_at IS NULL AND u.status <> 'suspended' \
     AND coalesce((s.notification_settings->>'email')::boolean, true) \
     ORDER BY m.created_at, u.id LIMIT $2";

/// The owners and admins of the organization, the longest-serving first.
pub async fn approvers(write: &Write<'_>, organization: OrganizationId) -> Result<Vec<Recipient>> {
    let values = [organization.uuid().into(), MOST_LETTERS.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, APPROVERS_SQL, values);
    let rows = write.connection().query_all_raw(statement).await?;
    Ok(rows.iter().map(|row| Recipient::from_query_result(row, "")).collect::<Result<_, _>>()?)
}

const ADDRESS_SQL: &str = "SELECT u.id AS user_id, u.email FROM identity.users u \
     LEFT JOIN identity.user_settings s ON s.user_id = u.id \
     WHERE u.id = $1 AND u.deleted_at IS NULL AND u.status <> 'suspended' \
     AND coalesce((s.notification_settings->>'email')::boolean, true)";

/// Where somebody is told by mail, if they want to be.
pub async fn address(write: &Write<'_>, user: UserId) -> Result<Option<Recipient>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, ADDRESS_SQL, [user.uuid().into()]);
    let row = write.connection().query_one_raw(statement).await?;
    Ok(row.map(|row| Recipient::from_query_result(&row, "")).transpose()?)
}
