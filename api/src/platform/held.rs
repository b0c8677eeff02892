//! Rows that were decoded before, each held under the version by which PostgreSQL knows it. Every read still asks
//! PostgreSQL which rows there are and in which version; what did not change since is taken from here, and neither
//! written out by PostgreSQL, nor sent, nor decoded again.
//!
//! The version is `xmin`, the transaction that wrote the row as it is now. It never stands for two states that others
//! see, as long as the server of PostgreSQL is the same: nothing of before its last start is used.
//! Invariant: never asked within a write, where a row may have states that nobody else sees.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::fmt::{Debug, Formatter, Write as _};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use quick_cache::sync::Cache;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, IdenStatic, Iterable, QueryResult, Statement};
use sqlx::{Row, ValueRef};
use uuid::Uuid;

use super::authorization::Resource;
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
}

impl<E: Resource> Table<E> {
    /// The row, if it is held in this version.
    pub fn get(&self, id: Uuid, version: Version) -> Option<Arc<E::Model>> {
        self.held(id).filter(|held| held.version == version).map(|held| held.row)
    }

    fn held(&self, id: Uuid) -> Option<Held<E::Model>> {
        self.rows.get(&id).filter(|held| held.server_start == self.server_start.load(Ordering::Relaxed))
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
                Arc::new(Table::<E> { rows: Cache::new(self.rows_per_table), server_start })
            };
            Arc::clone(tables.entry(id).or_insert_with(make))
        });
        table.downcast::<Table<E>>().expect("Invariant: a table is filed under the type of its entity")
    }
}

/// The rows with these ids.
pub async fn by_id<E: Resource>(context: &LoadContext, ids: Vec<Uuid>) -> Result<Vec<Arc<E::Model>>> {
    let rows = by_id_with::<E, ()>(context, ids, "NULL", |_, _| Ok(())).await?;
    Ok(rows.into_iter().map(|(row, ())| row).collect())
}

/// The rows with these ids, each with what an expression over the row, `held`, gives for it.
pub async fn by_id_with<E: Resource, X>(
    context: &LoadContext,
    ids: Vec<Uuid>,
    expression: &str,
    extra: impl Fn(&QueryResult, &str) -> Result<X>,
) -> Result<Vec<(Arc<E::Model>, X)>> {
    let table = context.held_rows.table::<E>();
    let known: Vec<Option<Held<E::Model>>> = ids.iter().map(|id| table.held(*id)).collect();
    // No row has the version 0. Versions wrap around, and so does the cast.
    let versions: Vec<i32> =
        known.iter().map(|held| held.as_ref().map_or(0, |held| held.version.0.cast_signed())).collect();
    let known: HashMap<Uuid, Held<E::Model>> =
        known.into_iter().flatten().map(|held| (E::id(&held.row).into(), held)).collect();
    let sql = changed_since::<E>(expression);
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into(), versions.into()]);
    let mut found = Vec::with_capacity(known.len());
    for row in context.connection.query_all_raw(statement).await? {
        let (id, version) = (uuid_at(&row, 0)?, version_at(&row, 1)?);
        let model = match known.get(&id).filter(|held| held.version == version) {
            Some(held) => Arc::clone(&held.row),
            None => table.decode(&row, version)?,
        };
        found.push((model, extra(&row, EXTRA)?));
    }
    Ok(found)
}

const EXTRA: &str = "extra";

/// The rows of $1, and of those that are not in the version of $2 also the columns.
fn changed_since<E: Resource>(expression: &str) -> String {
    let (table, id) = (E::default(), E::id_column());
    let schema = table.schema_name().unwrap_or("public");
    let mut sql = format!("SELECT held.{} AS row_id, held.xmin, {expression} AS {EXTRA}", id.as_str());
    for column in E::Column::iter() {
        let name = column.as_str();
        // Writing to a String cannot fail.
        let _ = write!(sql, r#", CASE WHEN held.xmin <> asked.version THEN held."{name}" END AS "{name}""#);
    }
    let from = format!(
        r#" FROM unnest($1::uuid[], $2::int4[]) AS asked (id, version) JOIN "{schema}"."{}" AS held ON held.{} = asked.id"#,
        table.table_name(),
        id.as_str(),
    );
    sql + &from
}

/// The uuid in a column that is never null.
pub fn uuid_at(row: &QueryResult, index: usize) -> Result<Uuid> {
    let bytes = bytes_at(row, index)?;
    Uuid::from_slice(bytes).map_err(|_| Error::internal("a column that should hold a uuid does not"))
}

/// The version in a column that holds an `xmin`.
pub fn version_at(row: &QueryResult, index: usize) -> Result<Version> {
    let bytes = bytes_at(row, index)?.try_into();
    bytes.map(|bytes| Version(u32::from_be_bytes(bytes))).map_err(|_| Error::internal("xmin is not four bytes"))
}

fn bytes_at(row: &QueryResult, index: usize) -> Result<&[u8]> {
    let row = row.try_as_pg_row().ok_or_else(|| Error::internal("a row is not one of PostgreSQL"))?;
    let value = row.try_get_raw(index).map_err(|error| Error::internal(error.to_string()))?;
    if value.is_null() {
        return Err(Error::internal("a column that is never null is null"));
    }
    value.as_bytes().map_err(|error| Error::internal(error.to_string()))
}
