//! The statements behind the tree. Each runs while the tree of the space is locked.
//! Hidden from the viewer is what somebody else keeps private, with all that is below it.

use entity::content::document::{Entity, Model};
use entity::ids::{DocumentId, SpaceId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, QueryResult, Statement, Value};

use super::super::store::refused;
use super::DEEPEST;
use crate::platform::authorization::Granted;
use crate::platform::errors::{Error, Result};
use crate::platform::write::Write;

/// Changes of one tree go one after the other: two at once could make a circle that neither sees.
pub async fn lock(write: &Write<'_>, space: SpaceId) -> Result<()> {
    let sql = "SELECT pg_advisory_xact_lock(hashtextextended('document tree ' || $1::text, 0))";
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [space.uuid().into()]);
    write.connection().execute_raw(statement).await?;
    Ok(())
}

/// The line from a document up to the top.
pub struct Line {
    /// Whether the other document stands on it.
    pub meets: bool,
    pub levels: i64,
}

/// The line from `document` up to the top, and whether it goes through `other`.
pub async fn line_above(write: &Write<'_>, document: DocumentId, other: DocumentId) -> Result<Line> {
    let sql = "WITH RECURSIVE above AS (
            SELECT id, parent_id, 1 AS level FROM content.documents WHERE id = $1
            UNION ALL
            SELECT d.id, d.parent_id, above.level + 1 FROM content.documents d JOIN above ON d.id = above.parent_id
            WHERE above.level < 100
        )
        SELECT coalesce(bool_or(id = $2), false) AS meets, count(*) AS levels FROM above";
    let row = one(write, sql, [document.uuid().into(), other.uuid().into()]).await?;
    Ok(Line { meets: row.try_get("", "meets")?, levels: row.try_get("", "levels")? })
}

/// How many levels the viewer sees at the document, itself included.
pub async fn height(write: &Write<'_>, document: DocumentId) -> Result<i64> {
    let sql = "WITH RECURSIVE below AS (
            SELECT id, 1::bigint AS level FROM content.documents WHERE id = $1
            UNION ALL
            SELECT d.id, below.level + 1 FROM content.documents d JOIN below ON d.parent_id = below.id
            WHERE d.deleted_at IS NULL AND (d.visibility <> 'private' OR d.owner_id = $2) AND below.level < 100
        )
        SELECT max(level) AS height FROM below";
    let row = one(write, sql, [document.uuid().into(), viewer(write)]).await?;
    Ok(row.try_get::<Option<i64>>("", "height")?.unwrap_or(1))
}

/// Moves what is hidden below the document, and reaches more than `levels` down from it, to the document's own parent.
pub async fn lift_hidden(write: &Write<'_>, document: &Granted<Entity>, levels: i64) -> Result<Vec<Model>> {
    let sql = "WITH RECURSIVE below AS (
            SELECT id, 1::bigint AS level, NULL::uuid AS hidden FROM content.documents WHERE id = $1
            UNION ALL
            SELECT d.id, below.level + 1, coalesce(
                below.hidden, CASE WHEN d.visibility = 'private' AND d.owner_id IS DISTINCT FROM $2 THEN d.id END
            )
            FROM content.documents d JOIN below ON d.parent_id = below.id
            WHERE d.deleted_at IS NULL AND below.level < 100
        )
        UPDATE content.documents SET parent_id = $3, updated_at = $4, updated_by = $2, version = version + 1
        WHERE id IN (SELECT hidden FROM below WHERE hidden IS NOT NULL GROUP BY hidden HAVING max(level) > $5)
        RETURNING *";
    let parent = document.parent_id.map(DocumentId::uuid).into();
    many(write, sql, [document.id.uuid().into(), viewer(write), parent, write.request().now().into(), levels.into()])
        .await
}

/// Whether a document that is in no trash and that others may read stands directly below.
pub async fn has_shared_children(write: &Write<'_>, document: &Granted<Entity>) -> Result<bool> {
    let sql = "SELECT EXISTS (
            SELECT FROM content.documents WHERE parent_id = $1 AND deleted_at IS NULL AND visibility <> 'private'
        ) AS found";
    Ok(one(write, sql, [document.id.uuid().into()]).await?.try_get("", "found")?)
}

/// Whether the document stands below a private one.
pub async fn has_private_parent(write: &Write<'_>, document: &Granted<Entity>) -> Result<bool> {
    let sql = "SELECT EXISTS (SELECT FROM content.documents WHERE id = $1 AND visibility = 'private') AS found";
    Ok(one(write, sql, [document.parent_id.map(DocumentId::uuid).into()]).await?.try_get("", "found")?)
}

/// Puts the document and everything below it that is not there yet into the trash.
pub async fn trash_subtree(write: &Write<'_>, document: &Granted<Entity>) -> Result<Vec<Model>> {
    let sql = "WITH RECURSIVE below AS (
            SELECT id FROM content.documents WHERE id = $1
            UNION ALL
            SELECT d.id FROM content.documents d JOIN below ON d.parent_id = below.id WHERE d.deleted_at IS NULL
        )
        UPDATE content.documents SET deleted_at = $3, updated_at = $3, updated_by = $2, version = version + 1
        WHERE id IN (SELECT id FROM below) AND deleted_at IS NULL RETURNING *";
    many(write, sql, [document.id.uuid().into(), viewer(write), write.request().now().into()]).await
}

/// Takes the document out of the trash with everything that went there in the same moment. It comes back at the top where
/// its parent is still in the trash, hides what others may read, or has no room for it below.
pub async fn restore_subtree(write: &Write<'_>, document: &Granted<Entity>) -> Result<Vec<Model>> {
    let sql = "WITH RECURSIVE below AS (
            SELECT id, deleted_at, 1 AS level FROM content.documents WHERE id = $1
            UNION ALL
            SELECT d.id, d.deleted_at, below.level + 1 FROM content.documents d
            JOIN below ON d.parent_id = below.id AND d.deleted_at = below.deleted_at
        ), above AS (
            SELECT id, parent_id, deleted_at, visibility, owner_id, 1 AS level FROM content.documents WHERE id = $4
            UNION ALL
            SELECT d.id, d.parent_id, d.deleted_at, d.visibility, d.owner_id, above.level + 1
            FROM content.documents d JOIN above ON d.id = above.parent_id WHERE above.level < 100
        ), place AS (
            SELECT EXISTS (
                SELECT FROM above JOIN content.documents d ON d.id = $1
                WHERE above.level = 1 AND above.deleted_at IS NULL AND (
                    above.visibility <> 'private' OR d.visibility = 'private' AND d.owner_id = above.owner_id
                )
            ) AND (SELECT max(level) FROM above) + (SELECT max(level) FROM below) <= $5 AS remains
        )
        UPDATE content.documents d SET deleted_at = NULL, updated_at = $3, updated_by = $2, version = version + 1,
            parent_id = CASE WHEN d.id <> $1 OR remains THEN d.parent_id END
        FROM place WHERE id IN (SELECT id FROM below) RETURNING d.*";
    let parent = document.parent_id.map(DocumentId::uuid).into();
    let values = [document.id.uuid().into(), viewer(write), write.request().now().into(), parent, DEEPEST.into()];
    many(write, sql, values).await.map_err(refused)
}

/// Lets the children of a document that is about to go stand where it stood.
pub async fn release_children(write: &Write<'_>, document: &Granted<Entity>) -> Result<Vec<Model>> {
    let sql = "UPDATE content.documents SET parent_id = $4, updated_at = $3, updated_by = $2, version = version + 1
        WHERE parent_id = $1 RETURNING *";
    let parent = document.parent_id.map(DocumentId::uuid).into();
    many(write, sql, [document.id.uuid().into(), viewer(write), write.request().now().into(), parent]).await
}

fn viewer(write: &Write<'_>) -> Value {
    write.viewer().user_id().map(UserId::uuid).into()
}

async fn one<const N: usize>(write: &Write<'_>, sql: &str, values: [Value; N]) -> Result<QueryResult> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let row = write.connection().query_one_raw(statement).await?;
    row.ok_or_else(|| Error::internal("a statement that always gives a row gave none"))
}

async fn many<const N: usize>(write: &Write<'_>, sql: &str, values: [Value; N]) -> Result<Vec<Model>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(Model::find_by_statement(statement).all(write.connection()).await?)
}
