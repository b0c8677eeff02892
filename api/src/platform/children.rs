//! Lists below many parents in one statement: one page for each parent, through a lateral join.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

use sea_orm::sea_query::{Alias, Expr, ExprTrait, Func, JoinType, Query, SelectStatement};
use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, EntityTrait, FromQueryResult, Iterable, QueryFilter, QueryResult,
    QuerySelect, QueryTrait, Select,
};
use uuid::Uuid;

use super::authorization::{Read, Resource};
use super::errors::Result;
use super::held;
use super::loaders::LoadContext;
use super::pagination::{Page, Slice, Sort};

/// The parents that the same page is asked of: each group is one statement.
pub fn by_page<P>(keys: Vec<(P, Page)>) -> HashMap<Page, Vec<P>> {
    let mut by_page: HashMap<Page, Vec<P>> = HashMap::new();
    for (parent, page) in keys {
        by_page.entry(page).or_default().push(parent);
    }
    by_page
}

/// The page of each parent. `query` holds reach and filters; `parent_column` says whose child a row is.
pub async fn pages<E, M, P>(
    connection: &impl ConnectionTrait,
    query: Select<E>,
    parent_column: E::Column,
    parents: &[P],
    page: &Page,
    sort: &Sort<E::Column>,
    parent_of: impl Fn(&M) -> Option<P>,
) -> Result<HashMap<P, Slice<M>>>
where
    E: EntityTrait,
    M: FromQueryResult,
    P: Copy + Eq + Hash + Into<Uuid>,
{
    pages_below(connection, query, parent_column.into_expr(), parents, page, sort, parent_of).await
}

/// A list below a parent: which page of it, and what narrows it.
pub type Narrowed<P, F> = (P, Page, Arc<F>);

/// The pages of lists that are narrowed, each in its own way, within the viewer's reach: a statement for each page and
/// filter.
pub async fn narrowed_pages<E, P, F>(
    context: &LoadContext,
    keys: Vec<Narrowed<P, F>>,
    parent_column: E::Column,
    sort: &Sort<E::Column>,
    condition: impl Fn(&F) -> Condition,
    parent_of: impl Fn(&E::Model) -> Option<P>,
) -> Result<HashMap<Narrowed<P, F>, Slice<E::Model>>>
where
    E: Resource,
    P: Copy + Eq + Hash + Into<Uuid>,
    F: Eq + Hash,
{
    let mut lists: HashMap<(Page, Arc<F>), Vec<P>> = HashMap::new();
    for (parent, page, filter) in keys {
        lists.entry((page, filter)).or_default().push(parent);
    }
    let mut found = HashMap::new();
    for ((page, filter), parents) in lists {
        let query = Read::new(context.viewer.clone()).visible::<E>().filter(condition(&filter));
        let slices = pages(&context.connection, query, parent_column, &parents, &page, sort, &parent_of).await?;
        found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone(), Arc::clone(&filter)), slice)));
    }
    Ok(found)
}

/// Like `pages`, where the parent is named by an expression, such as a column of a joined table.
pub async fn pages_below<E, M, P>(
    connection: &impl ConnectionTrait,
    query: Select<E>,
    parent: Expr,
    parents: &[P],
    page: &Page,
    sort: &Sort<E::Column>,
    parent_of: impl Fn(&M) -> Option<P>,
) -> Result<HashMap<P, Slice<M>>>
where
    E: EntityTrait,
    M: FromQueryResult,
    P: Copy + Eq + Hash + Into<Uuid>,
{
    let one = page.apply(query.filter(parent.eq(Expr::col(("parent", "parent")))), sort)?;
    let ids: Vec<Uuid> = parents.iter().map(|parent| (*parent).into()).collect();
    let statement = Query::select()
        .expr(Expr::cust(r#""child".*"#))
        .from_function(Func::cust("unnest").arg(Expr::value(ids)), "parent")
        .join_lateral(JoinType::InnerJoin, one.into_query(), Alias::new("child"), Expr::cust("true"))
        .to_owned();
    let mut groups: HashMap<P, Vec<M>> = HashMap::with_capacity(parents.len());
    for row in connection.query_all(&statement).await? {
        let row = M::from_query_result(&row, "")?;
        if let Some(parent) = parent_of(&row) {
            groups.entry(parent).or_default().push(row);
        }
    }
    Ok(groups.into_iter().map(|(parent, rows)| (parent, page.slice(rows))).collect())
}

/// The columns that say whose page a row is in; the condition of a list may speak of them.
const PLACE: [&str; 2] = ["parent", "reader"];

/// In the condition of a list for many readers: the reader whose page is being read.
pub const READER: (&str, &str) = ("parent", PLACE[1]);

/// Like `pages`, of a table whose rows are held: asks which rows stand in the pages and in which version, and reads
/// whole only the pages with rows that are not held. A place is a parent, or a parent and who reads: `READER`.
pub async fn held_pages<E: Resource, const N: usize>(
    context: &LoadContext,
    query: Select<E>,
    parent: Expr,
    places: &[[Uuid; N]],
    page: &Page,
    sort: &Sort<E::Column>,
) -> Result<HashMap<[Uuid; N], Slice<Arc<E::Model>>>> {
    let one = page.apply(query.filter(parent.eq(Expr::col(("parent", PLACE[0])))), sort)?;
    let table = context.held_rows.table::<E>();
    let versions = one.clone().select_only().expr(held::version_of::<E>()).column(E::id_column()).into_query();
    let in_arrays = Query::select()
        .expr_as(Expr::cust(r#"array_agg("page"."xmin")"#), "versions")
        .expr_as(Func::cust("array_agg").arg(Expr::col(("page", E::id_column()))), "ids")
        .from_subquery(versions, "page")
        .to_owned();
    let mut pages: HashMap<[Uuid; N], Vec<Arc<E::Model>>> = HashMap::with_capacity(places.len());
    let mut incomplete: Vec<[Uuid; N]> = Vec::new();
    for row in context.connection.query_all(&at_places(in_arrays, places)).await? {
        let place = place_of(&row)?;
        let (versions, ids) = (held::versions_at(&row, N)?, held::uuids_at(&row, N + 1)?);
        let rows: Option<Vec<_>> = ids.into_iter().zip(versions).map(|(id, version)| table.get(id, version)).collect();
        match rows {
            Some(rows) => drop(pages.insert(place, rows)),
            None => incomplete.push(place),
        }
    }
    if !incomplete.is_empty() {
        let whole = one.select_only().expr(held::version_of::<E>()).columns(E::Column::iter()).into_query();
        for row in context.connection.query_all(&at_places(whole, &incomplete)).await? {
            pages.entry(place_of(&row)?).or_default().push(table.decode(&row, held::version_at(&row, N)?)?);
        }
    }
    Ok(pages.into_iter().map(|(place, rows)| (place, page.slice(rows))).collect())
}

/// The rows of a query at each place, behind the place. A lateral join keeps the order of the rows of each place.
fn at_places<const N: usize>(one: SelectStatement, places: &[[Uuid; N]]) -> SelectStatement {
    let (mut parents, mut statement) = (Query::select(), Query::select());
    for (index, name) in PLACE.into_iter().enumerate().take(N) {
        let ids: Vec<Uuid> = places.iter().map(|place| place[index]).collect();
        parents.expr_as(Func::cust("unnest").arg(Expr::value(ids)), name);
        statement.column(("parent", name));
    }
    statement
        .expr(Expr::cust(r#""child".*"#))
        .from_subquery(parents, "parent")
        .join_lateral(JoinType::InnerJoin, one, Alias::new("child"), Expr::cust("true"))
        .to_owned()
}

fn place_of<const N: usize>(row: &QueryResult) -> Result<[Uuid; N]> {
    let mut place = [Uuid::nil(); N];
    for (index, id) in place.iter_mut().enumerate() {
        *id = held::uuid_at(row, index)?;
    }
    Ok(place)
}

/// How many children each parent has.
pub async fn counts<E, P>(
    connection: &impl ConnectionTrait,
    query: Select<E>,
    parent_column: E::Column,
    parents: &[P],
) -> Result<HashMap<P, i64>>
where
    E: EntityTrait,
    P: Copy + Eq + Hash + Into<Uuid> + From<Uuid>,
{
    let ids: Vec<Uuid> = parents.iter().map(|parent| (*parent).into()).collect();
    let statement = query
        .select_only()
        .column_as(parent_column, "parent")
        .column_as(Expr::cust("count(*)"), "count")
        .filter(parent_column.eq_any(ids))
        .group_by(parent_column)
        .into_query();
    let mut counts = HashMap::with_capacity(parents.len());
    for row in connection.query_all(&statement).await? {
        counts.insert(P::from(row.try_get::<Uuid>("", "parent")?), row.try_get::<i64>("", "count")?);
    }
    Ok(counts)
}

/// A list below a parent that is to be counted, and what narrows it.
pub type NarrowedCount<P, F> = (P, Arc<F>);

/// How much lists hold that are narrowed, each in its own way, within the viewer's reach: a statement for each filter.
pub async fn narrowed_counts<E, P, F>(
    context: &LoadContext,
    keys: Vec<NarrowedCount<P, F>>,
    parent_column: E::Column,
    condition: impl Fn(&F) -> Condition,
) -> Result<HashMap<NarrowedCount<P, F>, i64>>
where
    E: Resource,
    P: Copy + Eq + Hash + Into<Uuid> + From<Uuid>,
    F: Eq + Hash,
{
    let mut lists: HashMap<Arc<F>, Vec<P>> = HashMap::new();
    for (parent, filter) in keys {
        lists.entry(filter).or_default().push(parent);
    }
    let mut found = HashMap::new();
    for (filter, parents) in lists {
        let query = Read::new(context.viewer.clone()).visible::<E>().filter(condition(&filter));
        let counts = counts(&context.connection, query, parent_column, &parents).await?;
        found.extend(counts.into_iter().map(|(parent, count)| ((parent, Arc::clone(&filter)), count)));
    }
    Ok(found)
}

/// The answers of a loader of pages below many parents: what the viewer may read, one statement for each page.
pub async fn visible_pages<E, P>(
    context: &LoadContext,
    keys: Vec<(P, Page)>,
    parent_column: E::Column,
    sort: &Sort<E::Column>,
    parent_of: impl Fn(&E::Model) -> Option<P>,
) -> Result<HashMap<(P, Page), Slice<E::Model>>>
where
    E: Resource,
    P: Copy + Eq + Hash + Into<Uuid>,
{
    let mut found = HashMap::new();
    for (page, parents) in by_page(keys) {
        let query = Read::new(context.viewer.clone()).visible::<E>();
        let slices =
            pages(&context.connection, query, parent_column, &parents, &page, sort, |row: &E::Model| parent_of(row))
                .await?;
        found.extend(slices.into_iter().map(|(parent, slice)| ((parent, page.clone()), slice)));
    }
    Ok(found)
}

/// The answers of a loader that counts below many parents: what the viewer may read.
pub async fn visible_counts<E, P>(
    context: &LoadContext,
    parent_column: E::Column,
    parents: &[P],
) -> Result<HashMap<P, i64>>
where
    E: Resource,
    P: Copy + Eq + Hash + Into<Uuid> + From<Uuid>,
{
    let query = Read::new(context.viewer.clone()).visible::<E>();
    counts(&context.connection, query, parent_column, parents).await
}
