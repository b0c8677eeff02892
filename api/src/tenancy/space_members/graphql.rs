//! The members of spaces as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::enums::SpaceRole;
use entity::ids::{SpaceId, SpaceMemberId, TeamId, UserId};
use entity::tenancy::{space, space_member};

use super::rules::{self, NewSpaceMember};
use super::store;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::spaces::Space;
use crate::tenancy::teams::Team;

/// A member of a space.
#[derive(Clone, Debug)]
pub struct SpaceMember(pub Arc<space_member::Model>);

impl Node for SpaceMember {}

impl From<space_member::Model> for SpaceMember {
    fn from(row: space_member::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl SpaceMember {
    /// The member, if the viewer may see it and its space.
    pub async fn find(request: &Request, id: SpaceMemberId) -> Result<Option<Self>> {
        let Some(row) = request.find::<space_member::Entity>(id).await? else { return Ok(None) };
        // The row does not tell whether its space was deleted.
        let space = request.find::<space::Entity>(row.space_id).await?;
        Ok(space.map(|_| Self(row)))
    }
}

/// The role of a person or a team in a space. Whoever sees the space sees it.
#[Object]
impl SpaceMember {
    /// The id of the membership.
    pub async fn id(&self) -> SpaceMemberId {
        self.0.id
    }

    /// The space; null when it is deleted meanwhile.
    async fn space(&self, ctx: &Context<'_>) -> Result<Option<Space>> {
        Space::find(ctx.request(), self.0.space_id).await
    }

    /// The person; null when the role is a team's.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.user_id {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The id of the team, whose members all have the role; null when the role is a person's.
    async fn team_id(&self) -> Option<TeamId> {
        self.0.team_id
    }

    /// The team; null when the role is a person's.
    async fn team(&self, ctx: &Context<'_>) -> Result<Option<Team>> {
        match self.0.team_id {
            Some(id) => Team::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// The role in the space. Whoever only views the organization has no more than READER, whatever stands here.
    async fn role(&self) -> SpaceRole {
        self.0.role
    }

    /// Who added the person or team; null for the server itself, and once that account is gone.
    async fn added_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.added_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Counts the changes of the membership; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When the person or team was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the membership last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it: EDIT changes the role, DELETE takes it away, LEAVE gives up your own.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<space_member::Entity>(&self.0).actions()
    }
}

/// A page of the members of a space.
pub async fn of_space(request: &Request, id: SpaceId, page: Page) -> Result<Connection<SpaceMember>> {
    Connection::of::<store::BelowSpaces, store::CountBelowSpaces, _>(request, id, page, store::place, SpaceMember::from)
        .await
}

/// A page of the roles of a team.
pub async fn of_team(request: &Request, id: TeamId, page: Page) -> Result<Connection<SpaceMember>> {
    Connection::of::<store::OfTeams, store::CountOfTeams, _>(request, id, page, store::place, SpaceMember::from).await
}

/// A person or team to add to a space. Give userId, email or teamId, one of them.
#[derive(InputObject)]
struct SpaceMemberAddInput {
    /// An id of your making (a UUIDv7 in its `spm_` form, at most 30 days old), so that a retry cannot add a second time.
    id: Option<SpaceMemberId>,
    /// The space.
    space_id: SpaceId,
    /// The person, by id: an active member of the organization, or anybody when the space belongs to a person.
    user_id: Option<UserId>,
    /// The person, by the e-mail address of the account.
    email: Option<String>,
    /// A team of the organization.
    team_id: Option<TeamId>,
    /// The role to give. Somebody who only views the organization can be no more than READER.
    role: SpaceRole,
}

/// A change of a role in a space.
#[derive(InputObject)]
struct SpaceMemberUpdateInput {
    /// The membership.
    id: SpaceMemberId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The new role.
    role: SpaceRole,
}

/// A membership of a space to end.
#[derive(InputObject)]
struct SpaceMemberRemoveInput {
    /// The membership.
    id: SpaceMemberId,
}

/// A space to join.
#[derive(InputObject)]
struct SpaceJoinInput {
    /// The space: one that is open to its organization.
    space_id: SpaceId,
}

/// A space to leave.
#[derive(InputObject)]
struct SpaceLeaveInput {
    /// The space.
    space_id: SpaceId,
}

payload! {
    /// What adding a person or team to a space ended with.
    SpaceMemberAddPayload {
        /// The new membership; null when it was refused.
        space_member: SpaceMember, TenancyErrorCode
    }
}

payload! {
    /// What changing a role in a space ended with.
    SpaceMemberUpdatePayload {
        /// The membership as it is now, also after a CONFLICT; null when it was refused for another reason.
        space_member: SpaceMember, TenancyErrorCode
    }
}

payload! {
    /// What taking a role in a space away ended with.
    SpaceMemberRemovePayload {
        /// The id of the membership that is gone; null when it was refused.
        deleted_id: SpaceMemberId, TenancyErrorCode
    }
}

payload! {
    /// What joining a space ended with.
    SpaceJoinPayload {
        /// Your membership; null when it was refused.
        space_member: SpaceMember, TenancyErrorCode
    }
}

payload! {
    /// What leaving a space ended with.
    SpaceLeavePayload {
        /// The id of your membership, which is gone; null when it was refused.
        deleted_id: SpaceMemberId, TenancyErrorCode
    }
}

/// Changes of the members of spaces.
#[derive(Default)]
pub struct SpaceMemberMutation;

#[Object]
impl SpaceMemberMutation {
    /// Gives a person or a team a role in a space. For its managers, and for owners and admins of the organization, who may add themselves.
    async fn space_member_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person or team, and the role.")] input: SpaceMemberAddInput,
    ) -> Result<SpaceMemberAddPayload> {
        let new = NewSpaceMember {
            id: input.id,
            space_id: input.space_id,
            user_id: input.user_id,
            email: input.email,
            team_id: input.team_id,
            role: input.role,
        };
        let outcome = Outcome::of(rules::add_member(ctx.request(), new).await)?;
        Ok(outcome.map(SpaceMember::from).into())
    }

    /// Changes a role in a space. For its managers, and for owners and admins of the organization.
    async fn space_member_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: SpaceMemberUpdateInput,
    ) -> Result<SpaceMemberUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let result = rules::update_member(request, id, input.expected_version, input.role).await;
        let mut outcome = Outcome::of(result)?.map(SpaceMember::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = SpaceMember::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Takes a role in a space away. For its managers, and for owners and admins of the organization.
    async fn space_member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The membership.")] input: SpaceMemberRemoveInput,
    ) -> Result<SpaceMemberRemovePayload> {
        let outcome = Outcome::of(rules::remove_member(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }

    /// Makes you a member of an open space, with the role that everybody has there. You stay one when it becomes private. To enter a private space, see joinRequestCreate.
    async fn space_join(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] input: SpaceJoinInput,
    ) -> Result<SpaceJoinPayload> {
        let outcome = Outcome::of(rules::join_space(ctx.request(), input.space_id).await)?;
        Ok(outcome.map(SpaceMember::from).into())
    }

    /// Gives up your own role in a space. What your teams have, or everybody in an open space, remains.
    async fn space_leave(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The space.")] input: SpaceLeaveInput,
    ) -> Result<SpaceLeavePayload> {
        let outcome = Outcome::of(rules::leave_space(ctx.request(), input.space_id).await)?;
        Ok(outcome.into())
    }
}
