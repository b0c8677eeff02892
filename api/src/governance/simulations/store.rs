//! How simulations are stored, and how recorded decisions are read in batches.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::enums::{DecisionOutcome, SimulationState};
use entity::governance::policy;
use entity::governance::policy_simulation::{self, Column, Entity, Model};
use entity::ids::{OrganizationId, PolicyId, PolicySimulationId, ProjectId};
use sea_orm::ActiveValue::Set;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, FromQueryResult, PaginatorTrait, QueryFilter, Statement,
};
use uuid::Uuid;

use super::draft::{Change, Reach};
use super::rules::NewSimulation;
use super::tally::PolicySimulationResult;
use crate::governance::GovernanceErrorCode as Code;
use crate::platform::authorization::{Authority, Granted};
use crate::platform::checks;
use crate::platform::children;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::{Platform, Request};
use crate::platform::viewer::Grants;
use crate::platform::write::Write;

/// The simulations that somebody with these grants may read: those of what they manage.
pub fn readable(grants: &Grants) -> Condition {
    use entity::enums::ProjectRole;
    let administered = grants.projects.iter().filter(|(_, role)| **role == ProjectRole::Admin).map(|(id, _)| *id);
    Condition::any().add(Column::ProjectId.eq_any(administered.collect::<Vec<_>>())).add(
        Condition::all().add(Column::ProjectId.is_null()).add(Column::OrganizationId.eq_any(grants.administered())),
    )
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a simulation stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

/// A page of the simulations of each of many organizations.
pub struct OfOrganizations;

impl Load for OfOrganizations {
    type Key = (OrganizationId, Page);
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let of = |row: &Model| Some(row.organization_id);
        children::visible_pages::<Entity, _>(context, keys, Column::OrganizationId, &NEWEST, of).await
    }
}

/// How many simulations each organization has for the viewer.
pub struct CountOfOrganizations;

impl Load for CountOfOrganizations {
    type Key = OrganizationId;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<OrganizationId>) -> Result<HashMap<OrganizationId, i64>> {
        children::visible_counts::<Entity, _>(context, Column::OrganizationId, &keys).await
    }
}

/// The policy, if the viewer may see it, and the name of the server whose it is.
pub async fn policy(write: &Write<'_>, id: PolicyId) -> Result<Option<policy::Model>> {
    let policies = write.read().visible::<policy::Entity>();
    Ok(policies.filter(policy::Column::Id.eq(id)).one(write.connection()).await?)
}

/// How many simulations run in the organization.
pub async fn count_running(write: &Write<'_>, organization: OrganizationId) -> Result<u64> {
    let running = write.read().through_granted_row::<Entity>("counts what the organization has running");
    let running = running.filter(Column::OrganizationId.eq(organization));
    Ok(running.filter(Column::State.eq(SimulationState::Running)).count(write.connection()).await?)
}

pub async fn insert(
    write: &Write<'_>,
    authority: &dyn Authority,
    reach: Reach,
    new: &NewSimulation,
    draft: &[Change],
) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let row = policy_simulation::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        organization_id: Set(reach.organization),
        project_id: Set(reach.project),
        created_by: Set(write.viewer().user_id()),
        draft: Set(serde_json::to_value(draft).map_err(Error::internal)?),
        window_start: Set(new.since),
        window_end: Set(new.before),
        state: Set(SimulationState::Running),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    let taken = |error: Error| error.when_constraint("policy_simulations_pkey", || checks::id_taken(Code::IdTaken));
    write.insert(authority, row).await.map_err(taken)
}

/// Ends a simulation that runs.
pub async fn cancel(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let now = write.request().now();
    let row = policy_simulation::ActiveModel {
        id: Set(granted.id),
        state: Set(SimulationState::Canceled),
        version: Set(granted.version + 1),
        updated_at: Set(now),
        ended_at: Set(Some(now)),
        ..Default::default()
    };
    write.update(granted, row).await
}

/// How a simulation stands.
pub enum Standing<'a> {
    Running { total: i64, done: i64, result: &'a PolicySimulationResult },
    Succeeded(&'a PolicySimulationResult),
    Failed(&'a str),
}

const STAND_SQL: &str = "UPDATE governance.policy_simulations SET state = $2, total = coalesce($3, total), \
     done = coalesce($4, done), result = coalesce($5, result), error = $6, updated_at = $7, \
     ended_at = CASE WHEN $2 = 'running' THEN NULL ELSE $7 END, version = version + 1 \
     WHERE id = $1 AND state = 'running' RETURNING *";

/// Writes how a simulation stands. None where it does not run any more.
pub async fn stand(write: &Write<'_>, id: PolicySimulationId, standing: Standing<'_>) -> Result<Option<Model>> {
    let json = |result: &PolicySimulationResult| serde_json::to_value(result).map_err(Error::internal);
    let (state, total, done, result, error) = match standing {
        Standing::Running { total, done, result } => ("running", Some(total), Some(done), Some(json(result)?), None),
        Standing::Succeeded(result) => ("succeeded", None, None, Some(json(result)?), None),
        Standing::Failed(error) => ("failed", None, None, None, Some(error.to_owned())),
    };
    let values = [
        id.uuid().into(),
        state.into(),
        total.into(),
        done.into(),
        result.into(),
        error.into(),
        write.request().now().into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, STAND_SQL, values);
    let row = write.connection().query_one_raw(statement).await?;
    Ok(row.map(|row| Model::from_query_result(&row, "")).transpose()?)
}

const LOST_SQL: &str = "SELECT id FROM governance.policy_simulations \
     WHERE state = 'running' AND updated_at < $1 ORDER BY updated_at LIMIT 100";

/// The simulations that nobody has moved on since then.
pub async fn lost(request: &Request, since: DateTime<Utc>) -> Result<Vec<PolicySimulationId>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, LOST_SQL, [since.into()]);
    let rows = request.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(PolicySimulationId(row.try_get("", "id")?))).collect()
}

/// A recorded decision, as far as it is decided again.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Recorded {
    pub id: Uuid,
    pub created_at: DateTime<Utc>,
    pub project_id: Uuid,
    pub outcome: DecisionOutcome,
    pub reason: String,
    pub is_replayable: bool,
    pub input: serde_json::Value,
}

/// The place behind which the next batch begins.
pub type Last = (DateTime<Utc>, Uuid);

/// Recorded decisions are read in the order of the index of their project or organization.
macro_rules! recorded {
    ($what:literal, $rest:literal, $column:literal) => {
        concat!("SELECT ", $what, " FROM governance.decisions WHERE ", $column, " = $1 AND created_at < $3 ", $rest)
    };
}

macro_rules! batch {
    ($column:literal) => {
        recorded!(
            "id, created_at, project_id, outcome, reason, is_replayable, input",
            "AND created_at >= $2 AND (created_at, id) > ($2, $4) ORDER BY created_at, id LIMIT $5",
            $column
        )
    };
}

macro_rules! total {
    ($column:literal) => {
        recorded!("count(*) AS count", "AND created_at >= $2", $column)
    };
}

fn of(reach: Reach) -> (bool, Uuid) {
    (reach.project.is_some(), reach.project.map_or(reach.organization.uuid(), ProjectId::uuid))
}

/// How many decisions there are to decide again.
pub async fn total(platform: &Platform, reach: Reach, since: DateTime<Utc>, before: DateTime<Utc>) -> Result<i64> {
    let (is_project, id) = of(reach);
    let sql = if is_project { total!("project_id") } else { total!("organization_id") };
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.into(), since.into(), before.into()]);
    let row = platform.database.connection().query_one_raw(statement).await?;
    Ok(row.map(|row| row.try_get("", "count")).transpose()?.unwrap_or_default())
}

/// The next decisions.
pub async fn batch(
    platform: &Platform,
    reach: Reach,
    last: Last,
    before: DateTime<Utc>,
    most: i64,
) -> Result<Vec<Recorded>> {
    let (is_project, id) = of(reach);
    let sql = if is_project { batch!("project_id") } else { batch!("organization_id") };
    let values = [id.into(), last.0.into(), before.into(), last.1.into(), most.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Recorded::find_by_statement(statement).all(platform.database.connection()).await?)
}
