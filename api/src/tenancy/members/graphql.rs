//! Memberships of organizations as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Enum, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::enums::{MemberRole, MemberStatus};
use entity::ids::{MemberId, OrganizationId};
use entity::tenancy::member;

use super::rules::{self, MemberChanges};
use super::store;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::organizations::Organization;

/// A membership.
#[derive(Clone, Debug)]
pub struct Member(pub Arc<member::Model>);

impl Node for Member {}

impl From<member::Model> for Member {
    fn from(row: member::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Member {
    /// The membership, if the viewer may see it.
    pub async fn find(request: &Request, id: MemberId) -> Result<Option<Self>> {
        Ok(request.find::<member::Entity>(id).await?.map(Self))
    }
}

/// A person's membership of an organization. Every active member of the organization sees it.
#[Object]
impl Member {
    /// The id of the membership.
    pub async fn id(&self) -> MemberId {
        self.0.id
    }

    /// The organization; null when it is closed meanwhile.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        Organization::find(ctx.request(), self.0.organization_id).await
    }

    /// The person; null once that account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::find_through(ctx.request(), self.0.user_id).await
    }

    /// The person's role in the organization.
    async fn role(&self) -> MemberRole {
        self.0.role
    }

    /// Whether the membership gives access. Only an active one does.
    async fn status(&self) -> MemberStatus {
        self.0.status
    }

    /// Who invited the person; null for who came without an invitation, and once that account is gone.
    async fn invited_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.invited_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When the person was invited; null for the founder, and for who came through single sign-on.
    async fn invited_at(&self) -> Option<DateTime<Utc>> {
        self.0.invited_at
    }

    /// When the person accepted the invitation; null for who came without one.
    async fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.0.accepted_at
    }

    /// When the person became a member; null for somebody who has not agreed yet.
    async fn joined_at(&self) -> Option<DateTime<Utc>> {
        self.0.joined_at
    }

    /// Counts the changes of the membership; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the membership was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the membership last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: EDIT changes role and status, DELETE removes the person, LEAVE ends your own.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<member::Entity>(&self.0).actions()
    }
}

/// A page of the members of an organization.
pub async fn of_organization(request: &Request, id: OrganizationId, page: Page) -> Result<Connection<Member>> {
    Connection::of::<store::BelowOrganizations, store::CountBelowOrganizations, _>(
        request,
        id,
        page,
        store::place,
        Member::from,
    )
    .await
}

/// Whether a member is to have access.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
enum MemberStatusChange {
    /// Let the person in again.
    Active,
    /// Withdraw access, and keep the membership.
    Suspended,
}

impl From<MemberStatusChange> for MemberStatus {
    fn from(change: MemberStatusChange) -> Self {
        match change {
            MemberStatusChange::Active => Self::Active,
            MemberStatusChange::Suspended => Self::Suspended,
        }
    }
}

/// Changes of a membership. What is left out stays as it is.
#[derive(InputObject)]
struct MemberUpdateInput {
    /// The membership.
    id: MemberId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The new role; not above your own.
    role: Option<MemberRole>,
    /// Suspends the member, or lets it in again. You cannot suspend yourself.
    status: Option<MemberStatusChange>,
}

/// A membership to end.
#[derive(InputObject)]
struct MemberRemoveInput {
    /// The membership. To end your own, use organizationLeave.
    id: MemberId,
}

/// An organization to hand over.
#[derive(InputObject)]
struct OrganizationTransferInput {
    /// The organization.
    organization_id: OrganizationId,
    /// The membership of who becomes its owner: another active one.
    member_id: MemberId,
}

/// An organization to leave.
#[derive(InputObject)]
struct OrganizationLeaveInput {
    /// The organization.
    organization_id: OrganizationId,
}

payload! {
    /// What changing a membership ended with.
    MemberUpdatePayload {
        /// The membership as it is now, also after a CONFLICT; null when it was refused for another reason.
        member: Member, TenancyErrorCode
    }
}

payload! {
    /// What removing a person from an organization ended with.
    MemberRemovePayload {
        /// The id of the membership that is gone; null when it was refused.
        deleted_id: MemberId, TenancyErrorCode
    }
}

payload! {
    /// What handing an organization over ended with.
    OrganizationTransferPayload {
        /// The organization; null when it was refused.
        organization: Organization, TenancyErrorCode
    }
}

payload! {
    /// What leaving an organization ended with.
    OrganizationLeavePayload {
        /// The id of your membership, which is gone; null when it was refused.
        deleted_id: MemberId, TenancyErrorCode
    }
}

/// Changes of memberships.
#[derive(Default)]
pub struct MemberMutation;

#[Object]
impl MemberMutation {
    /// Changes a member's role or suspends a member. For owners, and for admins with members below owner.
    async fn member_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: MemberUpdateInput,
    ) -> Result<MemberUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = MemberChanges { role: input.role, status: input.status.map(MemberStatus::from) };
        let result = rules::update_member(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(Member::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = Member::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Removes a member, also from the organization's teams, projects and spaces. For owners, and for admins with members below owner.
    async fn member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The membership.")] input: MemberRemoveInput,
    ) -> Result<MemberRemovePayload> {
        let outcome = Outcome::of(rules::remove_member(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }

    /// Makes another member owner in your place; you remain as an admin. For owners, with a recent proof of who they are.
    async fn organization_transfer(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization, and to whom.")] input: OrganizationTransferInput,
    ) -> Result<OrganizationTransferPayload> {
        let result = rules::transfer_ownership(ctx.request(), input.organization_id, input.member_id).await;
        let outcome = Outcome::of(result)?;
        Ok(outcome.map(Organization::from).into())
    }

    /// Ends your own membership of an organization. Its last owner cannot leave.
    async fn organization_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The organization.")] input: OrganizationLeaveInput,
    ) -> Result<OrganizationLeavePayload> {
        let outcome = Outcome::of(rules::leave_organization(ctx.request(), input.organization_id).await)?;
        Ok(outcome.into())
    }
}
