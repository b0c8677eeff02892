//! What may happen to a membership, and by whom.

use entity::enums::{MemberRole, MemberStatus};
use entity::ids::{MemberId, OrganizationId, UserId};
use entity::tenancy::{member, organization};
use sea_orm::Condition;

use super::grantee::Person;
use super::store::{self, NewMembership};
use crate::platform::authorization::{Action, ActionSet, Authority, Granted, Resource, nothing};
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
const MANAGE: ActionSet = READ.and(ActionSet::of(&[Action::Edit, Action::Delete]));

impl Resource for member::Entity {
    type Id = MemberId;

    fn id(row: &member::Model) -> MemberId {
        row.id
    }

    fn id_column() -> member::Column {
        member::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &member::Model) -> ActionSet {
        let actions = match (viewer.organization_role(row.organization_id), row.role) {
            (None, _) => return ActionSet::NONE,
            (Some(MemberRole::Viewer | MemberRole::Member), _) | (Some(MemberRole::Admin), MemberRole::Owner) => READ,
            (Some(MemberRole::Admin), MemberRole::Viewer | MemberRole::Member | MemberRole::Admin)
            | (Some(MemberRole::Owner), _) => MANAGE,
        };
        if viewer.user_id() == Some(row.user_id) {
            return actions.without(ActionSet::of(&[Action::Delete])).and(ActionSet::of(&[Action::Leave]));
        }
        actions
    }

    fn reach(viewer: &Viewer) -> Condition {
        viewer.grants().map_or_else(nothing, |grants| store::among(grants.organization_ids()))
    }
}

/// Makes the founder of a new organization its owner.
pub async fn add_founder(
    write: &Write<'_>,
    authority: &dyn Authority,
    organization_id: OrganizationId,
    user_id: UserId,
) -> Result<()> {
    let founder =
        NewMembership { id: None, organization_id, user_id, role: MemberRole::Owner, added_by: Some(user_id) };
    store::insert(write, authority, founder).await?;
    Ok(())
}

/// Refuses to give a role in a space or a project to somebody who is no active member of its organization,
/// and more than reading to somebody who is its viewer.
pub async fn check_holder(
    write: &Write<'_>,
    organization: OrganizationId,
    user: UserId,
    is_more_than_reading: bool,
) -> Result<()> {
    check_role(write, organization, user, "userId", is_more_than_reading).await
}

/// The active member of the organization whom a client names, under the same conditions. Somebody who has an account
/// elsewhere and somebody who has none are refused alike.
pub async fn find_holder(
    write: &Write<'_>,
    organization: OrganizationId,
    person: &Person,
    is_more_than_reading: bool,
) -> Result<UserId> {
    let user = store::account(write, person).await?.ok_or_else(|| not_a_member(person.field()))?;
    check_role(write, organization, user, person.field(), is_more_than_reading).await?;
    Ok(user)
}

fn not_a_member(field: &'static str) -> Error {
    reject(field, Code::NotAMember, "This person is not an active member of the organization.")
}

async fn check_role(
    write: &Write<'_>,
    organization: OrganizationId,
    user: UserId,
    field: &'static str,
    is_more_than_reading: bool,
) -> Result<()> {
    let member = store::of_user(write, organization, user).await?;
    match member.filter(|member| member.status == MemberStatus::Active).map(|member| member.role) {
        None => Err(not_a_member(field)),
        Some(MemberRole::Viewer) if is_more_than_reading => {
            Err(reject("role", Code::RoleTooHigh, "A viewer of the organization can only read."))
        }
        Some(MemberRole::Viewer | MemberRole::Member | MemberRole::Admin | MemberRole::Owner) => Ok(()),
    }
}

/// What a new membership is made from.
pub struct NewMember {
    pub id: Option<MemberId>,
    pub organization_id: OrganizationId,
    pub user_id: Option<UserId>,
    pub email: Option<String>,
    pub role: MemberRole,
}

/// Adds somebody who has an account to an organization, at once.
pub async fn add_member(request: &Request, new: NewMember) -> Result<Committed<member::Model>> {
    let person = Person::named(new.user_id, new.email)?;
    let mut write = request.begin_write_of_grants().await?;
    let organization = write.granted_parent::<organization::Entity>(new.organization_id, Action::ManageMembers).await?;
    check_rank(write.viewer(), organization.id, new.role)?;
    let user_id = store::account(&write, &person)
        .await?
        .ok_or_else(|| reject(person.field(), Code::UserUnknown, "Nobody here has this address or id."))?;
    let membership = NewMembership {
        id: new.id,
        organization_id: organization.id,
        user_id,
        role: new.role,
        added_by: write.viewer().user_id(),
    };
    let member = store::insert(&write, &organization, membership).await?;
    write.record(&TenancyEvent::MemberAdded { organization: organization.id, user: user_id });
    write.commit(member).await
}

/// What may be changed; none leaves it as it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemberChanges {
    pub role: Option<MemberRole>,
    pub status: Option<MemberStatus>,
}

/// Changes a member's role, or suspends a member and lets it in again.
pub async fn update_member(
    request: &Request,
    id: MemberId,
    expected_version: Option<i32>,
    changes: MemberChanges,
) -> Result<Committed<member::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let (organization, _) = lock_organization(&write, id).await?;
    let member = write.granted::<member::Entity>(id, Action::Edit).await?;
    if expected_version.is_some_and(|expected| expected != member.version) {
        return Err(reject("expectedVersion", Code::Conflict, "The membership changed since you read it."));
    }
    if let Some(role) = changes.role {
        check_rank(write.viewer(), organization.id, role)?;
    }
    if let Some(status) = changes.status {
        check_status(write.viewer(), &member, status)?;
    }
    let remains_owner = changes.role.unwrap_or(member.role) == MemberRole::Owner
        && changes.status.unwrap_or(member.status) == MemberStatus::Active;
    if !remains_owner {
        keep_an_owner(&write, &member).await?;
    }
    let updated = store::update(&write, &member, changes).await?;
    write.record(&TenancyEvent::MemberUpdated { organization: organization.id, user: updated.user_id });
    write.commit(updated).await
}

/// Takes a member out of an organization, and with it out of the organization's teams, projects and spaces.
pub async fn remove_member(request: &Request, id: MemberId) -> Result<Committed<MemberId>> {
    let mut write = request.begin_write_of_grants().await?;
    let (organization, found) = lock_organization(&write, id).await?;
    if write.viewer().user_id() == Some(found.user_id) {
        return Err(reject("id", Code::Yourself, "You cannot remove yourself. Leave the organization instead."));
    }
    let member = write.granted::<member::Entity>(id, Action::Delete).await?;
    keep_an_owner(&write, &member).await?;
    write.record(&TenancyEvent::MemberRemoved { organization: organization.id, user: member.user_id });
    write.delete(member).await?;
    write.commit(id).await
}

/// Ends the viewer's own membership.
pub async fn leave_organization(request: &Request, id: OrganizationId) -> Result<Committed<MemberId>> {
    let user = request.user_id()?;
    let mut write = request.begin_write_of_grants().await?;
    write.granted::<organization::Entity>(id, Action::Leave).await?;
    let own = store::of_user(&write, id, user).await?.ok_or(Error::NotFound)?;
    let member = write.granted::<member::Entity>(own.id, Action::Leave).await?;
    keep_an_owner(&write, &member).await?;
    write.record(&TenancyEvent::MemberRemoved { organization: id, user });
    write.delete(member).await?;
    write.commit(own.id).await
}

/// Locks the organization of a member, so that writes that could take owners away come one after the other.
/// Also gives the membership as it was before the lock.
async fn lock_organization(write: &Write<'_>, id: MemberId) -> Result<(Granted<organization::Entity>, member::Model)> {
    // Whoever is not signed in is told so, before anything is looked for.
    write.as_viewer()?;
    let found = store::visible(write, id).await?.ok_or(Error::NotFound)?;
    let organization = write.granted::<organization::Entity>(found.organization_id, Action::ManageMembers).await?;
    Ok((organization, found))
}

/// Nobody gives a role above its own.
fn check_rank(viewer: &Viewer, organization: OrganizationId, role: MemberRole) -> Result<()> {
    if viewer.is_system() || viewer.organization_role(organization).is_some_and(|own| role <= own) {
        return Ok(());
    }
    Err(reject("role", Code::RoleTooHigh, "You may not give a role above your own."))
}

fn check_status(viewer: &Viewer, member: &member::Model, status: MemberStatus) -> Result<()> {
    if member.status == MemberStatus::Invited {
        return Err(reject("status", Code::NotAMember, "This person has not accepted the invitation yet."));
    }
    if status != MemberStatus::Active && viewer.user_id() == Some(member.user_id) {
        return Err(reject("status", Code::Yourself, "You cannot suspend yourself. Leave the organization instead."));
    }
    Ok(())
}

/// Refuses to lose the last active owner. Invariant: the organization is locked.
async fn keep_an_owner(write: &Write<'_>, member: &member::Model) -> Result<()> {
    let is_owner = member.role == MemberRole::Owner && member.status == MemberStatus::Active;
    if is_owner && !store::has_other_owner(write, member).await? {
        return Err(reject(
            "",
            Code::LastOwner,
            "The organization would have no owner. Make somebody else owner first.",
        ));
    }
    Ok(())
}
