//! What the provider of payments tells: believed only when it is signed, carried out once, and in the order in which it
//! happened, whatever the order in which it comes.

use api::platform::config::{PlanLimits, Price};
use entity::enums::{BillingCycle, Plan};
use entity::tenancy::subscription::SubscriptionLimits;
use futures_util::future::join_all;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::support::{Client, World, typed, uuid};

const OLD_SECRET: &str = "whsec_the_old_secret";
const SECRET: &str = "whsec_the_new_secret";

async fn billed() -> World {
    World::with(|config| {
        config.plans.billing_secrets = vec![OLD_SECRET.into(), SECRET.into()];
        let price = |id: &str, plan, cycle| Price { id: id.to_owned(), plan, cycle };
        config.plans.billing_prices = vec![
            price("price_team", Plan::Team, BillingCycle::Monthly),
            price("price_pro", Plan::Pro, BillingCycle::Yearly),
        ];
        let limited = |projects| SubscriptionLimits { max_projects: Some(projects), ..SubscriptionLimits::default() };
        config.plans.plan_limits = Some(PlanLimits { free: limited(1), pro: limited(9), ..PlanLimits::default() });
    })
    .await
}

fn now() -> i64 {
    crate::support::now().timestamp()
}

fn signature(secret: &str, seconds: i64, body: &str) -> String {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("a key");
    let code = mac.chain_update(format!("{seconds}.{body}")).finalize().into_bytes();
    let hex: String = code.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("t={seconds},v1={hex}")
}

async fn post(world: &World, signature: &str, body: String) -> (u16, Value) {
    let request = reqwest::Client::new().post(world.server.at("/webhooks/billing"));
    let answer = request.header("stripe-signature", signature).body(body).send().await.expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

/// Sends a well signed event, and gives what came of it.
async fn tell(world: &World, event: &Value) -> String {
    let body = event.to_string();
    let (status, answer) = post(world, &signature(SECRET, now(), &body), body).await;
    assert_eq!(status, 200, "{answer}");
    answer["outcome"].as_str().expect("an outcome").to_owned()
}

/// How a subscription of acme is at a time, in the manner of Stripe.
fn snapshot(world: &World, id: &str, kind: &str, seconds: i64, status: &str, price: &str) -> Value {
    json!({ "id": id, "object": "event", "type": format!("customer.subscription.{kind}"), "created": seconds, "data": { "object": {
        "id": "sub_acme", "object": "subscription", "customer": "cus_acme", "status": status,
        "metadata": { "organization_id": world.acme },
        "items": { "data": [{ "price": { "id": price }, "current_period_start": seconds, "current_period_end": seconds + 2_592_000 }] },
        "trial_end": null, "canceled_at": null, "ended_at": if kind == "deleted" { json!(seconds) } else { Value::Null },
    } } })
}

fn invoice(id: &str, kind: &str, seconds: i64) -> Value {
    json!({ "id": id, "type": format!("invoice.{kind}"), "created": seconds, "data": { "object": {
        "id": "in_1", "parent": { "subscription_details": { "subscription": "sub_acme" } } } } })
}

/// Plan, status, cycle and standing of acme.
async fn standing(world: &World) -> String {
    let text = "{ organization(slug: \"acme\") { plan subscription { plan status billingCycle isInGoodStanding } } }";
    let answer = world.owner.query(text, Value::Null).await.well();
    let found = answer.at("organization.subscription");
    assert_eq!(answer.at("organization.plan"), &found["plan"]);
    let good = if found["isInGoodStanding"] == true { "good" } else { "not good" };
    let text = |field: &str| found[field].as_str().unwrap_or("none");
    format!("{} {} {} {good}", text("plan"), text("status"), text("billingCycle"))
}

#[tokio::test]
async fn an_event_is_believed_only_when_it_is_signed_and_of_these_minutes() {
    let world = billed().await;
    let event = snapshot(&world, "evt_1", "created", now(), "active", "price_pro");
    let body = event.to_string();
    let before = world.database.digest().await;
    for (code, signature, body) in [
        ("SIGNATURE_INVALID", signature("whsec_of_somebody_else", now(), &body), body.clone()),
        ("SIGNATURE_INVALID", signature(SECRET, now(), &body), body.replace("price_pro", "price_team")),
        ("SIGNATURE_INVALID", signature(SECRET, now(), &body).replace("t=", "t=1"), body.clone()),
        ("SIGNATURE_EXPIRED", signature(SECRET, now() - 310, &body), body.clone()),
        ("SIGNATURE_EXPIRED", signature(SECRET, now() + 310, &body), body.clone()),
        ("SIGNATURE_MALFORMED", "v1=00".to_owned(), body.clone()),
        ("SIGNATURE_MALFORMED", String::new(), body.clone()),
        ("EVENT_MALFORMED", signature(SECRET, now(), "[]"), "[]".to_owned()),
        ("EVENT_MALFORMED", signature(SECRET, now(), "{"), "{".to_owned()),
    ] {
        let (status, answer) = post(&world, &signature, body).await;
        assert_eq!((status, answer["error"]["code"].as_str()), (400, Some(code)), "{answer}");
    }
    let unsigned = reqwest::Client::new().post(world.server.at("/webhooks/billing")).body(body.clone());
    assert_eq!(unsigned.send().await.expect("an answer").status(), 400);
    let large = "x".repeat(1024 * 1024 + 1);
    let (status, _) = post(&world, &signature(SECRET, now(), &large), large).await;
    assert_eq!(status, 413);
    assert_eq!(world.database.digest().await, before, "nothing was recorded");
    // While a secret is changed both are good, and clocks may differ a little.
    let (status, answer) = post(&world, &signature(OLD_SECRET, now() - 200, &body), body).await;
    assert_eq!((status, answer), (200, json!({ "outcome": "applied" })));
}

#[tokio::test]
async fn an_event_is_carried_out_once_also_when_it_comes_ten_times_at_once() {
    let world = billed().await;
    let event = snapshot(&world, "evt_1", "created", now(), "active", "price_pro");
    let mut outcomes = join_all((0..10).map(|_| tell(&world, &event))).await;
    outcomes.sort();
    assert_eq!(
        (outcomes[0].as_str(), outcomes[1..].iter().filter(|outcome| *outcome == "replayed").count()),
        ("applied", 9)
    );
    assert_eq!(standing(&world).await, "PRO ACTIVE YEARLY good");
    let version = "SELECT version::bigint AS version FROM tenancy.subscriptions";
    assert_eq!(world.database.number(version).await, 2, "made, and changed once");
    let events = "SELECT count(*) FROM platform.outbox WHERE event_type = 'subscription.changed'";
    assert_eq!(world.database.number(events).await, 1);
    assert_eq!(world.database.number("SELECT count(*) FROM tenancy.billing_events").await, 1);
}

#[tokio::test]
async fn every_order_of_arrival_ends_where_the_events_ended() {
    let start = now() - 1_000;
    for order in permutations(5) {
        let world = billed().await;
        // The first makes the subscription known; whatever is told of it before that is nobody's.
        let created = snapshot(&world, "evt_0", "created", start, "trialing", "price_team");
        assert_eq!(tell(&world, &created).await, "applied");
        let events = [
            invoice("evt_1", "payment_failed", start + 10),
            snapshot(&world, "evt_2", "updated", start + 20, "past_due", "price_team"),
            snapshot(&world, "evt_3", "updated", start + 30, "past_due", "price_pro"),
            invoice("evt_4", "paid", start + 40),
            invoice("evt_5", "payment_failed", start + 50),
        ];
        for index in &order {
            tell(&world, &events[*index]).await;
        }
        assert_eq!(standing(&world).await, "PRO PAST_DUE YEARLY good", "{order:?}");
    }
}

/// A dozen orders of so many things, the straight and the reverse one among them.
fn permutations(count: usize) -> Vec<Vec<usize>> {
    let straight: Vec<usize> = (0..count).collect();
    let mut orders = vec![straight.clone(), straight.iter().rev().copied().collect()];
    for shift in 1..count {
        orders.push((0..count).map(|index| (index * 2 + shift) % count).collect());
    }
    orders
}

#[tokio::test]
async fn a_subscription_lives_from_its_trial_to_its_end_and_its_limits_follow() {
    let world = billed().await;
    let start = now() - 100;
    let refused =
        world.owner.mutate("subscriptionChange", json!({ "organizationId": world.acme, "plan": "PRO" })).await;
    refused.refused("BILLED_ELSEWHERE", "plan");
    let project = async |slug: &str| {
        let input = json!({ "organizationId": world.acme, "name": slug, "slug": slug });
        world.owner.mutate("projectCreate", input).await
    };
    project("first").await.refused("PLAN_LIMIT_REACHED", "organizationId");
    let mut trial = snapshot(&world, "evt_1", "created", start, "trialing", "price_pro");
    trial["data"]["object"]["trial_end"] = json!(start + 1_000);
    assert_eq!(tell(&world, &trial).await, "applied");
    assert_eq!(standing(&world).await, "PRO TRIALING YEARLY good");
    project("first").await.well();
    // A trial that is over without news is no good standing.
    world.database.run("UPDATE tenancy.subscriptions SET trial_end = now() - interval '1 second'").await;
    assert_eq!(standing(&world).await, "PRO TRIALING YEARLY not good");
    project("second").await.refused("PLAN_LIMIT_REACHED", "organizationId");
    assert_eq!(tell(&world, &invoice("evt_2", "payment_failed", start + 10)).await, "applied");
    assert_eq!(standing(&world).await, "PRO PAST_DUE YEARLY good");
    world.database.run("UPDATE tenancy.subscriptions SET past_due_since = now() - interval '15 days'").await;
    assert_eq!(standing(&world).await, "PRO PAST_DUE YEARLY not good");
    assert_eq!(tell(&world, &invoice("evt_3", "paid", start + 20)).await, "applied");
    assert_eq!(standing(&world).await, "PRO ACTIVE YEARLY good");
    project("second").await.well();
    let ended = snapshot(&world, "evt_4", "deleted", start + 30, "canceled", "price_pro");
    assert_eq!(tell(&world, &ended).await, "applied");
    assert_eq!(standing(&world).await, "PRO CANCELED YEARLY not good");
    project("third").await.refused("PLAN_LIMIT_REACHED", "organizationId");
    // What came late changes nothing any more.
    let late = snapshot(&world, "evt_5", "updated", start + 25, "active", "price_pro");
    assert_eq!(tell(&world, &late).await, "stale");
    assert_eq!(tell(&world, &invoice("evt_6", "paid", start + 35)).await, "applied");
    assert_eq!(standing(&world).await, "PRO CANCELED YEARLY not good");
}

#[tokio::test]
async fn what_is_told_of_nobody_is_recorded_and_changes_nothing() {
    let world = billed().await;
    let mut of_nobody = snapshot(&world, "evt_1", "created", now(), "active", "price_pro");
    of_nobody["data"]["object"]["metadata"]["organization_id"] =
        json!(typed("org", "018f0000-0000-7000-8000-000000000000"));
    let mut nameless = snapshot(&world, "evt_2", "created", now(), "active", "price_pro");
    nameless["data"]["object"]["metadata"] = json!({});
    let unknown_price = snapshot(&world, "evt_3", "created", now(), "active", "price_of_another_product");
    let unpaid = snapshot(&world, "evt_4", "created", now(), "incomplete", "price_pro");
    let other_kind = json!({ "id": "evt_5", "type": "customer.created", "created": now(), "data": { "object": {} } });
    let malformed =
        json!({ "id": "evt_6", "type": "customer.subscription.updated", "created": now(), "data": { "object": 7 } });
    for event in [of_nobody, nameless, unknown_price, unpaid, other_kind, malformed, invoice("evt_7", "paid", now())] {
        assert_eq!(tell(&world, &event).await, "ignored", "{event}");
    }
    assert_eq!(standing(&world).await, "FREE ACTIVE MONTHLY good");
    let recorded = "SELECT count(*) FROM tenancy.billing_events WHERE outcome = 'ignored' AND subscription_id IS NULL";
    assert_eq!(world.database.number(recorded).await, 7);
}

#[tokio::test]
async fn what_a_person_pays_for_is_theirs_and_no_organizations() {
    let world = billed().await;
    let mut event = snapshot(&world, "evt_1", "created", now(), "active", "price_pro");
    event["data"]["object"]["id"] = json!("sub_member");
    event["data"]["object"]["metadata"] = json!({ "user_id": world.member.id });
    assert_eq!(tell(&world, &event).await, "applied");
    let own = "{ viewer { subscription { plan status billingCycle isInGoodStanding organization { slug } } } }";
    let read = async |who: &Client| who.query(own, Value::Null).await.well().at("viewer.subscription").clone();
    let paid = json!({ "plan": "PRO", "status": "ACTIVE", "billingCycle": "YEARLY", "isInGoodStanding": true,
        "organization": null });
    assert_eq!(read(&world.member).await, paid);
    assert_eq!(read(&world.developer).await["plan"], "FREE");
    assert_eq!(standing(&world).await, "FREE ACTIVE MONTHLY good");
    let mut ended = event.clone();
    ended["id"] = json!("evt_2");
    ended["type"] = json!("customer.subscription.deleted");
    ended["data"]["object"]["status"] = json!("canceled");
    ended["data"]["object"]["ended_at"] = json!(now());
    ended["created"] = json!(now() + 5);
    assert_eq!(tell(&world, &ended).await, "applied");
    let over = read(&world.member).await;
    assert_eq!((&over["status"], &over["isInGoodStanding"]), (&json!("CANCELED"), &json!(false)));
    // The id of an organization is nobody's.
    let mut confused = snapshot(&world, "evt_3", "created", now(), "active", "price_pro");
    confused["data"]["object"]["id"] = json!("sub_other");
    confused["data"]["object"]["metadata"] = json!({ "user_id": world.acme });
    assert_eq!(tell(&world, &confused).await, "ignored");
}

#[tokio::test]
async fn a_customer_is_found_by_the_name_that_the_provider_knows() {
    let world = billed().await;
    let sql =
        format!("UPDATE tenancy.organizations SET stripe_customer_id = 'cus_acme' WHERE id = '{}'", uuid(&world.acme));
    world.database.run(&sql).await;
    let mut event = snapshot(&world, "evt_1", "created", now(), "active", "price_team");
    event["data"]["object"]["metadata"] = json!({});
    assert_eq!(tell(&world, &event).await, "applied");
    assert_eq!(standing(&world).await, "TEAM ACTIVE MONTHLY good");
}

#[tokio::test]
async fn without_a_secret_there_is_no_webhook() {
    let world = World::new().await;
    let answer = reqwest::Client::new().post(world.server.at("/webhooks/billing")).body("{}").send().await;
    assert_eq!(answer.expect("an answer").status(), 404);
}
