//! The mutations of simulations.

use async_graphql::{Context, InputObject, Object, OneofObject};
use chrono::{DateTime, TimeDelta, Utc};
use entity::enums::PolicyMode;
use entity::ids::{OrganizationId, PolicyId, PolicySimulationId, ProjectId};

use super::draft::Text;
use super::graphql::PolicySimulation;
use super::rules::{self, Asked, NewSimulation, Scope};
use crate::governance::GovernanceErrorCode;
use crate::governance::policies::PolicyScopeInput;
use crate::governance::policies::applying::PolicyAppliesToInput;
use crate::governance::policies::input::{Place, PolicyRulesInput};
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// Whose decisions are decided again. Exactly one is given.
#[derive(OneofObject)]
pub enum PolicySimulationScopeInput {
    /// Those of all projects of an organization.
    OrganizationId(OrganizationId),
    /// Those of a project.
    ProjectId(ProjectId),
}

/// One change of the set of policies. Give policyId to change or remove a policy, or to try a draft as it is; scope and rules to add one.
#[derive(InputObject)]
struct PolicyDraftInput {
    /// The policy to change, to remove, or to put into use.
    policy_id: Option<PolicyId>,
    /// Whether the policy is removed.
    #[graphql(default)]
    remove: bool,
    /// Whose policy is added.
    scope: Option<PolicyScopeInput>,
    /// Its name; as it is, unless given.
    name: Option<String>,
    /// What it says, whole; as it is, unless given.
    rules: Option<PolicyRulesInput>,
    /// Whom and what it applies to, whole; as it is, unless given.
    applies_to: Option<PolicyAppliesToInput>,
    /// Its priority; as it is, unless given.
    priority: Option<i32>,
    /// Whether it has an effect; as it is, unless given.
    mode: Option<PolicyMode>,
}

/// A simulation to begin.
#[derive(InputObject)]
struct PolicySimulateInput {
    /// An id of your making (a UUIDv7 in its `sim_` form, at most 30 days old), so that a retry cannot begin a second one.
    id: Option<PolicySimulationId>,
    /// Whose decisions are decided again.
    scope: PolicySimulationScopeInput,
    /// The draft: 1 to 100 changes of the present set.
    changes: Vec<PolicyDraftInput>,
    /// Decisions since this instant; for the last 30 days, unless given.
    since: Option<DateTime<Utc>>,
    /// Decisions before this instant; up to now, unless given.
    before: Option<DateTime<Utc>>,
}

/// A simulation to end.
#[derive(InputObject)]
struct PolicySimulationCancelInput {
    /// The simulation.
    id: PolicySimulationId,
}

payload! {
    /// What beginning a simulation ended with.
    PolicySimulatePayload {
        /// The simulation, which goes on in the background; null when it was refused.
        simulation: PolicySimulation, GovernanceErrorCode
    }
}

payload! {
    /// What ending a simulation ended with.
    PolicySimulationCancelPayload {
        /// The simulation with what it found; null when it was refused.
        simulation: PolicySimulation, GovernanceErrorCode
    }
}

impl PolicyDraftInput {
    fn read(self, index: usize, problems: &mut Vec<Place>) -> Option<Asked> {
        let mut found = Vec::new();
        let text = Text {
            name: self.name,
            rules: self.rules.map(|rules| rules.read(&mut found)),
            applies_to: self.applies_to.map(|applies_to| applies_to.read(&mut found)),
            priority: self.priority,
            mode: self.mode,
        };
        problems.extend(found.into_iter().map(|(path, message)| (format!("changes[{index}].{path}"), message)));
        match (self.policy_id, self.remove, self.scope) {
            (Some(id), true, None) => Some(Asked::Remove(id)),
            (Some(id), false, None) => Some(Asked::Replace(id, text)),
            (None, false, Some(scope)) => {
                let (project, server) = match scope {
                    PolicyScopeInput::OrganizationId(_) => (None, None),
                    PolicyScopeInput::ProjectId(id) => (Some(id), None),
                    PolicyScopeInput::ServerId(id) => (None, Some(id)),
                };
                Some(Asked::Add { project, server, text })
            }
            _ => {
                let message = "Give policyId, or scope for a new policy; a new one is not removed.".to_owned();
                problems.push((format!("changes[{index}]"), message));
                None
            }
        }
    }
}

/// Changes of simulations.
#[derive(Default)]
pub struct SimulationMutation;

#[Object]
impl SimulationMutation {
    /// Tries a draft of policies on decisions that were made, in the background; nothing else changes. For owners and admins of the organization, or admins of the project.
    async fn policy_simulate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The draft and the decisions.")] input: PolicySimulateInput,
    ) -> Result<PolicySimulatePayload> {
        let request = ctx.request();
        let mut problems = Vec::new();
        let changes = input.changes.into_iter().enumerate();
        let changes = changes.filter_map(|(index, change)| change.read(index, &mut problems)).collect();
        let before = input.before.unwrap_or_else(|| request.now());
        let new = NewSimulation {
            id: input.id,
            scope: match input.scope {
                PolicySimulationScopeInput::OrganizationId(id) => Scope::Organization(id),
                PolicySimulationScopeInput::ProjectId(id) => Scope::Project(id),
            },
            changes,
            since: input.since.unwrap_or(before - TimeDelta::days(30)),
            before,
            problems,
        };
        let outcome = Outcome::of(rules::simulate(request, new).await)?;
        Ok(outcome.map(PolicySimulation::from).into())
    }

    /// Ends a simulation before its time. For owners and admins of the organization, or admins of the project.
    async fn policy_simulation_cancel(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The simulation.")] input: PolicySimulationCancelInput,
    ) -> Result<PolicySimulationCancelPayload> {
        let outcome = Outcome::of(rules::cancel(ctx.request(), input.id).await)?;
        Ok(outcome.map(PolicySimulation::from).into())
    }
}
