//! What may happen to a request to join a space, and by whom.

use entity::enums::{JoinRequestState, SpaceRole};
use entity::ids::{JoinRequestId, SpaceId};
use entity::tenancy::{join_request, space, space_member};
use sea_orm::Condition;

use super::store;
use crate::platform::authorization::{Action, ActionSet, Resource, Scope, nothing};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::{Committed, Write};
use crate::tenancy::TenancyErrorCode as Code;
use crate::tenancy::events::TenancyEvent;
use crate::tenancy::space_members;

const READ: ActionSet = ActionSet::of(&[Action::Read]);
/// EDIT answers it.
const ANSWER: ActionSet = ActionSet::of(&[Action::Edit]);
/// DELETE takes it back.
const WITHDRAW: ActionSet = ActionSet::of(&[Action::Delete]);

impl Resource for join_request::Entity {
    type Id = JoinRequestId;
    const SCOPES: &'static [(Scope, ActionSet)] =
        &[(Scope::MembersRead, READ), (Scope::MembersWrite, READ.and(ANSWER))];

    fn id(row: &join_request::Model) -> JoinRequestId {
        row.id
    }

    fn id_column() -> join_request::Column {
        join_request::Column::Id
    }

    fn permitted(viewer: &Viewer, row: &join_request::Model) -> ActionSet {
        let mut actions = ActionSet::NONE;
        let manages = viewer.space_role(row.space_id) == Some(SpaceRole::Manager);
        if manages || viewer.administers(row.organization_id) {
            actions = actions.and(READ).and(ANSWER);
        }
        if viewer.user_id() == Some(row.user_id) && viewer.organization_role(row.organization_id).is_some() {
            actions = actions.and(READ).and(WITHDRAW);
        }
        if row.state == JoinRequestState::Open { actions } else { actions.only(READ) }
    }

    fn reach(viewer: &Viewer) -> Condition {
        let (Some(grants), Some(user)) = (viewer.grants(), viewer.user_id()) else { return nothing() };
        let managed = grants.spaces.iter().filter(|(_, grant)| grant.role == SpaceRole::Manager);
        let managed = managed.map(|(id, _)| *id).collect();
        store::within(managed, grants.administered(), user, grants.organization_ids())
    }
}

/// Asks to be let into a listed space of one's organization.
pub async fn create_request(
    request: &Request,
    id: Option<JoinRequestId>,
    space_id: SpaceId,
    message: Option<String>,
) -> Result<Committed<join_request::Model>> {
    let user = request.user_id()?;
    let message = checks::optional_text("message", message, 2_000, Code::TextInvalid)?;
    let mut write = request.begin_write_of_grants().await?;
    if write.viewer().space_role(space_id).is_some() {
        return Err(reject("spaceId", Code::AlreadyMember, "You have a role in this space already."));
    }
    let space = store::hold_listed(&write, space_id).await?.ok_or(Error::NotFound)?;
    let organization = space.organization_id.filter(|id| write.viewer().organization_role(*id).is_some());
    let organization = organization.ok_or(Error::NotFound)?;
    let authority = write.as_viewer()?;
    let row = store::insert(&write, &authority, id, space_id, user, message).await?;
    write.record(&TenancyEvent::JoinRequested { space: space_id, organization });
    write.commit(row).await
}

/// Lets the person in with this role. What may be given, and to whom, is as for adding a member.
pub async fn approve_request(
    request: &Request,
    id: JoinRequestId,
    role: SpaceRole,
) -> Result<Committed<space_member::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let asked = find(&write, id).await?;
    if !write.permitted::<join_request::Entity>(&asked).contains(Action::Edit) {
        return Err(Error::Forbidden);
    }
    let space = write.granted_parent::<space::Entity>(asked.space_id, Action::ManageMembers).await?;
    let granted = write.granted::<join_request::Entity>(id, Action::Edit).await?;
    let member = space_members::admit(&write, &space, granted.user_id, role, "id").await?;
    store::decide(&write, &granted, JoinRequestState::Approved).await?;
    write.record(&TenancyEvent::JoinRequestAnswered { space: space.id, organization: asked.organization_id });
    write.record(&TenancyEvent::SpaceMembersChanged { space: space.id, organization: space.organization_id });
    write.commit(member).await
}

/// Turns the request down.
pub async fn decline_request(request: &Request, id: JoinRequestId) -> Result<Committed<join_request::Model>> {
    decide(request, id, Action::Edit, JoinRequestState::Declined).await
}

/// Takes one's own request back.
pub async fn withdraw_request(request: &Request, id: JoinRequestId) -> Result<Committed<join_request::Model>> {
    decide(request, id, Action::Delete, JoinRequestState::Withdrawn).await
}

async fn decide(
    request: &Request,
    id: JoinRequestId,
    action: Action,
    state: JoinRequestState,
) -> Result<Committed<join_request::Model>> {
    let mut write = request.begin_write_of_grants().await?;
    let granted = write.granted::<join_request::Entity>(id, action).await?;
    let decided = store::decide(&write, &granted, state).await?;
    let (space, organization) = (decided.space_id, decided.organization_id);
    write.record(&TenancyEvent::JoinRequestAnswered { space, organization });
    write.commit(decided).await
}

/// The request as it is before its space is locked; a space is always locked before what is in it.
async fn find(write: &Write<'_>, id: JoinRequestId) -> Result<join_request::Model> {
    // Whoever is not signed in is told so, before anything is looked for.
    write.signed_in()?;
    store::visible(write, id).await?.ok_or(Error::NotFound)
}
