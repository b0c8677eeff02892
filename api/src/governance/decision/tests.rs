//! The decision's truth table over small cases, one rule per test.

use std::sync::Arc;

use chrono::{TimeZone, Utc};
use serde_json::json;
use uuid::Uuid;

use super::*;

pub(super) fn input() -> Input {
    Input {
        action: Action::CallTool {
            server: "github".into(),
            tool: "delete_branch".into(),
            model: Some("sonnet".into()),
        },
        project_id: Uuid::from_u128(1),
        user_id: Some(Uuid::from_u128(2)),
        key_id: None,
        roles: vec!["developer".into()],
        address: "10.1.2.3".parse().ok(),
        at: Utc.with_ymd_and_hms(2026, 11, 20, 12, 0, 0).unwrap(),
        arguments: Some(json!({"branch": "main"})),
        approval_id: None,
        organization_gates: OrganizationGates {
            key_valid: true,
            organization_active: true,
            project_active: true,
            subscription_in_good_standing: true,
        },
        may_call: MayCall::default(),
        server_gates: Some(ServerGates {
            server_approved: true,
            scan_passed: true,
            tool_enabled: true,
            pin_matches: true,
        }),
    }
}

pub(super) fn policy(id: u128, level: Level, rules: Rules) -> Policy {
    Policy {
        id: Uuid::from_u128(id),
        version: 1,
        name: format!("policy {id}"),
        level,
        server: (level == Level::Server).then(|| "github".to_owned()),
        mode: Mode::Enforce,
        priority: 100,
        applies_to: AppliesTo::default(),
        rules,
    }
}

pub(super) fn access(id: u128, level: Level, rules: serde_json::Value) -> Policy {
    policy(id, level, Rules::Access(serde_json::from_value(rules).unwrap()))
}

#[derive(Debug)]
struct Fixed(Result<Option<Effect>, String>, bool);

impl Matcher for Fixed {
    fn evaluate(&self, _: &Input) -> Result<Option<Effect>, String> {
        self.0.clone()
    }

    fn may_refuse(&self) -> bool {
        self.1
    }
}

pub(super) fn read_custom(text: &str) -> Result<Arc<dyn Matcher>, String> {
    Ok(Arc::new(match text {
        "allow" => Fixed(Ok(Some(Effect::Allow)), false),
        "erring allow" => Fixed(Err("no such attribute".into()), false),
        "erring deny" => Fixed(Err("no such attribute".into()), true),
        _ => return Err("This is no policy.".into()),
    }))
}

pub(super) fn compiled(policies: &[Policy]) -> CompiledPolicies {
    CompiledPolicies::new(7, Defaults::default(), policies, &read_custom)
}

fn outcome(policies: &[Policy]) -> Effect {
    decide(&compiled(policies), &input()).outcome
}

use Level::{Organization, Project, Server};

#[test]
fn tools_are_denied_and_models_allowed_where_nobody_says_anything() {
    assert_eq!(outcome(&[]), Effect::Deny);
    let model = Input { action: Action::UseModel { model: "sonnet".into() }, server_gates: None, ..input() };
    let decision = decide(&compiled(&[]), &model);
    assert_eq!((decision.outcome, decision.default_applied), (Effect::Allow, Some(Effect::Allow)));
}

#[test]
fn no_policy_opens_a_closed_gate() {
    let policies = compiled(&[access(1, Organization, json!({"allowed_tools": ["*"]}))]);
    let mut closed = input();
    closed.server_gates = closed.server_gates.map(|gates| ServerGates { pin_matches: false, ..gates });
    let decision = decide(&policies, &closed);
    assert_eq!((decision.outcome, decision.reason), (Effect::Deny, Reason::Gate(Gate::PinMatches)));
    let unknown = Input { server_gates: None, ..input() };
    assert_eq!(decide(&policies, &unknown).reason, Reason::Gate(Gate::ServerApproved));
}

#[test]
fn who_may_not_call_at_all_is_refused_before_any_policy_and_for_calls_alone() {
    let policies = compiled(&[]);
    for may_call in [MayCall { by_role: false, by_key: true }, MayCall { by_role: true, by_key: false }] {
        let closed = Input { may_call, ..input() };
        assert_eq!(decide(&policies, &closed).reason, Reason::Gate(Gate::MayCall));
        let model = Input { action: Action::UseModel { model: "sonnet".into() }, ..closed };
        assert_ne!(decide(&policies, &model).reason, Reason::Gate(Gate::MayCall));
    }
    // What was recorded before this was looked at decides as it did.
    let mut recorded = serde_json::to_value(input()).unwrap();
    recorded.as_object_mut().unwrap().remove("may_call");
    assert_eq!(serde_json::from_value::<Input>(recorded).unwrap(), input());
}

#[test]
fn deny_beats_approval_beats_allow_whatever_the_priority() {
    let mut allow = access(1, Organization, json!({"allowed_tools": ["github/*"]}));
    allow.priority = 1_000;
    let approve = access(2, Organization, json!({"approved_tools": ["delete_*"]}));
    let deny = access(3, Organization, json!({"blocked_tools": ["github/delete_*"]}));
    assert_eq!(outcome(&[allow.clone()]), Effect::Allow);
    assert_eq!(outcome(&[allow.clone(), approve.clone()]), Effect::RequireApproval);
    assert_eq!(outcome(&[allow.clone(), approve.clone(), deny.clone()]), Effect::Deny);
    let held = Input { approval_id: Some(Uuid::from_u128(9)), ..input() };
    let approved = decide(&compiled(&[allow.clone(), approve.clone()]), &held);
    assert_eq!((approved.outcome, approved.reason), (Effect::Allow, Reason::Approved(Uuid::from_u128(9))));
    assert_eq!(decide(&compiled(&[allow, approve, deny]), &held).outcome, Effect::Deny);
}

#[test]
fn the_highest_priority_of_those_that_decide_alike_is_reported() {
    let low = access(1, Organization, json!({"blocked_tools": ["*"]}));
    let mut high = access(2, Project, json!({"blocked_tools": ["*"]}));
    high.priority = 200;
    assert_eq!(decide(&compiled(&[low, high]), &input()).winner, Some(Uuid::from_u128(2)));
}

#[test]
fn a_project_narrows_and_never_grants() {
    let granted = access(1, Organization, json!({"allowed_tools": ["github/*"]}));
    for level in [Project, Server] {
        let wider = access(2, level, json!({"allowed_tools": ["*"]}));
        assert_eq!(outcome(std::slice::from_ref(&wider)), Effect::Deny);
        assert_eq!(outcome(&[granted.clone(), wider]), Effect::Allow);
        let narrower = access(3, level, json!({"allowed_tools": ["github/search"]}));
        let decision = decide(&compiled(&[granted.clone(), narrower]), &input());
        assert_eq!((decision.outcome, decision.reason), (Effect::Deny, Reason::OutsideAllowed(level)));
    }
}

#[test]
fn the_allowed_lists_of_a_level_are_taken_together() {
    let one = access(1, Organization, json!({"allowed_tools": ["time/*"]}));
    let other = access(2, Organization, json!({"allowed_tools": ["github/*"]}));
    assert_eq!(outcome(&[one.clone(), other]), Effect::Allow);
    let both = access(3, Organization, json!({"allowed_tools": ["github/*"], "allowed_servers": ["time"]}));
    assert_eq!(outcome(&[one, both]), Effect::Deny);
}

#[test]
fn an_erring_deny_denies_and_an_erring_allow_does_not_match() {
    let granted = access(1, Organization, json!({"allowed_tools": ["*"]}));
    let custom = |id, text: &str| policy(id, Organization, Rules::Custom(CustomRules { text: text.into() }));
    assert_eq!(outcome(&[granted.clone(), custom(2, "erring deny")]), Effect::Deny);
    assert_eq!(outcome(&[granted.clone(), custom(2, "erring allow")]), Effect::Allow);
    assert_eq!(outcome(&[custom(2, "erring allow")]), Effect::Deny);
    assert_eq!(outcome(&[granted, custom(2, "nonsense")]), Effect::Deny);
    let networks = access(3, Organization, json!({"allowed_tools": ["*"], "networks": ["10.0.0.0/8"]}));
    let nowhere = Input { address: None, ..input() };
    assert_eq!(outcome(std::slice::from_ref(&networks)), Effect::Allow);
    let decision = decide(&compiled(&[networks]), &nowhere);
    assert!(decision.outcome == Effect::Deny && decision.tried[0].error.is_some());
}

#[test]
fn exclusion_wins_and_an_absent_value_is_in_no_list() {
    let mut deny = access(2, Organization, json!({"blocked_tools": ["*"]}));
    let granted = access(1, Organization, json!({"allowed_tools": ["*"]}));
    let mut with = |applies_to: serde_json::Value| {
        deny.applies_to = serde_json::from_value(applies_to).unwrap();
        outcome(&[granted.clone(), deny.clone()])
    };
    assert_eq!(with(json!({"roles": {"include": ["viewer", "developer"]}})), Effect::Deny);
    assert_eq!(with(json!({"roles": {"include": ["developer"], "exclude": ["developer"]}})), Effect::Allow);
    assert_eq!(with(json!({"roles": {"include": ["developer"]}, "servers": {"include": ["time"]}})), Effect::Allow);
    assert_eq!(with(json!({"keys": {"include": [Uuid::nil()]}})), Effect::Allow);
    assert_eq!(with(json!({"keys": {"exclude": [Uuid::nil()]}})), Effect::Deny);
    assert_eq!(with(json!({"tools": {"include": ["GitHub/*"]}})), Effect::Allow);
}

#[test]
fn a_servers_policy_says_nothing_about_other_servers() {
    let granted = access(1, Organization, json!({"allowed_tools": ["*"]}));
    let mut own = access(2, Server, json!({"blocked_tools": ["*"]}));
    assert_eq!(outcome(&[granted.clone(), own.clone()]), Effect::Deny);
    own.server = Some("time".into());
    assert_eq!(outcome(&[granted.clone(), own.clone()]), Effect::Allow);
    own.server = None;
    assert_eq!(validate(&own, &read_custom).unwrap_err()[0].path, "server");
    assert_eq!(outcome(&[granted, own]), Effect::Deny);
}

#[test]
fn a_monitored_policy_says_what_would_be_and_changes_nothing() {
    let granted = access(1, Organization, json!({"allowed_tools": ["*"]}));
    let mut deny = access(2, Organization, json!({"blocked_tools": ["*"]}));
    deny.mode = Mode::Monitor;
    let decision = decide(&compiled(&[granted, deny]), &input());
    assert_eq!((decision.outcome, decision.would_be), (Effect::Allow, Some(Effect::Deny)));
}

#[test]
fn limits_are_named_the_tightest_first_and_only_where_something_may_happen() {
    let limit = |amount: u32, window: &str| {
        json!({"measure": "requests", "amount": amount, "window": window,
        "counted_by": "project", "enforcement": "hard"})
    };
    let rules = json!({"limits": [limit(100, "minute"), limit(1_000, "day")]});
    let usage = policy(2, Organization, Rules::Usage(serde_json::from_value(rules).unwrap()));
    assert!(decide(&compiled(std::slice::from_ref(&usage)), &input()).limits.is_empty());
    let granted = access(1, Organization, json!({"allowed_tools": ["*"]}));
    let decision = decide(&compiled(&[granted, usage]), &input());
    assert_eq!(decision.limits.iter().map(|limit| limit.index).collect::<Vec<_>>(), [1, 0]);
}

#[test]
fn hours_follow_their_zone_and_may_cross_midnight() {
    let with = |zone: &str, days: &[&str], from: &str, until: &str| {
        let hours = json!({"zone": zone, "days": days, "from": from, "until": until});
        outcome(&[access(1, Organization, json!({"allowed_tools": ["*"], "hours": [hours]}))])
    };
    // It is Friday, noon in UTC and 21:00 in Tokyo.
    assert_eq!(with("UTC", &["Fri"], "12:00:00", "13:00:00"), Effect::Allow);
    assert_eq!(with("UTC", &["Fri"], "11:00:00", "12:00:00"), Effect::Deny);
    assert_eq!(with("Asia/Tokyo", &[], "22:00:00", "21:30:00"), Effect::Allow);
    assert_eq!(with("UTC", &["Thu"], "22:00:00", "12:30:00"), Effect::Allow);
    assert_eq!(with("UTC", &["Fri"], "22:00:00", "12:30:00"), Effect::Deny);
}

#[test]
fn compliance_names_places_and_never_what_stands_there() {
    let rules = |response: &str| {
        let rules = json!({"detectors": ["payment_cards", "email_addresses"], "in_arguments": true, "in_results": true,
            "response": response});
        policy(2, Organization, Rules::Compliance(serde_json::from_value(rules).unwrap()))
    };
    let granted = access(1, Organization, json!({"allowed_tools": ["*"]}));
    let arguments = json!({"a": {"card": "4111 1111 1111 1111", "not": "4111 1111 1111 1112"}, "m@example.org": 1});
    let called = Input { arguments: Some(arguments.clone()), ..input() };
    assert_eq!(decide(&compiled(&[granted.clone(), rules("block")]), &called).outcome, Effect::Deny);
    let decision = decide(&compiled(&[granted, rules("redact")]), &called);
    let places: Vec<_> = decision.findings.iter().map(|finding| finding.place.as_str()).collect();
    assert_eq!((decision.outcome, places), (Effect::Allow, vec!["", "/a/card"]));
    let mut card = json!({"a": {"card": "4111 1111 1111 1111"}});
    redact(&mut card, &decision.findings[1..]);
    assert_eq!(card, json!({"a": {"card": "[redacted]"}}));
}

#[test]
fn saving_refuses_with_the_path_of_each_problem() {
    let rules =
        json!({"blocked_tools": ["fine", "no?"], "hours": [{"zone": "Mars", "from": "01:00:00", "until": "02:00:00"}]});
    let mut wrong = access(1, Organization, rules);
    wrong.applies_to.models.exclude.push("[a]".into());
    let problems = validate(&wrong, &read_custom).unwrap_err();
    let paths: Vec<_> = problems.iter().map(|problem| problem.path.as_str()).collect();
    assert_eq!(paths, ["appliesTo.models.exclude[0]", "rules.hours[0].zone", "rules.blockedTools[1]"]);
    assert!(serde_json::from_value::<AccessRules>(json!({"blocked_tool": []})).is_err());
    assert!(serde_json::from_value::<AppliesTo>(json!({"tool": {}})).is_err());
}
