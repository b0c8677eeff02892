//! How what decisions stand on is read, and how decisions are stored.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::enums::{DecisionOutcome, SubscriptionStatus};
use entity::governance::decision::{ActiveModel, Column, Entity, Model};
use entity::governance::policy;
use entity::ids::{OrganizationId, ProjectId};
use entity::tenancy::organization::OrganizationSettings;
use sea_orm::sea_query::{Expr, ExprTrait, OnConflict};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, Condition, ConnectionTrait, DbBackend, FromQueryResult, IntoActiveModel, Statement,
};
use uuid::Uuid;

use super::filter::DecisionFilter;
use super::trace::ReasonKind;
use crate::governance::decision::{Defaults, Gate, Policy};
use crate::governance::policies::{as_decided, defaults_of};
use crate::platform::children::{self, Narrowed, NarrowedCount};
use crate::platform::errors::Result;
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::write::Write;
use crate::tenancy::plans::Payment;

/// What holds in a project apart from its policies, and which version of those does.
#[derive(Clone, Copy, Debug)]
pub struct Ground {
    pub organization_id: OrganizationId,
    pub project_id: ProjectId,
    pub organization_active: bool,
    pub project_active: bool,
    /// None where nothing was ever subscribed to.
    pub payment: Option<Payment>,
    pub defaults: Defaults,
    pub recorded_allows_percent: i32,
    pub approval_minutes: i32,
    pub version: i64,
}

#[derive(FromQueryResult)]
struct GroundRow {
    project_id: Uuid,
    organization_id: Uuid,
    settings: OrganizationSettings,
    project_active: bool,
    organization_active: bool,
    subscription_status: Option<SubscriptionStatus>,
    trial_end: Option<DateTime<Utc>>,
    past_due_since: Option<DateTime<Utc>>,
    current_period_end: Option<DateTime<Utc>>,
    version: i64,
}

impl From<GroundRow> for Ground {
    fn from(row: GroundRow) -> Self {
        let payment = row.subscription_status.map(|status| Payment {
            status,
            trial_end: row.trial_end,
            past_due_since: row.past_due_since,
            current_period_end: row.current_period_end,
        });
        Self {
            organization_id: OrganizationId(row.organization_id),
            project_id: ProjectId(row.project_id),
            organization_active: row.organization_active,
            project_active: row.project_active,
            payment,
            defaults: defaults_of(&row.settings),
            recorded_allows_percent: row.settings.recorded_allows_percent,
            approval_minutes: row.settings.approval_minutes,
            version: row.version,
        }
    }
}

const GROUND_SQL: &str = "SELECT p.id AS project_id, o.id AS organization_id, o.settings, \
     p.status = 'active' AND p.deleted_at IS NULL AS project_active, \
     o.status = 'active' AND o.deleted_at IS NULL AS organization_active, \
     s.status AS subscription_status, s.trial_end, s.past_due_since, s.current_period_end, \
     coalesce(sets.version, 0) AS version \
     FROM tenancy.projects p JOIN tenancy.organizations o ON o.id = p.organization_id \
     LEFT JOIN tenancy.subscriptions s ON s.organization_id = o.id \
     LEFT JOIN governance.policy_sets sets ON sets.organization_id = o.id \
     WHERE p.id = ANY($1)";

/// The ground of a project, shared between requests; that the viewer may see the project is checked apart.
pub struct Grounds;

impl Load for Grounds {
    type Key = ProjectId;
    type Value = Option<Ground>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<ProjectId>) -> Result<HashMap<ProjectId, Option<Ground>>> {
        let grounds = grounds(&context.connection, &keys).await?;
        Ok(grounds.into_iter().map(|ground| (ground.project_id, Some(ground))).collect())
    }
}

/// The ground of each of these projects that there is.
pub async fn grounds(connection: &impl ConnectionTrait, projects: &[ProjectId]) -> Result<Vec<Ground>> {
    let ids: Vec<Uuid> = projects.iter().map(|id| id.uuid()).collect();
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, GROUND_SQL, [ids.into()]);
    Ok(GroundRow::find_by_statement(statement).all(connection).await?.into_iter().map(Ground::from).collect())
}

/// The version and the policies in one statement, so that they belong together.
const POLICIES_SQL: &str = "SELECT coalesce(sets.version, 0) AS set_version, servers.name AS server_name, policies.* \
     FROM (SELECT $1::uuid AS organization_id) asked \
     LEFT JOIN governance.policy_sets sets USING (organization_id) \
     LEFT JOIN governance.policies ON policies.organization_id = asked.organization_id AND policies.status = 'active' \
         AND policies.deleted_at IS NULL AND (policies.project_id IS NULL OR policies.project_id = $2) \
     LEFT JOIN governance.mcp_servers servers ON servers.id = policies.server_id";

/// The policies that hold in a project, with the version of the set.
pub async fn policies(
    request: &Request,
    organization: OrganizationId,
    project: ProjectId,
) -> Result<(i64, Vec<Policy>)> {
    let values = [organization.uuid().into(), project.uuid().into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, POLICIES_SQL, values);
    let rows = request.connection().query_all_raw(statement).await?;
    let version = rows.first().map(|row| row.try_get("", "set_version")).transpose()?.unwrap_or_default();
    let mut policies = Vec::with_capacity(rows.len());
    for row in &rows {
        if let Some(policy) = policy::Model::from_query_result_optional(row, "")? {
            policies.push(as_decided(&policy, row.try_get("", "server_name")?));
        }
    }
    Ok((version, policies))
}

/// Stores decisions, each once.
pub async fn insert(write: &Write<'_>, rows: Vec<Model>) -> Result<()> {
    let authority = write.as_system("decisions are recorded by the server itself");
    let once = OnConflict::columns([Column::Id, Column::CreatedAt]).do_nothing().to_owned();
    let rows: Vec<ActiveModel> = rows.into_iter().map(|row| row.into_active_model().reset_all()).collect();
    write.insert_missing(&authority, rows, once).await
}

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a decision stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn condition(filter: &DecisionFilter) -> Condition {
    let reason = |reasons: &Vec<ReasonKind>| Column::Reason.is_in(reasons.iter().map(|reason| reason.as_str()));
    Condition::all()
        .add_option(filter.outcomes.clone().map(|outcomes| Column::Outcome.is_in(outcomes)))
        .add_option(filter.would_be.clone().map(would_be))
        .add_option(filter.reasons.as_ref().map(reason))
        .add_option(filter.gates.as_deref().map(closed_gate))
        .add_option(filter.winner_id.map(|id| Column::WinnerId.eq(id)))
        .add_option(filter.server_id.map(|id| Column::ServerId.eq(id)))
        .add_option(filter.tool_name.as_ref().map(|name| Column::ToolName.eq(name)))
        .add_option(filter.model.as_ref().map(|name| Column::Model.eq(name)))
        .add_option(filter.user_id.map(|id| Column::UserId.eq(id)))
        .add_option(filter.api_key_id.map(|id| Column::ApiKeyId.eq(id)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
}

/// Said as its index says it, too.
fn would_be(outcomes: Vec<DecisionOutcome>) -> Condition {
    Condition::all().add(Column::WouldBe.is_not_null()).add(Column::WouldBe.is_in(outcomes))
}

/// Said as its index says it: the gate stands in the trace, of those decisions alone that have it for their reason.
fn closed_gate(gates: &[Gate]) -> Condition {
    let gate = Expr::cust("\"decisions\".\"trace\" #>> '{reason,gate}'");
    Condition::all()
        .add(Expr::cust("\"decisions\".\"reason\" = 'gate'"))
        .add(gate.is_in(gates.iter().map(|gate| gate.as_str())))
}

/// A page of the decisions of each of many projects.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = Narrowed<ProjectId, DecisionFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.project_id);
        children::narrowed_pages::<Entity, _, _>(context, keys, Column::ProjectId, &NEWEST, condition, parent).await
    }
}

/// A page of the decisions of each of many organizations.
pub struct OfOrganizations;

impl Load for OfOrganizations {
    type Key = Narrowed<OrganizationId, DecisionFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let parent = |row: &Model| Some(row.organization_id);
        children::narrowed_pages::<Entity, _, _>(context, keys, Column::OrganizationId, &NEWEST, condition, parent)
            .await
    }
}

/// How many decisions each list of a project holds.
pub struct CountOfProjects;

impl Load for CountOfProjects {
    type Key = NarrowedCount<ProjectId, DecisionFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::ProjectId, condition).await
    }
}

/// How many decisions each list of an organization holds.
pub struct CountOfOrganizations;

impl Load for CountOfOrganizations {
    type Key = NarrowedCount<OrganizationId, DecisionFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::OrganizationId, condition).await
    }
}
