//! How tools are stored.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::enums::{McpServerStatus, RiskLevel, ToolDrift};
use entity::governance::mcp_server;
use entity::governance::mcp_tool::{self, Column, Entity, Model};
use entity::ids::{McpServerId, McpToolId, ProjectId};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait, Query};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, EntityName, Iterable, QueryFilter, QueryOrder, QuerySelect,
    Statement,
};
use serde_json::Value;

use super::filter::McpToolFilter;
use crate::governance::pins::Tool;
use crate::platform::authorization::Granted;
use crate::platform::children::{self, Narrowed, NarrowedCount};
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::write::Write;

/// The tools of the servers of these projects.
pub fn within(projects: Vec<ProjectId>) -> Condition {
    Condition::all().add(Column::ProjectId.eq_any(projects))
}

const BY_NAME: Sort<Column> = Sort { column: Column::Name, id: Column::Id, kind: SortKind::Text, descending: false };

/// Where a tool stands in the list of its server.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::Name, SortKey::Text(row.name.clone()), row.id)
}

/// A page of tools below each of many servers.
pub struct BelowServers;

impl Load for BelowServers {
    type Key = (McpServerId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.server_id);
        children::visible_pages::<Entity, _>(context, keys, Column::ServerId, &BY_NAME, parent).await
    }
}

/// How many tools each server has.
pub struct CountBelowServers;

impl Load for CountBelowServers {
    type Key = McpServerId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<McpServerId>) -> Result<HashMap<McpServerId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::ServerId, &keys).await
    }
}

fn condition(filter: &McpToolFilter) -> Condition {
    let waits = |wanted: bool| if wanted { needs_review() } else { needs_review().not() };
    of_server_with(None)
        .add_option(filter.server_id.map(|id| Column::ServerId.eq(id)))
        .add_option(filter.risk_levels.clone().map(of_risk))
        .add_option(filter.is_enabled.map(|is_enabled| Column::IsEnabled.eq(is_enabled)))
        .add_option(filter.is_present.map(|is_present| Column::IsPresent.eq(is_present)))
        .add_option(filter.needs_review.map(waits))
        .add_option(filter.drifts.clone().map(drifted))
        .add_option(filter.name.as_ref().map(|name| name.condition(Column::Name)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
        .add_option(filter.updated_at.as_ref().map(|time| time.condition(Column::UpdatedAt)))
}

/// Its server is there still, and where that is asked has this status.
fn of_server_with(status: Option<McpServerStatus>) -> Condition {
    let server = mcp_server::Entity;
    let found = Query::select()
        .expr(Expr::value(1))
        .from(server.table_ref())
        .and_where(Expr::col((server, mcp_server::Column::Id)).equals((Entity, Column::ServerId)))
        .and_where(mcp_server::Column::DeletedAt.is_null())
        .and_where_option(status.map(|status| mcp_server::Column::Status.eq(status)))
        .to_owned();
    Condition::all().add(Expr::exists(found))
}

/// Invariant: what `McpTool.riskLevel` says.
fn of_risk(levels: Vec<RiskLevel>) -> Condition {
    let holds = || Column::RiskOverrideExpiresAt.into_expr().gt(Expr::cust("now()"));
    let overridden = Condition::all().add(holds()).add(Column::RiskOverride.is_in(levels.clone()));
    let is_over = Condition::any().add(Column::RiskOverrideExpiresAt.is_null()).add(holds().not());
    Condition::any().add(overridden).add(Condition::all().add(is_over).add(Column::RiskLevel.is_in(levels)))
}

/// The kinds of drift that wait for somebody to look: all but another spacing.
pub fn reviewed() -> Vec<ToolDrift> {
    ToolDrift::iter().filter(|drift| *drift != ToolDrift::Cosmetic).collect()
}

fn needs_review() -> Condition {
    drifted(reviewed()).add(of_server_with(Some(McpServerStatus::Approved)))
}

/// Said as the index says it, too.
fn drifted(drifts: Vec<ToolDrift>) -> Condition {
    Condition::all().add(Column::Drift.is_not_null()).add(Column::Drift.is_in(drifts))
}

/// Of a list of servers: those with a tool that drifted in one of these ways.
pub fn server_has_drifted(drifts: Vec<ToolDrift>) -> Expr {
    let tools = Query::select()
        .expr(Expr::value(1))
        .from(Entity.table_ref())
        .and_where(Expr::col((Entity, Column::ServerId)).equals((mcp_server::Entity, mcp_server::Column::Id)))
        .cond_where(drifted(drifts))
        .to_owned();
    Expr::exists(tools)
}

/// A page of the tools of the servers of each of many projects.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = Narrowed<ProjectId, McpToolFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, project) = (Column::ProjectId, |row: &Model| Some(row.project_id));
        children::narrowed_pages::<Entity, _, _>(context, keys, column, &BY_NAME, condition, project).await
    }
}

/// How many tools each list of a project holds.
pub struct CountOfProjects;

impl Load for CountOfProjects {
    type Key = NarrowedCount<ProjectId, McpToolFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::ProjectId, condition).await
    }
}

/// Every tool of the server, in the order of names. Invariant: the server is locked.
pub async fn all_of_server(write: &Write<'_>, server: McpServerId) -> Result<Vec<Model>> {
    let tools = write.read().visible::<Entity>().filter(Column::ServerId.eq(server));
    Ok(tools.order_by_asc(Column::Name).all(write.connection()).await?)
}

/// The server of a tool that the viewer may read.
pub async fn server_of(write: &Write<'_>, id: McpToolId) -> Result<Option<McpServerId>> {
    let tools = write.read().visible::<Entity>().filter(Column::Id.eq(id));
    Ok(tools.select_only().column(Column::ServerId).into_tuple().one(write.connection()).await?)
}

/// Names of tools at most that a scan looks for in another server's words.
const MOST_OTHERS: i64 = 5_000;

const OTHERS_SQL: &str = "SELECT s.name AS server, t.name AS tool \
     FROM governance.mcp_servers s JOIN governance.mcp_tools t ON t.server_id = s.id AND t.is_present \
     WHERE s.project_id = $1 AND s.id <> $2 AND s.deleted_at IS NULL ORDER BY s.name, t.name LIMIT $3";

/// The tools of the project's other servers, with their servers.
pub async fn names_of_others(write: &Write<'_>, server: &mcp_server::Model) -> Result<Vec<(String, String)>> {
    let values = [server.project_id.uuid().into(), server.id.uuid().into(), MOST_OTHERS.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, OTHERS_SQL, values);
    let rows = write.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok((row.try_get("", "server")?, row.try_get("", "tool")?))).collect()
}

/// Whether a tool of the server was changed in a way that nobody approves.
pub async fn has_poisoned(connection: &impl ConnectionTrait, server: McpServerId) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM governance.mcp_tools \
               WHERE server_id = $1 AND is_present AND drift = 'poisoned') AS found";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [server.uuid().into()]);
    let row = connection.query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("a question of existence gave no row"))?;
    Ok(row.try_get("", "found")?)
}

/// A tool as a discovery found it.
pub struct Found<'a> {
    pub tool: &'a Tool,
    pub drift: Option<ToolDrift>,
    /// Whether it is approved in this form at once.
    pub accepts: bool,
    pub risk_level: RiskLevel,
    pub risk_reasons: Value,
}

/// The row of a new tool.
pub fn new_row(write: &Write<'_>, server: McpServerId, found: Found<'_>) -> mcp_tool::ActiveModel {
    let request = write.request();
    mcp_tool::ActiveModel {
        id: Set(request.new_id().into()),
        server_id: Set(server),
        name: Set(found.tool.name.clone()),
        is_enabled: Set(true),
        version: Set(1),
        created_at: Set(request.now()),
        updated_at: Set(request.now()),
        ..described(found)
    }
}

/// What a server says of a tool, and what follows from it.
fn described(found: Found<'_>) -> mcp_tool::ActiveModel {
    let value = found.tool.to_value();
    mcp_tool::ActiveModel {
        title: Set(found.tool.title.clone()),
        description: Set(found.tool.description.clone()),
        input_schema: Set(found.tool.input_schema.clone()),
        output_schema: Set(found.tool.output_schema.clone()),
        annotations: Set(value.get("annotations").cloned()),
        found_pin: Set(found.tool.pin().0.to_vec()),
        drift: Set(found.drift),
        risk_level: Set(found.risk_level),
        risk_reasons: Set(found.risk_reasons),
        is_present: Set(true),
        ..Default::default()
    }
}

/// Brings a row to what was found now. Where the tool is another than before, what somebody said about its risk is over.
pub async fn set_found(
    write: &Write<'_>,
    server: &Granted<mcp_server::Entity>,
    row: &Model,
    found: Found<'_>,
) -> Result<()> {
    let pin = found.tool.pin().0.to_vec();
    let is_same = row.is_present && row.found_pin == pin && row.drift == found.drift;
    if is_same && row.risk_level == found.risk_level && row.risk_reasons == found.risk_reasons {
        return Ok(());
    }
    let (accepts, reopens) = (found.accepts, row.found_pin != pin && !found.accepts);
    let whole = found.tool.to_value();
    let mut changed = described(found);
    if accepts {
        changed.approved_pin = Set(Some(pin));
        changed.approved_tool = Set(Some(whole));
    }
    if reopens {
        clear_override(&mut changed);
    }
    write.update_below(server, stamped(write, row, changed)).await?;
    Ok(())
}

fn clear_override(row: &mut mcp_tool::ActiveModel) {
    row.risk_override = Set(None);
    row.risk_override_reason = Set(None);
    row.risk_override_by = Set(None);
    row.risk_override_expires_at = Set(None);
}

fn stamped(write: &Write<'_>, row: &Model, changed: mcp_tool::ActiveModel) -> mcp_tool::ActiveModel {
    mcp_tool::ActiveModel {
        id: Set(row.id),
        version: Set(row.version + 1),
        updated_at: Set(write.request().now()),
        ..changed
    }
}

/// The server does not offer the tool any more.
pub async fn set_gone(
    write: &Write<'_>,
    server: &Granted<mcp_server::Entity>,
    row: &Model,
    drift: Option<ToolDrift>,
) -> Result<()> {
    let changed = mcp_tool::ActiveModel { is_present: Set(false), drift: Set(drift), ..Default::default() };
    write.update_below(server, stamped(write, row, changed)).await?;
    Ok(())
}

const PIN_SQL: &str = "UPDATE governance.mcp_tools SET approved_pin = found_pin, drift = NULL, \
     approved_tool = jsonb_strip_nulls(jsonb_build_object('title', title, 'description', description)) \
         || jsonb_build_object('name', name, 'inputSchema', input_schema) \
         || CASE WHEN output_schema IS NULL THEN '{}' ELSE jsonb_build_object('outputSchema', output_schema) END \
         || CASE WHEN annotations IS NULL THEN '{}' ELSE jsonb_build_object('annotations', annotations) END, \
     version = version + 1, updated_at = $2 \
     WHERE server_id = $1 AND is_present AND (approved_pin IS DISTINCT FROM found_pin OR drift IS NOT NULL)";
const FORGET_SQL: &str = "UPDATE governance.mcp_tools SET approved_pin = NULL, approved_tool = NULL, drift = NULL, \
     version = version + 1, updated_at = $2 \
     WHERE server_id = $1 AND NOT is_present AND (approved_pin IS NOT NULL OR drift IS NOT NULL)";

/// Pins every tool of the server as it was found. Those that are gone are approved no more.
pub async fn pin_all(write: &Write<'_>, server: &Granted<mcp_server::Entity>) -> Result<()> {
    for sql in [PIN_SQL, FORGET_SQL] {
        let values = [server.id.uuid().into(), write.request().now().into()];
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
        write.connection().execute_raw(statement).await?;
    }
    Ok(())
}

/// Approves the tool as it was found, or that it is gone.
pub async fn set_approved(write: &Write<'_>, granted: &Granted<Entity>, tool: Option<&Tool>) -> Result<Model> {
    let row = mcp_tool::ActiveModel {
        approved_pin: Set(tool.map(|tool| tool.pin().0.to_vec())),
        approved_tool: Set(tool.map(Tool::to_value)),
        drift: Set(None),
        ..Default::default()
    };
    write.update(granted, stamped(write, granted, row)).await
}

pub async fn set_enabled(write: &Write<'_>, granted: &Granted<Entity>, is_enabled: bool) -> Result<Model> {
    let row = mcp_tool::ActiveModel { is_enabled: Set(is_enabled), ..Default::default() };
    write.update(granted, stamped(write, granted, row)).await
}

/// What somebody says about the risk of a tool, and until when.
pub struct Override {
    pub level: RiskLevel,
    pub reason: String,
    pub expires_at: DateTime<Utc>,
}

pub async fn set_override(write: &Write<'_>, granted: &Granted<Entity>, chosen: Option<Override>) -> Result<Model> {
    let mut row = mcp_tool::ActiveModel::default();
    match chosen {
        None => clear_override(&mut row),
        Some(Override { level, reason, expires_at }) => {
            row.risk_override = Set(Some(level));
            row.risk_override_reason = Set(Some(reason));
            row.risk_override_by = Set(write.viewer().user_id());
            row.risk_override_expires_at = Set(Some(expires_at));
        }
    }
    write.update(granted, stamped(write, granted, row)).await
}
