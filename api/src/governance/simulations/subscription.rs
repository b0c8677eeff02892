//! A simulation as it goes on.

use std::sync::Arc;

use async_graphql::{Context, Enum, SimpleObject, Subscription};
use entity::enums::SimulationState;
use entity::governance::policy_simulation;
use entity::ids::PolicySimulationId;
use futures_util::stream::Stream;

use super::graphql::PolicySimulation;
use crate::platform::errors::Result;
use crate::platform::events::{FeedEvent, Topic};
use crate::platform::live::{Told, follow, tell};
use crate::platform::request::{Request, RequestContext};

/// Why a follower of a simulation is told something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum PolicySimulationChangeKind {
    /// It went on.
    Progressed,
    /// It ended. Nothing more follows.
    Ended,
    /// You can no longer see it. Nothing more follows.
    AccessLost,
}

/// A change of a simulation.
#[derive(SimpleObject)]
pub struct PolicySimulationChanged {
    /// The place in the feed; subscribe again `after` it and miss nothing.
    cursor: String,
    /// Why you are told.
    kind: PolicySimulationChangeKind,
    /// The simulation as it is now; null when access was lost.
    simulation: Option<PolicySimulation>,
}

async fn told(
    request: Arc<Request>,
    event: Arc<FeedEvent>,
    id: PolicySimulationId,
) -> Result<Told<PolicySimulationChanged>> {
    let changed = |kind, simulation| PolicySimulationChanged {
        cursor: request.platform.feed.cursor(event.position),
        kind,
        simulation,
    };
    let Some(simulation) = PolicySimulation::find(&request, id).await? else {
        return Ok(Told::Last(changed(PolicySimulationChangeKind::AccessLost, None)));
    };
    Ok(match simulation.0.state {
        SimulationState::Running => Told::Next(changed(PolicySimulationChangeKind::Progressed, Some(simulation))),
        SimulationState::Succeeded | SimulationState::Failed | SimulationState::Canceled => {
            Told::Last(changed(PolicySimulationChangeKind::Ended, Some(simulation)))
        }
    })
}

/// The live view of simulations.
#[derive(Default)]
pub struct SimulationSubscription;

#[Subscription]
impl SimulationSubscription {
    /// The progress of a simulation, until it ends. For those who may see it.
    async fn policy_simulation_changed(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The simulation.")] id: PolicySimulationId,
        #[graphql(desc = "Also everything since this cursor: of an earlier change, or a commitCursor.")] after: Option<
            String,
        >,
    ) -> Result<impl Stream<Item = Result<PolicySimulationChanged>>> {
        let request = ctx.shared_request();
        request.get::<policy_simulation::Entity>(id).await?;
        let events = follow(&request, &[Topic::Resource(id.uuid())], after).await?;
        Ok(tell(request, events, move |request, event| told(request, event, id)))
    }
}
