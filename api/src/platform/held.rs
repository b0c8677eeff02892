//! Rows that were decoded before, each held under the version by which PostgreSQL knows it. Every read still asks
//! PostgreSQL which rows there are and in which version; what did not change since is taken from here, and neither
//! written out by PostgreSQL, nor sent, nor decoded again.
//!
//! The version is `xmin`, the transaction that wrote the row as it is now. It never stands for two states that others
//! see, as long as the server of PostgreSQL is the same: nothing of before its last start is used.
//! Invariant: never asked within a write, where a row may have states that nobody else sees.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::{Debug, Formatter};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use chrono::{DateTime, TimeDelta, Utc};
use foldhash::fast::RandomState;
use quick_cache::sync::Cache;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ConnectionTrait, DbBackend, FromQueryResult, IdenStatic, Iterable, QueryResult, QuerySelect, QueryTrait, Select,
    Statement, Value,
};
use sqlx::{Row, ValueRef};
use uuid::Uuid;

use super::authorization::{Dated, Resource};
use super::checks;
use super::errors::{Error, Result};
use super::loaders::LoadContext;

/// The transaction that wrote a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Version(u32);

#[derive(Debug)]
struct Held<M> {
    row: Arc<M>,
    version: Version,
    /// When the PostgreSQL that gave it was started.
    server_start: i64,
}

impl<M> Clone for Held<M> {
    fn clone(&self) -> Self {
        Self { row: Arc::clone(&self.row), ..*self }
    }
}

/// The held rows of one table.
pub struct Table<E: Resource> {
    rows: Cache<Uuid, Held<E::Model>>,
    server_start: Arc<AtomicI64>,
    changed_since: String,
}

impl<E: Resource> Table<E> {
    /// The row, if it is held in this version.
    pub fn get(&self, id: Uuid, version: Version) -> Option<Arc<E::Model>> {
        self.held(id).filter(|held| held.version == version).map(|held| held.row)
    }

    fn held(&self, id: Uuid) -> Option<Held<E::Model>> {
        self.rows.get(&id).filter(|held| held.server_start == self.server_start.load(Ordering::Relaxed))
    }

    /// Asks for those rows that are not in these versions any more.
    fn changed(&self, ids: &[Uuid], versions: &[i32], span: Option<Span>) -> Statement {
        let mut values: Vec<Value> = vec![ids.to_vec().into(), versions.to_vec().into()];
        values.extend(span.into_iter().flat_map(|(from, until)| [from.into(), until.into()]));
        Statement::from_sql_and_values(DbBackend::Postgres, &self.changed_since, values)
    }

    /// Decodes the row and holds it from now on.
    pub fn decode(&self, row: &QueryResult, version: Version) -> Result<Arc<E::Model>> {
        let model = Arc::new(E::Model::from_query_result(row, "")?);
        let server_start = self.server_start.load(Ordering::Relaxed);
        self.rows.insert(E::id(&model).into(), Held { row: Arc::clone(&model), version, server_start });
        Ok(model)
    }
}

/// The held rows of all tables.
pub struct HeldRows {
    tables: RwLock<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>,
    rows_per_table: usize,
    server_start: Arc<AtomicI64>,
}

impl Debug for HeldRows {
    fn fmt(&self, formatter: &mut Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("HeldRows").field("rows_per_table", &self.rows_per_table).finish_non_exhaustive()
    }
}

impl HeldRows {
    pub fn new(rows_per_table: usize) -> Self {
        Self { tables: RwLock::default(), rows_per_table, server_start: Arc::default() }
    }

    /// Every new connection says when its server was started.
    pub fn connected_to(&self, server_start: i64) {
        self.server_start.store(server_start, Ordering::Relaxed);
    }

    pub fn table<E: Resource>(&self) -> Arc<Table<E>> {
        let id = TypeId::of::<E>();
        let known = self.tables.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        let table = known.unwrap_or_else(|| {
            let mut tables = self.tables.write().unwrap_or_else(PoisonError::into_inner);
            let make = || -> Arc<dyn Any + Send + Sync> {
                let server_start = Arc::clone(&self.server_start);
                let rows = Cache::new(self.rows_per_table);
                Arc::new(Table::<E> { rows, server_start, changed_since: changed_since::<E>() })
            };
            Arc::clone(tables.entry(id).or_insert_with(make))
        });
        table.downcast::<Table<E>>().expect("Invariant: a table is filed under the type of its entity")
    }
}

/// The rows with these ids.
pub async fn by_id<E: Resource>(context: &LoadContext, mut ids: Vec<Uuid>) -> Result<Vec<Arc<E::Model>>> {
    let table = context.held_rows.table::<E>();
    let mut found = HashMap::with_capacity_and_hasher(ids.len(), RandomState::default());
    let mut versions = Vec::with_capacity(ids.len());
    for id in &ids {
        let held = table.held(*id);
        // No row has the version 0. Versions wrap around, and so does the cast.
        versions.push(held.as_ref().map_or(0, |held| held.version.0.cast_signed()));
        found.extend(held.map(|held| (*id, held.row)));
    }
    for span in spans::<E>(&ids) {
        let mut gone = Vec::new();
        for row in context.connection.query_all_raw(table.changed(&ids, &versions, span)).await? {
            let id = uuid_at(&row, 0)?;
            match bytes_at(&row, 1)? {
                Some(_) => drop(found.insert(id, table.decode(&row, version_at(&row, 1)?)?)),
                None => gone.push(id),
            }
        }
        for id in &gone {
            found.remove(id);
        }
        // Those that were not made then are looked for in the next span.
        versions = vec![0; gone.len()];
        ids = gone;
        if ids.is_empty() {
            break;
        }
    }
    Ok(found.into_values().collect())
}

/// The rows with these ids, each with what an expression over the row, `held`, gives for it.
pub async fn by_id_with<E: Resource, X>(
    context: &LoadContext,
    ids: Vec<Uuid>,
    expression: &str,
    extra: impl Fn(&QueryResult, &str) -> Result<X>,
) -> Result<Vec<(Arc<E::Model>, X)>> {
    let table = context.held_rows.table::<E>();
    let are_held = ids.iter().all(|id| table.held(*id).is_some());
    let sql = format!(
        "SELECT held.{id} AS row_id, held.xmin, {expression} AS {EXTRA}{columns} \
         FROM unnest($1::uuid[]) AS asked (id) JOIN {table} AS held ON held.{id} = asked.id",
        columns = if are_held { String::new() } else { columns_of::<E>() },
        id = E::id_column().as_str(),
        table = name_of::<E>(),
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into()]);
    let mut found = Vec::new();
    let mut changed = HashMap::new();
    for row in context.connection.query_all_raw(statement).await? {
        let (id, version, extra) = (uuid_at(&row, 0)?, version_at(&row, 1)?, extra(&row, EXTRA)?);
        match table.get(id, version) {
            Some(row) => found.push((row, extra)),
            None if are_held => drop(changed.insert(id, extra)),
            None => found.push((table.decode(&row, version)?, extra)),
        }
    }
    if !changed.is_empty() {
        for row in by_id::<E>(context, changed.keys().copied().collect()).await? {
            let extra = changed.remove(&E::id(&row).into());
            found.extend(extra.map(|extra| (row, extra)));
        }
    }
    Ok(found)
}

/// The rows that a query finds. What is held of them is not read again.
pub async fn of_query<E: Resource>(context: &LoadContext, query: Select<E>) -> Result<Vec<Arc<E::Model>>> {
    let table = context.held_rows.table::<E>();
    let versions = query.select_only().expr(version_of::<E>()).column(E::id_column()).into_query();
    let mut found = Vec::new();
    let mut unheld = Vec::new();
    for row in context.connection.query_all(&versions).await? {
        let id = uuid_at(&row, 1)?;
        match table.get(id, version_at(&row, 0)?) {
            Some(row) => found.push(row),
            None => unheld.push(id),
        }
    }
    if !unheld.is_empty() {
        found.extend(by_id::<E>(context, unheld).await?);
    }
    Ok(found)
}

/// The version of a row, in a query of its table.
pub fn version_of<E: Resource>() -> Expr {
    Expr::col((E::default(), "xmin"))
}

const EXTRA: &str = "extra";

fn name_of<E: Resource>() -> String {
    let table = E::default();
    format!(r#""{}"."{}""#, table.schema_name().unwrap_or("public"), table.table_name())
}

fn columns_of<E: Resource>() -> String {
    E::Column::iter().fold(String::new(), |columns, column| columns + r#", held.""# + column.as_str() + "\"")
}

/// Those rows of $1 that are not in the version of $2; of the ones that are gone only the id. Where ids are dated, only what
/// was made between $3 and $4 is looked for.
pub fn changed_since<E: Resource>() -> String {
    let within = match E::DATED {
        Dated::Nothing => String::new(),
        Dated::Here(column) | Dated::ByCallers(column) => {
            format!(r#" AND held."{}" BETWEEN $3 AND $4"#, column.as_str())
        }
    };
    format!(
        "SELECT asked.id AS row_id, held.xmin{} FROM unnest($1::uuid[], $2::int4[]) AS asked (id, version) \
         LEFT JOIN {} AS held ON held.{} = asked.id{within} WHERE (held.xmin <> asked.version) IS NOT FALSE",
        columns_of::<E>(),
        name_of::<E>(),
        E::id_column().as_str(),
    )
}

/// A time in which rows were made, from its first moment to its last.
type Span = (DateTime<Utc>, DateTime<Utc>);

/// How far the time of an id may be from that of its row where both are made here.
const MARGIN: TimeDelta = TimeDelta::hours(1);

/// When the rows with these ids were made: the likely times first, then all that there may be. None where the table does
/// not tell.
pub fn spans<E: Resource>(ids: &[Uuid]) -> Vec<Option<Span>> {
    let is_chosen = match E::DATED {
        Dated::Nothing => return vec![None],
        Dated::Here(_) => false,
        Dated::ByCallers(_) => true,
    };
    let times: Option<Vec<DateTime<Utc>>> = ids.iter().map(|id| checks::time_of(*id)).collect();
    let bounds = times.as_ref().and_then(|times| Some((*times.iter().min()?, *times.iter().max()?)));
    // An id that tells nothing may be of any time.
    let Some((first, last)) = bounds else { return vec![Some((DateTime::UNIX_EPOCH, END_OF_TIME))] };
    let around = |before: TimeDelta, after: TimeDelta| {
        let from =
            first.checked_sub_signed(before).unwrap_or(DateTime::UNIX_EPOCH).clamp(DateTime::UNIX_EPOCH, END_OF_TIME);
        let until = last.checked_add_signed(after).unwrap_or(END_OF_TIME).clamp(DateTime::UNIX_EPOCH, END_OF_TIME);
        Some((from, until))
    };
    let likely = around(MARGIN, MARGIN);
    match is_chosen {
        true => vec![likely, around(checks::ID_LEAD + MARGIN, checks::ID_AGE + MARGIN)],
        false => vec![likely],
    }
}

/// The year 9999: PostgreSQL's own ends are not what chrono calls them.
const END_OF_TIME: DateTime<Utc> = DateTime::from_timestamp_secs(253_370_764_800).expect("Invariant: this is a time");

/// The uuid in a column that is never null.
pub fn uuid_at(row: &QueryResult, index: usize) -> Result<Uuid> {
    to_uuid(present(bytes_at(row, index)?)?)
}

/// The version in a column that holds an `xmin`.
pub fn version_at(row: &QueryResult, index: usize) -> Result<Version> {
    to_version(present(bytes_at(row, index)?)?)
}

/// The uuids in a column that holds an array of them, or nothing.
pub fn uuids_at(row: &QueryResult, index: usize) -> Result<Vec<Uuid>> {
    elements(bytes_at(row, index)?.unwrap_or_default()).map(|bytes| to_uuid(bytes?)).collect()
}

/// The versions in a column that holds an array of `xmin`, or nothing.
pub fn versions_at(row: &QueryResult, index: usize) -> Result<Vec<Version>> {
    elements(bytes_at(row, index)?.unwrap_or_default()).map(|bytes| to_version(bytes?)).collect()
}

fn to_uuid(bytes: &[u8]) -> Result<Uuid> {
    Uuid::from_slice(bytes).map_err(|_| Error::internal("a column that should hold a uuid does not"))
}

fn to_version(bytes: &[u8]) -> Result<Version> {
    let bytes = bytes.try_into();
    bytes.map(|bytes| Version(u32::from_be_bytes(bytes))).map_err(|_| Error::internal("xmin is not four bytes"))
}

/// What stands before the elements of an array of one dimension in PostgreSQL's binary format.
const ARRAY_HEAD: usize = 20;

/// The elements of an array, each behind its length.
fn elements(array: &[u8]) -> impl Iterator<Item = Result<&[u8]>> {
    let mut rest = array.get(ARRAY_HEAD..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (length, after) = rest.split_first_chunk::<4>()?;
        let element =
            usize::try_from(i32::from_be_bytes(*length)).ok().and_then(|length| after.split_at_checked(length));
        rest = element.map(|(_, after)| after).unwrap_or_default();
        Some(element.map(|(element, _)| element).ok_or_else(|| Error::internal("an array holds what is no value")))
    })
}

fn bytes_at(row: &QueryResult, index: usize) -> Result<Option<&[u8]>> {
    let row = row.try_as_pg_row().ok_or_else(|| Error::internal("a row is not one of PostgreSQL"))?;
    let value = row.try_get_raw(index).map_err(|error| Error::internal(error.to_string()))?;
    if value.is_null() {
        return Ok(None);
    }
    value.as_bytes().map(Some).map_err(|error| Error::internal(error.to_string()))
}

fn present(bytes: Option<&[u8]>) -> Result<&[u8]> {
    bytes.ok_or_else(|| Error::internal("a column that is never null is null"))
}
