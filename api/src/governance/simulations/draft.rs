//! A draft: the changes of the set of policies that are tried.

use entity::enums::PolicyMode;
use entity::ids::{OrganizationId, PolicyId, ProjectId};
use serde::{Deserialize, Serialize};

use crate::governance::decision::{AppliesTo, Level, Mode, Policy, Rules};

/// One change of the set.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum Change {
    /// A policy is not there.
    Remove { id: PolicyId },
    /// A policy says something else, or is in use although it is not.
    Replace { policy: Policy, project: Option<ProjectId> },
    /// There is another policy.
    Add { policy: Policy, project: Option<ProjectId> },
}

/// What a new policy would say.
#[derive(Clone, Debug)]
pub struct Text {
    pub name: Option<String>,
    pub rules: Option<Rules>,
    pub applies_to: Option<AppliesTo>,
    pub priority: Option<i32>,
    pub mode: Option<PolicyMode>,
}

impl Text {
    /// The policy with these parts of it replaced, in use.
    pub fn over(self, mut policy: Policy) -> Policy {
        if let Some(name) = self.name {
            policy.name = name;
        }
        if let Some(rules) = self.rules {
            policy.rules = rules;
        }
        if let Some(applies_to) = self.applies_to {
            policy.applies_to = applies_to;
        }
        policy.priority = self.priority.unwrap_or(policy.priority);
        policy.mode = match (self.mode, policy.mode) {
            (Some(PolicyMode::Monitor), _) | (None, Mode::Monitor) => Mode::Monitor,
            (Some(PolicyMode::Enforce), _) | (None, Mode::Enforce | Mode::Disabled) => Mode::Enforce,
        };
        policy
    }
}

/// Where decisions are taken from.
#[derive(Clone, Copy, Debug)]
pub struct Reach {
    pub organization: OrganizationId,
    pub project: Option<ProjectId>,
}

/// The policies of a project with the draft among them.
pub fn changed(present: &[Policy], draft: &[Change], project: ProjectId) -> Vec<Policy> {
    let mut policies = present.to_vec();
    for change in draft {
        match change {
            Change::Remove { id } => policies.retain(|policy| policy.id != id.uuid()),
            Change::Replace { policy, project: of } | Change::Add { policy, project: of } => {
                policies.retain(|held| held.id != policy.id);
                // Another project's policy says nothing here.
                if policy.level == Level::Organization || *of == Some(project) {
                    policies.push(policy.clone());
                }
            }
        }
    }
    policies
}
