//! What projects hold, counted, and their limits, locked.

use entity::ids::{ProjectId, SpaceId};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use uuid::Uuid;

use super::rules::Entering;
use crate::platform::errors::{Error, Result};
use crate::platform::write::Write;

/// What a project holds.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct Held {
    pub members: i64,
    pub documents: i64,
    pub content_bytes: i64,
}

const HELD_SQL: &str = "SELECT (SELECT count(*) FROM tenancy.project_members WHERE project_id = $1) AS members, \
     count(*) AS documents, coalesce(sum(d.size_bytes), 0)::bigint AS content_bytes \
     FROM content.documents d JOIN tenancy.spaces s ON s.id = d.space_id \
     WHERE s.project_id = $1 AND s.deleted_at IS NULL";

pub async fn held(connection: &impl ConnectionTrait, id: ProjectId) -> Result<Held> {
    let row = connection.query_one_raw(statement(HELD_SQL, id.uuid())).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    Ok(Held::from_query_result(&row, "")?)
}

/// What a space would bring along.
pub async fn held_by_space(write: &Write<'_>, id: SpaceId) -> Result<Entering> {
    let sql = "SELECT count(*) AS documents, coalesce(sum(size_bytes), 0)::bigint AS content_bytes \
               FROM content.documents WHERE space_id = $1";
    let row = write.connection().query_one_raw(statement(sql, id.uuid())).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    Ok(Entering { documents: row.try_get("", "documents")?, content_bytes: row.try_get("", "content_bytes")? })
}

/// How much content a project may hold; at least one of the two is limited.
#[derive(Clone, Copy, Debug, FromQueryResult)]
pub struct Limits {
    pub id: ProjectId,
    pub max_documents: Option<i64>,
    pub max_content_bytes: Option<i64>,
}

macro_rules! limits {
    ($of:literal) => {
        concat!(
            "SELECT p.id, (p.quotas->>'maxDocuments')::bigint AS max_documents,
                (p.quotas->>'maxContentBytes')::bigint AS max_content_bytes
            FROM tenancy.projects p
            WHERE p.id = ",
            $of,
            " AND p.deleted_at IS NULL
                AND coalesce(p.quotas->>'maxDocuments', p.quotas->>'maxContentBytes') IS NOT NULL
            FOR NO KEY UPDATE OF p"
        )
    };
}

/// The project of a space, locked, if it limits content.
pub async fn limiting_project_of(write: &Write<'_>, space: SpaceId) -> Result<Option<Limits>> {
    limiting(write, limits!("(SELECT s.project_id FROM tenancy.spaces s WHERE s.id = $1)"), space.uuid()).await
}

/// The project, locked, if it limits content.
pub async fn limiting_project(write: &Write<'_>, id: ProjectId) -> Result<Option<Limits>> {
    limiting(write, limits!("$1"), id.uuid()).await
}

async fn limiting(write: &Write<'_>, sql: &str, id: Uuid) -> Result<Option<Limits>> {
    let row = write.connection().query_one_raw(statement(sql, id)).await?;
    Ok(row.map(|row| Limits::from_query_result(&row, "")).transpose()?)
}

fn statement(sql: &str, id: Uuid) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.into()])
}
