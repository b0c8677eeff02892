//! The tree of documents in a space: where a document stands, and that it never stands below itself.

use entity::content::document;
use entity::ids::{DocumentId, SpaceId};
use fractional_index::FractionalIndex;
use sea_orm::ActiveValue::Set;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use super::events::{DocumentChangeKind, DocumentEvent};
use super::store;
use crate::content::ContentErrorCode as Code;
use crate::platform::authorization::{Action, Granted};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

/// Levels of the tree at most.
const DEEPEST: i64 = 32;

/// Where among its new siblings a document goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    First,
    Last,
    Before(DocumentId),
    After(DocumentId),
}

/// Opens a write that changes the tree at a document. The tree is locked before its rows, by everyone, so that two
/// changes wait for each other instead of deadlocking, and neither misses what the other adds.
pub async fn write_in_tree(
    request: &Request,
    id: DocumentId,
    action: Action,
) -> Result<(Write<'_>, Granted<document::Entity>)> {
    if matches!(request.viewer(), Viewer::Anonymous) {
        return Err(Error::Unauthenticated);
    }
    let space = request.get::<document::Entity>(id).await?.space_id;
    let write = request.begin_write().await?;
    lock_tree(&write, space).await?;
    let document = write.granted::<document::Entity>(id, action).await?;
    if document.space_id != space {
        return Err(Error::Conflict);
    }
    Ok((write, document))
}

/// Moves a document below another one of its space, or to the top, and among its siblings.
pub async fn move_document(
    request: &Request,
    id: DocumentId,
    parent: Option<DocumentId>,
    place: Place,
) -> Result<Committed<document::Model>> {
    let (mut write, document) = write_in_tree(request, id, Action::Move).await?;
    check_parent(&write, "parentId", parent, document.space_id).await?;
    if let Some(parent) = parent {
        let (cycle, depth) = line_above(&write, parent, id).await?;
        if cycle {
            return Err(reject("parentId", Code::Cycle, "A document cannot stand below itself."));
        }
        if depth + height(&write, id).await? > DEEPEST {
            return Err(reject("parentId", Code::TooDeep, format!("The tree has at most {DEEPEST} levels.")));
        }
    }
    let position = position(&write, document.space_id, parent, place, Some(id)).await?;
    let mut row = store::changed(&write, &document);
    row.parent_id = Set(parent);
    row.position = Set(position);
    let moved = write.update(&document, row).await?;
    write.record(&DocumentEvent { kind: DocumentChangeKind::Moved, document: &moved });
    write.commit(moved).await
}

/// Checks that a document may hold children: of this space, seen by the viewer, not in the trash, not too deep.
pub async fn check_new_child(write: &Write<'_>, parent: Option<DocumentId>, space: SpaceId) -> Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    lock_tree(write, space).await?;
    check_parent(write, "parentId", Some(parent), space).await?;
    let (_, depth) = line_above(write, parent, parent).await?;
    if depth >= DEEPEST {
        return Err(reject("parentId", Code::TooDeep, format!("The tree has at most {DEEPEST} levels.")));
    }
    Ok(())
}

async fn check_parent(
    write: &Write<'_>,
    field: &'static str,
    parent: Option<DocumentId>,
    space: SpaceId,
) -> Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    let parent = write.granted_parent::<document::Entity>(parent, Action::Read).await?;
    if parent.space_id != space {
        return Err(reject(field, Code::OtherSpace, "That document is in another space."));
    }
    if parent.deleted_at.is_some() {
        return Err(reject(field, Code::WrongState, "That document is in the trash."));
    }
    Ok(())
}

/// Moves within one tree go one after the other: two at once could make a circle that neither sees.
async fn lock_tree(write: &Write<'_>, space: SpaceId) -> Result<()> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended('document tree ' || $1::text, 0))",
        [space.uuid().into()],
    );
    write.connection().execute_raw(statement).await?;
    Ok(())
}

/// Whether `below` stands on the line from `document` up to the top, and how long the line is.
async fn line_above(write: &Write<'_>, document: DocumentId, below: DocumentId) -> Result<(bool, i64)> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "WITH RECURSIVE above AS (
            SELECT id, parent_id, 1 AS level FROM content.documents WHERE id = $1
            UNION ALL
            SELECT d.id, d.parent_id, above.level + 1 FROM content.documents d JOIN above ON d.id = above.parent_id
            WHERE above.level < 100
        )
        SELECT coalesce(bool_or(id = $2), false) AS cycle, count(*) AS depth FROM above",
        [document.uuid().into(), below.uuid().into()],
    );
    let row = write.connection().query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    Ok((row.try_get("", "cycle")?, row.try_get("", "depth")?))
}

/// How many levels hang at the document, itself included.
async fn height(write: &Write<'_>, document: DocumentId) -> Result<i64> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "WITH RECURSIVE below AS (
            SELECT id, 1::bigint AS level FROM content.documents WHERE id = $1
            UNION ALL
            SELECT d.id, below.level + 1 FROM content.documents d JOIN below ON d.parent_id = below.id
            WHERE below.level < 100
        )
        SELECT max(level) AS height FROM below",
        [document.uuid().into()],
    );
    let row = write.connection().query_one_raw(statement).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    Ok(row.try_get::<Option<i64>>("", "height")?.unwrap_or(1))
}

/// A position for the place: between the two siblings that will stand around it.
pub async fn position(
    write: &Write<'_>,
    space: SpaceId,
    parent: Option<DocumentId>,
    place: Place,
    moving: Option<DocumentId>,
) -> Result<String> {
    let (reference, after) = match place {
        Place::First => (None, false),
        Place::Last => (None, true),
        Place::Before(sibling) => (Some(sibling), false),
        Place::After(sibling) => (Some(sibling), true),
    };
    let at = match reference {
        None => None,
        Some(sibling) => {
            let field = if after { "afterId" } else { "beforeId" };
            let stranger = || reject(field, Code::WrongState, "That document is not among the siblings.");
            // Whoever may not see the neighbour hears what is said of one that stands elsewhere.
            match write.granted_parent::<document::Entity>(sibling, Action::Read).await {
                Err(Error::NotFound) => return Err(stranger()),
                seen => drop(seen?),
            }
            let found = sibling_position(write, space, parent, sibling).await?;
            Some(found.ok_or_else(stranger)?)
        }
    };
    let (before, behind) = match (at, after) {
        (None, false) => (None, edge(write, space, parent, moving, "ASC", None).await?),
        (None, true) => (edge(write, space, parent, moving, "DESC", None).await?, None),
        (Some(at), true) => {
            let next = edge(write, space, parent, moving, "ASC", Some(&at)).await?;
            (Some(at), next)
        }
        (Some(at), false) => {
            let previous = edge(write, space, parent, moving, "DESC", Some(&at)).await?;
            (previous, Some(at))
        }
    };
    Ok(between(before.as_deref(), behind.as_deref()))
}

/// A key between two keys; where they leave no room, after the first.
pub fn between(before: Option<&str>, behind: Option<&str>) -> String {
    let parse = |text: Option<&str>| text.and_then(|text| FractionalIndex::from_string(text).ok());
    let (before, behind) = (parse(before), parse(behind));
    FractionalIndex::new(before.as_ref(), behind.as_ref())
        .or_else(|| before.as_ref().map(FractionalIndex::new_after))
        .unwrap_or_default()
        .to_string()
}

async fn sibling_position(
    write: &Write<'_>,
    space: SpaceId,
    parent: Option<DocumentId>,
    sibling: DocumentId,
) -> Result<Option<String>> {
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        "SELECT position FROM content.documents WHERE id = $1 AND space_id = $2 \
         AND parent_id IS NOT DISTINCT FROM $3 AND deleted_at IS NULL",
        [sibling.uuid().into(), space.uuid().into(), parent.map(DocumentId::uuid).into()],
    );
    let row = write.connection().query_one_raw(statement).await?;
    row.map(|row| row.try_get("", "position")).transpose().map_err(Into::into)
}

/// The first position in the direction, beyond `from` where that is given.
async fn edge(
    write: &Write<'_>,
    space: SpaceId,
    parent: Option<DocumentId>,
    moving: Option<DocumentId>,
    direction: &'static str,
    from: Option<&str>,
) -> Result<Option<String>> {
    let beyond = if direction == "ASC" { ">" } else { "<" };
    // "IS NOT DISTINCT FROM" would keep the index on the tree from being used.
    let below = if parent.is_some() { "parent_id = $2" } else { "parent_id IS NULL AND $2::uuid IS NULL" };
    let sql = format!(
        "SELECT position FROM content.documents WHERE space_id = $1 AND {below} AND deleted_at IS NULL \
         AND id IS DISTINCT FROM $3 AND ($4::text IS NULL OR position {beyond} $4 COLLATE \"C\") \
         ORDER BY position {direction}, id {direction} LIMIT 1"
    );
    let statement = Statement::from_sql_and_values(
        DbBackend::Postgres,
        sql,
        [
            space.uuid().into(),
            parent.map(DocumentId::uuid).into(),
            moving.map(DocumentId::uuid).into(),
            from.map(str::to_owned).into(),
        ],
    );
    let row = write.connection().query_one_raw(statement).await?;
    row.map(|row| row.try_get("", "position")).transpose().map_err(Into::into)
}
