//! Where among its siblings a document goes: a key between those of the two that will stand around it.

use entity::content::document;
use entity::ids::{DocumentId, SpaceId};
use fractional_index::FractionalIndex;
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::content::ContentErrorCode as Code;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::write::Write;

/// Where among its new siblings a document goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    First,
    Last,
    Before(DocumentId),
    After(DocumentId),
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
