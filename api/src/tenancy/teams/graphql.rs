//! Teams as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, InputObject, MaybeUndefined, Object};
use chrono::{DateTime, Utc};
use entity::ids::{OrganizationId, TeamId};
use entity::tenancy::team;

use super::rules::{self, NewTeam, TeamChanges};
use super::store;
use crate::payload;
use crate::platform::authorization::Action;
use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::organizations::Organization;
use crate::tenancy::project_members::{self, ProjectMember};
use crate::tenancy::space_members::{self, SpaceMember};
use crate::tenancy::team_members::{self, TeamMember};

/// A team.
#[derive(Clone, Debug)]
pub struct Team(pub Arc<team::Model>);

impl Node for Team {}

impl From<team::Model> for Team {
    fn from(row: team::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl Team {
    /// The team, if the viewer may see it.
    pub async fn find(request: &Request, id: TeamId) -> Result<Option<Self>> {
        Ok(request.find::<team::Entity>(id).await?.map(Self))
    }
}

/// People of an organization under one name. What is granted to a team is granted to its members.
#[Object]
impl Team {
    /// The id of the team.
    pub async fn id(&self) -> TeamId {
        self.0.id
    }

    /// The organization it belongs to; null when it is closed meanwhile.
    async fn organization(&self, ctx: &Context<'_>) -> Result<Option<Organization>> {
        Organization::find(ctx.request(), self.0.organization_id).await
    }

    /// Its name, 1 to 255 characters, unique in the organization in any case.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// What it is for; null when nobody said.
    async fn description(&self) -> Option<&str> {
        self.0.description.as_deref()
    }

    /// Counts the changes of its properties; give it as expectedVersion.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// When it was created.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When its properties last changed.
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// What you may do with it.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<team::Entity>(&self.0).actions()
    }

    /// The people in it, in the order they were added.
    async fn members(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<TeamMember>> {
        team_members::of_team(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its roles in the spaces that you may see, in the order they were given.
    async fn space_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<SpaceMember>> {
        space_members::of_team(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }

    /// Its roles in the projects that you may see, in the order they were given.
    async fn project_roles(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first so many, 1 to 100.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, 1 to 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<ProjectMember>> {
        project_members::of_team(ctx.request(), self.0.id, Page::new(first, after, last, before)?).await
    }
}

/// A page of the teams of an organization.
pub async fn of_organization(request: &Request, id: OrganizationId, page: Page) -> Result<Connection<Team>> {
    Connection::of::<store::BelowOrganizations, store::CountBelowOrganizations, _>(
        request,
        id,
        page,
        store::place,
        Team::from,
    )
    .await
}

/// A new team of an organization.
#[derive(InputObject)]
struct TeamCreateInput {
    /// An id of your making (a UUIDv7 in its `team_` form, at most 30 days old), so that a retry cannot create a second one.
    id: Option<TeamId>,
    /// The organization it belongs to.
    organization_id: OrganizationId,
    /// Its name, 1 to 255 characters; unique in the organization in any case.
    name: String,
    /// What it is for, up to 2,000 characters.
    description: Option<String>,
}

/// Changes of a team. What is left out stays as it is; null removes what may be missing, and changes nothing else.
#[derive(InputObject)]
struct TeamUpdateInput {
    /// The team.
    id: TeamId,
    /// The version you read; a stale one is refused as CONFLICT.
    expected_version: Option<i32>,
    /// Its new name, 1 to 255 characters.
    name: Option<String>,
    /// What it is for, up to 2,000 characters; null for none.
    description: MaybeUndefined<String>,
}

/// A team to delete.
#[derive(InputObject)]
struct TeamDeleteInput {
    /// The team.
    id: TeamId,
}

payload! {
    /// What creating a team ended with.
    TeamCreatePayload {
        /// The new team; null when it was refused.
        team: Team, TenancyErrorCode
    }
}

payload! {
    /// What changing a team ended with.
    TeamUpdatePayload {
        /// The team as it is now, also after a CONFLICT; null when it was refused for another reason.
        team: Team, TenancyErrorCode
    }
}

payload! {
    /// What deleting a team ended with.
    TeamDeletePayload {
        /// The id of the team that is gone; null when it was refused.
        deleted_id: TeamId, TenancyErrorCode
    }
}

/// Changes of teams.
#[derive(Default)]
pub struct TeamMutation;

#[Object]
impl TeamMutation {
    /// Creates a team of an organization, with nobody in it. For its owners and admins.
    async fn team_create(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The new team.")] input: TeamCreateInput,
    ) -> Result<TeamCreatePayload> {
        let new = NewTeam {
            id: input.id,
            organization_id: input.organization_id,
            name: input.name,
            description: input.description,
        };
        let outcome = Outcome::of(rules::create_team(ctx.request(), new).await)?;
        Ok(outcome.map(Team::from).into())
    }

    /// Changes a team's name and description. For owners and admins of the organization.
    async fn team_update(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The changes.")] input: TeamUpdateInput,
    ) -> Result<TeamUpdatePayload> {
        let (request, id) = (ctx.request(), input.id);
        let changes = TeamChanges { name: input.name, description: checks::text_change(input.description) };
        let result = rules::update_team(request, id, input.expected_version, changes).await;
        let mut outcome = Outcome::of(result)?.map(Team::from);
        if outcome.refused_as(TenancyErrorCode::Conflict) {
            outcome.object = Team::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Deletes a team: its members lose the roles that were given to it. For owners and admins of the organization.
    async fn team_delete(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The team.")] input: TeamDeleteInput,
    ) -> Result<TeamDeletePayload> {
        let outcome = Outcome::of(rules::delete_team(ctx.request(), input.id).await)?;
        Ok(outcome.into())
    }
}
