//! Truth tables of the decision, over every small case, against what is promised of it.

use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::tests::{access, input, policy};
use super::*;

/// What the one policy of a level says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Said {
    Nothing,
    Allow,
    Approve,
    Deny,
    /// It has an allowed list that does not hold the name.
    Missed,
}

/// What the policy of each level says, from the organization's to the server's, and whether it acts.
type Table = [(Said, Mode); 3];

const OUTCOMES: [Effect; 3] = [Effect::Allow, Effect::RequireApproval, Effect::Deny];
const HELD: Uuid = Uuid::from_u128(9);

/// What is promised, where these levels speak: a deny and a list that misses deny; then whatever asks for an approval
/// does; what is left is what the organization grants, or the default. An approval that is held is an allow.
fn promised(said: &[(Level, Said)], default: Effect, approval: Option<Uuid>) -> (Effect, Reason) {
    let says = |what: Said| said.iter().any(|(_, one)| *one == what);
    if says(Said::Deny) {
        return (Effect::Deny, Reason::Policy);
    }
    if let Some((level, _)) = said.iter().find(|(_, one)| *one == Said::Missed) {
        return (Effect::Deny, Reason::OutsideAllowed(*level));
    }
    let of_organization = said.iter().find(|(level, _)| *level == Level::Organization).map(|(_, one)| *one);
    let granted = match of_organization {
        Some(Said::Allow) => Effect::Allow,
        Some(Said::Approve) => Effect::RequireApproval,
        _ => default,
    };
    match (granted, says(Said::Approve), approval) {
        (Effect::Deny, _, _) => (Effect::Deny, Reason::Default),
        (Effect::RequireApproval, _, Some(id)) | (_, true, Some(id)) => (Effect::Allow, Reason::Approved(id)),
        (_, true, None) => (Effect::RequireApproval, Reason::Policy),
        (Effect::RequireApproval, false, None) => (Effect::RequireApproval, Reason::Default),
        (Effect::Allow, false, _) if of_organization == Some(Said::Allow) => (Effect::Allow, Reason::Policy),
        (Effect::Allow, false, _) => (Effect::Allow, Reason::Default),
    }
}

#[derive(Debug)]
struct Approve;

impl Matcher for Approve {
    fn evaluate(&self, _: &Input) -> Result<Option<Effect>, String> {
        Ok(Some(Effect::RequireApproval))
    }

    fn may_refuse(&self) -> bool {
        true
    }
}

fn written(level: Level, (said, mode): (Said, Mode), is_tool: bool) -> Option<Policy> {
    let id = level as u128 + 1;
    let kind = if is_tool { "tools" } else { "models" };
    let rules = |list: &str, name: &str| access(id, level, json!({ format!("{list}_{kind}"): [name] }));
    let written = match said {
        Said::Nothing => return None,
        Said::Allow => rules("allowed", "*"),
        // An access policy asks for approvals of tools alone.
        Said::Approve if is_tool => rules("approved", "*"),
        Said::Approve => policy(id, level, Rules::Custom(CustomRules { text: String::new() })),
        Said::Deny => rules("blocked", "*"),
        Said::Missed => rules("allowed", "another"),
    };
    Some(Policy { mode, ..written })
}

/// Every table: a level without a policy once, each other twice.
fn tables() -> Vec<Table> {
    let of_level: Vec<(Said, Mode)> = [Said::Allow, Said::Approve, Said::Deny, Said::Missed]
        .into_iter()
        .flat_map(|said| [(said, Mode::Enforce), (said, Mode::Monitor)])
        .chain([(Said::Nothing, Mode::Enforce)])
        .collect();
    let pairs = of_level.iter().flat_map(|first| of_level.iter().map(|second| (*first, *second)));
    pairs.flat_map(|(first, second)| of_level.iter().map(move |third| [first, second, *third])).collect()
}

#[test]
fn every_small_case_comes_out_as_promised() {
    let mut cases = 0;
    for (table, is_tool, default) in tables()
        .into_iter()
        .flat_map(|table| [(table, true), (table, false)])
        .flat_map(|(table, is_tool)| OUTCOMES.map(|default| (table, is_tool, default)))
    {
        let policies: Vec<Policy> =
            Level::ALL.into_iter().zip(table).filter_map(|(level, of)| written(level, of, is_tool)).collect();
        // The default of the other kind of action is another one, and never looked at.
        let other = if default == Effect::Deny { Effect::Allow } else { Effect::Deny };
        let defaults = match is_tool {
            true => Defaults { tools: default, models: other },
            false => Defaults { tools: other, models: default },
        };
        let compiled = CompiledPolicies::new(1, defaults, &policies, &|_| Ok(Arc::new(Approve)));
        // A server's policy is about its tools, and says nothing about models.
        let spoken: Vec<(Level, Said, Mode)> = Level::ALL
            .into_iter()
            .zip(table)
            .filter(|(level, _)| is_tool || *level != Level::Server)
            .map(|(level, (said, mode))| (level, said, mode))
            .collect();
        for approval_id in [None, Some(HELD)] {
            let heard = |with_monitored: bool| {
                let acts = spoken.iter().filter(|(_, _, mode)| with_monitored || *mode == Mode::Enforce);
                acts.map(|(level, said, _)| (*level, *said)).collect::<Vec<_>>()
            };
            let (outcome, reason) = promised(&heard(false), default, approval_id);
            let (monitored, _) = promised(&heard(true), default, approval_id);
            let asked = match is_tool {
                true => Input { approval_id, ..input() },
                false => Input { action: Action::UseModel { model: "sonnet".into() }, approval_id, ..input() },
            };
            let decision = decide(&compiled, &asked);
            assert_eq!(
                (decision.outcome, decision.reason, decision.would_be),
                (outcome, reason, (monitored != outcome).then_some(monitored)),
                "{table:?}, tool {is_tool}, default {default:?}, approval {approval_id:?}"
            );
            cases += 1;
        }
    }
    assert_eq!(cases, 9 * 9 * 9 * 2 * 3 * 2);
}

/// The gates in the order in which they are reported, and which of them are about a server.
const GATES: [(Gate, bool); 9] = [
    (Gate::KeyValid, false),
    (Gate::MayCall, true),
    (Gate::OrganizationActive, false),
    (Gate::ProjectActive, false),
    (Gate::ServerApproved, true),
    (Gate::ScanPassed, true),
    (Gate::ToolEnabled, true),
    (Gate::PinMatches, true),
    (Gate::SubscriptionInGoodStanding, false),
];

#[test]
fn the_first_gate_that_is_closed_denies_whatever_is_allowed_and_approved() {
    let everything = json!({ "allowed_tools": ["*"], "allowed_models": ["*"] });
    let compiled = CompiledPolicies::new(
        1,
        Defaults { tools: Effect::Allow, models: Effect::Allow },
        &[access(1, Level::Organization, everything)],
        &|_| Ok(Arc::new(Approve)),
    );
    for open in 0..1_u32 << GATES.len() {
        let is_open = |place: usize| (open >> place) & 1 == 1;
        let asked = Input {
            approval_id: Some(HELD),
            may_call: MayCall { by_role: is_open(1), by_key: true },
            organization_gates: OrganizationGates {
                key_valid: is_open(0),
                organization_active: is_open(2),
                project_active: is_open(3),
                subscription_in_good_standing: is_open(8),
            },
            server_gates: Some(ServerGates {
                server_approved: is_open(4),
                scan_passed: is_open(5),
                tool_enabled: is_open(6),
                pin_matches: is_open(7),
            }),
            ..input()
        };
        let model = Input { action: Action::UseModel { model: "sonnet".into() }, ..asked.clone() };
        for (asked, is_tool) in [(asked, true), (model, false)] {
            let counted = |place: &usize| is_tool || !GATES[*place].1;
            let closed = (0..GATES.len()).filter(counted).find(|place| !is_open(*place));
            let (outcome, reason) = match closed {
                Some(place) => (Effect::Deny, Reason::Gate(GATES[place].0)),
                None => (Effect::Allow, Reason::Policy),
            };
            let decision = decide(&compiled, &asked);
            assert_eq!((decision.outcome, decision.reason), (outcome, reason), "{open:09b}, tool {is_tool}");
            assert_eq!(decision.gates.len(), (0..GATES.len()).filter(counted).count());
        }
    }
}
