//! Simulation: a draft of policies tried on decisions that were made. Their recorded inputs are decided again, under the
//! present policies with the draft among them, and what comes out otherwise is told. It runs in the background, a batch of
//! decisions at a time, and never holds more than two.

mod draft;
mod events;
mod graphql;
mod mutations;
mod replaying;
mod rules;
mod running;
mod store;
mod subscription;
mod tally;

pub use graphql::{PolicySimulation, of_organization};
pub use mutations::SimulationMutation;
pub use running::look_after;
pub use subscription::SimulationSubscription;
