//! What may happen to a team, and by whom.

use entity::enums::MemberRole;
use entity::ids::{OrganizationId, TeamId};
use entity::tenancy::{organization, team};
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;

const READ: ActionSet = ActionSet::of(&[Action::Read, Action::ReadMembers]);
const MANAGE: ActionSet = READ.and(ActionSet::of(&[Action::Edit, Action::ManageMembers, Action::Delete]));

impl Resource for team::Entity {
    type Id = TeamId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::MembersRead, READ), (Scope::MembersWrite, MANAGE)];

    fn id(row: &team::Model) -> TeamId {
        row.id
    }

    fn id_column() -> team::Column {
        team::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &team::Model) -> ActionSet {
        match viewer.organization_role(row.organization_id) {
            None => ActionSet::NONE,
            Some(MemberRole::Viewer | MemberRole::Member) => READ,
            Some(MemberRole::Admin | MemberRole::Owner) => MANAGE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::among(grants.organization_ids()))
    }
}

/// What a new team is made from.
pub struct NewTeam {
    pub id: Option<TeamId>,
    pub organization_id: OrganizationId,
    pub name: String,
    pub description: Option<String>,
}

/// Creates a team of an organization, with nobody in it.
pub async fn create_team(request: &Request, new: NewTeam) -> Result<Committed<team::Model>> {
    let new = NewTeam {
        name: checks::required_text("name", &new.name, 255, Code::NameRequired, Code::TextInvalid)?,
        description: checks::optional_text("description", new.description, 2_000, Code::TextInvalid)?,
        ..new
    };
    let mut write = request.begin_write_of_grants().await?;
    let organization = write.granted_parent::<organization::Entity>(new.organization_id, Action::ManageTeams).await?;
    let team = store::insert(&write, &organization, new).await?;
    write.record(&TenancyEvent::TeamCreated { team: team.id, organization: organization.id });
    write.commit(team).await
}

/// What may be changed; none leaves it as it is.
pub struct TeamChanges {
    pub name: Option<String>,
    pub description: Option<String>,
}

/// Changes a team's name and description.
pub async fn update_team(
    request: &Request,
    id: TeamId,
    expected_version: Option<i32>,
    changes: TeamChanges,
) -> Result<Committed<team::Model>> {
    let changes = TeamChanges {
        name: changes
            .name
            .map(|name| checks::required_text("name", &name, 255, Code::NameRequired, Code::TextInvalid))
            .transpose()?,
        description: changes
            .description
            .map(|text| checks::limited_text("description", text.trim(), 2_000, Code::TextInvalid))
            .transpose()?,
    };
    let mut write = request.begin_write_of_grants().await?;
    let team = write.granted::<team::Entity>(id, Action::Edit).await?;
    checks::version(expected_version, team.version, Code::Conflict, "The team changed since you read it.")?;
    let updated = store::update(&write, &team, changes).await?;
    write.record(&TenancyEvent::TeamUpdated { team: id, organization: updated.organization_id });
    write.commit(updated).await
}

/// Deletes a team. Its members lose what was granted to it, and nothing else.
pub async fn delete_team(request: &Request, id: TeamId) -> Result<Committed<TeamId>> {
    let mut write = request.begin_write_of_grants().await?;
    let team = write.granted::<team::Entity>(id, Action::Delete).await?;
    let organization = team.organization_id;
    tell_spaces(&mut write, &team).await?;
    write.delete(team).await?;
    write.record(&TenancyEvent::TeamDeleted { team: id, organization });
    write.commit(id).await
}

/// Tells the spaces and projects in which the team has a role that their members change with it, so that whoever
/// follows them is let in or sent away at once.
pub async fn tell_spaces(write: &mut Write<'_>, team: &team::Model) -> Result<()> {
    let organization = team.organization_id;
    for space in store::granted_spaces(write, team.id).await? {
        write.record(&TenancyEvent::SpaceMembersChanged { space, organization: Some(organization) });
    }
    for project in store::granted_projects(write, team.id).await? {
        write.record(&TenancyEvent::ProjectMembersChanged { project, organization });
    }
    Ok(())
}
