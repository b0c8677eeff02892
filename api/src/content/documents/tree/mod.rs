//! The tree of documents in a space: where a document stands, and that it never stands below itself.
//! Invariants: below a PRIVATE document stands nothing that others may read; the tree has at most 32 levels. What the
//! actor cannot see never stands in its way: it is lifted out of what goes, and nothing tells of it.

mod place;
mod store;

use entity::content::document;
use entity::enums::DocumentVisibility;
use entity::ids::{DocumentId, SpaceId};
use sea_orm::ActiveValue::Set;

use super::events::{DocumentChangeKind, DocumentEvent};
use crate::content::ContentErrorCode as Code;
use crate::content::check_version;
use crate::platform::authorization::{Action, Granted};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};

pub use place::{Place, between, position};

/// Levels of the tree at most.
pub const DEEPEST: i64 = 32;

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
    store::lock(&write, space).await?;
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
    expected_version: Option<i32>,
    parent: Option<DocumentId>,
    place: Place,
) -> Result<Committed<document::Model>> {
    let (mut write, document) = write_in_tree(request, id, Action::Move).await?;
    check_version(expected_version, document.version)?;
    let above = check_parent(&write, parent, document.space_id).await?;
    check_openness("parentId", above.as_deref(), document.visibility)?;
    if let Some(parent) = parent {
        let line = store::line_above(&write, parent, id).await?;
        if line.meets {
            return Err(reject("parentId", Code::Cycle, "A document cannot stand below itself."));
        }
        let room = DEEPEST - line.levels;
        if store::height(&write, id).await? > room {
            return Err(too_deep());
        }
        // What the viewer does not see may be deeper still: it stays where the document stood.
        let left = store::lift_hidden(&write, &document, room).await?;
        record_moved(&mut write, &left);
    }
    let position = position(&write, document.space_id, parent, place, Some(id)).await?;
    let mut row = super::store::changed(&write, &document);
    row.parent_id = Set(parent);
    row.position = Set(position);
    let moved = write.update(&document, row).await?;
    write.record(&DocumentEvent::of(DocumentChangeKind::Moved, &moved));
    write.commit(moved).await
}

/// Checks that a document may hold another child, and gives it: of this space, seen by the viewer, not in the trash,
/// not too deep.
pub async fn check_new_child(
    write: &Write<'_>,
    parent: Option<DocumentId>,
    space: SpaceId,
) -> Result<Option<Granted<document::Entity>>> {
    let Some(id) = parent else { return Ok(None) };
    store::lock(write, space).await?;
    let above = check_parent(write, parent, space).await?;
    if store::line_above(write, id, id).await?.levels >= DEEPEST {
        return Err(too_deep());
    }
    Ok(above)
}

/// What others may read does not stand below a private document.
pub fn check_openness(
    field: &'static str,
    parent: Option<&document::Model>,
    visibility: DocumentVisibility,
) -> Result<()> {
    let hides = parent.is_some_and(|parent| parent.visibility == DocumentVisibility::Private);
    if hides && visibility != DocumentVisibility::Private {
        let message = "Others may read it, so it cannot stand below a private document.";
        return Err(reject(field, Code::PrivateParent, message));
    }
    Ok(())
}

/// Checks that the tree allows a new visibility of a document in it. What others keep private below a document that
/// becomes private goes to its parent.
pub async fn prepare_visibility(
    write: &mut Write<'_>,
    document: &Granted<document::Entity>,
    visibility: DocumentVisibility,
) -> Result<()> {
    if visibility != DocumentVisibility::Private {
        return match store::has_private_parent(write, document).await? {
            true => {
                Err(reject("visibility", Code::PrivateParent, "It stands below a private document: move it first."))
            }
            false => Ok(()),
        };
    }
    if store::has_shared_children(write, document).await? {
        let message = "Others may read documents below it: move them, or make them private first.";
        return Err(reject("visibility", Code::SharedChildren, message));
    }
    let lifted = store::lift_hidden(write, document, 0).await?;
    record_moved(write, &lifted);
    Ok(())
}

/// Puts a document into the trash, with everything below it that the viewer sees. The rest goes to its parent.
pub async fn trash(
    request: &Request,
    id: DocumentId,
    expected_version: Option<i32>,
) -> Result<Committed<document::Model>> {
    let (mut write, document) = write_in_tree(request, id, Action::Trash).await?;
    check_version(expected_version, document.version)?;
    let lifted = store::lift_hidden(&write, &document, 0).await?;
    record_moved(&mut write, &lifted);
    let trashed = store::trash_subtree(&write, &document).await?;
    record(&mut write, DocumentChangeKind::Trashed, &trashed);
    write.commit(own(trashed, id)?).await
}

/// Takes a document out of the trash, with what went there together with it. It comes back at the top of the tree where
/// it can no longer stand below its parent.
pub async fn restore(
    request: &Request,
    id: DocumentId,
    expected_version: Option<i32>,
) -> Result<Committed<document::Model>> {
    let (mut write, document) = write_in_tree(request, id, Action::Restore).await?;
    check_version(expected_version, document.version)?;
    let restored = store::restore_subtree(&write, &document).await?;
    record(&mut write, DocumentChangeKind::Restored, &restored);
    write.commit(own(restored, id)?).await
}

/// Deletes a document in the trash for good. What stood below it stands where it stood.
pub async fn delete(request: &Request, id: DocumentId, expected_version: Option<i32>) -> Result<Committed<DocumentId>> {
    let (mut write, document) = write_in_tree(request, id, Action::Delete).await?;
    check_version(expected_version, document.version)?;
    let released = store::release_children(&write, &document).await?;
    record_moved(&mut write, &released);
    write.record(&DocumentEvent::of(DocumentChangeKind::Deleted, document.row()));
    write.delete(document).await?;
    write.commit(id).await
}

fn record_moved(write: &mut Write<'_>, documents: &[document::Model]) {
    record(write, DocumentChangeKind::Moved, documents);
}

fn record(write: &mut Write<'_>, kind: DocumentChangeKind, documents: &[document::Model]) {
    for document in documents {
        write.record(&DocumentEvent::of(kind, document));
    }
}

fn own(changed: Vec<document::Model>, id: DocumentId) -> Result<document::Model> {
    let own = changed.into_iter().find(|document| document.id == id);
    own.ok_or_else(|| Error::internal("the document is not among those that changed"))
}

fn too_deep() -> Error {
    reject("parentId", Code::TooDeep, format!("The tree has at most {DEEPEST} levels."))
}

async fn check_parent(
    write: &Write<'_>,
    parent: Option<DocumentId>,
    space: SpaceId,
) -> Result<Option<Granted<document::Entity>>> {
    let Some(parent) = parent else { return Ok(None) };
    let parent = write.granted_parent::<document::Entity>(parent, Action::Read).await?;
    if parent.space_id != space {
        return Err(reject("parentId", Code::OtherSpace, "That document is in another space."));
    }
    if parent.deleted_at.is_some() {
        return Err(reject("parentId", Code::WrongState, "That document is in the trash."));
    }
    Ok(Some(parent))
}
