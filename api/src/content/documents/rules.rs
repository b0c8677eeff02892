//! Who may do what with a document, and the changes of its state.

use entity::content::document;
use entity::enums::{DocumentStatus, DocumentVisibility, SpaceRole};
use entity::ids::DocumentId;
use sea_orm::Condition;

use super::events::{DocumentChangeKind, DocumentEvent};
use super::filter::List;
use super::store::{self, Above, InSpace};
use crate::content::ContentErrorCode as Code;
use crate::content::check_version;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing, within_scopes};
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Committed;

const READER: ActionSet = ActionSet::of(&[Action::Read]);
const COMMENTER: ActionSet = READER.and(ActionSet::of(&[Action::Comment]));
const EDITOR: ActionSet = COMMENTER.and(ActionSet::of(&[
    Action::Edit,
    Action::Publish,
    Action::Archive,
    Action::Move,
    Action::Trash,
    Action::Restore,
]));
const MANAGER: ActionSet = EDITOR.and(ActionSet::of(&[Action::Share, Action::Delete]));
/// What remains of a document in the trash.
const TRASHED: ActionSet = ActionSet::of(&[Action::Read, Action::Restore, Action::Delete]);

/// What a role in the space allows with its documents.
fn by_role(role: SpaceRole) -> ActionSet {
    match role {
        SpaceRole::Reader => READER,
        SpaceRole::Commenter => COMMENTER,
        SpaceRole::Editor => EDITOR,
        SpaceRole::Manager => MANAGER,
    }
}

/// What owning a document adds to the role: whoever may write in the space may do everything with what is theirs.
fn by_ownership(role: SpaceRole) -> ActionSet {
    match role {
        SpaceRole::Reader | SpaceRole::Commenter => by_role(role),
        SpaceRole::Editor | SpaceRole::Manager => MANAGER,
    }
}

impl Resource for document::Entity {
    type Id = DocumentId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[
        (Scope::DocumentsRead, READER),
        (Scope::DocumentsWrite, EDITOR),
        (Scope::DocumentsShare, READER.and(ActionSet::of(&[Action::Share]))),
        (Scope::DocumentsDelete, TRASHED.and(ActionSet::of(&[Action::Trash]))),
    ];

    fn id(row: &document::Model) -> DocumentId {
        row.id
    }

    fn id_column() -> document::Column {
        document::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &document::Model) -> ActionSet {
        let role = viewer.content_role(row.space_id);
        let is_owner = viewer.user_id() == Some(row.owner_id);
        let in_organization = row.organization_id.and_then(|id| viewer.organization_role(id)).is_some();
        let granted = match (row.visibility, role) {
            (_, Some(role)) if is_owner => by_ownership(role),
            (DocumentVisibility::Private, _) => ActionSet::NONE,
            (_, Some(role)) => by_role(role),
            (DocumentVisibility::Space, None) => ActionSet::NONE,
            (DocumentVisibility::Organization, None) if in_organization => READER,
            (DocumentVisibility::Organization, None) => ActionSet::NONE,
            (DocumentVisibility::Public, None) => READER,
        };
        if row.deleted_at.is_none() {
            granted.without(ActionSet::of(&[Action::Restore, Action::Delete]))
        } else if granted.contains(Action::Restore) {
            granted.only(TRASHED)
        } else {
            ActionSet::NONE
        }
    }

    /// Narrower than `permitted` in one way: a public document of strangers is found by its link, never in a list.
    fn reach(viewer: &Viewer) -> Condition {
        match (viewer.user_id(), viewer.grants()) {
            (Some(user), Some(grants)) => store::within(user, grants),
            _ => nothing(),
        }
    }
}

/// The page of a space for a viewer that has a role in it, and may restore when it asks for the trash.
/// Everybody else's page has to be searched within its whole reach.
pub fn reads_whole_space(viewer: &Viewer, above: Above, list: &List) -> Option<InSpace> {
    let (Above::Space(space), Some(reader)) = (above, viewer.user_id()) else {
        return None;
    };
    let role =
        viewer.content_role(space).filter(|_| within_scopes::<document::Entity>(viewer).contains(Action::Read))?;
    let asks_for_trash = list.filter.trashed.unwrap_or(false);
    (role >= SpaceRole::Editor || !asks_for_trash).then(|| InSpace { space, reader, list: list.clone() })
}

/// A change of a document's state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transition {
    Publish,
    Unpublish,
    Archive,
    Unarchive,
}

impl Transition {
    fn action(self) -> Action {
        match self {
            Self::Publish | Self::Unpublish => Action::Publish,
            Self::Archive | Self::Unarchive => Action::Archive,
        }
    }

    /// The state it starts from and the state it leads to; none where the state does not allow it.
    fn apply(self, from: DocumentStatus, was_published: bool) -> Option<DocumentStatus> {
        match (self, from) {
            (Self::Publish, DocumentStatus::Draft) => Some(DocumentStatus::Published),
            (Self::Unpublish, DocumentStatus::Published) => Some(DocumentStatus::Draft),
            (Self::Archive, DocumentStatus::Draft | DocumentStatus::Published) => Some(DocumentStatus::Archived),
            (Self::Unarchive, DocumentStatus::Archived) if was_published => Some(DocumentStatus::Published),
            (Self::Unarchive, DocumentStatus::Archived) => Some(DocumentStatus::Draft),
            _ => None,
        }
    }

    fn kind(self) -> DocumentChangeKind {
        match self {
            Self::Publish => DocumentChangeKind::Published,
            Self::Unpublish => DocumentChangeKind::Unpublished,
            Self::Archive => DocumentChangeKind::Archived,
            Self::Unarchive => DocumentChangeKind::Unarchived,
        }
    }
}

/// Publishes, unpublishes, archives or unarchives a document.
pub async fn change_status(
    request: &Request,
    id: DocumentId,
    expected_version: Option<i32>,
    transition: Transition,
) -> Result<Committed<document::Model>> {
    let mut write = request.begin_write().await?;
    let document = write.granted::<document::Entity>(id, transition.action()).await?;
    check_version(expected_version, document.version)?;
    let Some(status) = transition.apply(document.status, document.published_at.is_some()) else {
        let message = format!("The document is {} and cannot do this.", document.status.as_str());
        return Err(reject("id", Code::WrongState, message));
    };
    let changed = store::set_status(&write, &document, status).await?;
    write.record(&DocumentEvent::of(transition.kind(), &changed));
    write.commit(changed).await
}
