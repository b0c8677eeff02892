//! Budgets: exact for many callers at once, settled to what was used, counted by the organization's calendar, told of once,
//! and the same when they are counted anew from their ledger.

use std::collections::BTreeSet;

use api::governance::decision::AppliedLimit;
use api::metering::budgets;
use api::metering::limits::{Refused, Subjects, Usage, admit};
use api::platform::request::Request;
use chrono::TimeDelta;
use futures_util::future::join_all;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use super::{ask, ask_for, is_admitted, limit, policy, subjects};
use crate::support::{Server, World, eventually, now};

/// What is used and reserved of the only budget, as text.
async fn level(world: &World) -> (String, String) {
    let row = world
        .database
        .row("SELECT trim_scale(used)::text AS used, trim_scale(reserved)::text AS reserved FROM metering.budgets")
        .await;
    (row["used"].as_str().expect("a number").to_owned(), row["reserved"].as_str().expect("a number").to_owned())
}

fn is(level: &(String, String), used: &str, reserved: &str) -> bool {
    (level.0.as_str(), level.1.as_str()) == (used, reserved)
}

fn money(amount: &str) -> Usage {
    Usage { requests: 1, cost_usd: amount.parse().expect("an amount"), ..Usage::default() }
}

async fn rebuilt(world: &World) -> u64 {
    budgets::check(world.server.platform()).await.expect("the ledger can be read")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sixty_four_callers_on_two_servers_are_admitted_exactly_a_hundred_times() {
    let world = World::new().await;
    let second = Server::start(&world.database, |_| {}).await;
    let limits = [limit(&policy(&world, false).await, 100, "day", "organization", json!({}))];
    let calls = (0..64).map(|number| {
        let platform = if number % 2 == 0 { world.server.platform() } else { second.platform() };
        let (world, limits) = (&world, &limits);
        async move {
            let mut admitted = 0;
            // Each calls until it is refused.
            while let Ok(admission) = ask(platform, world, limits).await {
                admission.settle(Usage::request()).await.expect("it is settled");
                admitted += 1;
            }
            admitted
        }
    });
    assert_eq!(join_all(calls).await.into_iter().sum::<i32>(), 100);
    assert!(is(&level(&world).await, "100", "0"));
    assert_eq!(rebuilt(&world).await, 0, "the ledger says the same");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn organization_project_and_key_are_reserved_together_or_not_at_all() {
    let world = World::new().await;
    let platform = world.server.platform();
    let (of_all, of_project) = (policy(&world, false).await, policy(&world, true).await);
    let cost = |policy: &str, amount, counted_by, index: u32| {
        limit(policy, amount, "month", counted_by, json!({ "measure": "cost_usd", "index": index }))
    };
    let forwards =
        vec![cost(&of_all, 10, "organization", 0), cost(&of_project, 3, "project", 0), cost(&of_project, 7, "key", 1)];
    let backwards: Vec<AppliedLimit> = forwards.iter().rev().cloned().collect();
    let calls = (0..40).map(|number| {
        let limits = if number % 2 == 0 { &forwards } else { &backwards };
        ask_for(platform, &world, limits, money("0.1"))
    });
    let answers = join_all(calls).await;
    assert_eq!(answers.iter().filter(|answer| is_admitted(answer)).count(), 30);
    let sql = "SELECT DISTINCT reserved::text AS reserved FROM metering.budgets";
    assert_eq!(world.database.row(sql).await["reserved"], "3.000000");
    let reached = answers.into_iter().find_map(|answer| match answer {
        Err(Refused::Reached(reached)) => Some(reached),
        _ => None,
    });
    let reached = reached.expect("ten were refused");
    assert_eq!((reached.standing.limit.limit.amount, reached.standing.remaining), (3.into(), Decimal::ZERO));
    assert!(reached.standing.resets_at > now() && !reached.retry_after.is_zero());
}

#[tokio::test]
async fn what_was_reserved_becomes_what_was_used() {
    let world = World::new().await;
    let platform = world.server.platform();
    let limits = [limit(&policy(&world, false).await, 10, "day", "user", json!({ "measure": "cost_usd" }))];
    let first = ask_for(platform, &world, &limits, money("6.5")).await.expect("room");
    assert_eq!(first.standings[0].remaining, "3.5".parse().expect("a number"));
    assert!(!is_admitted(&ask_for(platform, &world, &limits, money("3.500001")).await));
    first.settle(money("0.000001")).await.expect("settled");
    assert!(is(&level(&world).await, "0.000001", "0"));
    let second = ask_for(platform, &world, &limits, money("9")).await.expect("room again");
    second.release().await.expect("released");
    assert!(is(&level(&world).await, "0.000001", "0"));
    // What a call used counts, also above what it held and above the amount.
    let third = ask_for(platform, &world, &limits, money("1")).await.expect("room");
    third.settle(money("12")).await.expect("settled");
    assert!(is(&level(&world).await, "12.000001", "0"));
    assert!(
        !is_admitted(&ask_for(platform, &world, &limits, money("0")).await),
        "nothing is left, not even for nothing"
    );
    assert_eq!(rebuilt(&world).await, 0);
}

#[tokio::test]
async fn a_call_that_never_ends_lets_go_and_counts_once_it_does() {
    let world = World::new().await;
    let platform = world.server.platform();
    let limits = [limit(&policy(&world, false).await, 1, "day", "project", json!({}))];
    let forgotten = ask(platform, &world, &limits).await.expect("room");
    assert!(!is_admitted(&ask(platform, &world, &limits).await));
    world.database.run("UPDATE metering.reservations SET expires_at = now() - interval '1 second'").await;
    // Whoever comes next does not wait for the round that lets go.
    let next = ask(platform, &world, &limits).await.expect("room again");
    next.release().await.expect("released");
    forgotten.settle(Usage::request()).await.expect("settled late");
    assert!(is(&level(&world).await, "1", "0"));
    assert!(!is_admitted(&ask(platform, &world, &limits).await));
    let later = now() + TimeDelta::hours(1);
    assert_eq!(budgets::let_go(platform, later).await.expect("a round"), 0);
    assert_eq!(rebuilt(&world).await, 0);
}

#[tokio::test]
async fn budgets_that_were_tampered_with_are_counted_anew_from_their_ledger() {
    let world = World::new().await;
    let platform = world.server.platform();
    let limits = [limit(&policy(&world, false).await, 10, "day", "organization", json!({}))];
    for _ in 0..3 {
        ask(platform, &world, &limits).await.expect("room").settle(Usage::request()).await.expect("settled");
    }
    let held = ask(platform, &world, &limits).await.expect("room");
    world.database.run("UPDATE metering.budgets SET used = 0, reserved = 77").await;
    assert_eq!(rebuilt(&world).await, 1);
    assert!(is(&level(&world).await, "3", "1"));
    held.release().await.expect("released");
    assert_eq!(rebuilt(&world).await, 0);
}

#[tokio::test]
async fn each_threshold_of_a_window_is_told_once_by_an_event_and_by_mail() {
    let world = World::new().await;
    let platform = world.server.platform();
    let id = policy(&world, false).await;
    let limits = [limit(&id, 10, "day", "organization", json!({ "enforcement": "soft" }))];
    let told = async || {
        let sql = "SELECT (payload->>'percent')::int AS percent FROM platform.outbox \
                   WHERE event_type = 'budget.threshold_reached' ORDER BY id";
        let rows = world.database.rows(sql).await;
        rows.iter().filter_map(|row| row["percent"].as_i64()).collect::<Vec<_>>()
    };
    for used in 1..=15 {
        // It is soft, and refuses nothing.
        ask(platform, &world, &limits).await.expect("room").settle(Usage::request()).await.expect("settled");
        let expected: &[i64] = if used < 8 {
            &[]
        } else if used < 10 {
            &[80]
        } else {
            &[80, 100]
        };
        assert_eq!(told().await, expected, "after {used}");
    }
    let letters = eventually("both letters are there", async || {
        let letters = world.server.letters().to("owner@acme.test");
        (letters.len() == 2).then_some(letters)
    })
    .await;
    assert_eq!(letters.len(), 2);
    let answers = join_all((0..20).map(|_| ask(platform, &world, &limits))).await;
    assert!(answers.iter().all(is_admitted));
    assert_eq!(told().await, [80, 100], "also when many notice at once");
}

#[tokio::test]
async fn an_owner_who_wants_no_mail_gets_no_letter_of_a_budget_and_who_pays_always_does() {
    let world = World::new().await;
    let platform = world.server.platform();
    let bills = json!({ "id": world.acme, "billingEmail": "bills@acme.test" });
    world.owner.mutate("organizationUpdate", bills).await.well();
    world.owner.mutate("settingsUpdate", json!({ "notifications": { "email": false } })).await.well();
    let limits = [limit(&policy(&world, false).await, 1, "day", "organization", json!({ "enforcement": "soft" }))];
    ask(platform, &world, &limits).await.expect("room").settle(Usage::request()).await.expect("settled");
    let letters = world.server.letters();
    letters.last_of(1, "bills@acme.test").await;
    assert!(letters.to("owner@acme.test").is_empty());
}

#[tokio::test]
async fn windows_begin_by_the_calendar_of_the_organization() {
    let world = World::new().await;
    let zone = |name: &str| json!({ "id": world.acme, "timezone": name });
    world.owner.mutate("organizationUpdate", zone("Nowhere/At all")).await.refused("TEXT_INVALID", "timezone");
    let id = policy(&world, false).await;
    let mut starts = BTreeSet::new();
    for (index, name) in ["UTC", "Asia/Kolkata", "Pacific/Kiritimati"].into_iter().enumerate() {
        world.owner.mutate("organizationUpdate", zone(name)).await.well();
        let limits = [limit(&id, 10, "day", "organization", json!({ "index": index }))];
        assert!(is_admitted(&ask(world.server.platform(), &world, &limits).await));
        let sql = format!(
            "SELECT (window_start AT TIME ZONE '{name}')::time::text AS starts, window_start::text AS start \
             FROM metering.budgets WHERE limit_index = {index} AND window_start <= now() AND window_end > now()"
        );
        let row = world.database.row(&sql).await;
        assert_eq!(row["starts"], "00:00:00", "{name}");
        starts.insert(row["start"].as_str().expect("an instant").to_owned());
    }
    assert_eq!(starts.len(), 3, "{starts:?}");
}

const BUDGETS: &str =
    "totalCount nodes { subjectType measure amount used reserved remaining viewerCan project { slug } }";

#[tokio::test]
async fn what_is_left_is_seen_by_who_administers_and_by_whose_use_it_is() {
    let world = World::new().await;
    let id = policy(&world, true).await;
    let limits = [
        limit(&id, 10, "day", "project", json!({ "measure": "cost_usd" })),
        limit(&id, 5, "day", "user", json!({ "index": 1 })),
    ];
    let admission = ask_for(world.server.platform(), &world, &limits, money("0.25")).await.expect("room");
    admission.settle(money("0.125")).await.expect("settled");
    let text = format!(
        "query($id: ID!, $filter: BudgetFilter) {{ node(id: $id) {{ ... on Project {{ budgets(first: 5, filter: $filter) {{ {BUDGETS} }} }} \
         ... on Organization {{ budgets(first: 5, filter: $filter) {{ {BUDGETS} }} }} }} }}"
    );
    let of_project = json!({ "subjectType": "PROJECT", "measure": "COST_USD", "amount": "10", "used": "0.125",
        "reserved": "0", "remaining": "9.875", "viewerCan": ["READ"], "project": { "slug": "rocket" } });
    for (name, client) in world.viewers() {
        let filter = json!({ "measure": "COST_USD", "isCurrent": true });
        let answer = client.query(&text, json!({ "id": world.rocket, "filter": filter })).await.well();
        match name {
            "owner" | "admin" | "project admin" => {
                assert_eq!(*answer.at("node.budgets"), json!({ "totalCount": 1, "nodes": [of_project] }), "{name}");
            }
            "developer" | "project viewer" => assert_eq!(answer.at("node.budgets.totalCount"), 0, "{name}"),
            _ => assert!(answer.at("node").is_null(), "{name}"),
        }
        let answer = client.query(&text, json!({ "id": world.acme, "filter": null })).await.well();
        let count = match name {
            "owner" | "admin" | "project admin" => json!(2),
            "member" => json!(1),
            "anonymous" | "stranger" | "suspended" => Value::Null,
            _ => json!(0),
        };
        assert_eq!(*answer.at("node.budgets.totalCount"), count, "{name}");
    }
}

#[tokio::test]
async fn a_key_sees_what_is_left_of_its_own_use_and_so_does_who_created_it() {
    let world = World::new().await;
    let id = policy(&world, true).await;
    let (own, key) = world.developer.api_key(None, &["USAGE_READ", "PROJECTS_READ"]).await;
    let (_, other) = world.developer.api_key(None, &["USAGE_READ", "PROJECTS_READ"]).await;
    let request = Request::as_system(world.server.platform(), "a test calls");
    let limits = [limit(&id, 5, "day", "key", json!({}))];
    let subjects = Subjects { key: Some(own.parse().expect("an id")), ..subjects(&world) };
    let admission = admit(&request, &limits, &subjects, Usage::request()).await.expect("room");
    admission.settle(Usage::request()).await.expect("settled");
    let text =
        format!("query($id: ID!) {{ node(id: $id) {{ ... on Project {{ budgets(first: 5) {{ {BUDGETS} }} }} }} }}");
    for (client, count) in [(&key, 1), (&other, 0), (&world.developer, 1), (&world.project_viewer, 0)] {
        let answer = client.query(&text, json!({ "id": world.rocket })).await.well();
        assert_eq!(answer.number("node.budgets.totalCount"), count, "{}", answer.body);
    }
    let answer = key.query(&text, json!({ "id": world.rocket })).await.well();
    assert_eq!(answer.at("node.budgets.nodes.0.remaining"), "4", "{}", answer.body);
}
