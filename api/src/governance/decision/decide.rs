//! The decision itself, in the order that is promised: gates, then every policy that applies, then effects. It touches
//! nothing and gives the same answer for the same input.

use super::{
    AppliedLimit, ComplianceFinding, Decision, Effect, GateTried, Mode, Reason, Tried,
    compile::{CompiledPolicies, CompiledPolicy, CompiledRules},
    input::{Facts, Input},
    votes::{Listed, Tally, Vote},
};

/// Decides about one action. Limits are named and not consumed, and an approval is looked at and not consumed.
#[must_use]
pub fn decide(compiled: &CompiledPolicies, input: &Input) -> Decision {
    let gates: Vec<GateTried> = input.gates().into_iter().map(|(gate, open)| GateTried { gate, open }).collect();
    if let Some(closed) = gates.iter().find(|tried| !tried.open) {
        return Decision {
            outcome: Effect::Deny,
            reason: Reason::Gate(closed.gate),
            winner: None,
            would_be: None,
            limits: Vec::new(),
            findings: Vec::new(),
            policy_set_version: compiled.version,
            gates,
            tried: Vec::new(),
            default_applied: None,
        };
    }

    let facts = Facts::new(input);
    let (mut enforced, mut monitored) = (Tally::default(), Tally::default());
    let mut limits = Vec::new();
    let mut findings = Vec::new();
    let mut tried = Vec::with_capacity(compiled.policies.len());
    for (index, policy) in compiled.policies.iter().enumerate() {
        let (entry, vote) = attempt(policy, input, &facts, &mut limits);
        if let Some(vote) = vote {
            monitored.count(&compiled.policies, index, &vote);
            if policy.mode == Mode::Enforce {
                enforced.count(&compiled.policies, index, &vote);
            }
            findings.extend(vote.findings);
        }
        tried.push(entry);
    }

    let (outcome, reason, winner) = settle(&enforced, compiled, input);
    let (would_be, _, _) = settle(&monitored, compiled, input);
    if outcome == Effect::Deny {
        limits.clear();
    }
    limits.sort_unstable_by_key(AppliedLimit::rank);
    findings.sort_unstable_by(ComplianceFinding::order);
    Decision {
        outcome,
        reason,
        winner: winner.map(|index| compiled.policies[index].id),
        would_be: (would_be != outcome).then_some(would_be),
        limits,
        findings,
        policy_set_version: compiled.version,
        gates,
        tried,
        default_applied: (reason == Reason::Default).then_some(outcome),
    }
}

/// The outcome, where an approval that is held stands for the one that is asked for.
fn settle(tally: &Tally, compiled: &CompiledPolicies, input: &Input) -> (Effect, Reason, Option<usize>) {
    match (tally.outcome(input, compiled.defaults), input.approval_id) {
        ((Effect::RequireApproval, _, winner), Some(approval)) => (Effect::Allow, Reason::Approved(approval), winner),
        (outcome, _) => outcome,
    }
}

fn attempt(
    policy: &CompiledPolicy,
    input: &Input,
    facts: &Facts,
    limits: &mut Vec<AppliedLimit>,
) -> (Tried, Option<Vote>) {
    let mut checks = Vec::new();
    let matched = policy.applies(input, facts, &mut checks);
    let vote = matched.then(|| match &policy.rules {
        CompiledRules::Usage(applied) => {
            limits.extend(applied.iter().cloned());
            Vote::default()
        }
        CompiledRules::Access(access) => access.vote(input, facts, &mut checks),
        CompiledRules::Compliance(compliance) => compliance.vote(input, facts, &mut checks),
        CompiledRules::Custom(matcher) => match matcher.evaluate(input) {
            Ok(effect) => Vote { effect, ..Vote::default() },
            Err(message) => Vote {
                effect: matcher.may_refuse().then_some(Effect::Deny),
                error: Some(message.into()),
                ..Vote::default()
            },
        },
        CompiledRules::Broken { error, only_allows: true } => {
            let missed = |concerned: bool| if concerned { Listed::Missed } else { Listed::NoList };
            Vote {
                models: missed(input.action.model().is_some()),
                tools: missed(input.action.tool().is_some()),
                error: Some(error.clone()),
                ..Vote::default()
            }
        }
        CompiledRules::Broken { error, only_allows: false } => {
            Vote { effect: Some(Effect::Deny), error: Some(error.clone()), ..Vote::default() }
        }
    });
    let tried = Tried {
        policy_id: policy.id,
        policy_version: policy.version,
        name: policy.name.clone(),
        level: policy.level,
        mode: policy.mode,
        matched,
        checks,
        effect: vote.as_ref().and_then(|vote| vote.effect),
        error: vote.as_ref().and_then(|vote| vote.error.clone()),
    };
    (tried, vote)
}
