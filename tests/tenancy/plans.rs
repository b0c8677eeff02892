//! Plans: what they limit is limited also for many at once, the refusal says how much is used, and only those who
//! administer an organization see it.

use api::platform::config::{Config, PlanLimits};
use entity::tenancy::subscription::SubscriptionLimits;
use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World, typed, uuid};

/// Limits the free plan, and no other.
fn free(limits: SubscriptionLimits) -> impl FnOnce(&mut Config) {
    move |config| config.plans.plan_limits = Some(PlanLimits { free: limits, ..PlanLimits::default() })
}

const NONE: SubscriptionLimits = SubscriptionLimits {
    max_users: None,
    max_projects: None,
    max_tokens_per_month: None,
    max_mcp_servers: None,
    max_content_bytes: None,
};

const ERRORS: &str = "userErrors { code message limit used }";

async fn create_project(who: &Client, organization: &str, slug: &str) -> Answer {
    let text = format!("mutation($input: ProjectCreateInput!) {{ projectCreate(input: $input) {{ {ERRORS} }} }}");
    who.query(&text, json!({ "input": { "organizationId": organization, "name": slug, "slug": slug } })).await
}

/// The answers that were refused; each says what is allowed and used.
#[track_caller]
fn reached<'a>(answers: &'a [Answer], limit: &str, most: i64, used: i64) -> Vec<&'a Answer> {
    let refused: Vec<&Answer> = answers.iter().filter(|answer| !answer.refusals().is_empty()).collect();
    for answer in &refused {
        assert_eq!(answer.refusals(), ["PLAN_LIMIT_REACHED"], "{}", answer.body);
        let error = &answer.payload()["userErrors"][0];
        assert_eq!(
            (error["limit"].as_f64(), error["used"].as_f64()),
            (Some(most as f64), Some(used as f64)),
            "{error}"
        );
        assert!(error["message"].as_str().is_some_and(|text| text.contains(limit)), "{error}");
    }
    refused
}

#[tokio::test]
async fn of_twenty_projects_created_at_once_a_limit_of_three_admits_three() {
    let world = World::with(free(SubscriptionLimits { max_projects: Some(3), ..NONE })).await;
    let creations = (0..20).map(|number| (number, format!("project-{number}")));
    let answers = join_all(creations.map(|(_, slug)| {
        let world = &world;
        async move { create_project(&world.stranger, &world.globex, &slug).await }
    }))
    .await;
    assert_eq!(reached(&answers, "maxProjects", 3, 3).len(), 17);
    // Another plan has other limits, and what is deleted makes room.
    let change = json!({ "organizationId": world.globex, "plan": "TEAM", "expectedVersion": 1 });
    world.stranger.mutate("subscriptionChange", change).await.well();
    create_project(&world.stranger, &world.globex, "fourth").await.well();
    let change = json!({ "organizationId": world.globex, "plan": "FREE" });
    world.stranger.mutate("subscriptionChange", change).await.well();
    assert_eq!(reached(&[create_project(&world.stranger, &world.globex, "fifth").await], "maxProjects", 3, 4).len(), 1);
}

#[tokio::test]
async fn several_people_create_no_more_together_than_one_alone() {
    let world = World::with(free(SubscriptionLimits { max_projects: Some(3), ..NONE })).await;
    let people = [&world.owner, &world.admin, &world.owner, &world.admin, &world.owner, &world.admin];
    let answers = join_all(people.iter().enumerate().map(|(number, who)| {
        let acme = &world.acme;
        async move { create_project(who, acme, &format!("project-{number}")).await }
    }))
    .await;
    // The project rocket is there already.
    assert_eq!(reached(&answers, "maxProjects", 3, 3).len(), 4);
    let sql = "SELECT count(*) FROM tenancy.projects WHERE deleted_at IS NULL";
    assert_eq!(world.database.number(sql).await, 3);
}

#[tokio::test]
async fn of_twelve_servers_registered_at_once_a_limit_of_three_admits_three() {
    let world = World::with(free(SubscriptionLimits { max_mcp_servers: Some(3), ..NONE })).await;
    let text =
        format!("mutation($input: McpServerRegisterInput!) {{ mcpServerRegister(input: $input) {{ {ERRORS} }} }}");
    let register = async |who: &Client, name: String| {
        let transport = json!({ "http": { "url": "https://tools.example.com/mcp" } });
        who.query(&text, json!({ "input": { "projectId": world.rocket, "name": name, "transport": transport } })).await
    };
    let people = [&world.owner, &world.admin, &world.project_admin];
    let many = (0..12).map(|number| register(people[number % people.len()], format!("server-{number}")));
    let answers = join_all(many).await;
    assert_eq!(reached(&answers, "maxMcpServers", 3, 3).len(), 9);
    let sql = "SELECT count(*) FROM governance.mcp_servers";
    assert_eq!(world.database.number(sql).await, 3);
    let one_more = [register(&world.owner, "one-more".to_owned()).await];
    assert_eq!(reached(&one_more, "maxMcpServers", 3, 3).len(), 1);
}

#[tokio::test]
async fn invitations_let_in_as_many_as_the_plan_has_room_for() {
    let world = World::with(free(SubscriptionLimits { max_users: Some(3), ..NONE })).await;
    let people = [&world.owner, &world.admin, &world.member, &world.viewer, &world.reader];
    let mut tokens = Vec::new();
    for _ in people {
        let input = json!({ "organizationId": world.globex, "role": "MEMBER" });
        let answer = world.stranger.mutate_for("invitationCreate", "link", input).await.well();
        tokens.push(answer.text("invitationCreate.link").split_once('#').expect("a token").1.to_owned());
    }
    let text = format!("mutation($input: InvitationAnswerInput!) {{ invitationAccept(input: $input) {{ {ERRORS} }} }}");
    let accept =
        async |(who, token): (&Client, &String)| who.query(&text, json!({ "input": { "token": token } })).await;
    let answers = join_all(people.into_iter().zip(&tokens).map(accept)).await;
    assert_eq!(reached(&answers, "maxUsers", 3, 3).len(), 3);
    let sql = format!("SELECT count(*) FROM tenancy.members WHERE organization_id = '{}'", uuid(&world.globex));
    assert_eq!(world.database.number(&sql).await, 3);
}

#[tokio::test]
async fn documents_grow_as_far_as_the_plan_of_their_owner_allows() {
    let world = World::with(free(SubscriptionLimits { max_content_bytes: Some(100), ..NONE })).await;
    let personal = world.personal_space(&world.stranger).await;
    for (space, who) in [(&world.vault, &world.stranger), (&personal, &world.stranger)] {
        let create = async |length: usize| {
            let input = json!({ "spaceId": space, "title": "A page", "content": "x".repeat(length) });
            who.mutate("documentCreate", input).await
        };
        let answers = join_all((0..8).map(|_| create(30))).await;
        let refused = answers.iter().filter(|answer| answer.refusals() == ["PLAN_LIMIT_REACHED"]).count();
        assert_eq!(refused, 5, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
        let made = answers.iter().find(|answer| answer.refusals().is_empty()).expect("three of eight");
        let id = made.text("documentCreate.document.id");
        let change = async |length: usize| {
            who.mutate("documentUpdate", json!({ "id": id, "content": "x".repeat(length) })).await
        };
        change(40).await.well();
        change(41).await.refused("PLAN_LIMIT_REACHED", "content");
        change(10).await.well();
        create(30).await.well();
        create(1).await.refused("PLAN_LIMIT_REACHED", "spaceId");
        create(0).await.well();
    }
}

const SUBSCRIPTION: &str = "plan status billingCycle isInGoodStanding version viewerCan currentPeriodEnd \
    limits { maxUsers maxProjects maxMcpServers maxTokensPerMonth maxContentBytes } \
    usage { users projects mcpServers contentBytes } organization { slug }";

#[tokio::test]
async fn those_who_administer_an_organization_see_its_subscription_and_what_is_used() {
    let world = World::with(free(SubscriptionLimits { max_projects: Some(3), ..NONE })).await;
    world.owner.document(&world.handbook, json!({ "content": "Ten bytes." })).await;
    let server = "INSERT INTO governance.mcp_servers (id, organization_id, project_id, name) \
                  SELECT gen_random_uuid(), organization_id, id, 'tools' FROM tenancy.projects WHERE slug = 'rocket'";
    world.database.run(server).await;
    let by_slug = format!("{{ organization(slug: \"acme\") {{ subscription {{ id {SUBSCRIPTION} }} }} }}");
    let by_id = format!("query($id: ID!) {{ node(id: $id) {{ ... on PlanSubscription {{ {SUBSCRIPTION} }} }} }}");
    let id = typed("sub", &uuid(&world.acme));
    for (name, client) in world.viewers() {
        let answer = client.query(&by_slug, Value::Null).await.well();
        let found = answer.at("organization.subscription");
        let node = client.query(&by_id, json!({ "id": id })).await.well();
        let viewer_can = match name {
            "owner" => json!(["READ", "EDIT"]),
            "admin" => json!(["READ"]),
            _ => {
                assert!(found.is_null() && node.at("node").is_null(), "{name}: {found}");
                continue;
            }
        };
        let expected = json!({
            "plan": "FREE", "status": "ACTIVE", "billingCycle": "MONTHLY", "isInGoodStanding": true, "version": 1,
            "viewerCan": viewer_can, "currentPeriodEnd": null,
            "limits": { "maxUsers": null, "maxProjects": 3.0, "maxMcpServers": null, "maxTokensPerMonth": null,
                        "maxContentBytes": null },
            "usage": { "users": 12, "projects": 1, "mcpServers": 1, "contentBytes": 10.0 },
            "organization": { "slug": "acme" },
        });
        assert_eq!(*node.at("node"), expected, "{name}");
        assert_eq!(found["id"], json!(id), "{name}");
    }
    let own = "{ viewer { subscription { id plan usage { contentBytes } organization { slug } } } }";
    let answer = world.member.query(own, Value::Null).await.well();
    let expected = json!({ "id": typed("sub", &uuid(&world.member.id)), "plan": "FREE", "usage": { "contentBytes": 0.0 }, "organization": null });
    assert_eq!(*answer.at("viewer.subscription"), expected);
    assert!(
        world.owner.node(&typed("sub", &uuid(&world.member.id))).await.is_null(),
        "a person's own is nobody else's"
    );
}

#[tokio::test]
async fn a_plan_is_changed_by_an_owner_who_read_it_last() {
    let world = World::new().await;
    let change = async |who: &Client, input: Value| {
        who.mutate_for("subscriptionChange", "subscription { id plan billingCycle version }", input).await
    };
    let pro = json!({ "organizationId": world.acme, "plan": "PRO", "billingCycle": "YEARLY", "expectedVersion": 1 });
    assert_eq!(change(&world.admin, pro.clone()).await.code(), "FORBIDDEN");
    assert_eq!(change(&world.stranger, pro.clone()).await.code(), "NOT_FOUND");
    let answer = change(&world.owner, pro.clone()).await.well();
    assert_eq!(answer.at("subscriptionChange.subscription.plan"), "PRO");
    let stale = change(&world.owner, pro).await;
    stale.refused("CONFLICT", "expectedVersion");
    assert_eq!(stale.at("subscriptionChange.subscription.version"), 2);
    let plan = world.owner.query("{ organization(slug: \"acme\") { plan } }", Value::Null).await.well();
    assert_eq!(plan.at("organization.plan"), "PRO");
    // One's own is apart from that of organizations.
    let answer = change(&world.member, json!({ "plan": "TEAM" })).await.well();
    assert_eq!(answer.at("subscriptionChange.subscription.billingCycle"), "MONTHLY");
    let events = "SELECT event_type FROM platform.outbox WHERE event_type LIKE 'subscription.%'";
    assert_eq!(world.database.rows(events).await.len(), 2);
}
