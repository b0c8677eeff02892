//! What may happen to a space, and by whom.

use entity::enums::{SpacePrivacy, SpaceRole};
use entity::ids::{OrganizationId, ProjectId, SpaceId, UserId};
use entity::tenancy::{organization, project, space};
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Authority, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::quotas;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const READER: ActionSet = READ.and(ActionSet::of(&[Action::ReadMembers]));
const COMMENTER: ActionSet = READER.and(ActionSet::of(&[Action::Comment]));
const EDITOR: ActionSet = COMMENTER.and(ActionSet::of(&[Action::CreateDocuments, Action::ManageTags]));
/// What administering the organization allows in its spaces: everything about the space, nothing of its content.
const STEWARD: ActionSet =
    READER.and(ActionSet::of(&[Action::Edit, Action::Archive, Action::ManageMembers, Action::Delete]));
const MANAGER: ActionSet = EDITOR.and(STEWARD);
/// What remains of a role in an archived space.
const ARCHIVED: ActionSet = READER.and(ActionSet::of(&[Action::Archive, Action::ManageMembers, Action::Delete]));

impl Resource for space::Entity {
    type Id = SpaceId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[
        (Scope::SpacesRead, READ),
        (Scope::SpacesWrite, READ.and(ActionSet::of(&[Action::Edit, Action::Archive, Action::Delete]))),
        (Scope::MembersRead, READER),
        (Scope::MembersWrite, READER.and(ActionSet::of(&[Action::ManageMembers]))),
        (Scope::DocumentsRead, READ),
        (
            Scope::DocumentsWrite,
            READ.and(ActionSet::of(&[Action::Comment, Action::CreateDocuments, Action::ManageTags])),
        ),
    ];

    fn id(row: &space::Model) -> SpaceId {
        row.id
    }

    fn id_column() -> space::Column {
        space::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &space::Model) -> ActionSet {
        if row.deleted_at.is_some() {
            return ActionSet::NONE;
        }
        let mut actions = match viewer.space_role(row.id) {
            None => ActionSet::NONE,
            Some(SpaceRole::Reader) => READER,
            Some(SpaceRole::Commenter) => COMMENTER,
            Some(SpaceRole::Editor) => EDITOR,
            Some(SpaceRole::Manager) => MANAGER,
        };
        if row.organization_id.is_some_and(|id| viewer.administers(id)) {
            actions = actions.and(STEWARD);
        }
        if row.archived_at.is_some() {
            actions = actions.only(ARCHIVED);
        }
        if row.is_personal {
            actions = actions.without(ActionSet::of(&[Action::Delete, Action::Archive]));
        }
        actions
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.space_ids(), grants.administered()))
    }
}

/// Spaces that one viewer is shown from its grants; more are searched in the database.
const FEW: usize = 100;

/// The spaces of the organization that the viewer has a role in, where these are all that it may see and few.
pub fn granted_spaces(viewer: &Viewer, id: OrganizationId) -> Option<Vec<SpaceId>> {
    if viewer.administers(id) {
        return None;
    }
    let granted = viewer.grants()?.spaces.iter().filter(|(_, grant)| grant.organization_id == Some(id));
    let ids: Vec<SpaceId> = granted.map(|(id, _)| *id).collect();
    (ids.len() <= FEW).then_some(ids)
}

/// What a new space of an organization is made from.
pub struct NewSpace {
    pub id: Option<SpaceId>,
    pub organization_id: OrganizationId,
    pub project_id: Option<ProjectId>,
    pub name: String,
    pub slug: String,
    pub description: Option<String>,
    pub icon: Option<String>,
    pub color: Option<String>,
    pub privacy: Option<SpacePrivacy>,
    pub default_role: Option<SpaceRole>,
    pub is_listed: Option<bool>,
}

/// Creates a space of an organization. Its creator becomes its manager.
pub async fn create_space(request: &Request, new: NewSpace) -> Result<Committed<space::Model>> {
    let creator = request.user_id()?;
    let new = NewSpace {
        name: checks::required_text("name", &new.name, 255, Code::NameRequired, Code::TextInvalid)?,
        slug: checks::slug("slug", &new.slug, 100, Code::SlugInvalid)?,
        description: checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?,
        icon: checks::optional_line("icon", new.icon, 64, Code::TextInvalid)?,
        color: check_color(new.color)?,
        default_role: check_default_role(new.default_role)?,
        ..new
    };
    let mut write = request.begin_write_of_grants().await?;
    let organization = write.granted_parent::<organization::Entity>(new.organization_id, Action::CreateSpaces).await?;
    check_project(&write, new.project_id, organization.id).await?;
    let space = store::insert(&write, &organization, new, creator, organization.settings.default_space_role).await?;
    store::add_manager(&write, &organization, &space, creator).await?;
    write.record(&TenancyEvent::SpaceCreated { space: space.id, organization: space.organization_id });
    write.commit(space).await
}

/// Creates the personal space of a new user, in the transaction that signs them up.
pub async fn create_personal_space(
    write: &mut Write<'_>,
    authority: &dyn Authority,
    user: UserId,
) -> Result<space::Model> {
    let space = store::insert_personal(write, authority, user).await?;
    write.record(&TenancyEvent::SpaceCreated { space: space.id, organization: None });
    Ok(space)
}

/// What may be changed; none leaves it as it is, an empty text removes it.
#[derive(Default)]
pub struct SpaceChanges {
    pub name: Option<String>,
    pub slug: Option<String>,
    pub description: Option<String>,
    pub icon: Option<String>,
    pub color: Option<String>,
    pub privacy: Option<SpacePrivacy>,
    pub default_role: Option<SpaceRole>,
    pub is_listed: Option<bool>,
    /// Some(None) detaches the space from its project.
    pub project_id: Option<Option<ProjectId>>,
    pub default_document_visibility: Option<entity::enums::DocumentVisibility>,
}

/// Changes a space's properties.
pub async fn update_space(
    request: &Request,
    id: SpaceId,
    expected_version: Option<i32>,
    changes: SpaceChanges,
) -> Result<Committed<space::Model>> {
    let changes = check(changes)?;
    let mut write = request.begin_write_of_grants().await?;
    let space = write.granted::<space::Entity>(id, Action::Edit).await?;
    checks::version(expected_version, space.version, Code::Conflict, "The space changed since you read it.")?;
    match (space.organization_id, changes.project_id) {
        (Some(organization), Some(project)) if project != space.project_id => {
            check_project(&write, project, organization).await?;
            if let Some(project) = project {
                quotas::check_space(&write, id, project).await?;
            }
        }
        (None, Some(Some(_))) => {
            return Err(reject("projectId", Code::PersonalSpace, "A personal space has no project."));
        }
        _ => {}
    }
    if space.organization_id.is_none() && changes.is_listed == Some(true) {
        return Err(reject("isListed", Code::PersonalSpace, "A personal space cannot be shown to an organization."));
    }
    if space.organization_id.is_none() && changes.privacy == Some(SpacePrivacy::Open) {
        return Err(reject("privacy", Code::PersonalSpace, "A personal space cannot be open to an organization."));
    }
    let updated = store::update(&write, &space, changes).await?;
    write.record(&TenancyEvent::SpaceUpdated { space: id, organization: updated.organization_id });
    write.commit(updated).await
}

fn check(changes: SpaceChanges) -> Result<SpaceChanges> {
    let name = changes
        .name
        .map(|name| checks::required_text("name", &name, 255, Code::NameRequired, Code::TextInvalid))
        .transpose()?;
    Ok(SpaceChanges {
        name,
        slug: changes.slug.map(|slug| checks::slug("slug", &slug, 100, Code::SlugInvalid)).transpose()?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
        icon: changes.icon.map(|icon| checks::limited_line("icon", icon.trim(), 64, Code::TextInvalid)).transpose()?,
        color: match changes.color {
            Some(none) if none.is_empty() => Some(none),
            color => check_color(color)?,
        },
        default_role: check_default_role(changes.default_role)?,
        ..changes
    })
}

fn check_color(color: Option<String>) -> Result<Option<String>> {
    color.map(|color| checks::color("color", &color, Code::TextInvalid)).transpose()
}

fn check_default_role(role: Option<SpaceRole>) -> Result<Option<SpaceRole>> {
    match role {
        Some(SpaceRole::Manager) => {
            Err(reject("defaultRole", Code::RoleTooHigh, "An open space cannot make everyone its manager."))
        }
        other => Ok(other),
    }
}

/// A space may be attached to a project of its own organization that the viewer administers.
async fn check_project(write: &Write<'_>, project: Option<ProjectId>, organization: OrganizationId) -> Result<()> {
    let Some(id) = project else { return Ok(()) };
    let project = write.granted_parent::<project::Entity>(id, Action::AttachSpaces).await?;
    if project.organization_id == organization {
        return Ok(());
    }
    Err(reject("projectId", Code::OtherOrganization, "The project is of another organization."))
}

/// Archives a space, so that it can only be read, or brings it back.
pub async fn set_archived(request: &Request, id: SpaceId, archived: bool) -> Result<Committed<space::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let space = write.granted::<space::Entity>(id, Action::Archive).await?;
    let updated = store::set_archived(&write, &space, archived).await?;
    let organization = updated.organization_id;
    write.record(&match archived {
        true => TenancyEvent::SpaceArchived { space: id, organization },
        false => TenancyEvent::SpaceUnarchived { space: id, organization },
    });
    write.commit(updated).await
}

/// Deletes a space. Its content goes with it.
pub async fn delete_space(request: &Request, id: SpaceId) -> Result<Committed<SpaceId>> {
    let mut write = request.begin_write_of_grants().await?;
    let space = write.granted::<space::Entity>(id, Action::Delete).await?;
    store::mark_deleted(&write, &space).await?;
    write.record(&TenancyEvent::SpaceDeleted { space: id, organization: space.organization_id });
    write.commit(id).await
}
