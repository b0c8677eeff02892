//! How discoveries are stored.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::enums::{McpDiscoveryOccasion, McpDiscoveryStatus, McpEra};
use entity::governance::mcp_discovery::{self, Column, Entity, Model};
use entity::governance::mcp_server;
use entity::ids::{McpDiscoveryId, McpServerId, McpServerVersionId, ProjectId};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, QueryFilter, QueryOrder, QueryResult, QuerySelect, Statement,
};
use serde_json::{Value, json};

use super::trouble::Trouble;
use crate::governance::McpErrorCode as Code;
use crate::platform::authorization::{Authority, Granted};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::mcp::{self, Discovered};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;

/// Characters of a version of the protocol that are kept.
const MOST_VERSION_SIGNS: usize = 20;
/// Bytes that are kept of what a server says about itself, and characters of its instructions.
const MOST_SAID: usize = 64 * 1024;

/// The discoveries of the servers of these projects.
pub fn within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(Column::ProjectId.eq_any(projects))
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a discovery stands in the list of its server, the newest first.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of discoveries below each of many servers.
pub struct BelowServers;

impl Load for BelowServers {
    type Key = (McpServerId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.server_id);
        children::visible_pages::<Entity, _>(context, keys, Column::ServerId, &NEWEST, parent).await
    }
}

/// How many discoveries each server has.
pub struct CountBelowServers;

impl Load for CountBelowServers {
    type Key = McpServerId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<McpServerId>) -> Result<HashMap<McpServerId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::ServerId, &keys).await
    }
}

/// Whether the version was reached and its tools were listed.
pub async fn has_succeeded(connection: &impl ConnectionTrait, version: McpServerVersionId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM governance.mcp_discoveries \
               WHERE version_id = $1 AND status = 'succeeded') AS found";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [version.uuid().into()]);
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a question of existence gave no row"))?;
    Ok(row.try_get("", "found")?)
}

/// Adds a run that begins now, unless one goes on. The database fills in project and organization.
pub async fn insert(
    write: &Write<'_>,
    server: &Granted<mcp_server::Entity>,
    version: McpServerVersionId,
    occasion: McpDiscoveryOccasion,
) -> Result<Model> {
    let request = write.request();
    let row = mcp_discovery::ActiveModel {
        id: Set(request.new_id().into()),
        server_id: Set(server.id),
        version_id: Set(version),
        status: Set(McpDiscoveryStatus::Running),
        client_capabilities: Set(json!({})),
        started_by: Set(write.viewer().user_id()),
        created_at: Set(request.now()),
        occasion: Set(occasion),
        ..Default::default()
    };
    write.insert(server, row).await.map_err(|error| {
        error.when_constraint("mcp_discoveries_running_key", || {
            reject("id", Code::AlreadyRunning, "The server is being connected to at this moment.")
        })
    })
}

/// The run, if it still goes on. Invariant: its server is locked.
pub async fn running(write: &Write<'_>, id: McpDiscoveryId) -> Result<Option<Model>> {
    let runs = write.read().visible::<Entity>().filter(Column::Id.eq(id));
    Ok(runs.filter(Column::Status.eq(McpDiscoveryStatus::Running)).one(write.connection()).await?)
}

/// The tools that the version had when they were last another list than before.
async fn last_tools(write: &Write<'_>, version: McpServerVersionId) -> Result<Option<Value>> {
    let runs = write.read().visible::<Entity>().filter(Column::VersionId.eq(version));
    let last = runs.filter(Column::Status.eq(McpDiscoveryStatus::Succeeded)).filter(Column::Tools.is_not_null());
    let last = last.order_by_desc(Column::CreatedAt).order_by_desc(Column::Id);
    Ok(last.select_only().column(Column::Tools).into_tuple().one(write.connection()).await?)
}

/// Stores what the server said. Its tools are kept where they are another list than before.
pub async fn set_succeeded(
    write: &Write<'_>,
    authority: &dyn Authority,
    row: &Model,
    said: &Discovered,
) -> Result<Model> {
    let tools = Value::Array(said.tools.clone());
    let is_known = last_tools(write, row.version_id).await?.as_ref() == Some(&tools);
    let ended = mcp_discovery::ActiveModel {
        status: Set(McpDiscoveryStatus::Succeeded),
        era: Set(Some(match said.era {
            mcp::Era::Session => McpEra::Session,
            mcp::Era::Stateless => McpEra::Stateless,
        })),
        protocol_version: Set(Some(said.protocol_version.chars().take(MOST_VERSION_SIGNS).collect())),
        server_info: Set(storable(&said.server_info)),
        server_capabilities: Set(storable(&said.server_capabilities)),
        client_capabilities: Set(said.client_capabilities.clone()),
        instructions: Set(said.instructions.as_deref().map(|text| storable_text(text, MOST_SAID))),
        tool_count: Set(i32::try_from(said.tools.len()).ok()),
        tools: Set((!is_known).then_some(tools)),
        duration_ms: Set(i32::try_from(said.duration.as_millis()).ok()),
        ..ended(write, row)
    };
    write.update_below(authority, ended).await
}

pub async fn set_failed(write: &Write<'_>, authority: &dyn Authority, row: &Model, trouble: &Trouble) -> Result<Model> {
    let code = serde_json::to_value(trouble.code).map_err(Error::internal)?;
    let took = write.request().now() - row.created_at;
    let ended = mcp_discovery::ActiveModel {
        status: Set(McpDiscoveryStatus::Failed),
        error_code: Set(code.as_str().map(str::to_owned)),
        error_message: Set(Some(trouble.message.clone())),
        duration_ms: Set(i32::try_from(took.num_milliseconds().max(0)).ok()),
        ..ended(write, row)
    };
    write.update_below(authority, ended).await
}

fn ended(write: &Write<'_>, row: &Model) -> mcp_discovery::ActiveModel {
    mcp_discovery::ActiveModel { id: Set(row.id), ended_at: Set(Some(write.request().now())), ..Default::default() }
}

/// What a server says about itself, unless it says too much or what PostgreSQL does not keep.
fn storable(said: &Value) -> Option<Value> {
    (said.to_string().len() <= MOST_SAID && !checks::holds_nul(said)).then(|| said.clone())
}

/// The beginning of a text, without the character that PostgreSQL does not keep.
fn storable_text(text: &str, most: usize) -> String {
    text.chars().take(most).map(|sign| if sign == '\0' { '\u{fffd}' } else { sign }).collect()
}

const DUE_SQL: &str = "SELECT s.id FROM governance.mcp_servers s \
     JOIN tenancy.projects p ON p.id = s.project_id AND p.deleted_at IS NULL AND p.status = 'active' \
     JOIN tenancy.organizations o ON o.id = s.organization_id AND o.deleted_at IS NULL AND o.status = 'active' \
     WHERE s.deleted_at IS NULL AND s.is_enabled AND s.status = 'approved' \
     AND (s.health_checked_at IS NULL OR s.health_checked_at < $1) \
     AND NOT EXISTS (SELECT FROM governance.mcp_discoveries d WHERE d.server_id = s.id AND d.status = 'running') \
     ORDER BY s.health_checked_at NULLS FIRST LIMIT $2";

/// Approved servers that nobody looked at since, the longest ago first.
pub async fn due(connection: &impl ConnectionTrait, before: DateTime<Utc>, most: i64) -> Result<Vec<McpServerId>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, DUE_SQL, [before.into(), most.into()]);
    let rows = connection.query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(McpServerId(row.try_get("", "id")?))).collect()
}

const LOST_SQL: &str = "SELECT server_id, id FROM governance.mcp_discoveries \
     WHERE status = 'running' AND created_at < $1 ORDER BY created_at LIMIT $2";

/// Runs that have gone on for longer than any can, with their servers.
pub async fn lost(
    connection: &impl ConnectionTrait,
    before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<(McpServerId, McpDiscoveryId)>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, LOST_SQL, [before.into(), most.into()]);
    let rows = connection.query_all_raw(statement).await?;
    let pair =
        |row: &QueryResult| Ok((McpServerId(row.try_get("", "server_id")?), McpDiscoveryId(row.try_get("", "id")?)));
    rows.iter().map(pair).collect()
}
