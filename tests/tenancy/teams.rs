//! Teams: what a team was granted, its members have, as long as they are in it and active.

use serde_json::{Value, json};

use crate::support::{Client, World, typed, uuid};

/// A team of acme with these people.
async fn team(world: &World, name: &str, people: &[&Client]) -> String {
    let organization = uuid(&world.acme);
    let sql = format!(
        "INSERT INTO tenancy.teams (id, organization_id, name) VALUES (gen_random_uuid(), '{organization}', '{name}')"
    );
    world.database.run(&sql).await;
    let row = world.database.row(&format!("SELECT id FROM tenancy.teams WHERE name = '{name}'")).await;
    let id = row["id"].as_str().expect("an id").to_owned();
    for person in people {
        join(world, &id, person).await;
    }
    typed("team", &id)
}

async fn join(world: &World, team: &str, person: &Client) {
    let user = uuid(&person.id);
    let sql = format!(
        "INSERT INTO tenancy.team_members (id, team_id, user_id) VALUES (gen_random_uuid(), '{team}', '{user}')"
    );
    world.database.run(&sql).await;
}

async fn role(world: &World, client: &Client) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Space { viewerRole } } }";
    client.query(query, json!({ "id": world.lab })).await.well().at("node.viewerRole").clone()
}

#[tokio::test]
async fn a_grant_to_a_team_is_a_grant_to_its_members() {
    let world = World::new().await;
    let writers =
        team(&world, "writers", &[&world.member, &world.reader, &world.manager, &world.viewer, &world.suspended]).await;
    let input = json!({ "spaceId": world.lab, "teamId": writers, "role": "EDITOR" });
    let answer =
        world.manager.mutate_for("spaceMemberAdd", "spaceMember { id teamId user { id } role }", input).await.well();
    assert_eq!(answer.text("spaceMemberAdd.spaceMember.teamId"), writers);
    assert!(answer.at("spaceMemberAdd.spaceMember.user").is_null());
    for (client, expected) in [
        (&world.member, json!("EDITOR")),
        (&world.reader, json!("EDITOR")),
        (&world.manager, json!("MANAGER")),
        (&world.viewer, json!("READER")),
        (&world.suspended, Value::Null),
        (&world.developer, Value::Null),
    ] {
        assert_eq!(role(&world, client).await, expected, "the highest grant wins, within the role in the organization");
    }
    let id = answer.text("spaceMemberAdd.spaceMember.id");
    world.manager.mutate("spaceMemberRemove", json!({ "id": id })).await.well();
    assert!(role(&world, &world.member).await.is_null());
    assert_eq!(role(&world, &world.reader).await, "READER");
}

#[tokio::test]
async fn joining_and_leaving_a_team_counts_at_once() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[]).await;
    let input = json!({ "spaceId": world.lab, "teamId": writers, "role": "EDITOR" });
    world.manager.mutate("spaceMemberAdd", input).await.well();
    assert!(role(&world, &world.member).await.is_null());
    join(&world, &uuid(&writers), &world.member).await;
    assert_eq!(role(&world, &world.member).await, "EDITOR");
    world.database.run("DELETE FROM tenancy.team_members").await;
    assert!(role(&world, &world.member).await.is_null());
}

#[tokio::test]
async fn a_team_gives_roles_in_projects_too() {
    let world = World::new().await;
    let builders = team(&world, "builders", &[&world.member, &world.viewer]).await;
    assert!(world.member.node(&world.rocket).await.is_null());
    let input = json!({ "projectId": world.rocket, "teamId": builders, "role": "ADMIN" });
    world.project_admin.mutate("projectMemberAdd", input).await.well();
    let query = "query($id: ID!) { node(id: $id) { ... on Project { viewerRole } } }";
    for (client, expected) in [(&world.member, "ADMIN"), (&world.viewer, "VIEWER")] {
        let answer = client.query(query, json!({ "id": world.rocket })).await.well();
        assert_eq!(answer.text("node.viewerRole"), expected);
    }
}

#[tokio::test]
async fn a_team_of_another_organization_cannot_be_given_anything() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[&world.member]).await;
    let before = world.database.digest().await;
    for id in [writers.as_str(), "team_01h455vb4pex5vsknk084sn02q"] {
        let input = json!({ "spaceId": world.vault, "teamId": id, "role": "READER" });
        let answer = world.stranger.mutate("spaceMemberAdd", input).await;
        assert!(!answer.refusals().is_empty(), "an expected no is a user error: {}", answer.body);
    }
    assert_eq!(world.database.digest().await, before);
}
