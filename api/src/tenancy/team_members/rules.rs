//! What may happen to the members of a team, and by whom.

use entity::enums::MemberRole;
use entity::ids::{TeamId, TeamMemberId, UserId};
use entity::tenancy::{team, team_member};
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Committed;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::members::{self, Person};
use crate::tenancy::teams;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const MANAGE: ActionSet = READ.and(ActionSet::of(&[Action::Delete]));

impl Resource for team_member::Entity {
    type Id = TeamMemberId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::MembersRead, READ), (Scope::MembersWrite, MANAGE)];

    fn id(row: &team_member::Model) -> TeamMemberId {
        row.id
    }

    fn id_column() -> team_member::Column {
        team_member::Column::Id
    }

    /// Everybody may take themselves out.
    fn permitted(viewer: &Viewer, row: &team_member::Model) -> ActionSet {
        match viewer.organization_role(row.organization_id) {
            None => ActionSet::NONE,
            Some(_) if viewer.user_id() == Some(row.user_id) => MANAGE,
            Some(MemberRole::Viewer | MemberRole::Member) => READ,
            Some(MemberRole::Admin | MemberRole::Owner) => MANAGE,
        }
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::among(grants.organization_ids()))
    }
}

/// What a new member of a team is made from.
pub struct NewTeamMember {
    pub id: Option<TeamMemberId>,
    pub team_id: TeamId,
    pub user_id: Option<UserId>,
    pub email: Option<String>,
}

/// Puts an active member of the organization into a team. Whether somebody else has an account is not told.
pub async fn add_member(request: &Request, new: NewTeamMember) -> Result<Committed<team_member::Model>> {
    let person = Person::named(new.user_id, new.email)?;
    let mut write = request.begin_write_of_grants().await?;
    let team = write.granted_parent::<team::Entity>(new.team_id, Action::ManageMembers).await?;
    let user = members::find_holder(&write, team.organization_id, &person, false).await?;
    let member = store::insert(&write, &team, new.id, user).await?;
    write.record(&TenancyEvent::TeamMembersChanged { team: team.id, organization: team.organization_id });
    teams::tell_spaces(&mut write, &team).await?;
    write.commit(member).await
}

/// Takes a person out of a team, and so takes away what was granted to the team.
pub async fn remove_member(request: &Request, id: TeamMemberId) -> Result<Committed<TeamMemberId>> {
    // Whoever is not signed in is told so, before anything is looked for.
    request.user_id()?;
    let mut write = request.begin_write_of_grants().await?;
    let found = store::visible(&write, id).await?.ok_or(Error::NotFound)?;
    // The team is held, so that nothing is granted to it while it is told who is concerned.
    let team = write.granted_parent::<team::Entity>(found.team_id, Action::Read).await?;
    let member = write.granted::<team_member::Entity>(id, Action::Delete).await?;
    write.record(&TenancyEvent::TeamMembersChanged { team: team.id, organization: team.organization_id });
    teams::tell_spaces(&mut write, &team).await?;
    write.delete(member).await?;
    write.commit(id).await
}
