//! How discoveries are stored.

use std::collections::HashMap;

use entity::governance::mcp_discovery::{Column, Entity, Model};
use entity::ids::{McpServerId, McpServerVersionId, ProjectId};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, Statement};

use crate::platform::children;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};

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
