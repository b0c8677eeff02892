//! The statement that finds documents by words.

use entity::content::document::{Column, Entity, Model};
use entity::enums::DocumentStatus;
use entity::ids::SpaceId;
use sea_orm::sea_query::{Alias, Expr, ExprTrait};
use sea_orm::{
    ColumnTrait, FromQueryResult, Order, QueryFilter, QueryOrder, QueryResult, QuerySelect, sea_query::IntoCondition,
};

use super::Place;
use crate::platform::errors::{Error, Result};
use crate::platform::filters::escape;
use crate::platform::request::Request;

/// What is looked for.
pub struct Words<'a> {
    pub query: &'a str,
    pub space: Option<SpaceId>,
    pub after: Option<Place>,
    pub size: usize,
}

/// A document, and how well it fits.
pub struct Ranked {
    pub rank: f64,
    pub document: Model,
}

impl FromQueryResult for Ranked {
    fn from_query_result(row: &QueryResult, prefix: &str) -> std::result::Result<Self, sea_orm::DbErr> {
        Ok(Self { rank: row.try_get(prefix, RANK)?, document: Model::from_query_result(row, prefix)? })
    }
}

const RANK: &str = "search_rank";

/// Two lists that an index gives, joined: what has the words, and what has them in its title as they are written.
const MATCHES: &str = "documents.id IN ( \
    SELECT c.document_id FROM content.document_contents c WHERE c.search_vector @@ websearch_to_tsquery('english', $1) \
    UNION SELECT d.id FROM content.documents d WHERE d.title ILIKE $2)";

/// A title that has the words as they are written comes before every text.
const RANKING: &str = "(SELECT ts_rank_cd(c.search_vector, websearch_to_tsquery('english', $1), 32) \
    + CASE WHEN documents.title ILIKE $2 THEN 1 ELSE 0 END \
    FROM content.document_contents c WHERE c.document_id = documents.id)::float8";

/// The documents within the viewer's reach, the best first.
pub async fn search(request: &Request, words: &Words<'_>) -> Result<Vec<Ranked>> {
    let pattern = format!("%{}%", escape(words.query));
    let bound = || [Expr::value(words.query), Expr::value(pattern.as_str())];
    let ranking = || Expr::cust_with_exprs(RANKING, bound());
    let mut query = request
        .read()
        .visible::<Entity>()
        .filter(Expr::cust_with_exprs(MATCHES, bound()).into_condition())
        .filter(Column::DeletedAt.is_null())
        .filter(Column::Status.ne(DocumentStatus::Archived))
        .expr_as(ranking(), RANK)
        .order_by(Expr::col(Alias::new(RANK)), Order::Desc)
        .order_by(Column::Id, Order::Desc)
        .limit(u64::try_from(words.size).map_err(Error::internal)?);
    if let Some(space) = words.space {
        query = query.filter(Column::SpaceId.eq(space));
    }
    if let Some(Place { rank, id }) = words.after {
        let place = Expr::tuple([Expr::value(rank), Expr::value(id.uuid())]);
        query = query.filter(Expr::tuple([ranking(), Column::Id.into_expr()]).lt(place));
    }
    Ok(query.into_model::<Ranked>().all(&request.connection()).await?)
}
