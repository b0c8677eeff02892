//! Organizations: founded by anyone, changed by admins, deleted by owners.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::World;

#[tokio::test]
async fn whoever_founds_an_organization_owns_it() {
    let world = World::new().await;
    let input = json!({ "name": "  New works  ", "slug": "new-works", "description": "Makes things." });
    let fields = "organization { name slug description plan viewerRole version settings { membersMayCreateSpaces \
                  membersMayCreateProjects defaultSpaceRole auditRetentionDays } members(first: 5) { totalCount nodes { role status user { id } } } }";
    let answer = world.member.mutate_for("organizationCreate", fields, input).await.well();
    let made = answer.at("organizationCreate.organization");
    assert_eq!(
        (&made["name"], &made["slug"], &made["viewerRole"]),
        (&json!("New works"), &json!("new-works"), &json!("OWNER"))
    );
    assert_eq!(
        made["settings"],
        json!({ "membersMayCreateSpaces": true, "membersMayCreateProjects": false, "defaultSpaceRole": "READER", "auditRetentionDays": 90 })
    );
    assert_eq!(
        made["members"],
        json!({ "totalCount": 1, "nodes": [{ "role": "OWNER", "status": "ACTIVE", "user": { "id": world.member.id } }] })
    );
    let answer = world.member.query("{ organization(slug: \"new-works\") { name } }", Value::Null).await.well();
    assert_eq!(answer.text("organization.name"), "New works");
}

#[tokio::test]
async fn what_is_no_organization_is_refused() {
    let world = World::new().await;
    let before = world.database.digest().await;
    let long = "x".repeat(256);
    for (name, slug, code, field) in [
        ("", "new", "NAME_REQUIRED", "name"),
        (&long, "new", "TEXT_INVALID", "name"),
        ("N\0w", "new", "TEXT_INVALID", "name"),
        ("New", "", "SLUG_INVALID", "slug"),
        ("New", "New", "SLUG_INVALID", "slug"),
        ("New", "n--w", "SLUG_INVALID", "slug"),
        ("New", "-new", "SLUG_INVALID", "slug"),
        ("New", "new/../acme", "SLUG_INVALID", "slug"),
        ("New", "nëw", "SLUG_INVALID", "slug"),
        ("New", &long, "SLUG_INVALID", "slug"),
        ("New", "acme", "SLUG_TAKEN", "slug"),
        ("New", "globex", "SLUG_TAKEN", "slug"),
    ] {
        world.owner.mutate("organizationCreate", json!({ "name": name, "slug": slug })).await.refused(code, field);
    }
    let taken = json!({ "id": world.globex, "name": "New", "slug": "new" });
    world.owner.mutate("organizationCreate", taken).await.refused("ID_TAKEN", "id");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn of_organizations_made_at_once_with_one_slug_one_is_made() {
    let world = World::new().await;
    let clients = [&world.owner, &world.member, &world.stranger, &world.editor];
    let make = clients.map(|client| client.mutate("organizationCreate", json!({ "name": "New", "slug": "new" })));
    let answers = join_all(make).await;
    let made = answers.iter().filter(|answer| answer.refusals().is_empty() && answer.codes().is_empty()).count();
    assert_eq!(made, 1);
    answers
        .iter()
        .filter(|answer| !answer.refusals().is_empty())
        .for_each(|answer| answer.refused("SLUG_TAKEN", "slug"));
}

#[tokio::test]
async fn admins_change_properties_and_settings() {
    let world = World::new().await;
    let input = json!({ "id": world.acme, "expectedVersion": 1, "name": "Acme works", "slug": "acme-works",
        "billingEmail": "bills@acme.test", "membersMayCreateProjects": true, "defaultSpaceRole": "EDITOR", "auditRetentionDays": 30 });
    let fields = "organization { name slug billingEmail version settings { membersMayCreateProjects membersMayCreateSpaces defaultSpaceRole auditRetentionDays } }";
    let answer = world.admin.mutate_for("organizationUpdate", fields, input).await.well();
    assert_eq!(
        answer.at("organizationUpdate.organization"),
        &json!({ "name": "Acme works", "slug": "acme-works", "billingEmail": "bills@acme.test", "version": 2,
            "settings": { "membersMayCreateProjects": true, "membersMayCreateSpaces": true, "defaultSpaceRole": "EDITOR", "auditRetentionDays": 30 } })
    );
    let stale = json!({ "id": world.acme, "expectedVersion": 1, "name": "Other" });
    let answer = world.owner.mutate_for("organizationUpdate", "organization { name version }", stale).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(answer.at("organizationUpdate.organization"), &json!({ "name": "Acme works", "version": 2 }));
}

#[tokio::test]
async fn settings_out_of_range_are_refused() {
    let world = World::new().await;
    for (field, value, code) in [
        ("auditRetentionDays", json!(0), "OUT_OF_RANGE"),
        ("auditRetentionDays", json!(3_651), "OUT_OF_RANGE"),
        ("billingEmail", json!("nobody"), "EMAIL_INVALID"),
        ("supportEmail", json!("a@b\n.test"), "EMAIL_INVALID"),
        ("defaultModel", json!("x".repeat(101)), "TEXT_INVALID"),
        ("slug", json!("globex"), "SLUG_TAKEN"),
    ] {
        let mut input = json!({ "id": world.acme });
        input[field] = value;
        world.owner.mutate("organizationUpdate", input).await.refused(code, field);
    }
    // What everybody in an open space gets cannot be to manage it.
    let input = json!({ "id": world.acme, "defaultSpaceRole": "MANAGER" });
    let answer = world.owner.mutate("organizationUpdate", input).await;
    answer.refused("ROLE_TOO_HIGH", "defaultSpaceRole");
}

#[tokio::test]
async fn settings_decide_what_members_may_create() {
    let world = World::new().await;
    let space = |slug: &str| json!({ "organizationId": world.acme, "name": slug, "slug": slug });
    world.member.mutate("spaceCreate", space("one")).await.well();
    assert_eq!(world.member.mutate("projectCreate", space("one")).await.code(), "FORBIDDEN");
    let input = json!({ "id": world.acme, "membersMayCreateSpaces": false, "membersMayCreateProjects": true });
    world.owner.mutate("organizationUpdate", input).await.well();
    assert_eq!(world.member.mutate("spaceCreate", space("two")).await.code(), "FORBIDDEN");
    world.member.mutate("projectCreate", space("two")).await.well();
    world.admin.mutate("spaceCreate", space("three")).await.well();
    for mutation in ["spaceCreate", "projectCreate"] {
        assert_eq!(world.viewer.mutate(mutation, space("four")).await.code(), "FORBIDDEN");
    }
}

#[tokio::test]
async fn a_deleted_organization_is_gone_for_everyone_with_all_it_held() {
    let world = World::new().await;
    let mut ids = vec![world.acme.clone(), world.handbook.clone(), world.lab.clone(), world.rocket.clone()];
    for visibility in ["PRIVATE", "SPACE", "ORGANIZATION", "PUBLIC"] {
        ids.push(world.manager.document(&world.lab, json!({ "visibility": visibility, "tags": ["red"] })).await);
    }
    let before = world.database.digest().await;
    assert_eq!(world.admin.mutate("organizationDelete", json!({ "id": world.acme })).await.code(), "FORBIDDEN");
    assert_eq!(world.database.digest().await, before);
    world.owner.mutate("organizationDelete", json!({ "id": world.acme })).await.well();
    for (name, client) in world.viewers() {
        for id in &ids {
            assert!(client.node(id).await.is_null(), "{name} still finds {id}");
        }
        let answer = client
            .query(
                "{ organization(slug: \"acme\") { id } viewer { organizations(first: 5) { totalCount } } }",
                Value::Null,
            )
            .await
            .well();
        assert!(answer.at("organization").is_null());
        let expected = if name == "stranger" { json!(1) } else { json!(0) };
        if name != "anonymous" {
            assert_eq!(answer.at("viewer.organizations.totalCount"), &expected, "{name}");
        }
    }
    assert_eq!(world.owner.mutate("organizationDelete", json!({ "id": world.acme })).await.code(), "NOT_FOUND");
    world.stranger.organization("acme").await;
}

#[tokio::test]
async fn a_suspended_organization_gives_no_access() {
    let world = World::new().await;
    let document = world.manager.document(&world.lab, json!({})).await;
    world.database.run("UPDATE tenancy.organizations SET status = 'suspended' WHERE slug = 'acme'").await;
    for client in [&world.owner, &world.manager, &world.member] {
        for id in [&world.acme, &world.lab, &world.rocket, &document] {
            assert!(client.node(id).await.is_null());
        }
        assert_eq!(client.mutate("documentTrash", json!({ "id": document })).await.code(), "NOT_FOUND");
    }
    world.database.run("UPDATE tenancy.organizations SET status = 'active' WHERE slug = 'acme'").await;
    assert_eq!(world.manager.node(&document).await["id"], document);
}
