//! What may happen to the members of a project, and by whom.

use entity::enums::ProjectRole;
use entity::ids::{ProjectId, ProjectMemberId, TeamId, UserId};
use entity::tenancy::{organization, project, project_member};
use sea_orm::Condition;

use super::store::{self, NewHolder};
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::members::{self, Grantee};
use crate::tenancy::quotas;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const MANAGE: ActionSet = READ.and(ActionSet::of(&[Action::Edit, Action::Delete]));

impl Resource for project_member::Entity {
    type Id = ProjectMemberId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::MembersRead, READ), (Scope::MembersWrite, MANAGE)];

    fn id(row: &project_member::Model) -> ProjectMemberId {
        row.id
    }

    fn id_column() -> project_member::Column {
        project_member::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &project_member::Model) -> ActionSet {
        match viewer.project_role(row.project_id) {
            None => ActionSet::NONE,
            Some(ProjectRole::Viewer | ProjectRole::Developer) => READ,
            Some(ProjectRole::Admin) => MANAGE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.projects.keys().copied().collect()))
    }
}

/// Makes the creator of a new project its admin.
pub async fn add_first_admin(
    write: &Write<'_>,
    organization: &Granted<organization::Entity>,
    project_id: ProjectId,
    creator: UserId,
) -> Result<()> {
    let holder = NewHolder { id: None, project_id, grantee: Grantee::User(creator), role: ProjectRole::Admin };
    store::insert(write, organization, holder).await?;
    Ok(())
}

/// What a new member of a project is made from.
pub struct NewProjectMember {
    pub id: Option<ProjectMemberId>,
    pub project_id: ProjectId,
    pub user_id: Option<UserId>,
    pub team_id: Option<TeamId>,
    pub role: ProjectRole,
}

/// Gives a person or a team a role in a project.
pub async fn add_member(request: &Request, new: NewProjectMember) -> Result<Committed<project_member::Model>> {
    let grantee = match (new.user_id, new.team_id) {
        (Some(user), None) => Grantee::User(user),
        (None, Some(team)) => Grantee::Team(team),
        (None, None) | (Some(_), Some(_)) => {
            return Err(Error::bad_input("userId", "Give userId or teamId, one of them."));
        }
    };
    let mut write = request.begin_write_of_grants().await?;
    let project = write.granted_parent::<project::Entity>(new.project_id, Action::ManageMembers).await?;
    check_grantee(&write, &project, grantee, "userId", new.role).await?;
    quotas::check_member(&write, &project).await?;
    let holder = NewHolder { id: new.id, project_id: project.id, grantee, role: new.role };
    let member = store::insert(&write, &project, holder).await?;
    write.record(&TenancyEvent::ProjectMembersChanged { project: project.id, organization: project.organization_id });
    write.commit(member).await
}

/// Changes the role of a member of a project.
pub async fn update_member(
    request: &Request,
    id: ProjectMemberId,
    expected_version: Option<i32>,
    role: ProjectRole,
) -> Result<Committed<project_member::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let project = lock_project(&write, id).await?;
    let member = write.granted::<project_member::Entity>(id, Action::Edit).await?;
    checks::version(expected_version, member.version, Code::Conflict, "The role changed since you read it.")?;
    if let (Some(user), true) = (member.user_id, role > member.role) {
        check_grantee(&write, &project, Grantee::User(user), "id", role).await?;
    }
    let updated = store::set_role(&write, &member, role).await?;
    write.record(&TenancyEvent::ProjectMembersChanged { project: project.id, organization: project.organization_id });
    write.commit(updated).await
}

/// Takes the role in a project away.
pub async fn remove_member(request: &Request, id: ProjectMemberId) -> Result<Committed<ProjectMemberId>> {
    let mut write = request.begin_write_of_grants().await?;
    let project = lock_project(&write, id).await?;
    let member = write.granted::<project_member::Entity>(id, Action::Delete).await?;
    write.record(&TenancyEvent::ProjectMembersChanged { project: project.id, organization: project.organization_id });
    write.delete(member).await?;
    write.commit(id).await
}

/// Holds the project of a member.
async fn lock_project(write: &Write<'_>, id: ProjectMemberId) -> Result<Granted<project::Entity>> {
    // Whoever is not signed in is told so, before anything is looked for.
    write.signed_in()?;
    let found = store::visible(write, id).await?.ok_or(Error::NotFound)?;
    write.granted_parent::<project::Entity>(found.project_id, Action::ManageMembers).await
}

/// A team needs no check here: that it is of the organization is a foreign key, and grants look at its members.
async fn check_grantee(
    write: &Write<'_>,
    project: &project::Model,
    grantee: Grantee,
    named_by: &'static str,
    role: ProjectRole,
) -> Result<()> {
    match grantee {
        Grantee::Team(_) => Ok(()),
        Grantee::User(user) => {
            let is_more_than_reading = role > ProjectRole::Viewer;
            members::check_holder(write, project.organization_id, user, named_by, is_more_than_reading).await
        }
    }
}
