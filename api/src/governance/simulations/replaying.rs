//! Deciding again, away from those who answer requests.

use std::collections::HashMap;
use std::sync::Arc;

use entity::enums::DecisionOutcome;
use entity::ids::{DecisionId, PolicyId, ProjectId, UserId};

use super::store::Recorded;
use super::tally::{Flip, Tally};
use crate::governance::decision::{CompiledPolicies, Input, decide};
use crate::governance::decisions::ReasonKind;

/// The policies of a project: as they are, and with the draft among them.
#[derive(Clone, Debug)]
pub struct Pair {
    pub present: Arc<CompiledPolicies>,
    pub drafted: Arc<CompiledPolicies>,
}

/// Decides a batch again. Decisions of projects that are not there any more are left out with those that cannot be read.
pub fn replay(batch: Vec<Recorded>, policies: &HashMap<ProjectId, Pair>, tally: &mut Tally) {
    for recorded in batch {
        if recorded.reason == ReasonKind::Limit.as_str() {
            tally.limited += 1;
            continue;
        }
        if !recorded.is_replayable {
            tally.redacted += 1;
            continue;
        }
        let input: Option<Input> = serde_json::from_value(recorded.input).ok();
        let (Some(input), Some(pair)) = (input, policies.get(&ProjectId(recorded.project_id))) else {
            tally.unreadable += 1;
            continue;
        };
        tally.replayed += 1;
        let decision = decide(&pair.drafted, &input);
        let to = DecisionOutcome::from(decision.outcome);
        if to == recorded.outcome {
            continue;
        }
        let is_already = DecisionOutcome::from(decide(&pair.present, &input).outcome) != recorded.outcome;
        let tool = match (input.action.tool(), input.action.model()) {
            (Some((server, tool)), _) => format!("{server}/{tool}"),
            (None, model) => model.unwrap_or_default().to_owned(),
        };
        tally.count(Flip {
            decision_id: DecisionId(recorded.id),
            project_id: ProjectId(recorded.project_id),
            tool,
            user_id: input.user_id.map(UserId),
            policy_id: decision.winner.map(PolicyId),
            reason: decision.reason,
            from: recorded.outcome,
            to,
            is_already,
        });
    }
}
