//! What holds of every set of policies.

use proptest::prelude::*;
use serde_json::json;

use super::{
    tests::{access, compiled, input, policy, read_custom},
    *,
};

fn names() -> impl Strategy<Value = Vec<String>> {
    let name = prop::sample::select(vec!["*", "github/*", "delete_*", "time/*", "github/search", "*_branch"]);
    prop::collection::vec(name.prop_map(str::to_owned), 0..2)
}

fn any_policy(id: u128) -> impl Strategy<Value = Policy> {
    let level = prop::sample::select(Level::ALL.to_vec());
    let mode = prop::sample::select(vec![Mode::Enforce, Mode::Enforce, Mode::Monitor, Mode::Disabled]);
    let applies = prop::collection::vec(prop::sample::select(vec!["github", "time", "git*"]), 0..2);
    let custom =
        prop::option::weighted(0.1, prop::sample::select(vec!["allow", "erring allow", "erring deny", "broken"]));
    let lists = (names(), names(), names(), prop::bool::ANY);
    (level, mode, -2..3_i32, applies, custom, lists).prop_map(move |(level, mode, priority, servers, custom, lists)| {
        let (allowed, blocked, approved, has_models) = lists;
        // Most policies block nothing, so that other outcomes are met as often.
        let blocked = if priority == 0 { blocked } else { Vec::new() };
        let models: &[&str] = if has_models && priority == 1 { &["son*"] } else { &[] };
        let rules = json!({"allowed_tools": allowed, "blocked_tools": blocked, "approved_tools": approved,
            "allowed_models": models});
        let mut made = match custom {
            Some(text) => policy(id, level, Rules::Custom(CustomRules { text: text.to_owned() })),
            None => access(id, level, rules),
        };
        made.applies_to.servers.include = servers.into_iter().map(str::to_owned).collect();
        Policy { mode, priority, ..made }
    })
}

fn any_policies() -> impl Strategy<Value = Vec<Policy>> {
    (any_policy(1), any_policy(2), any_policy(3), any_policy(4), any_policy(5), 0..6_usize).prop_map(
        |(first, second, third, fourth, fifth, count)| {
            [first, second, third, fourth, fifth].into_iter().take(count).collect()
        },
    )
}

/// Without the order in which the policies were tried.
fn sorted(mut decision: Decision) -> Decision {
    decision.tried.sort_by_key(|tried| tried.policy_id);
    decision
}

fn decided(policies: &[Policy]) -> Decision {
    decide(&compiled(policies), &input())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(1_000) })]

    #[test]
    fn an_allow_never_turns_what_a_policy_denies_into_an_allow(policies in any_policies(), priority in -5..5_i32) {
        let before = decided(&policies);
        let mut wider = policies;
        wider.push(Policy { priority, ..access(99, Level::Organization, json!({"allowed_tools": ["*"], "allowed_models": ["*"]})) });
        let after = decided(&wider);
        if before.reason == Reason::Policy {
            // An approval that was asked for is asked for still, and what was denied is denied.
            prop_assert!(after.outcome >= before.outcome);
        }
    }

    #[test]
    fn the_order_of_policies_makes_no_difference(policies in any_policies(), turn in 0..5_usize) {
        let mut turned = policies.clone();
        if !turned.is_empty() {
            let turn = turn % turned.len();
            turned.rotate_left(turn);
        }
        prop_assert_eq!(sorted(decided(&policies)), sorted(decided(&turned)));
        turned.reverse();
        prop_assert_eq!(sorted(decided(&policies)), sorted(decided(&turned)));
    }

    #[test]
    fn monitored_policies_never_change_the_outcome(policies in any_policies(), added in any_policy(99)) {
        let before = decided(&policies);
        let mut monitored = policies;
        monitored.push(Policy { mode: Mode::Monitor, ..added });
        let after = decided(&monitored);
        prop_assert_eq!((before.outcome, before.reason, before.winner), (after.outcome, after.reason, after.winner));
    }

    #[test]
    fn a_project_never_widens_its_organization(policies in any_policies(), tools in prop::sample::select(vec![Effect::Allow, Effect::RequireApproval, Effect::Deny])) {
        let defaults = Defaults { tools, ..Defaults::default() };
        let outcome = |policies: &[Policy]| {
            decide(&CompiledPolicies::new(1, defaults, policies, &read_custom), &input()).outcome
        };
        let organization: Vec<Policy> =
            policies.iter().filter(|policy| policy.level == Level::Organization).cloned().collect();
        prop_assert!(outcome(&policies) >= outcome(&organization));
    }

    #[test]
    fn a_list_holds_whatever_a_call_would_be_allowed(policies in any_policies()) {
        let compiled = compiled(&policies);
        let call = decide(&compiled, &input());
        let listed = decide(&compiled, &Input { arguments: None, ..input() });
        // None of these policies looks at arguments, so that the two are the same.
        prop_assert_eq!((call.outcome, call.reason, call.winner), (listed.outcome, listed.reason, listed.winner));
    }

    #[test]
    fn a_deny_that_errs_denies_whatever_stands_beside_it(policies in any_policies(), level in prop::sample::select(Level::ALL.to_vec())) {
        let mut with = policies;
        with.push(policy(99, level, Rules::Custom(CustomRules { text: "erring deny".to_owned() })));
        prop_assert_eq!(decided(&with).outcome, Effect::Deny);
    }

    #[test]
    fn an_allow_that_errs_is_as_if_it_were_not_there(policies in any_policies(), level in prop::sample::select(Level::ALL.to_vec())) {
        let before = decided(&policies);
        let mut with = policies;
        with.push(policy(99, level, Rules::Custom(CustomRules { text: "erring allow".to_owned() })));
        let after = decided(&with);
        prop_assert_eq!((before.outcome, before.reason, before.winner), (after.outcome, after.reason, after.winner));
    }
}
