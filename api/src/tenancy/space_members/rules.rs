//! What may happen to the members of a space, and by whom.

use entity::enums::{MemberRole, SpacePrivacy, SpaceRole};
use entity::ids::{SpaceId, SpaceMemberId, TeamId, UserId};
use entity::tenancy::{space, space_member};
use sea_orm::Condition;

use super::store::{self, NewHolder};
use crate::platform::authorization::{Action, ActionSet, Granted, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::members::{self, Grantee, Person};

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const MANAGE: ActionSet = READ.and(ActionSet::of(&[Action::Edit, Action::Delete]));

impl Resource for space_member::Entity {
    type Id = SpaceMemberId;
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::MembersRead, READ), (Scope::MembersWrite, MANAGE)];

    fn id(row: &space_member::Model) -> SpaceMemberId {
        row.id
    }

    fn id_column() -> space_member::Column {
        space_member::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &space_member::Model) -> ActionSet {
        let mut actions = match viewer.space_role(row.space_id) {
            None => ActionSet::NONE,
            Some(SpaceRole::Reader | SpaceRole::Commenter | SpaceRole::Editor) => READ,
            Some(SpaceRole::Manager) => MANAGE,
        };
        if row.organization_id.is_some_and(|id| viewer.administers(id)) {
            actions = actions.and(MANAGE);
        }
        if actions.contains(Action::Read) && row.user_id.is_some() && row.user_id == viewer.user_id() {
            actions = actions.and(ActionSet::of(&[Action::Leave]));
        }
        actions
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::within(grants.space_ids(), grants.administered()))
    }
}

/// What a new member of a space is made from.
pub struct NewSpaceMember {
    pub id: Option<SpaceMemberId>,
    pub space_id: SpaceId,
    pub user_id: Option<UserId>,
    pub email: Option<String>,
    pub team_id: Option<TeamId>,
    pub role: SpaceRole,
}

/// Whom a client names.
enum Named {
    Person(Person),
    Team(TeamId),
}

impl Named {
    fn field(&self) -> &'static str {
        match self {
            Self::Person(person) => person.field(),
            Self::Team(_) => "teamId",
        }
    }
}

/// Gives a person or a team a role in a space.
pub async fn add_member(request: &Request, new: NewSpaceMember) -> Result<Committed<space_member::Model>> {
    let named = match (new.user_id, new.email, new.team_id) {
        (None, None, Some(team)) => Named::Team(team),
        (user @ Some(_), None, None) => Named::Person(Person::named(user, None)?),
        (None, email @ Some(_), None) => Named::Person(Person::named(None, email)?),
        _ => return Err(Error::bad_input("userId", "Give userId, email or teamId, one of them.")),
    };
    let mut write = request.begin_write_of_grants().await?;
    let space = write.granted_parent::<space::Entity>(new.space_id, Action::ManageMembers).await?;
    let named_by = named.field();
    let grantee = match (named, space.organization_id) {
        (Named::Team(team), Some(_)) => Grantee::Team(team),
        (Named::Team(_), None) => {
            return Err(reject("teamId", Code::PersonalSpace, "Only the space of an organization takes teams."));
        }
        (Named::Person(person), Some(organization)) => {
            let is_more_than_reading = new.role > SpaceRole::Reader;
            Grantee::User(members::find_holder(&write, organization, &person, is_more_than_reading).await?)
        }
        (Named::Person(person), None) => Grantee::User(find_acquaintance(&write, &person, &space).await?),
    };
    let holder = NewHolder { id: new.id, space_id: space.id, grantee, role: new.role, named_by };
    let member = store::insert(&write, &space, holder).await?;
    write.record(&TenancyEvent::SpaceMembersChanged { space: space.id, organization: space.organization_id });
    write.commit(member).await
}

/// Gives an active member of the space's organization a role in it, in the write of whoever may do that. `named_by` is
/// the input field by which the person came.
pub async fn admit(
    write: &Write<'_>,
    space: &Granted<space::Entity>,
    user: UserId,
    role: SpaceRole,
    named_by: &'static str,
) -> Result<space_member::Model> {
    if let Some(organization) = space.organization_id {
        members::check_holder(write, organization, user, named_by, role > SpaceRole::Reader).await?;
    }
    let holder = NewHolder { id: None, space_id: space.id, grantee: Grantee::User(user), role, named_by };
    store::insert(write, space, holder).await
}

/// Makes the viewer itself a member of an open space, with the role that everybody has there: so it stays in when the
/// space becomes private.
pub async fn join_space(request: &Request, id: SpaceId) -> Result<Committed<space_member::Model>> {
    let user = request.user_id()?;
    request.viewer().in_person()?;
    let mut write = request.begin_write_of_grants().await?;
    let space = write.granted_parent::<space::Entity>(id, Action::Read).await?;
    let organization = space.organization_id.filter(|_| space.privacy == SpacePrivacy::Open);
    let Some(organization) = organization.filter(|_| space.archived_at.is_none()) else {
        return Err(reject("spaceId", Code::NotOpen, "This space lets in only those who were added to it."));
    };
    let only_views = write.viewer().organization_role(organization) == Some(MemberRole::Viewer);
    let role = if only_views { SpaceRole::Reader } else { space.default_role };
    let member = admit(&write, &space, user, role, "spaceId").await?;
    write.record(&TenancyEvent::SpaceMembersChanged { space: space.id, organization: Some(organization) });
    write.commit(member).await
}

/// Whoever works with the viewer in some organization can enter the space of a person, except that person, who manages
/// it anyway. Anybody else is refused as if they were not there: who has an account is not the viewer's to find out.
async fn find_acquaintance(write: &Write<'_>, person: &Person, space: &space::Model) -> Result<UserId> {
    let user = members::acquaintance(write, person).await?.ok_or_else(|| {
        reject(person.field(), Code::NotAMember, "This person is not an active member of an organization of yours.")
    })?;
    if space.user_id == Some(user) {
        return Err(reject(person.field(), Code::AlreadyMember, "The space belongs to this person."));
    }
    Ok(user)
}

/// Changes the role of a member of a space.
pub async fn update_member(
    request: &Request,
    id: SpaceMemberId,
    expected_version: Option<i32>,
    role: SpaceRole,
) -> Result<Committed<space_member::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let space = lock_space(&write, id).await?;
    let member = write.granted::<space_member::Entity>(id, Action::Edit).await?;
    checks::version(expected_version, member.version, Code::Conflict, "The role changed since you read it.")?;
    if let (Some(user), Some(organization), true) = (member.user_id, space.organization_id, role > member.role) {
        members::check_holder(&write, organization, user, "id", role > SpaceRole::Reader).await?;
    }
    if role < SpaceRole::Manager {
        keep_a_manager(&write, &member).await?;
    }
    let updated = store::set_role(&write, &member, role).await?;
    write.record(&TenancyEvent::SpaceMembersChanged { space: space.id, organization: space.organization_id });
    write.commit(updated).await
}

/// Takes the role in a space away.
pub async fn remove_member(request: &Request, id: SpaceMemberId) -> Result<Committed<SpaceMemberId>> {
    let mut write = request.begin_write_of_grants().await?;
    let space = lock_space(&write, id).await?;
    let member = write.granted::<space_member::Entity>(id, Action::Delete).await?;
    keep_a_manager(&write, &member).await?;
    write.record(&TenancyEvent::SpaceMembersChanged { space: space.id, organization: space.organization_id });
    write.delete(member).await?;
    write.commit(id).await
}

/// Gives up the viewer's own role in a space. What its teams have, or everybody in an open space, remains.
pub async fn leave_space(request: &Request, id: SpaceId) -> Result<Committed<SpaceMemberId>> {
    let user = request.user_id()?;
    let mut write = request.begin_write_of_grants().await?;
    let space = write.granted::<space::Entity>(id, Action::Read).await?;
    let own = store::of_user(&write, id, user)
        .await?
        .ok_or_else(|| reject("spaceId", Code::NotAMember, "You were not added to this space yourself."))?;
    let member = write.granted::<space_member::Entity>(own.id, Action::Leave).await?;
    keep_a_manager(&write, &member).await?;
    write.record(&TenancyEvent::SpaceMembersChanged { space: space.id, organization: space.organization_id });
    write.delete(member).await?;
    write.commit(own.id).await
}

/// Locks the space of a member, so that writes that could take managers away come one after the other.
async fn lock_space(write: &Write<'_>, id: SpaceMemberId) -> Result<Granted<space::Entity>> {
    // Whoever is not signed in is told so, before anything is looked for.
    write.signed_in()?;
    let found = store::visible(write, id).await?.ok_or(Error::NotFound)?;
    write.granted::<space::Entity>(found.space_id, Action::ManageMembers).await
}

/// Refuses to lose the last manager of an organization's space, except to those who administer the organization and
/// so can make another. Invariant: the space is locked.
async fn keep_a_manager(write: &Write<'_>, member: &space_member::Model) -> Result<()> {
    let may_be_last = match member.organization_id {
        None => true,
        Some(organization) => write.viewer().is_system() || write.viewer().administers(organization),
    };
    if member.role < SpaceRole::Manager || may_be_last || store::has_other_manager(write, member).await? {
        return Ok(());
    }
    Err(reject("", Code::LastManager, "The space would have no manager. Make somebody else manager first."))
}
