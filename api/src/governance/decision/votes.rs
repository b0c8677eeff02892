//! What one policy says about one action, and how what all say becomes an outcome.

use std::{cmp::Reverse, sync::Arc};

use super::{Action, ComplianceFinding, Defaults, Effect, Level, Reason, compile::CompiledPolicy, input::Input};

/// Whether a policy's allowed lists hold the name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Listed {
    #[default]
    NoList,
    Missed,
    Held,
}

impl Listed {
    /// All the lists of one policy must hold the name.
    pub(super) fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::NoList, listed) | (listed, Self::NoList) => listed,
            (Self::Held, Self::Held) => Self::Held,
            _ => Self::Missed,
        }
    }
}

impl From<bool> for Listed {
    fn from(holds: bool) -> Self {
        if holds { Self::Held } else { Self::Missed }
    }
}

/// What one policy says.
#[derive(Debug, Default)]
pub(super) struct Vote {
    pub effect: Option<Effect>,
    pub models: Listed,
    pub tools: Listed,
    pub error: Option<Arc<str>>,
    pub findings: Vec<ComplianceFinding>,
}

impl Vote {
    /// The strictest effect stays.
    pub(super) fn raise(&mut self, effect: Effect) {
        self.effect = self.effect.max(Some(effect));
    }
}

/// What the policies say together. The order in which they are counted makes no difference.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    strictest: [Option<Effect>; 3],
    models: [Listed; 3],
    tools: [Listed; 3],
    /// The policy to report for each effect, by its place in the compiled set.
    best: [Option<usize>; 3],
}

impl Tally {
    pub(super) fn count(&mut self, policies: &[CompiledPolicy], index: usize, vote: &Vote) {
        let level = policies[index].level;
        let place = level as usize;
        // One list of the level that holds the name is enough.
        let either = |one: Listed, other: Listed| match (one, other) {
            (Listed::Held, _) | (_, Listed::Held) => Listed::Held,
            (Listed::Missed, _) | (_, Listed::Missed) => Listed::Missed,
            _ => Listed::NoList,
        };
        self.models[place] = either(self.models[place], vote.models);
        self.tools[place] = either(self.tools[place], vote.tools);
        let Some(effect) = vote.effect else { return };
        self.strictest[place] = self.strictest[place].max(Some(effect));
        // A project's allow grants nothing, so it is not what an action was allowed by.
        if effect == Effect::Allow && level != Level::Organization {
            return;
        }
        let rank = |index: usize| (Reverse(policies[index].priority), policies[index].level, policies[index].id);
        let best = &mut self.best[effect as usize];
        if best.is_none_or(|held| rank(index) < rank(held)) {
            *best = Some(index);
        }
    }

    /// The outcome, why, and the policy to report.
    pub(super) fn outcome(&self, input: &Input, defaults: Defaults) -> (Effect, Reason, Option<usize>) {
        if let Some(winner) = self.best[Effect::Deny as usize] {
            return (Effect::Deny, Reason::Policy, Some(winner));
        }
        let missed = Level::ALL
            .into_iter()
            .find(|level| [self.models, self.tools].iter().any(|lists| lists[*level as usize] == Listed::Missed));
        if let Some(level) = missed {
            return (Effect::Deny, Reason::OutsideAllowed(level), None);
        }
        let default = match input.action {
            Action::CallTool { .. } => defaults.tools,
            Action::UseModel { .. } => defaults.models,
        };
        let base = self.strictest[Level::Organization as usize].unwrap_or(default);
        let narrowed = self.strictest.iter().flatten().copied().fold(base, Effect::max);
        match self.best[narrowed as usize] {
            Some(winner) => (narrowed, Reason::Policy, Some(winner)),
            None => (narrowed, Reason::Default, None),
        }
    }
}
