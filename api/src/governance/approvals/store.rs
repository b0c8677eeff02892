//! How requests for approval are stored, and who is to hear of them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use entity::enums::ApprovalState;
use entity::governance::approval::{self, Column, Entity, Model};
use entity::identity::user;
use entity::ids::{ApiKeyId, ApprovalId, DecisionId, McpServerId, OrganizationId, PolicyId, ProjectId, UserId};
use entity::tenancy::{organization, project};
use sea_orm::ActiveValue::Set;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, DbBackend, FromQueryResult, QueryFilter, Statement};
use serde_json::Value;

use super::binding::Call;
use super::filter::ApprovalFilter;
use crate::governance::GovernanceErrorCode as Code;
use crate::platform::authorization::{Action, Authority, Granted, administered_projects, nothing, within_scopes};
use crate::platform::checks;
use crate::platform::children::{self, Narrowed, NarrowedCount};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Slice, Sort, SortKey, SortKind};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

/// How many hear of a request.
const MOST_DECIDERS: i32 = 20;

const NEWEST: Sort<Column> = Sort { column: Column::CreatedAt, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a request stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::CreatedAt, SortKey::Time(row.created_at), row.id)
}

fn condition(filter: &ApprovalFilter, viewer: &Viewer) -> Condition {
    let any_state = |states: &Vec<ApprovalState>| {
        states.iter().fold(Condition::any().add(Expr::value(false)), |any, state| any.add(in_state(*state)))
    };
    let decidable = |wanted: bool| if wanted { decidable(viewer) } else { decidable(viewer).not() };
    Condition::all()
        .add_option(filter.states.as_ref().map(any_state))
        .add_option(filter.viewer_can_decide.map(decidable))
        .add_option(filter.requested_by_id.map(|id| Column::RequestedBy.eq(id)))
        .add_option(filter.server_id.map(|id| Column::ServerId.eq(id)))
        .add_option(filter.tool_name.as_ref().map(|name| Column::ToolName.eq(name)))
        .add_option(filter.created_at.as_ref().map(|time| time.condition(Column::CreatedAt)))
}

/// Invariant: what `Approval.state` says. Whose time is over is expired, also before that is written down.
fn in_state(state: ApprovalState) -> Condition {
    let is_over = || Column::ExpiresAt.into_expr().lte(Expr::cust("now()"));
    let stored = Condition::all().add(Column::State.eq(state));
    match state {
        ApprovalState::Pending | ApprovalState::Approved => stored.add(is_over().not()),
        ApprovalState::Expired => {
            let overdue = [ApprovalState::Pending, ApprovalState::Approved];
            Condition::any().add(stored).add(Condition::all().add(Column::State.is_in(overdue)).add(is_over()))
        }
        ApprovalState::Denied | ApprovalState::Consumed | ApprovalState::Withdrawn => stored,
    }
}

/// Invariant: what `permitted` says of `Action::Decide`, while there is time.
fn decidable(viewer: &Viewer) -> Condition {
    let may_decide = within_scopes::<Entity>(viewer).contains(Action::Decide);
    match (viewer.grants(), viewer.user_id()) {
        (Some(grants), Some(user)) if may_decide => in_state(ApprovalState::Pending)
            .add(Column::ProjectId.eq_any(administered_projects(grants)))
            .add(Column::RequestedBy.ne(user)),
        _ => nothing(),
    }
}

/// A page of the requests of each of many projects.
pub struct OfProjects;

impl Load for OfProjects {
    type Key = Narrowed<ProjectId, ApprovalFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, project) = (Column::ProjectId, |row: &Model| Some(row.project_id));
        let condition = |filter: &ApprovalFilter| condition(filter, &context.viewer);
        children::narrowed_pages::<Entity, _, _>(context, keys, column, &NEWEST, condition, project).await
    }
}

/// How many requests each list of a project holds.
pub struct CountOfProjects;

impl Load for CountOfProjects {
    type Key = NarrowedCount<ProjectId, ApprovalFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        let condition = |filter: &ApprovalFilter| condition(filter, &context.viewer);
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::ProjectId, condition).await
    }
}

/// A page of the requests in all projects of each of many organizations.
pub struct OfOrganizations;

impl Load for OfOrganizations {
    type Key = Narrowed<OrganizationId, ApprovalFilter>;
    type Value = Slice<Model>;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, Self::Value>> {
        let (column, organization) = (Column::OrganizationId, |row: &Model| Some(row.organization_id));
        let condition = |filter: &ApprovalFilter| condition(filter, &context.viewer);
        children::narrowed_pages::<Entity, _, _>(context, keys, column, &NEWEST, condition, organization).await
    }
}

/// How many requests each list of an organization holds.
pub struct CountOfOrganizations;

impl Load for CountOfOrganizations {
    type Key = NarrowedCount<OrganizationId, ApprovalFilter>;
    type Value = i64;
    const MERGED: bool = false;

    async fn load(context: &LoadContext, keys: Vec<Self::Key>) -> Result<HashMap<Self::Key, i64>> {
        let condition = |filter: &ApprovalFilter| condition(filter, &context.viewer);
        children::narrowed_counts::<Entity, _, _>(context, keys, Column::OrganizationId, condition).await
    }
}

/// The request as it is at this moment, if the viewer may see it.
pub async fn present(request: &Request, id: ApprovalId) -> Result<Option<Model>> {
    let query = request.read().visible::<Entity>().filter(Column::Id.eq(id));
    Ok(query.one(&request.connection()).await?)
}

/// The viewer's own request for just this call that waits for an answer.
pub async fn waiting(request: &Request, project: ProjectId, call: &Call<'_>) -> Result<Option<Model>> {
    let query = request
        .read()
        .visible::<Entity>()
        .filter(Column::RequestedBy.eq(request.user_id()?))
        .filter(Column::ProjectId.eq(project))
        .filter(Column::ServerName.eq(call.server_name))
        .filter(Column::ToolName.eq(call.tool_name))
        .filter(Column::ArgumentsHash.eq(call.arguments_hash()))
        .filter(Column::Pin.eq(call.pin.0.to_vec()))
        .filter(Column::State.eq(ApprovalState::Pending));
    Ok(query.one(&request.connection()).await?)
}

/// What a new request is made from.
pub struct NewRow {
    pub id: Option<ApprovalId>,
    pub project_id: ProjectId,
    /// None for a tool of Trellis itself.
    pub server_id: Option<McpServerId>,
    pub server_name: String,
    pub tool_name: String,
    pub decision_id: DecisionId,
    pub requested_by: UserId,
    pub api_key_id: Option<ApiKeyId>,
    pub arguments_hash: Vec<u8>,
    pub redacted_arguments: Value,
    pub pin: Vec<u8>,
    pub policy: Option<(PolicyId, i32)>,
    pub message: Option<String>,
    pub expires_at: DateTime<Utc>,
}

const LOCK_SQL: &str = "SELECT pg_advisory_xact_lock(hashtextextended('approvals ' || $1::text || ' ' || $2::text, 0))";

const PENDING_SQL: &str = "SELECT count(*) AS count FROM governance.approvals \
     WHERE requested_by = $1 AND project_id = $2 AND state = 'pending' AND expires_at > $3 \
     AND NOT (server_name = $4 AND tool_name = $5 AND arguments_hash = $6 AND pin = $7)";

/// How many other calls of a person wait for an answer in the project. Who asks next waits until this write is over.
pub async fn count_others(write: &Write<'_>, user: UserId, project: ProjectId, call: &Call<'_>) -> Result<i64> {
    let run = |sql, values: Vec<sea_orm::Value>| Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let of: [sea_orm::Value; 2] = [user.uuid().into(), project.uuid().into()];
    write.connection().execute_raw(run(LOCK_SQL, of.to_vec())).await?;
    let rest: [sea_orm::Value; 5] = [
        write.request().now().into(),
        call.server_name.into(),
        call.tool_name.into(),
        call.arguments_hash().into(),
        call.pin.0.to_vec().into(),
    ];
    let row = write.connection().query_one_raw(run(PENDING_SQL, of.into_iter().chain(rest).collect())).await?;
    Ok(row.ok_or_else(|| Error::internal("an aggregate gave no row"))?.try_get("", "count")?)
}

/// Adds a request. The database fills in the organization.
pub async fn insert(write: &Write<'_>, authority: &dyn Authority, new: NewRow) -> Result<Model> {
    let request = write.request();
    let now = request.now();
    let (policy_id, policy_version) = new.policy.unzip();
    let row = approval::ActiveModel {
        id: Set(checks::new_id(request, new.id, Code::IdTaken)?),
        project_id: Set(new.project_id),
        server_id: Set(new.server_id),
        server_name: Set(new.server_name),
        tool_name: Set(new.tool_name),
        decision_id: Set(Some(new.decision_id)),
        requested_by: Set(new.requested_by),
        api_key_id: Set(new.api_key_id),
        arguments_hash: Set(new.arguments_hash),
        redacted_arguments: Set(new.redacted_arguments),
        pin: Set(new.pin),
        policy_id: Set(policy_id),
        policy_version: Set(policy_version),
        state: Set(ApprovalState::Pending),
        message: Set(new.message),
        expires_at: Set(new.expires_at),
        version: Set(1),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    };
    write.insert(authority, row).await.map_err(refused)
}

fn refused(error: Error) -> Error {
    error
        .when_constraint("approvals_pending_key", || {
            reject("", Code::AlreadyRequested, "The same call waits for an answer already.")
        })
        .when_constraint("approvals_pkey", || checks::id_taken(Code::IdTaken))
}

fn changed(write: &Write<'_>, granted: &Granted<Entity>) -> approval::ActiveModel {
    approval::ActiveModel {
        id: Set(granted.id),
        version: Set(granted.version + 1),
        updated_at: Set(write.request().now()),
        ..Default::default()
    }
}

pub async fn answer(
    write: &Write<'_>,
    granted: &Granted<Entity>,
    state: ApprovalState,
    reason: Option<String>,
    expires_at: Option<DateTime<Utc>>,
) -> Result<Model> {
    let mut row = approval::ActiveModel {
        state: Set(state),
        decided_by: Set(write.viewer().user_id()),
        decided_at: Set(Some(write.request().now())),
        decision_reason: Set(reason),
        ..changed(write, granted)
    };
    if let Some(expires_at) = expires_at {
        row.expires_at = Set(expires_at);
    }
    write.update(granted, row).await
}

pub async fn withdraw(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let row = approval::ActiveModel { state: Set(ApprovalState::Withdrawn), ..changed(write, granted) };
    write.update(granted, row).await
}

pub async fn consume(write: &Write<'_>, granted: &Granted<Entity>) -> Result<Model> {
    let row = approval::ActiveModel {
        state: Set(ApprovalState::Consumed),
        consumed_at: Set(Some(write.request().now())),
        ..changed(write, granted)
    };
    write.update(granted, row).await
}

const EXPIRE_SQL: &str = "UPDATE governance.approvals SET state = 'expired', version = version + 1, updated_at = $1 \
     WHERE id = ANY (ARRAY( \
         SELECT id FROM governance.approvals WHERE state IN ('pending', 'approved') AND expires_at <= $1 \
         ORDER BY expires_at LIMIT $2 FOR UPDATE SKIP LOCKED)) \
     RETURNING *";

/// Ends the requests whose time is over, and gives them.
pub async fn expire(write: &Write<'_>, most: i64) -> Result<Vec<Model>> {
    let values = [write.request().now().into(), most.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, EXPIRE_SQL, values);
    let rows = write.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Model::from_query_result(row, "").map_err(Error::from)).collect()
}

/// Somebody a letter goes to.
#[derive(Clone, Debug, FromQueryResult)]
pub struct Person {
    pub email: String,
}

/// Owners and admins of the organization, and who administers the project by themselves or through a team; those who
/// want to be told by mail.
const DECIDERS_SQL: &str = "SELECT u.email FROM tenancy.members m JOIN identity.users u ON u.id = m.user_id \
     LEFT JOIN identity.user_settings s ON s.user_id = u.id \
     WHERE m.organization_id = $1 AND m.status = 'active' AND u.deleted_at IS NULL AND u.status <> 'suspended' AND u.id <> $3 \
     AND coalesce((s.notification_settings->>'email')::boolean, true) \
     AND (m.role IN ('owner', 'admin') OR (m.role = 'member' AND EXISTS ( \
         SELECT FROM tenancy.project_members g WHERE g.project_id = $2 AND g.role = 'admin' \
         AND (g.user_id = u.id OR g.team_id IN (SELECT t.team_id FROM tenancy.team_members t WHERE t.user_id = u.id))))) \
     ORDER BY u.id LIMIT $4";

/// Who may answer the request and wants to be told by mail.
pub async fn deciders(write: &Write<'_>, approval: &Model) -> Result<Vec<Person>> {
    let values = [
        approval.organization_id.uuid().into(),
        approval.project_id.uuid().into(),
        approval.requested_by.uuid().into(),
        MOST_DECIDERS.into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, DECIDERS_SQL, values);
    Ok(Person::find_by_statement(statement).all(write.connection()).await?)
}

async fn account(write: &Write<'_>, id: UserId) -> Result<Option<user::Model>> {
    let users = write.read().through_granted_row::<user::Entity>("who asked for an approval");
    let users = users.filter(user::Column::Id.eq(id)).filter(user::Column::DeletedAt.is_null());
    Ok(users.one(write.connection()).await?)
}

/// The address of somebody; none once the account is gone.
pub async fn person(write: &Write<'_>, id: UserId) -> Result<Option<Person>> {
    Ok(account(write, id).await?.map(|user| Person { email: user.email }))
}

/// The name of somebody.
pub async fn name_of(write: &Write<'_>, id: UserId) -> Result<String> {
    Ok(account(write, id).await?.map(|user| user.name).unwrap_or_default())
}

/// The project of a call.
pub async fn project(write: &Write<'_>, id: ProjectId) -> Result<project::Model> {
    let projects = write.read().through_granted_row::<project::Entity>("the project of a call that was decided about");
    let found = projects.filter(project::Column::Id.eq(id)).one(write.connection()).await?;
    found.ok_or(Error::NotFound)
}

/// For how many minutes an approval is good.
pub async fn approval_minutes(write: &Write<'_>, id: OrganizationId) -> Result<i32> {
    let found = write.read().through_granted_row::<organization::Entity>("the organization of an approval");
    let row = found.filter(organization::Column::Id.eq(id)).one(write.connection()).await?;
    Ok(row.ok_or(Error::NotFound)?.settings.approval_minutes)
}
