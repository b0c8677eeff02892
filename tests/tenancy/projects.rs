//! Projects: who sees one, who administers it, and what archiving leaves.

use serde_json::{Value, json};

use crate::support::{Client, World};

async fn role(world: &World, client: &Client) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Project { viewerRole } } }";
    client.query(query, json!({ "id": world.rocket })).await.well().at("node.viewerRole").clone()
}

#[tokio::test]
async fn owners_and_admins_of_the_organization_administer_its_projects() {
    let world = World::new().await;
    for (name, client) in world.viewers() {
        let expected = match name {
            "owner" | "admin" | "project admin" => json!("ADMIN"),
            "developer" => json!("DEVELOPER"),
            "project viewer" => json!("VIEWER"),
            _ => Value::Null,
        };
        assert_eq!(role(&world, client).await, expected, "{name}");
    }
}

#[tokio::test]
async fn whoever_creates_a_project_administers_it() {
    let world = World::new().await;
    world
        .owner
        .mutate("organizationUpdate", json!({ "id": world.acme, "membersMayCreateProjects": true }))
        .await
        .well();
    let input = json!({ "organizationId": world.acme, "name": "Balloon", "slug": "balloon" });
    let fields = "project { viewerRole status quotas { maxRequestsPerMinute maxTokensPerDay } settings { defaultModel mcpAutoApprove } members(first: 5) { nodes { role user { id } } } }";
    let answer = world.member.mutate_for("projectCreate", fields, input).await.well();
    let project = answer.at("projectCreate.project");
    assert_eq!((&project["viewerRole"], &project["status"]), (&json!("ADMIN"), &json!("ACTIVE")));
    assert_eq!(project["members"]["nodes"], json!([{ "role": "ADMIN", "user": { "id": world.member.id } }]));
    assert_eq!(project["quotas"], json!({ "maxRequestsPerMinute": 100, "maxTokensPerDay": null }));
}

#[tokio::test]
async fn what_is_no_project_is_refused() {
    let world = World::new().await;
    let before = world.database.digest().await;
    for (name, slug, code, field) in [
        ("", "new", "NAME_REQUIRED", "name"),
        ("New", "New", "SLUG_INVALID", "slug"),
        ("New", "rocket", "SLUG_TAKEN", "slug"),
    ] {
        let input = json!({ "organizationId": world.acme, "name": name, "slug": slug });
        world.owner.mutate("projectCreate", input).await.refused(code, field);
    }
    for (field, value, code) in [
        ("maxTokensPerDay", json!(-1), "OUT_OF_RANGE"),
        ("maxCostPerDayUsd", json!(-0.5), "OUT_OF_RANGE"),
        ("maxRequestsPerMinute", json!(1_000_001), "OUT_OF_RANGE"),
        ("allowedModels", json!([]), "OUT_OF_RANGE"),
        ("defaultModel", json!("unknown"), "OUT_OF_RANGE"),
        ("defaultModel", json!(""), "NAME_REQUIRED"),
    ] {
        let mut input = json!({ "id": world.rocket });
        input[field] = value;
        world.owner.mutate("projectUpdate", input).await.refused(code, field);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn quotas_are_set_and_lifted() {
    let world = World::new().await;
    let fields = "project { version quotas { maxTokensPerDay maxCostPerDayUsd maxRequestsPerMinute } }";
    let input = json!({ "id": world.rocket, "maxTokensPerDay": 1_000_000.0, "maxCostPerDayUsd": 12.5 });
    let answer = world.project_admin.mutate_for("projectUpdate", fields, input).await.well();
    let quotas = json!({ "maxTokensPerDay": 1_000_000.0, "maxCostPerDayUsd": 12.5, "maxRequestsPerMinute": 100 });
    assert_eq!(answer.at("projectUpdate.project.quotas"), &quotas);
    let input = json!({ "id": world.rocket, "maxTokensPerDay": null, "expectedVersion": 2 });
    let answer = world.project_admin.mutate_for("projectUpdate", fields, input).await.well();
    let quotas = json!({ "maxTokensPerDay": null, "maxCostPerDayUsd": 12.5, "maxRequestsPerMinute": 100 });
    assert_eq!(answer.at("projectUpdate.project.quotas"), &quotas, "null lifts, what is left out stays");
    let stale = json!({ "id": world.rocket, "name": "Other", "expectedVersion": 2 });
    let answer = world.project_admin.mutate_for("projectUpdate", fields, stale).await;
    answer.refused("CONFLICT", "expectedVersion");
    assert_eq!(answer.number("projectUpdate.project.version"), 3);
}

#[tokio::test]
async fn an_archived_project_is_only_read_until_it_comes_back() {
    let world = World::new().await;
    world.project_admin.mutate("projectUpdate", json!({ "id": world.rocket, "status": "ARCHIVED" })).await.well();
    for input in
        [json!({ "id": world.rocket, "name": "New" }), json!({ "id": world.rocket, "name": "New", "status": "ACTIVE" })]
    {
        assert_eq!(world.project_admin.mutate("projectUpdate", input).await.code(), "FORBIDDEN");
    }
    assert_eq!(role(&world, &world.developer).await, "DEVELOPER");
    world.project_admin.mutate("projectUpdate", json!({ "id": world.rocket, "status": "ACTIVE" })).await.well();
    world.project_admin.mutate("projectUpdate", json!({ "id": world.rocket, "name": "New" })).await.well();
}

#[tokio::test]
async fn only_an_admin_of_a_project_attaches_spaces_to_it_and_only_of_its_organization() {
    let world = World::new().await;
    let attach = json!({ "id": world.lab, "projectId": world.rocket });
    assert_eq!(world.manager.mutate("spaceUpdate", attach.clone()).await.code(), "NOT_FOUND");
    world.owner.add_project_member(&world.rocket, &world.manager, "DEVELOPER").await;
    assert_eq!(world.manager.mutate("spaceUpdate", attach.clone()).await.code(), "FORBIDDEN");
    world.owner.mutate("spaceUpdate", attach).await.well();
    let query = "query($id: ID!) { node(id: $id) { ... on Project { spaces(first: 5) { nodes { slug } } } } }";
    let seen = async |client: &Client| {
        client.query(query, json!({ "id": world.rocket })).await.well().texts("node.spaces.nodes", "slug")
    };
    assert_eq!(seen(&world.manager).await, ["lab"]);
    assert!(seen(&world.developer).await.is_empty(), "a project does not open the spaces attached to it");
    let theirs = world.stranger.project(&world.globex, "other").await;
    assert_eq!(
        world.owner.mutate("spaceUpdate", json!({ "id": world.lab, "projectId": theirs })).await.code(),
        "NOT_FOUND"
    );
    world.manager.mutate("spaceUpdate", json!({ "id": world.lab, "projectId": null })).await.well();
    assert!(seen(&world.manager).await.is_empty());
}

#[tokio::test]
async fn whoever_administers_two_organizations_cannot_mix_them() {
    let world = World::new().await;
    world.stranger.add_member(&world.globex, &world.owner, "ADMIN").await;
    let theirs = world.stranger.project(&world.globex, "other").await;
    let input = json!({ "id": world.lab, "projectId": theirs });
    world.owner.mutate("spaceUpdate", input).await.refused("OTHER_ORGANIZATION", "projectId");
}

#[tokio::test]
async fn a_deleted_project_is_gone() {
    let world = World::new().await;
    assert_eq!(world.developer.mutate("projectDelete", json!({ "id": world.rocket })).await.code(), "FORBIDDEN");
    world.project_admin.mutate("projectDelete", json!({ "id": world.rocket })).await.well();
    for client in [&world.owner, &world.project_admin, &world.developer] {
        assert!(client.node(&world.rocket).await.is_null());
    }
    world.owner.project(&world.acme, "rocket").await;
}

#[tokio::test]
async fn a_viewer_of_the_organization_only_views_its_projects() {
    let world = World::new().await;
    for level in ["DEVELOPER", "ADMIN"] {
        let input = json!({ "projectId": world.rocket, "userId": world.viewer.id, "role": level });
        world.owner.mutate("projectMemberAdd", input).await.refused("ROLE_TOO_HIGH", "role");
    }
    world.owner.add_project_member(&world.rocket, &world.viewer, "VIEWER").await;
    assert_eq!(role(&world, &world.viewer).await, "VIEWER");
    world.database.run("UPDATE tenancy.project_members SET role = 'admin' WHERE user_id = (SELECT id FROM identity.users WHERE email = 'viewer@acme.test')").await;
    assert_eq!(role(&world, &world.viewer).await, "VIEWER", "whatever stands in the database");
    assert_eq!(
        world.viewer.mutate("projectUpdate", json!({ "id": world.rocket, "name": "x" })).await.code(),
        "FORBIDDEN"
    );
}

#[tokio::test]
async fn a_quota_of_tokens_may_be_above_what_an_int_holds_and_is_whole() {
    let world = World::new().await;
    let set = async |tokens: Value| {
        let input = json!({ "id": world.rocket, "maxTokensPerDay": tokens });
        world.owner.mutate_for("projectUpdate", "project { quotas { maxTokensPerDay } }", input).await
    };
    for tokens in [0_i64, 3_000_000_000, 1_000_000_000_000] {
        let answer = set(json!(tokens)).await.well();
        assert_eq!(answer.at("projectUpdate.project.quotas.maxTokensPerDay").as_f64(), Some(tokens as f64));
    }
    let before = world.database.digest().await;
    for tokens in [json!(0.5), json!(-1), json!(1_000_000_000_001_i64)] {
        set(tokens).await.refused("OUT_OF_RANGE", "maxTokensPerDay");
    }
    assert_eq!(world.database.digest().await, before);
}
