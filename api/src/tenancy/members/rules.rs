//! What may happen to a membership, and by whom.

use entity::enums::{MemberRole, MemberStatus};
use entity::ids::{MemberId, OrganizationId, UserId};
use entity::tenancy::{member, organization};
use sea_orm::Condition;

use super::grantee::Person;
use super::store::{self, NewMembership};
use crate::identity::sessions;
use crate::platform::authorization::{Action, ActionSet, Authority, Granted, Resource, Scope, nothing};
use crate::platform::checks;
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
    const SCOPES: &'static [(Scope, ActionSet)] = &[(Scope::MembersRead, READ), (Scope::MembersWrite, MANAGE)];

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
    let founder = NewMembership { organization_id, user_id, role: MemberRole::Owner, invited: None };
    store::insert(write, authority, founder).await?;
    Ok(())
}

/// Refuses to give a role in a space or a project to somebody who is no active member of its organization,
/// and more than reading to somebody who is its viewer. `field` names who it is in the input.
pub async fn check_holder(
    write: &Write<'_>,
    organization: OrganizationId,
    user: UserId,
    field: &'static str,
    is_more_than_reading: bool,
) -> Result<()> {
    let member = store::of_user(write, organization, user).await?;
    check_role(member, field, is_more_than_reading).map(drop)
}

/// The active member of the organization whom a client names, under the same conditions. Somebody who has an account
/// elsewhere and somebody who has none are refused alike, after the same steps.
pub async fn find_holder(
    write: &Write<'_>,
    organization: OrganizationId,
    person: &Person,
    is_more_than_reading: bool,
) -> Result<UserId> {
    let member = store::of_person(write, organization, person).await?;
    check_role(member, person.field(), is_more_than_reading)
}

fn check_role(member: Option<member::Model>, field: &'static str, is_more_than_reading: bool) -> Result<UserId> {
    match member.filter(|member| member.status == MemberStatus::Active) {
        None => Err(reject(field, Code::NotAMember, "This person is not an active member of the organization.")),
        Some(member) if is_more_than_reading && member.role == MemberRole::Viewer => {
            Err(reject("role", Code::RoleTooHigh, "A viewer of the organization can only read."))
        }
        Some(member) => Ok(member.user_id),
    }
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
    checks::version(expected_version, member.version, Code::Conflict, "The membership changed since you read it.")?;
    if let Some(role) = changes.role {
        check_giving(&write, organization.id, role).await?;
    }
    if let Some(status) = changes.status {
        check_status(write.viewer(), &member, status)?;
    }
    let remains_owner = changes.role.unwrap_or(member.role) == MemberRole::Owner
        && changes.status.unwrap_or(member.status) == MemberStatus::Active;
    if !remains_owner {
        check_taking(&write, &member).await?;
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
    check_taking(&write, &member).await?;
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

/// Makes another active member owner in the viewer's place, who remains as an admin. Other owners stay what they are.
pub async fn transfer_ownership(
    request: &Request,
    id: OrganizationId,
    to: MemberId,
) -> Result<Committed<organization::Model>> {
    let user = request.user_id()?;
    let mut write = request.begin_write_of_grants().await?;
    let organization = write.granted::<organization::Entity>(id, Action::Transfer).await?;
    sessions::require_recent_authentication(&write).await?;
    let heir = write.granted::<member::Entity>(to, Action::Edit).await?;
    if heir.organization_id != id {
        return Err(Error::NotFound);
    }
    if heir.user_id == user {
        return Err(reject("memberId", Code::Yourself, "You are an owner already."));
    }
    if heir.status != MemberStatus::Active {
        return Err(reject("memberId", Code::NotAMember, "This person is not an active member of the organization."));
    }
    let own = store::of_user(&write, id, user).await?.ok_or(Error::NotFound)?;
    let own = write.granted::<member::Entity>(own.id, Action::Edit).await?;
    let role = |role| MemberChanges { role: Some(role), status: None };
    store::update(&write, &heir, role(MemberRole::Owner)).await?;
    store::update(&write, &own, role(MemberRole::Admin)).await?;
    write.record(&TenancyEvent::MemberUpdated { organization: id, user: heir.user_id });
    write.record(&TenancyEvent::MemberUpdated { organization: id, user });
    write.commit(organization.into_row()).await
}

/// Locks the organization of a member, so that writes that could take owners away come one after the other.
/// Also gives the membership as it was before the lock.
async fn lock_organization(write: &Write<'_>, id: MemberId) -> Result<(Granted<organization::Entity>, member::Model)> {
    // Whoever is not signed in is told so, before anything is looked for.
    write.signed_in()?;
    let found = store::visible(write, id).await?.ok_or(Error::NotFound)?;
    let organization = write.granted::<organization::Entity>(found.organization_id, Action::ManageMembers).await?;
    Ok((organization, found))
}

/// Nobody gives a role above its own, and who makes an owner proves who they are: an owner could take all away.
pub async fn check_giving(write: &Write<'_>, organization: OrganizationId, role: MemberRole) -> Result<()> {
    check_rank(write.viewer(), organization, role)?;
    if role == MemberRole::Owner { sessions::require_recent_authentication(write).await } else { Ok(()) }
}

/// Whoever takes ownership away proves who they are.
async fn check_taking(write: &Write<'_>, member: &member::Model) -> Result<()> {
    if member.role == MemberRole::Owner { sessions::require_recent_authentication(write).await } else { Ok(()) }
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
