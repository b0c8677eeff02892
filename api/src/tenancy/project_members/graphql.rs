//! The members of projects as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, Object};
use chrono::{DateTime, Utc};
use entity::enums::ProjectRole;
use entity::ids::{ProjectId, ProjectMemberId, TeamId, UserId};
use entity::tenancy::project_member;

use super::rules::{self, NewProjectMember};
use super::store;
use crate::identity::users::User;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::projects::Project;
use crate::tenancy::teams::Team;

/// A member of a project.
#[derive(Clone, Debug)]
pub struct ProjectMember(pub Arc<project_member::Model>);

impl Node for ProjectMember {}

impl From<project_member::Model> for ProjectMember {
    fn from(row: project_member::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl ProjectMember {
    /// The member, if the viewer may see it.
    pub async fn find(request: &Request, id: ProjectMemberId) -> Result<Option<Self>> {
        Ok(request.find::<project_member::Entity>(id).await?.map(Self))
    }
}

/// The role of a person or a team in a project. Whoever sees the project sees it.
#[Object]
impl ProjectMember {
    /// The id of the membership.
    pub async fn id(&self) -> ProjectMemberId {
        self.0.id
    }

    /// The project; null when it is deleted meanwhile.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        Project::find(ctx.request(), self.0.project_id).await
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

    /// The role in the project. Whoever only views the organization has no more than VIEWER, whatever stands here.
    async fn role(&self) -> ProjectRole {
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

    /// What you may do with it: EDIT changes the role, DELETE takes it away.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<project_member::Entity>(&self.0).actions()
    }
}

/// A page of the members of a project.
pub async fn of_project(request: &Request, id: ProjectId, page: Page) -> Result<Connection<ProjectMember>> {
    Connection::of::<store::BelowProjects, store::CountBelowProjects, _>(
        request,
        id,
        page,
        store::place,
        ProjectMember::from,
    )
    .await
}

/// A page of the roles of a team.
pub async fn of_team(request: &Request, id: TeamId, page: Page) -> Result<Connection<ProjectMember>> {
    Connection::of::<store::OfTeams, store::CountOfTeams, _>(request, id, page, store::place, ProjectMember::from).await
}

/// A person or team to add to a project. Give userId or teamId, one of them.
#[derive(InputObject)]
struct ProjectMemberAddInput {
    /// An id of your making (a UUIDv7 in its `prm_` form, at most 30 days old), so that a retry cannot add a second time.
    id: Option<ProjectMemberId>,
    /// The project.
    project_id: ProjectId,
    /// The person: an active member of the organization.
    user_id: Option<UserId>,
    /// The team of the organization.
    team_id: Option<TeamId>,
    /// The role to give. Somebody who only views the organization can be no more than VIEWER.
    role: ProjectRole,
}

/// A change of a role in a project.
#[derive(InputObject)]
struct ProjectMemberUpdateInput {
    /// The membership.
    id: ProjectMemberId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// The new role.
    role: ProjectRole,
}

/// A membership of a project to end.
#[derive(InputObject)]
struct ProjectMemberRemoveInput {
    /// The membership.
    id: ProjectMemberId,
}

payload! {
    /// What adding a person or team to a project ended with.
    ProjectMemberAddPayload {
        /// The new membership; null when it was refused.
        project_member: ProjectMember, TenancyErrorCode
    }
}

payload! {
    /// What changing a role in a project ended with.
    ProjectMemberUpdatePayload {
        /// The membership as it is now, also after a CONFLICT; null when it was refused for another reason.
        project_member: ProjectMember, TenancyErrorCode
    }
}

payload! {
    /// What taking a role in a project away ended with.
    ProjectMemberRemovePayload {
        /// The id of the membership that is gone; null when it was refused.
        deleted_id: ProjectMemberId, TenancyErrorCode
    }
}

/// Changes of the members of projects.
#[derive(Default)]
pub struct ProjectMemberMutation;

#[Object]
impl ProjectMemberMutation {
    /// Gives a person or a team a role in a project. For its admins.
    async fn project_member_add(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The person or team, and the role.")] input: ProjectMemberAddInput,
    ) -> Result<ProjectMemberAddPayload> {
        let new = NewProjectMember {
            id: input.id,
            project_id: input.project_id,
            user_id: input.user_id,
            team_id: input.team_id,
            role: input.role,
        };
        let outcome = Outcome::of(rules::add_member(ctx.request(), new).await)?;
        Ok(outcome.map(ProjectMember::from).into())
    }

    /// Changes a role in a project. For its admins.
    async fn project_member_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The change.")] input: ProjectMemberUpdateInput,
    ) -> Result<ProjectMemberUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let result = rules::update_member(request, id, input.expected_version, input.role).await;
        let mut outcome = Outcome::of(result)?.map(ProjectMember::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = ProjectMember::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Takes a role in a project away. For its admins.
    async fn project_member_remove(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The membership.")] input: ProjectMemberRemoveInput,
    ) -> Result<ProjectMemberRemovePayload> {
        let outcome = Outcome::of(rules::remove_member(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }
}
