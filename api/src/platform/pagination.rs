//! Cursor connections: keyset, stable under inserts, forward and backward. One module for every list.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::sync::Arc;

use async_graphql::parser::types::{Field, Selection};
use async_graphql::{
    ContainerType, Context, ContextSelectionSet, Object, OutputType, Positioned, SimpleObject, TypeName, Value,
};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use futures_util::future::BoxFuture;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{ColumnTrait, EntityTrait, IdenStatic, Order, QueryFilter, QueryOrder, QuerySelect, Select};
use uuid::Uuid;

use super::children::{Narrowed, NarrowedCount};
use super::errors::{Error, Result};
use super::filters::is_storable;
use super::lean::{Lean, resolve_together, write_all};
use super::loaders::Load;
use super::request::{Request, RequestContext};
use super::written::Writing;

/// Rows of one page at most.
pub const MOST: i32 = 100;

/// The value a list is sorted by, of the row a cursor stands at.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SortKey {
    Time(DateTime<Utc>),
    Text(String),
    Number(i64),
}

impl SortKey {
    fn to_expr(&self) -> Expr {
        match self {
            SortKey::Time(time) => Expr::value(*time),
            SortKey::Text(text) => Expr::value(text.as_str()),
            SortKey::Number(number) => Expr::value(*number),
        }
    }
}

/// A place in a sorted list: the sort key and the id of a row.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cursor {
    pub key: SortKey,
    pub id: Uuid,
    /// The column that the list is sorted by.
    order: Cow<'static, str>,
}

impl Cursor {
    /// The place of a row in a list that is sorted by the column.
    pub fn new(column: impl IdenStatic, key: SortKey, id: impl Into<Uuid>) -> Self {
        Self { key, id: id.into(), order: column.as_str().into() }
    }

    /// Opaque text; clients give it back unchanged.
    pub fn encode(&self) -> String {
        let mut text = format!("{}:{}:", self.id.simple(), self.order);
        match &self.key {
            // Writing to a String cannot fail.
            SortKey::Time(time) => drop(write!(text, "t{}", time.timestamp_micros())),
            SortKey::Text(key) => drop(write!(text, "s{key}")),
            SortKey::Number(number) => drop(write!(text, "n{number}")),
        }
        URL_SAFE_NO_PAD.encode(text)
    }

    pub fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (id, rest) = text.split_once(':')?;
        let (order, key) = rest.split_once(':')?;
        let id = Uuid::try_parse(id).ok()?;
        let order = Cow::Owned(order.to_owned());
        let mut rest = key.chars();
        let key = match rest.next()? {
            't' => SortKey::Time(DateTime::from_timestamp_micros(rest.as_str().parse().ok()?).filter(is_storable)?),
            's' => SortKey::Text(Some(rest.as_str()).filter(|text| !text.contains('\0'))?.to_owned()),
            'n' => SortKey::Number(rest.as_str().parse().ok()?),
            _ => return None,
        };
        Some(Self { key, id, order })
    }
}

/// What a list is sorted by: a column that is never null, then the id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sort<C> {
    pub column: C,
    pub id: C,
    pub kind: SortKind,
    pub descending: bool,
}

/// The type of the sort column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SortKind {
    Time,
    Text,
    Number,
}

impl SortKind {
    fn fits(self, key: &SortKey) -> bool {
        matches!(
            (self, key),
            (SortKind::Time, SortKey::Time(_))
                | (SortKind::Text, SortKey::Text(_))
                | (SortKind::Number, SortKey::Number(_))
        )
    }
}

/// Which rows of a list: the checked form of first, after, last and before.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Page {
    pub size: u64,
    pub backward: bool,
    pub after: Option<Cursor>,
    pub before: Option<Cursor>,
}

impl Page {
    /// Checks the four arguments: one of first and last, 1 to 100; cursors that this server made.
    pub fn new(first: Option<i32>, after: Option<String>, last: Option<i32>, before: Option<String>) -> Result<Self> {
        let (field, size, backward) = match (first, last) {
            (Some(first), None) => ("first", first, false),
            (None, Some(last)) => ("last", last, true),
            (None, None) => return Err(Error::bad_input("first", "Give first or last, 1 to 100.")),
            (Some(_), Some(_)) => return Err(Error::bad_input("last", "Give first or last, not both.")),
        };
        if !(1..=MOST).contains(&size) {
            return Err(Error::bad_input(field, format!("{size} is not within 1 to {MOST}.")));
        }
        let cursor = |field: &str, text: Option<String>| {
            text.map(|text| {
                Cursor::decode(&text).ok_or_else(|| Error::bad_input(field, "This is not a cursor of this list."))
            })
            .transpose()
        };
        Ok(Self {
            size: u64::from(size.unsigned_abs()),
            backward,
            after: cursor("after", after)?,
            before: cursor("before", before)?,
        })
    }

    /// The page that a field's arguments ask for; none where they are not good.
    pub fn of_field(ctx: &ContextSelectionSet<'_>, field: &Positioned<Field>) -> Option<Self> {
        let field = ctx.with_field(field);
        let number = |name| field.param_value::<Option<i32>>(name, None).ok().map(|(_, value)| value);
        let text = |name| field.param_value::<Option<String>>(name, None).ok().map(|(_, value)| value);
        Self::new(number("first")?, text("after")?, number("last")?, text("before")?).ok()
    }

    /// Sorts the query by (column, id) and cuts it to this page and one row more, which tells whether there are others.
    pub fn apply<E: EntityTrait>(&self, mut query: Select<E>, sort: &Sort<E::Column>) -> Result<Select<E>> {
        let pair = || Expr::tuple([sort.column.into_expr(), sort.id.into_expr()]);
        for (field, cursor, is_after) in [("after", &self.after, true), ("before", &self.before, false)] {
            let Some(cursor) = cursor else { continue };
            if !sort.kind.fits(&cursor.key) || cursor.order != sort.column.as_str() {
                return Err(Error::bad_input(field, "This cursor is of a list with another order."));
            }
            let place = Expr::tuple([cursor.key.to_expr(), Expr::value(cursor.id)]);
            let beyond = if is_after == sort.descending { pair().lt(place) } else { pair().gt(place) };
            query = query.filter(beyond);
        }
        let order = if sort.descending == self.backward { Order::Asc } else { Order::Desc };
        Ok(query.order_by(sort.column, order.clone()).order_by(sort.id, order).limit(self.size + 1))
    }

    /// The page of a list that is in memory, sorted by the same keys in ascending order.
    pub fn cut<R>(&self, rows: Vec<R>, place: impl Fn(&R) -> Cursor) -> Slice<R> {
        let beyond = |cursor: &Option<Cursor>, side: std::cmp::Ordering, row: &R| {
            cursor.as_ref().is_none_or(|cursor| place(row).cmp(cursor) == side)
        };
        let mut within: Vec<R> = rows
            .into_iter()
            .filter(|row| beyond(&self.after, std::cmp::Ordering::Greater, row))
            .filter(|row| beyond(&self.before, std::cmp::Ordering::Less, row))
            .collect();
        if self.backward {
            within.reverse();
        }
        self.slice(within)
    }

    /// Cuts the extra rows off and says what lies beyond.
    pub fn slice<R>(&self, mut rows: Vec<R>) -> Slice<R> {
        let size = usize::try_from(self.size).unwrap_or(usize::MAX);
        let more = rows.len() > size;
        rows.truncate(size);
        if self.backward {
            rows.reverse();
        }
        Slice {
            rows,
            has_next_page: if self.backward { self.before.is_some() } else { more },
            has_previous_page: if self.backward { more } else { self.after.is_some() },
        }
    }
}

/// One page of rows, and whether there are others on either side.
#[derive(Clone, Debug)]
pub struct Slice<R> {
    pub rows: Vec<R>,
    pub has_next_page: bool,
    pub has_previous_page: bool,
}

impl<R> Slice<R> {
    /// The same page with each row made into something else.
    pub fn map<T>(self, make: impl FnMut(R) -> T) -> Slice<T> {
        Slice {
            rows: self.rows.into_iter().map(make).collect(),
            has_next_page: self.has_next_page,
            has_previous_page: self.has_previous_page,
        }
    }
}

impl<R> Default for Slice<R> {
    fn default() -> Self {
        Self { rows: Vec::new(), has_next_page: false, has_previous_page: false }
    }
}

/// Counts a list when somebody asks.
pub type Count = Arc<dyn for<'a> Fn(&'a Request) -> BoxFuture<'a, Result<i64>> + Send + Sync>;

/// A count from what computes it.
pub fn count_by<F>(count: F) -> Count
where
    F: for<'a> Fn(&'a Request) -> BoxFuture<'a, Result<i64>> + Send + Sync + 'static,
{
    Arc::new(count)
}

/// An object that lists hold, or a list of them.
pub trait Node: ContainerType {
    /// Writes the value of a field that waits for nothing, without the ado of its resolver, which says the same. False
    /// for every other field; what was written of it is taken back.
    fn at_hand(
        &self,
        _ctx: &ContextSelectionSet<'_>,
        _name: &str,
        _field: &Positioned<Field>,
        _writing: &mut Writing,
    ) -> bool {
        false
    }

    /// Loads what a field of each of many objects waits for: then it is at hand. None where that is nothing, or unknown.
    fn ahead<'a>(
        _ctx: &ContextSelectionSet<'a>,
        _objects: &[&Self],
        _field: &Positioned<Field>,
    ) -> Option<BoxFuture<'a, ()>> {
        None
    }

    /// Resolves a field that holds many objects in one go; none where it has to be resolved one by one.
    fn together<'a>(
        &'a self,
        _ctx: &'a ContextSelectionSet<'a>,
        _field: &'a Positioned<Field>,
    ) -> Option<BoxFuture<'a, Option<Value>>> {
        None
    }
}

impl<N: Node> Node for &N {
    fn at_hand(
        &self,
        ctx: &ContextSelectionSet<'_>,
        name: &str,
        field: &Positioned<Field>,
        writing: &mut Writing,
    ) -> bool {
        N::at_hand(self, ctx, name, field, writing)
    }
}

/// Writes a page of which nothing is asked for but its objects; false where more is.
pub fn write_nodes<'a, N: Node + 'a>(
    ctx: &ContextSelectionSet<'_>,
    objects: impl Iterator<Item = &'a N>,
    field: &Positioned<Field>,
    writing: &mut Writing,
) -> bool {
    let [Positioned { node: Selection::Field(nodes), .. }] = &field.node.selection_set.node.items[..] else {
        return false;
    };
    if nodes.node.name.node != "nodes" || !nodes.node.directives.is_empty() {
        return false;
    }
    writing.raw("{");
    writing.key(&nodes.node.response_key().node);
    let is_whole = write_all(ctx, objects, &nodes.node.selection_set.node, writing);
    writing.raw("}");
    is_whole
}

impl<N: Node> Node for ConnectionPage<N> {
    fn at_hand(
        &self,
        ctx: &ContextSelectionSet<'_>,
        name: &str,
        field: &Positioned<Field>,
        writing: &mut Writing,
    ) -> bool {
        name == "nodes"
            && write_all(ctx, self.edges.iter().map(|edge| &edge.node), &field.node.selection_set.node, writing)
    }

    fn together<'a>(
        &'a self,
        ctx: &'a ContextSelectionSet<'a>,
        field: &'a Positioned<Field>,
    ) -> Option<BoxFuture<'a, Option<Value>>> {
        if field.node.name.node != "nodes" {
            return None;
        }
        let objects = self.edges.iter().map(|edge| &edge.node).collect();
        let resolving = resolve_together(ctx, objects, &field.node.selection_set.node)?;
        Some(Box::pin(resolving))
    }
}

/// One page of a list, resolved without ado.
pub type Connection<N> = Lean<ConnectionPage<N>>;

/// One page of a list.
pub struct ConnectionPage<N> {
    edges: Vec<Edge<N>>,
    has_next_page: bool,
    has_previous_page: bool,
    count: Count,
}

/// An object in a list, with its place.
pub struct Edge<N> {
    node: N,
    cursor: Cursor,
}

/// Where a page stands in its list.
#[derive(Debug, SimpleObject)]
pub struct PageInfo {
    /// Whether more follows after the last edge.
    has_next_page: bool,
    /// Whether something stands before the first edge.
    has_previous_page: bool,
    /// The cursor of the first edge; null when the page is empty.
    start_cursor: Option<String>,
    /// The cursor of the last edge; give it as `after` for the next page. Null when the page is empty.
    end_cursor: Option<String>,
}

impl<N> Connection<N> {
    /// Wraps the rows of a page: `place` gives a row's cursor, `wrap` makes it an object.
    pub fn new<R>(slice: Slice<R>, place: impl Fn(&R) -> Cursor, wrap: impl Fn(R) -> N, count: Count) -> Self {
        let Slice { rows, has_next_page, has_previous_page } = slice;
        let edges = rows.into_iter().map(|row| Edge { cursor: place(&row), node: wrap(row) }).collect();
        Lean(ConnectionPage { edges, has_next_page, has_previous_page, count })
    }

    /// A page of what belongs to one thing, from the load of such pages and that of how much each thing has.
    pub async fn of<Pages, Counts, R>(
        request: &Request,
        id: Counts::Key,
        page: Page,
        place: impl Fn(&R) -> Cursor,
        wrap: impl Fn(R) -> N,
    ) -> Result<Self>
    where
        Pages: Load<Key = (Counts::Key, Page), Value = Slice<R>>,
        Counts: Load<Key: 'static, Value = i64>,
    {
        let slice = request.load::<Pages>((id.clone(), page)).await?;
        let count = count_by(move |request| Box::pin(request.load::<Counts>(id.clone())));
        Ok(Self::new(slice, place, wrap, count))
    }

    /// A page of what belongs to one thing and meets a filter, from the load of such pages and that of how much each
    /// thing has.
    pub async fn narrowed<Pages, Counts, P, F, R>(
        request: &Request,
        id: P,
        page: Page,
        filter: F,
        place: impl Fn(&R) -> Cursor,
        wrap: impl Fn(R) -> N,
    ) -> Result<Self>
    where
        Pages: Load<Key = Narrowed<P, F>, Value = Slice<R>>,
        Counts: Load<Key = NarrowedCount<P, F>, Value = i64>,
        P: Copy + Send + Sync + 'static,
        F: Send + Sync + 'static,
    {
        let filter = Arc::new(filter);
        let slice = request.load::<Pages>((id, page, Arc::clone(&filter))).await?;
        let count = count_by(move |request| Box::pin(request.load::<Counts>((id, Arc::clone(&filter)))));
        Ok(Self::new(slice, place, wrap, count))
    }
}

impl<N: Node> TypeName for ConnectionPage<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Connection", <N as OutputType>::type_name()).into()
    }
}

impl<N: Node> TypeName for Edge<N> {
    fn type_name() -> Cow<'static, str> {
        format!("{}Edge", <N as OutputType>::type_name()).into()
    }
}

/// One page of a list, in the order that was asked for.
#[Object(name_type)]
impl<N: Node> ConnectionPage<N> {
    /// The objects of the page, each with its cursor.
    async fn edges(&self) -> &[Edge<N>] {
        &self.edges
    }

    /// The objects of the page.
    async fn nodes(&self) -> Vec<Lean<&N>> {
        self.edges.iter().map(|edge| Lean(&edge.node)).collect()
    }

    /// Where the page stands in the list.
    async fn page_info(&self) -> PageInfo {
        PageInfo {
            has_next_page: self.has_next_page,
            has_previous_page: self.has_previous_page,
            start_cursor: self.edges.first().map(|edge| edge.cursor.encode()),
            end_cursor: self.edges.last().map(|edge| edge.cursor.encode()),
        }
    }

    /// How many objects the whole list holds for you. Counted only when asked for.
    async fn total_count(&self, ctx: &Context<'_>) -> Result<i64> {
        (self.count)(ctx.request()).await
    }
}

/// An object in a list, with its place.
#[Object(name_type)]
impl<N: Node> Edge<N> {
    /// The object.
    async fn node(&self) -> Lean<&N> {
        Lean(&self.node)
    }

    /// The place of the object in the list: opaque, stable under inserts.
    async fn cursor(&self) -> String {
        self.cursor.encode()
    }
}
