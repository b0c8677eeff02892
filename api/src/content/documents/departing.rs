//! What becomes of a person's documents when the account goes.

use entity::ids::UserId;
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};

use crate::platform::errors::Result;
use crate::platform::request::Request;

/// How many documents go with the personal space of the user, and how many of the user's own stay elsewhere.
#[derive(Clone, Copy, Debug, Default, FromQueryResult)]
pub struct Departing {
    pub deleted: i64,
    pub kept: i64,
}

const DEPARTING_SQL: &str = "SELECT \
     (SELECT count(*) FROM content.documents d JOIN tenancy.spaces s ON s.id = d.space_id WHERE s.user_id = $1) AS deleted, \
     (SELECT count(*) FROM content.documents d JOIN tenancy.spaces s ON s.id = d.space_id \
      WHERE d.owner_id = $1 AND s.user_id IS DISTINCT FROM $1) AS kept";

/// Counts what deleting the account of the viewer would do to documents.
pub async fn departing(request: &Request, user: UserId) -> Result<Departing> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, DEPARTING_SQL, [user.uuid().into()]);
    let row = request.connection().query_one_raw(statement).await?;
    Ok(row.map(|row| Departing::from_query_result(&row, "")).transpose()?.unwrap_or_default())
}
