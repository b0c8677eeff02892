//! How calls are stored.

use std::collections::HashMap;

use entity::ids::{McpCallId, ProjectId, UserId};
use entity::metering::mcp_usage::{ActiveModel, Column, Entity, Model};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, IntoActiveModel, QueryFilter, Statement,
};

use super::filter::McpCallFilter;
use crate::platform::children::{self, Narrowed};
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::write::Write;

/// Stores calls, each once.
pub async fn insert(write: &Write<'_>, rows: Vec<Model>) -> Result<()> {
    let authority = write.as_system("calls of tools are recorded by the server itself");
    let once = OnConflict::columns([Column::Id, Column::CreatedAt]).do_nothing().to_owned();
    let rows: Vec<ActiveModel> = rows.into_iter().map(|row| row.into_active_model().reset_all()).collect();
    write.insert_missing(&authority, rows, once).await
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a call stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn condition(filter: &McpCallFilter) -> Condition {
    Condition::all()
        .add_option(filter.statuses.clone().map(|statuses| Column::Status.is_in(statuses)))
        .add_option(filter.server_id.map(|id| Column::ServerId.eq(id)))
        .add_option(filter.tool_name.as_ref().map(|name| Column::ToolName.eq(name)))
        .add_option(filter.user_id.map(|id| Column::UserId.eq(id)))
        .add_option(filter.api_key_id.map(|id| Column::ApiKeyId.eq(id)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
}

/// A page of the calls of each of many projects.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = Narrowed<ProjectId, McpCallFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let project = |row: &Model| Some(row.project_id);
        children::narrowed_pages::<Entity, _, _>(context, keys, Column::ProjectId, &NEWEST, condition, project).await
    }
}

/// How many calls a list of a project holds.
pub async fn count_of_project(request: &Request, id: ProjectId, filter: &McpCallFilter) -> Result<i64> {
    let query = request.read().visible::<Entity>().filter(Column::ProjectId.eq(id)).filter(condition(filter));
    request.count(query).await
}

/// Whose call an id stands for.
pub enum Claim {
    /// It was free.
    Ours,
    /// The viewer made a call with it before.
    Before,
    /// Somebody else did.
    Others,
}

/// Takes an id that a client chose, for the viewer's one call with it.
pub async fn claim(write: &Write<'_>, id: McpCallId, user: UserId) -> Result<Claim> {
    let sql = "WITH claimed AS ( \
            INSERT INTO metering.mcp_call_ids (id, user_id, created_at) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING RETURNING id \
        ) SELECT EXISTS (SELECT FROM claimed) AS is_ours, \
            EXISTS (SELECT FROM metering.mcp_call_ids WHERE id = $1 AND user_id = $2) AS is_own";
    let values = [id.uuid().into(), user.uuid().into(), write.request().now().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = write.connection().query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a claim gave no row"))?;
    Ok(match (row.try_get("", "is_ours")?, row.try_get("", "is_own")?) {
        (true, _) => Claim::Ours,
        (false, true) => Claim::Before,
        (false, false) => Claim::Others,
    })
}
