//! Simulations as a client sees them.

use std::sync::Arc;

use async_graphql::{Context, Object};
use chrono::{DateTime, Utc};
use entity::enums::SimulationState;
use entity::governance::policy_simulation;
use entity::ids::{OrganizationId, PolicySimulationId};

use super::store;
use super::tally::PolicySimulationResult;
use crate::identity::users::User;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::pagination::{Connection, Node, Page};
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::projects::Project;

/// A simulation.
#[derive(Clone, Debug)]
pub struct PolicySimulation(pub Arc<policy_simulation::Model>);

impl Node for PolicySimulation {}

impl From<policy_simulation::Model> for PolicySimulation {
    fn from(row: policy_simulation::Model) -> Self {
        Self(Arc::new(row))
    }
}

impl PolicySimulation {
    /// The simulation, if the viewer may see it.
    pub async fn find(request: &Request, id: PolicySimulationId) -> Result<Option<Self>> {
        Ok(request.find::<policy_simulation::Entity>(id).await?.map(Self))
    }
}

/// A draft of policies, tried on decisions that were made. For those who manage the policies.
#[Object]
impl PolicySimulation {
    /// The id of the simulation.
    pub async fn id(&self) -> PolicySimulationId {
        self.0.id
    }

    /// The project whose decisions are decided again; null for those of all projects of the organization.
    async fn project(&self, ctx: &Context<'_>) -> Result<Option<Project>> {
        match self.0.project_id {
            Some(id) => Project::find(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// Decisions since this instant.
    async fn since(&self) -> DateTime<Utc> {
        self.0.window_start
    }

    /// Decisions before this instant.
    async fn before(&self) -> DateTime<Utc> {
        self.0.window_end
    }

    /// Where it stands.
    async fn state(&self) -> SimulationState {
        self.0.state
    }

    /// How many decisions there are, as far as that is known.
    async fn total(&self) -> i64 {
        self.0.total
    }

    /// How many of them were looked at.
    async fn done(&self) -> i64 {
        self.0.done
    }

    /// What it found so far; null before anything was.
    async fn result(&self) -> Result<Option<PolicySimulationResult>> {
        let read = |result| serde_json::from_value(result).map_err(Error::internal);
        self.0.result.clone().map(read).transpose()
    }

    /// Why it failed; null unless it did.
    async fn error(&self) -> Option<&str> {
        self.0.error.as_deref()
    }

    /// Who began it; null once that account is gone.
    async fn created_by(&self, ctx: &Context<'_>) -> Result<Option<User>> {
        match self.0.created_by {
            Some(id) => User::find_through(ctx.request(), id).await,
            None => Ok(None),
        }
    }

    /// When it began.
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When it ended; null while it runs.
    async fn ended_at(&self) -> Option<DateTime<Utc>> {
        self.0.ended_at
    }

    /// What you may do with it: WITHDRAW ends it before its time.
    async fn viewer_can(&self, ctx: &Context<'_>) -> Vec<Action> {
        ctx.request().permitted::<policy_simulation::Entity>(&self.0).actions()
    }
}

/// A page of the simulations of an organization that the viewer may read.
pub async fn of_organization(
    request: &Request,
    id: OrganizationId,
    page: Page,
) -> Result<Connection<PolicySimulation>> {
    Connection::of::<store::OfOrganizations, store::CountOfOrganizations, _>(
        request,
        id,
        page,
        store::place,
        PolicySimulation::from,
    )
    .await
}
