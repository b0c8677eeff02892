//! The members of teams as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::ids::{TeamId, TeamMemberId, UserId};
use entity::tenancy::team_member;

use super::rules::{self, NewTeamMember};
use super::store;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::teams::Team;

/// A member of a team.
#[derive(Clone, Debug)]
pub struct TeamMember(pub Arc<team_member::Model>);

impl Node for TeamMember {}

impl From<team_member::Model> for TeamMember {
    fn from(row: team_member::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl TeamMember {
    /// The member, if the viewer may see it.
    pub async fn find(request: &Request, id: TeamMemberId) -> Result<Option<Self>> {
        Ok(request.find::<team_member::Entity>(id).await?.map(Self))
    }
}

/// A person in a team. Every active member of the organization sees it.
#[Object]
impl TeamMember {
    /// The id of the membership.
    pub async fn id(&self) -> TeamMemberId {
        self.0.id
    }

    /// The team; null when it is deleted meanwhile.
    async fn team(&self, ctx: &Context<'_>) -> Result<Option<Team>> {
        Team::find(ctx.request(), self.0.team_id).await
    }

    /// The person; null once that account is gone.
    async fn user(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        User::find_through(ctx.request(), self.0.user_id).await
    }

    /// Who added the person; null once that account is gone.
    async fn added_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.added_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When the person was added.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// What you may do with it: DELETE takes the person out, or yourself.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<team_member::Entity>(&self.0).actions()
    }
}

/// A page of the members of a team.
pub async fn of_team(request: &Request, id: TeamId, page: Page) -> Result<Connection<TeamMember>> {
    Connection::of::<store::BelowTeams, store::CountBelowTeams, _>(request, id, page, store::place, TeamMember::from)
        .await
}

/// A person to put into a team. Give userId or email, one of them.
#[derive(InputObject)]
struct TeamMemberAddInput {
    /// An id of your making (a UUIDv7 in its `tmm_` form, at most 30 days old), so that a retry cannot add a second time.
    id: Option<TeamMemberId>,
    /// The team.
    team_id: TeamId,
    /// The person, by id: an active member of the organization.
    user_id: Option<UserId>,
    /// The person, by the e-mail address of the account.
    email: Option<String>,
}

/// A person to take out of a team.
#[derive(InputObject)]
struct TeamMemberRemoveInput {
    /// The membership of the team.
    id: TeamMemberId,
}

payload! {
    /// What putting a person into a team ended with.
    TeamMemberAddPayload {
        /// The new membership; null when it was refused.
        team_member: TeamMember, TenancyErrorCode
    }
}

payload! {
    /// What taking a person out of a team ended with.
    TeamMemberRemovePayload {
        /// The id of the membership that is gone; null when it was refused.
        deleted_id: TeamMemberId, TenancyErrorCode
    }
}

/// Changes of the members of teams.
#[derive(Default)]
pub struct TeamMemberMutation;

#[Object]
impl TeamMemberMutation {
    /// Puts a member of the organization into a team: it has the team's roles at once. For the organization's owners and admins.
    async fn team_member_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person and the team.")] input: TeamMemberAddInput,
    ) -> Result<TeamMemberAddPayload> {
        let new = NewTeamMember { id: input.id, team_id: input.team_id, user_id: input.user_id, email: input.email };
        let outcome = Outcome::of(rules::add_member(ctx.request(), new).await)?;
        Ok(outcome.map(TeamMember::from).into())
    }

    /// Takes a person out of a team: it loses the team's roles at once. For the organization's owners and admins, and for the person.
    async fn team_member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The membership of the team.")] input: TeamMemberRemoveInput,
    ) -> Result<TeamMemberRemovePayload> {
        let outcome = Outcome::of(rules::remove_member(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }
}
