//! Teams: who makes them and who is in them; what a team was granted, its members have, as long as they are in it and
//! active.

use serde_json::{Value, json};

use crate::support::{Client, World};

/// A team of acme with these people.
async fn team(world: &World, name: &str, people: &[&Client]) -> String {
    let id = world.admin.team(&world.acme, name).await;
    for person in people {
        world.admin.add_team_member(&id, person).await;
    }
    id
}

/// The role of a space or a project that somebody has.
async fn role(client: &Client, id: &str) -> Value {
    let query =
        "query($id: ID!) { node(id: $id) { ... on Space { role: viewerRole } ... on Project { as: viewerRole } } }";
    let answer = client.query(query, json!({ "id": id })).await.well();
    let node = answer.at("node");
    if node["role"].is_null() { node["as"].clone() } else { node["role"].clone() }
}

#[tokio::test]
async fn a_team_is_made_renamed_and_deleted_by_those_who_administer() {
    let world = World::new().await;
    let create = json!({ "organizationId": world.acme, "name": " Writers ", "description": "Who write." });
    let fields = "team { id name description version organization { slug } members(first: 5) { totalCount } }";
    let answer = world.admin.mutate_for("teamCreate", fields, create).await.well();
    let team = answer.at("teamCreate.team");
    assert_eq!((&team["name"], &team["version"]), (&json!("Writers"), &json!(1)));
    assert_eq!((&team["organization"]["slug"], &team["members"]["totalCount"]), (&json!("acme"), &json!(0)));
    let id = answer.text("teamCreate.team.id");

    let update = |changes: Value| {
        let mut input = json!({ "id": id, "expectedVersion": 1 });
        input.as_object_mut().expect("an object").extend(changes.as_object().cloned().unwrap_or_default());
        input
    };
    let renamed = world
        .owner
        .mutate_for(
            "teamUpdate",
            "team { name description version }",
            update(json!({ "name": "Authors", "description": "" })),
        )
        .await
        .well();
    assert_eq!(*renamed.at("teamUpdate.team"), json!({ "name": "Authors", "description": null, "version": 2 }));
    let stale = world.owner.mutate_for("teamUpdate", "team { name version }", update(json!({ "name": "Stale" }))).await;
    stale.refused("CONFLICT", "expectedVersion");
    assert_eq!(*stale.at("teamUpdate.team"), json!({ "name": "Authors", "version": 2 }));

    let query = "{ organization(slug: \"acme\") { teams(first: 5) { totalCount nodes { name } } } }";
    let listed = world.viewer.query(query, Value::Null).await.well();
    assert_eq!(listed.texts("organization.teams.nodes", "name"), ["Authors"]);
    world.admin.mutate("teamDelete", json!({ "id": id })).await.well();
    assert!(world.admin.node(id).await.is_null());
    assert_eq!(world.admin.mutate("teamDelete", json!({ "id": id })).await.code(), "NOT_FOUND");
    assert_eq!(world.viewer.query(query, Value::Null).await.well().number("organization.teams.totalCount"), 0);
}

#[tokio::test]
async fn a_team_has_a_name_of_its_own() {
    let world = World::new().await;
    let writers = team(&world, "Writers", &[]).await;
    let other = team(&world, "Others", &[]).await;
    let before = world.database.digest().await;
    let create = async |name: &str| {
        world.admin.mutate("teamCreate", json!({ "organizationId": world.acme, "name": name })).await
    };
    create("wRITERS").await.refused("NAME_TAKEN", "name");
    create(" \n ").await.refused("NAME_REQUIRED", "name");
    create(&"x".repeat(256)).await.refused("TEXT_INVALID", "name");
    create("a\u{7}b").await.refused("TEXT_INVALID", "name");
    world.admin.mutate("teamUpdate", json!({ "id": other, "name": "writers" })).await.refused("NAME_TAKEN", "name");
    let again = json!({ "organizationId": world.acme, "id": writers, "name": "New" });
    world.admin.mutate("teamCreate", again).await.refused("ID_TAKEN", "id");
    assert_eq!(world.database.digest().await, before);
    // In another organization it is free.
    world.stranger.team(&world.globex, "Writers").await;
}

#[tokio::test]
async fn only_active_members_of_the_organization_are_put_into_a_team_once() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[]).await;
    let add = async |who: Value| {
        let mut input = json!({ "teamId": writers });
        input.as_object_mut().expect("an object").extend(who.as_object().cloned().unwrap_or_default());
        world
            .admin
            .mutate_for("teamMemberAdd", "teamMember { id user { email } addedBy { name } team { id } }", input)
            .await
    };
    let added = add(json!({ "email": "Member@ACME.test" })).await.well();
    let member = added.at("teamMemberAdd.teamMember");
    assert_eq!((&member["user"]["email"], &member["addedBy"]["name"]), (&json!("member@acme.test"), &json!("admin")));
    assert_eq!(member["team"]["id"], writers);
    let before = world.database.digest().await;
    add(json!({ "userId": world.member.id })).await.refused("ALREADY_MEMBER", "userId");
    let refusals =
        [add(json!({ "email": "stranger@acme.test" })).await, add(json!({ "email": "nobody@acme.test" })).await];
    for refusal in &refusals {
        refusal.refused("NOT_A_MEMBER", "email");
    }
    assert_eq!(refusals[0].body, refusals[1].body, "whether somebody has an account is not told");
    for id in [&world.stranger.id, &world.suspended.id] {
        add(json!({ "userId": id })).await.refused("NOT_A_MEMBER", "userId");
    }
    assert_eq!(add(json!({})).await.code(), "BAD_USER_INPUT");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn everybody_may_take_themselves_out_of_a_team() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[&world.reader]).await;
    let own = world.admin.add_team_member(&writers, &world.member).await;
    assert_eq!(world.reader.mutate("teamMemberRemove", json!({ "id": own })).await.code(), "FORBIDDEN");
    world.member.mutate("teamMemberRemove", json!({ "id": own })).await.well();
    assert!(world.admin.node(&own).await.is_null());
    // Who leaves the organization leaves its teams.
    world.reader.mutate("organizationLeave", json!({ "organizationId": world.acme })).await.well();
    assert_eq!(world.database.number("SELECT count(*) FROM tenancy.team_members").await, 0);
}

#[tokio::test]
async fn a_grant_to_a_team_is_a_grant_to_its_members() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[&world.member, &world.reader, &world.manager, &world.viewer]).await;
    let late = format!(
        "INSERT INTO tenancy.team_members (id, team_id, user_id) VALUES (gen_random_uuid(), '{}', '{}')",
        crate::support::uuid(&writers),
        crate::support::uuid(&world.suspended.id)
    );
    world.database.run(&late).await;
    let input = json!({ "spaceId": world.lab, "teamId": writers, "role": "EDITOR" });
    let answer = world
        .manager
        .mutate_for("spaceMemberAdd", "spaceMember { id teamId team { name } user { id } role }", input)
        .await
        .well();
    assert_eq!(answer.text("spaceMemberAdd.spaceMember.teamId"), writers);
    assert_eq!(answer.text("spaceMemberAdd.spaceMember.team.name"), "writers");
    assert!(answer.at("spaceMemberAdd.spaceMember.user").is_null());
    for (client, expected) in [
        (&world.member, json!("EDITOR")),
        (&world.reader, json!("EDITOR")),
        (&world.manager, json!("MANAGER")),
        (&world.viewer, json!("READER")),
        (&world.suspended, Value::Null),
        (&world.developer, Value::Null),
    ] {
        assert_eq!(role(client, &world.lab).await, expected, "the highest wins, within the role in the organization");
    }
    let id = answer.text("spaceMemberAdd.spaceMember.id");
    world.manager.mutate("spaceMemberRemove", json!({ "id": id })).await.well();
    assert!(role(&world.member, &world.lab).await.is_null());
    assert_eq!(role(&world.reader, &world.lab).await, "READER");
}

#[tokio::test]
async fn joining_and_leaving_a_team_counts_at_once() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[]).await;
    let input = json!({ "spaceId": world.lab, "teamId": writers, "role": "EDITOR" });
    world.manager.mutate("spaceMemberAdd", input).await.well();
    world
        .project_admin
        .mutate("projectMemberAdd", json!({ "projectId": world.rocket, "teamId": writers, "role": "DEVELOPER" }))
        .await
        .well();
    let has = async |space: Value, project: Value| {
        assert_eq!((role(&world.member, &world.lab).await, role(&world.member, &world.rocket).await), (space, project));
    };
    has(Value::Null, Value::Null).await;
    let joined = world.admin.add_team_member(&writers, &world.member).await;
    has(json!("EDITOR"), json!("DEVELOPER")).await;
    world.admin.mutate("teamMemberRemove", json!({ "id": joined })).await.well();
    has(Value::Null, Value::Null).await;
    world.admin.add_team_member(&writers, &world.member).await;
    has(json!("EDITOR"), json!("DEVELOPER")).await;
    world.admin.mutate("teamDelete", json!({ "id": writers })).await.well();
    has(Value::Null, Value::Null).await;
}

#[tokio::test]
async fn a_viewer_of_the_organization_only_reads_through_a_team() {
    let world = World::new().await;
    let builders = team(&world, "builders", &[&world.member, &world.viewer]).await;
    let input = json!({ "projectId": world.rocket, "teamId": builders, "role": "ADMIN" });
    world.project_admin.mutate("projectMemberAdd", input).await.well();
    assert_eq!(role(&world.member, &world.rocket).await, "ADMIN");
    assert_eq!(role(&world.viewer, &world.rocket).await, "VIEWER");
}

#[tokio::test]
async fn a_team_shows_its_roles_to_those_who_see_where_they_are() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[]).await;
    for (space, who) in [(&world.lab, &world.manager), (&world.handbook, &world.owner)] {
        who.mutate("spaceMemberAdd", json!({ "spaceId": space, "teamId": writers, "role": "EDITOR" })).await.well();
    }
    world
        .owner
        .mutate("projectMemberAdd", json!({ "projectId": world.rocket, "teamId": writers, "role": "VIEWER" }))
        .await
        .well();
    let query = "query($id: ID!) { node(id: $id) { ... on Team { \
        spaceRoles(first: 5) { totalCount nodes { role space { slug } } } \
        projectRoles(first: 5) { totalCount nodes { role project { slug } } } } } }";
    let sees = async |client: &Client, spaces: &[&str], projects: &[&str]| {
        let answer = client.query(query, json!({ "id": writers })).await.well();
        assert_eq!(answer.texts("node.spaceRoles.nodes", "space.slug"), spaces);
        assert_eq!(answer.texts("node.projectRoles.nodes", "project.slug"), projects);
        let counts = (answer.number("node.spaceRoles.totalCount"), answer.number("node.projectRoles.totalCount"));
        assert_eq!(counts, (spaces.len() as i64, projects.len() as i64));
    };
    sees(&world.admin, &["lab", "handbook"], &["rocket"]).await;
    sees(&world.reader, &["lab", "handbook"], &[]).await;
    sees(&world.developer, &["handbook"], &["rocket"]).await;
    world.manager.mutate("spaceDelete", json!({ "id": world.lab })).await.well();
    sees(&world.admin, &["handbook"], &["rocket"]).await;
}

#[tokio::test]
async fn who_is_taken_out_of_a_team_is_told_once_and_then_nothing() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[]).await;
    let joined = world.admin.add_team_member(&writers, &world.member).await;
    let input = json!({ "spaceId": world.lab, "teamId": writers, "role": "READER" });
    let granted = world.manager.mutate("spaceMemberAdd", input).await.well();
    let after = granted.text("spaceMemberAdd.commitCursor");
    let document = world.editor.document(&world.lab, json!({ "visibility": "SPACE" })).await;
    let mut space = world.member.socket().await;
    let query = "subscription($id: ID!, $after: String) { spaceActivity(spaceId: $id, after: $after) { \
        ... on DocumentChange { document { title } } ... on SpaceChange { change: kind space { id } } } }";
    space.subscribe(query, json!({ "id": world.lab, "after": after })).await;
    assert_eq!(space.event().await["spaceActivity"]["document"]["title"], "A document");
    let mut page = world.member.socket().await;
    let query = "subscription($id: ID!, $after: String) { documentChanged(id: $id, after: $after) { kind document { title } } }";
    page.subscribe(query, json!({ "id": document, "after": after })).await;
    assert_eq!(page.event().await["documentChanged"]["kind"], "CREATED");

    world.admin.mutate("teamMemberRemove", json!({ "id": joined })).await.well();
    assert_eq!(space.event().await["spaceActivity"], json!({ "change": "ACCESS_LOST", "space": null }));
    world.editor.mutate("documentUpdate", json!({ "id": document, "title": "Secret" })).await.well();
    assert_eq!(page.event().await["documentChanged"], json!({ "kind": "ACCESS_LOST", "document": null }));
    for socket in [&mut space, &mut page] {
        assert_eq!(socket.message().await["type"], "complete");
        socket.settle().await;
    }
}

#[tokio::test]
async fn a_team_that_is_deleted_takes_its_live_views_along() {
    let world = World::new().await;
    let writers = team(&world, "writers", &[&world.member]).await;
    let input = json!({ "spaceId": world.lab, "teamId": writers, "role": "READER" });
    let granted = world.manager.mutate("spaceMemberAdd", input).await.well();
    let mut socket = world.member.socket().await;
    let query = "subscription($id: ID!, $after: String) { spaceActivity(spaceId: $id, after: $after) { ... on SpaceChange { kind } } }";
    socket.subscribe(query, json!({ "id": world.lab, "after": granted.text("spaceMemberAdd.commitCursor") })).await;
    socket.settle().await;
    world.admin.mutate("teamDelete", json!({ "id": writers })).await.well();
    assert_eq!(socket.event().await["spaceActivity"]["kind"], "ACCESS_LOST");
    assert_eq!(socket.message().await["type"], "complete");
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
