//! How budgets and reservations are stored.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use entity::ids::{ApiKeyId, BudgetId, DecisionId, OrganizationId, ProjectId, UserId};
use entity::metering::budget::{self, Column, Entity, Model};
use rust_decimal::Decimal;
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DbBackend, FromQueryResult, QueryFilter, Select, Statement, Value,
};
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::graphql::BudgetFilter;
use super::telling::Level;
use crate::metering::limits::Usage;
use crate::platform::authorization::Read;
use crate::platform::children;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext};
use crate::platform::pagination::{Cursor, Page, Slice, Sort, SortKey, SortKind};
use crate::platform::request::{Platform, Request};
use crate::platform::write::Write;

/// The budgets of these organizations and projects, and those that count the user alone, or the key; without a key those of
/// all keys that the user has created.
pub fn within(
    present: Vec<OrganizationId>,
    organizations: Vec<OrganizationId>,
    projects: Vec<ProjectId>,
    user: UserId,
    key: Option<ApiKeyId>,
) -> Condition {
    let counting =
        |kind: &str, id: Uuid| Condition::all().add(Column::SubjectType.eq(kind)).add(Column::SubjectId.eq(id));
    let own = Condition::any().add(counting("user", user.uuid())).add(match key {
        Some(key) => counting("key", key.uuid()),
        None => Condition::all().add(Column::SubjectType.eq("key")).add(Column::KeyCreatorId.eq(user)),
    });
    Condition::any()
        .add(Column::OrganizationId.eq_any(organizations))
        .add(Column::ProjectId.eq_any(projects))
        .add(Condition::all().add(Column::OrganizationId.eq_any(present)).add(own))
}

/// What a call wants of one budget.
#[derive(Debug, Serialize)]
pub struct Wanted {
    pub place: i32,
    pub id: Uuid,
    pub reservation_id: Uuid,
    pub project_id: Option<Uuid>,
    pub policy_id: Uuid,
    pub limit_index: i32,
    pub subject_type: &'static str,
    pub subject_id: Uuid,
    pub measure: &'static str,
    pub amount: Decimal,
    pub window_start: DateTime<Utc>,
    pub window_end: DateTime<Utc>,
    pub estimate: Decimal,
    pub refuses: bool,
}

/// How a budget stands after that.
#[derive(Debug, FromQueryResult)]
pub struct Reserved {
    pub place: i32,
    pub budget_id: BudgetId,
    pub used: Decimal,
    pub reserved: Decimal,
    pub thresholds_told: Vec<i32>,
    pub has_room: bool,
    pub is_reserved: bool,
}

impl Reserved {
    /// Which of the wanted it is.
    pub fn at(&self) -> usize {
        usize::try_from(self.place).unwrap_or(usize::MAX)
    }

    pub fn level(&self, amount: Decimal) -> Level {
        let taken = self.used + self.reserved;
        Level { budget: self.budget_id, amount, taken, told: self.thresholds_told.clone() }
    }
}

/// Reserves in every budget, or in none.
pub async fn reserve(
    request: &Request,
    wanted: &[Wanted],
    decision: DecisionId,
    expires: DateTime<Utc>,
) -> Result<Vec<Reserved>> {
    let list = serde_json::to_value(wanted).map_err(Error::internal)?;
    let sql = "SELECT * FROM metering.reserve($1, $2, $3, $4)";
    let values = [list.into(), decision.uuid().into(), request.now().into(), expires.into()];
    let rows = request.connection().query_all_raw(statement(sql, values)).await?;
    if rows.len() != wanted.len() {
        return Err(Error::internal("the policy of a budget is gone"));
    }
    rows.iter().map(|row| Ok(Reserved::from_query_result(row, "")?)).collect()
}

/// What is held of a budget beyond its time counts as free: the next call lets it go.
const TAKEN_SQL: &str = "SELECT w.place, b.used + b.reserved - coalesce((SELECT sum(r.estimate) \
         FROM metering.reservations r WHERE r.budget_id = b.id AND r.state = 'held' AND r.expires_at <= $2), 0) AS taken \
     FROM jsonb_to_recordset($1) AS w(place integer, policy_id uuid, limit_index integer, subject_id uuid, \
         window_start timestamptz) \
     JOIN metering.budgets b USING (policy_id, limit_index, subject_id, window_start)";

/// What is used and reserved of each of these budgets, by place. None of those that nobody used yet.
pub async fn taken(request: &Request, wanted: &[Wanted]) -> Result<HashMap<i32, Decimal>> {
    let list = serde_json::to_value(wanted).map_err(Error::internal)?;
    let rows = request.connection().query_all_raw(statement(TAKEN_SQL, [list.into(), request.now().into()])).await?;
    rows.iter().map(|row| Ok((row.try_get("", "place")?, row.try_get("", "taken")?))).collect()
}

#[derive(FromQueryResult)]
struct Settled {
    budget_id: BudgetId,
    amount: Decimal,
    used: Decimal,
    reserved: Decimal,
    thresholds_told: Vec<i32>,
}

/// Ends the reservations of a call, and says how its budgets stand.
pub async fn settle(platform: &Platform, decision: DecisionId, actual: Option<Usage>) -> Result<Vec<Level>> {
    let actual = actual.map(|actual| {
        json!({ "requests": actual.requests, "tokens": actual.tokens, "cost_usd": actual.cost_usd.to_string() })
    });
    let sql = "SELECT * FROM metering.settle($1, $2, $3)";
    let values = [decision.uuid().into(), actual.into(), platform.clock.now().into()];
    let rows = platform.database.connection().query_all_raw(statement(sql, values)).await?;
    rows.iter()
        .map(|row| {
            let row = Settled::from_query_result(row, "")?;
            let taken = row.used + row.reserved;
            Ok(Level { budget: row.budget_id, amount: row.amount, taken, told: row.thresholds_told })
        })
        .collect()
}

async fn number(platform: &Platform, sql: &str, now: DateTime<Utc>) -> Result<u64> {
    let row = platform.database.connection().query_one_raw(statement(sql, [now.into()])).await?;
    let number: i64 = row.ok_or_else(|| Error::internal("a function gave no row"))?.try_get("", "number")?;
    Ok(number.unsigned_abs())
}

/// Lets go every reservation that is overdue, and says how many there were.
pub async fn expire(platform: &Platform, now: DateTime<Utc>) -> Result<u64> {
    number(platform, "SELECT metering.expire($1) AS number", now).await
}

/// Counts the budgets of these days anew from their reservations. Those that disagreed are told of: there are none.
pub async fn check(platform: &Platform) -> Result<u64> {
    let corrected = number(platform, "SELECT metering.rebuild($1) AS number", platform.clock.now()).await?;
    if corrected > 0 {
        tracing::error!(corrected, "budgets disagreed with their reservations and were counted anew");
    }
    Ok(corrected)
}

/// The time zone of the organization's calendar.
pub async fn time_zone(request: &Request, organization: OrganizationId) -> Result<String> {
    let sql = "SELECT coalesce(settings->>'timezone', 'UTC') AS timezone FROM tenancy.organizations WHERE id = $1";
    let row = request.connection().query_one_raw(statement(sql, [organization.uuid().into()])).await?;
    Ok(row.ok_or(Error::NotFound)?.try_get("", "timezone")?)
}

/// Notes that a threshold is told of; the budget, unless it was noted before.
pub async fn note_told(write: &Write<'_>, id: BudgetId, percent: i32) -> Result<Option<Model>> {
    let sql = "UPDATE metering.budgets SET thresholds_told = array_append(thresholds_told, $2) \
               WHERE id = $1 AND $2 <> ALL (thresholds_told) RETURNING *";
    let row = write.connection().query_one_raw(statement(sql, [id.uuid().into(), percent.into()])).await?;
    Ok(row.map(|row| Model::from_query_result(&row, "")).transpose()?)
}

/// Where the letter goes that tells of a budget: to whom invoices go, and to the owners who want to be told by mail.
pub async fn addresses(write: &Write<'_>, organization: OrganizationId) -> Result<Vec<String>> {
    let sql = "SELECT billing_email AS email FROM tenancy.organizations WHERE id = $1 AND billing_email IS NOT NULL \
               UNION SELECT u.email FROM tenancy.members m JOIN identity.users u ON u.id = m.user_id \
               LEFT JOIN identity.user_settings s ON s.user_id = u.id \
               WHERE m.organization_id = $1 AND m.role = 'owner' AND m.status = 'active' AND u.deleted_at IS NULL \
               AND u.status <> 'suspended' AND coalesce((s.notification_settings->>'email')::boolean, true) \
               LIMIT 20";
    let rows = write.connection().query_all_raw(statement(sql, [organization.uuid().into()])).await?;
    rows.iter().map(|row| Ok(row.try_get("", "email")?)).collect()
}

/// The name of a policy.
pub async fn policy_name(write: &Write<'_>, id: Uuid) -> Result<String> {
    let sql = "SELECT name FROM governance.policies WHERE id = $1";
    let row = write.connection().query_one_raw(statement(sql, [id.into()])).await?;
    Ok(row.ok_or(Error::NotFound)?.try_get("", "name")?)
}

const NEWEST: Sort<Column> = Sort { column: Column::WindowEnd, id: Column::Id, kind: SortKind::Time, descending: true };

/// Where a budget stands in a list.
pub fn place(row: &Model) -> Cursor {
    Cursor::new(Column::WindowEnd, SortKey::Time(row.window_end), row.id)
}

/// A list of budgets: its page, its filter, and the minute of asking.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct List {
    pub page: Page,
    pub filter: Arc<BudgetFilter>,
    pub now: DateTime<Utc>,
}

impl List {
    /// Windows begin with a minute, so that the lists of one minute are asked for together.
    pub fn new(page: Page, filter: Option<BudgetFilter>, now: DateTime<Utc>) -> Self {
        let minute = now.timestamp() - now.timestamp().rem_euclid(60);
        let now = DateTime::from_timestamp(minute, 0).unwrap_or(now);
        Self { page, filter: Arc::new(filter.unwrap_or_default()), now }
    }
}

fn filtered(read: &Read, filter: &BudgetFilter, now: DateTime<Utc>) -> Select<Entity> {
    let condition = Condition::all()
        .add_option(filter.measure.map(|measure| Column::Measure.eq(measure)))
        .add_option(filter.subject_type.map(|subject| Column::SubjectType.eq(subject)))
        .add_option(filter.policy_id.map(|id| Column::PolicyId.eq(id)))
        .add_option(filter.is_current.map(|is_current| match is_current {
            true => Condition::all().add(Column::WindowEnd.gt(now)).add(Column::WindowStart.lte(now)),
            false => Condition::any().add(Column::WindowEnd.lte(now)).add(Column::WindowStart.gt(now)),
        }));
    read.visible::<Entity>().filter(condition)
}

macro_rules! lists {
    ($($(#[$doc:meta])* $name:ident($id:ty) $column:ident $of:expr;)+) => {
        $(
            $(#[$doc])*
            pub struct $name;

            impl Load for $name {
                type Key = ($id, List);
                type Value = Slice<Model>;
                const MERGED: bool = false;

                async fn load(
                    context: &LoadContext,
                    keys: Vec<Self::Key>,
                ) -> Result<HashMap<Self::Key, Self::Value>> {
                    let mut lists: HashMap<List, Vec<$id>> = HashMap::new();
                    for (id, list) in keys {
                        lists.entry(list).or_default().push(id);
                    }
                    let mut found = HashMap::new();
                    for (list, ids) in lists {
                        let query = filtered(&Read::new(context.viewer.clone()), &list.filter, list.now);
                        let (connection, column) = (&context.connection, Column::$column);
                        let slices = children::pages(connection, query, column, &ids, &list.page, &NEWEST, $of).await?;
                        found.extend(slices.into_iter().map(|(id, slice)| ((id, list.clone()), slice)));
                    }
                    Ok(found)
                }
            }
        )+
    };
}

lists! {
    /// A page of the budgets of each of many organizations.
    OfOrganizations(OrganizationId) OrganizationId |row: &Model| Some(row.organization_id);
    /// A page of the budgets of each of many projects.
    OfProjects(ProjectId) ProjectId |row: &Model| row.project_id;
}

/// How many budgets a list of an organization or a project holds.
pub async fn count(request: &Request, parent: budget::Column, id: Uuid, list: &List) -> Result<i64> {
    let query = filtered(&request.read(), &list.filter, list.now).filter(parent.eq(id));
    request.count(query).await
}

fn statement<const N: usize>(sql: &str, values: [Value; N]) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
