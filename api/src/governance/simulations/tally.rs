//! What a simulation found: how many came out otherwise, by project, tool, person and rule, with examples.

use std::collections::HashMap;
use std::hash::Hash;

use async_graphql::{ComplexObject, Context, SimpleObject};
use entity::enums::DecisionOutcome;
use entity::ids::{DecisionId, PolicyId, ProjectId, UserId};
use serde::{Deserialize, Serialize};

use crate::governance::decision::Reason;
use crate::governance::decisions::{Decision, ReasonKind};
use crate::platform::errors::Result;
use crate::platform::request::RequestContext;

/// Entries of one list of a result.
const MOST: usize = 100;
const MOST_EXAMPLES: usize = 20;

/// What a simulation found so far. Allows are decided again as far as they were recorded: an organization may have only
/// some of its allows recorded, and everything else is recorded always.
#[derive(Clone, Debug, Default, Serialize, Deserialize, SimpleObject)]
pub struct PolicySimulationResult {
    /// How many decisions were decided again.
    pub replayed: i64,
    /// How many come out as they did.
    pub unchanged: i64,
    /// How many come out otherwise.
    pub flipped: i64,
    /// How many of those come out otherwise under the present policies already.
    pub flipped_already: i64,
    /// How many could not be decided again, because something of their arguments was not kept.
    pub redacted: i64,
    /// How many were not decided again, because a rate or a budget left no room for them: policies alone do not decide that.
    #[serde(default)]
    pub limited: i64,
    /// How many could not be decided again, because this version of the server cannot read them.
    pub unreadable: i64,
    /// What comes out otherwise, by project: up to 100, the most frequent first.
    pub by_project: Vec<PolicySimulationFlips>,
    /// What comes out otherwise, by tool or model: up to 100, the most frequent first.
    pub by_tool: Vec<PolicySimulationFlips>,
    /// What comes out otherwise, by person: up to 100, the most frequent first.
    pub by_user: Vec<PolicySimulationFlips>,
    /// What comes out otherwise, by what decides it under the draft: up to 100, the most frequent first.
    pub by_rule: Vec<PolicySimulationFlips>,
    /// Decisions that come out otherwise: up to 20.
    pub examples: Vec<PolicySimulationExample>,
}

/// How often something comes out otherwise.
#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
pub struct PolicySimulationFlips {
    /// The project; null in other lists.
    project_id: Option<ProjectId>,
    /// The tool as server/tool, or the model; null in other lists.
    tool: Option<String>,
    /// The person; null in other lists, and for nobody.
    user_id: Option<UserId>,
    /// The policy that decides it under the draft; null in other lists, and where none does.
    policy_id: Option<PolicyId>,
    /// What decides it under the draft; null in other lists.
    reason: Option<ReasonKind>,
    /// What was decided.
    from: DecisionOutcome,
    /// What would be decided.
    to: DecisionOutcome,
    /// How often.
    count: i64,
}

/// A decision that comes out otherwise.
#[derive(Clone, Debug, Serialize, Deserialize, SimpleObject)]
#[graphql(complex)]
pub struct PolicySimulationExample {
    /// The id of the decision.
    decision_id: DecisionId,
    /// What was decided.
    from: DecisionOutcome,
    /// What would be decided.
    to: DecisionOutcome,
    /// The policy that decides it under the draft; null where none does.
    policy_id: Option<PolicyId>,
    /// What decides it under the draft.
    reason: ReasonKind,
}

/// A decision that comes out otherwise.
#[ComplexObject]
impl PolicySimulationExample {
    /// The decision; null once it is gone, and where you may not see it.
    async fn decision(&self, ctx: &Context<'_>) -> Result<Option<Decision>> {
        Decision::find(ctx.request(), self.decision_id).await
    }
}

/// A decision that was decided again and came out otherwise.
pub struct Flip {
    pub decision_id: DecisionId,
    pub project_id: ProjectId,
    pub tool: String,
    pub user_id: Option<UserId>,
    pub policy_id: Option<PolicyId>,
    pub reason: Reason,
    pub from: DecisionOutcome,
    pub to: DecisionOutcome,
    pub is_already: bool,
}

type Counts<K> = HashMap<(K, DecisionOutcome, DecisionOutcome), i64>;

/// Counts as a simulation goes on.
#[derive(Default)]
pub struct Tally {
    pub replayed: i64,
    pub redacted: i64,
    pub limited: i64,
    pub unreadable: i64,
    flipped: i64,
    flipped_already: i64,
    projects: Counts<ProjectId>,
    tools: Counts<String>,
    users: Counts<Option<UserId>>,
    rules: Counts<(Option<PolicyId>, ReasonKind)>,
    examples: Vec<PolicySimulationExample>,
}

impl Tally {
    pub fn count(&mut self, flip: Flip) {
        let (from, to) = (flip.from, flip.to);
        let reason = ReasonKind::of(flip.reason);
        self.flipped += 1;
        self.flipped_already += i64::from(flip.is_already);
        *self.projects.entry((flip.project_id, from, to)).or_default() += 1;
        *self.users.entry((flip.user_id, from, to)).or_default() += 1;
        *self.rules.entry(((flip.policy_id, reason), from, to)).or_default() += 1;
        *self.tools.entry((flip.tool, from, to)).or_default() += 1;
        if self.examples.len() < MOST_EXAMPLES {
            let (decision_id, policy_id) = (flip.decision_id, flip.policy_id);
            self.examples.push(PolicySimulationExample { decision_id, from, to, policy_id, reason });
        }
    }

    pub fn result(&self) -> PolicySimulationResult {
        let flips = |from, to, count| PolicySimulationFlips {
            project_id: None,
            tool: None,
            user_id: None,
            policy_id: None,
            reason: None,
            from,
            to,
            count,
        };
        PolicySimulationResult {
            replayed: self.replayed,
            unchanged: self.replayed - self.flipped,
            flipped: self.flipped,
            flipped_already: self.flipped_already,
            redacted: self.redacted,
            limited: self.limited,
            unreadable: self.unreadable,
            by_project: listed(&self.projects, |id, from, to, count| PolicySimulationFlips {
                project_id: Some(*id),
                ..flips(from, to, count)
            }),
            by_tool: listed(&self.tools, |tool, from, to, count| PolicySimulationFlips {
                tool: Some(tool.clone()),
                ..flips(from, to, count)
            }),
            by_user: listed(&self.users, |id, from, to, count| PolicySimulationFlips {
                user_id: *id,
                ..flips(from, to, count)
            }),
            by_rule: listed(&self.rules, |(policy_id, reason), from, to, count| PolicySimulationFlips {
                policy_id: *policy_id,
                reason: Some(*reason),
                ..flips(from, to, count)
            }),
            examples: self.examples.clone(),
        }
    }
}

fn listed<K: Clone + Eq + Hash + Ord>(
    counts: &Counts<K>,
    make: impl Fn(&K, DecisionOutcome, DecisionOutcome, i64) -> PolicySimulationFlips,
) -> Vec<PolicySimulationFlips> {
    let mut entries: Vec<_> = counts.iter().collect();
    entries.sort_by(|(one, many), (other, more)| more.cmp(many).then_with(|| one.cmp(other)));
    entries.into_iter().take(MOST).map(|((key, from, to), count)| make(key, *from, *to, *count)).collect()
}
