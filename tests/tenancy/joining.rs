//! Ways into a space: joining an open one, and asking to be let into a private one that is listed.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Client, World};

async fn listed(world: &World) -> String {
    let overrides = json!({ "privacy": "PRIVATE", "isListed": true, "description": "Where it is decided." });
    world.owner.space(&world.acme, "board", overrides).await
}

async fn role(client: &Client, space: &str) -> Value {
    let query = "query($id: ID!) { node(id: $id) { ... on Space { viewerRole } } }";
    client.query(query, json!({ "id": space })).await.well().at("node.viewerRole").clone()
}

/// The names of what somebody may ask to join.
async fn joinable(client: &Client) -> Vec<String> {
    let query = "{ organization(slug: \"acme\") { joinableSpaces(first: 9) { totalCount nodes { id name description viewerRequest { state } } } } }";
    let answer = client.query(query, Value::Null).await.well();
    let names = answer.texts("organization.joinableSpaces.nodes", "name");
    assert_eq!(answer.number("organization.joinableSpaces.totalCount"), names.len() as i64);
    names
}

#[tokio::test]
async fn who_joins_an_open_space_stays_in_it_when_it_becomes_private() {
    let world = World::new().await;
    world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "defaultRole": "EDITOR" })).await.well();
    let join = json!({ "spaceId": world.handbook });
    for (client, expected) in [(&world.member, "EDITOR"), (&world.viewer, "READER")] {
        let answer = client.mutate_for("spaceJoin", "spaceMember { role user { id } }", join.clone()).await.well();
        assert_eq!(*answer.at("spaceJoin.spaceMember"), json!({ "role": expected, "user": { "id": client.id } }));
        client.mutate("spaceJoin", join.clone()).await.refused("ALREADY_MEMBER", "spaceId");
    }
    world.owner.mutate("spaceUpdate", json!({ "id": world.handbook, "privacy": "PRIVATE" })).await.well();
    assert_eq!(role(&world.member, &world.handbook).await, "EDITOR");
    assert_eq!(role(&world.viewer, &world.handbook).await, "READER");
    assert!(role(&world.developer, &world.handbook).await.is_null());
}

#[tokio::test]
async fn only_open_spaces_in_use_are_joined() {
    let world = World::new().await;
    let before = world.database.digest().await;
    assert_eq!(world.member.mutate("spaceJoin", json!({ "spaceId": world.lab })).await.code(), "NOT_FOUND");
    world.admin.mutate("spaceJoin", json!({ "spaceId": world.lab })).await.refused("NOT_OPEN", "spaceId");
    let personal = world.personal_space(&world.member).await;
    world.member.mutate("spaceJoin", json!({ "spaceId": personal })).await.refused("NOT_OPEN", "spaceId");
    assert_eq!(world.database.digest().await, before);
    world.owner.mutate("spaceArchive", json!({ "id": world.handbook })).await.well();
    world.member.mutate("spaceJoin", json!({ "spaceId": world.handbook })).await.refused("NOT_OPEN", "spaceId");
}

#[tokio::test]
async fn a_listed_space_shows_its_name_to_the_organization_and_nothing_else() {
    let world = World::new().await;
    let board = listed(&world).await;
    let document = world.owner.document(&board, json!({ "title": "Secret", "visibility": "SPACE" })).await;
    for client in [&world.member, &world.viewer, &world.reader, &world.admin] {
        assert_eq!(joinable(client).await, ["board"]);
    }
    assert!(joinable(&world.owner).await.is_empty(), "who is in it need not ask");
    for client in [&world.stranger, &world.suspended, &world.anonymous] {
        let query = "{ organization(slug: \"acme\") { joinableSpaces(first: 9) { totalCount } } }";
        assert!(client.query(query, Value::Null).await.well().at("organization").is_null());
    }
    assert!(world.member.node(&board).await.is_null());
    assert!(world.member.node(&document).await.is_null());
    // An open, an archived, a deleted and an unlisted space are not asked for.
    for (mutation, input) in [
        ("spaceUpdate", json!({ "id": board, "isListed": false })),
        ("spaceUpdate", json!({ "id": board, "isListed": true, "privacy": "OPEN" })),
        ("spaceUpdate", json!({ "id": board, "privacy": "PRIVATE" })),
        ("spaceArchive", json!({ "id": board })),
        ("spaceUnarchive", json!({ "id": board })),
        ("spaceDelete", json!({ "id": board })),
    ] {
        world.owner.mutate(mutation, input.clone()).await.well();
        let shown = input == json!({ "id": board, "privacy": "PRIVATE" }) || mutation == "spaceUnarchive";
        assert_eq!(joinable(&world.member).await, if shown { vec!["board"] } else { vec![] }, "{mutation} {input}");
    }
}

#[tokio::test]
async fn who_asks_is_let_in_with_the_role_that_a_manager_gives() {
    let world = World::new().await;
    let board = listed(&world).await;
    let input = json!({ "spaceId": board, "message": "Please." });
    let fields = "joinRequest { id state message spaceId space { id } user { id } viewerCan }";
    let answer = world.member.mutate_for("joinRequestCreate", fields, input.clone()).await.well();
    let asked = answer.at("joinRequestCreate.joinRequest");
    assert_eq!(
        (&asked["state"], &asked["message"], &asked["space"]),
        (&json!("OPEN"), &json!("Please."), &Value::Null)
    );
    assert_eq!(asked["viewerCan"], json!(["READ", "DELETE"]));
    let id = answer.text("joinRequestCreate.joinRequest.id");
    world.member.mutate("joinRequestCreate", input).await.refused("ALREADY_REQUESTED", "spaceId");

    let query = "query($id: ID!) { node(id: $id) { ... on Space { joinRequests(first: 5) { totalCount nodes { id message user { name } } } } } }";
    let seen = world.owner.query(query, json!({ "id": board })).await.well();
    assert_eq!(seen.texts("node.joinRequests.nodes", "user.name"), ["member"]);
    assert!(role(&world.member, &board).await.is_null());
    let approve = json!({ "id": id, "role": "EDITOR" });
    let approved =
        world.owner.mutate_for("joinRequestApprove", "spaceMember { role user { id } }", approve.clone()).await.well();
    assert_eq!(approved.text("joinRequestApprove.spaceMember.user.id"), world.member.id);
    assert_eq!(role(&world.member, &board).await, "EDITOR");
    // It is answered once.
    assert_eq!(world.owner.mutate("joinRequestApprove", approve).await.code(), "FORBIDDEN");
    assert_eq!(world.owner.query(query, json!({ "id": board })).await.well().number("node.joinRequests.totalCount"), 0);
    let query = "query($id: ID!) { node(id: $id) { ... on JoinRequest { state decidedBy { name } viewerCan } } }";
    let after = world.member.query(query, json!({ "id": id })).await.well();
    assert_eq!(
        *after.at("node"),
        json!({ "state": "APPROVED", "decidedBy": { "name": "owner" }, "viewerCan": ["READ"] })
    );
}

#[tokio::test]
async fn who_is_turned_down_or_withdraws_may_ask_again() {
    let world = World::new().await;
    let board = listed(&world).await;
    for mutation in ["joinRequestDecline", "joinRequestWithdraw"] {
        let asking = world.member.join_request(&board).await;
        let (one, other) = if mutation == "joinRequestDecline" {
            (&world.admin, &world.member)
        } else {
            (&world.member, &world.admin)
        };
        assert_eq!(other.mutate(mutation, json!({ "id": asking })).await.code(), "FORBIDDEN", "{mutation}");
        assert_eq!(world.reader.mutate(mutation, json!({ "id": asking })).await.code(), "NOT_FOUND", "{mutation}");
        one.mutate(mutation, json!({ "id": asking })).await.well();
        assert!(role(&world.member, &board).await.is_null());
    }
    world.member.join_request(&board).await;
}

#[tokio::test]
async fn nobody_asks_for_what_is_not_shown_to_them() {
    let world = World::new().await;
    let board = listed(&world).await;
    let before = world.database.digest().await;
    let ask =
        async |client: &Client, space: &str| client.mutate("joinRequestCreate", json!({ "spaceId": space })).await;
    let hidden = ask(&world.member, &world.lab).await;
    let absent = ask(&world.member, "spc_01h455vb4pex5vsknk084sn02q").await;
    assert_eq!((hidden.code(), &hidden.body), ("NOT_FOUND", &absent.body));
    for client in [&world.stranger, &world.suspended] {
        assert_eq!(ask(client, &board).await.code(), "NOT_FOUND");
    }
    assert_eq!(ask(&world.anonymous, &board).await.code(), "UNAUTHENTICATED");
    ask(&world.owner, &board).await.refused("ALREADY_MEMBER", "spaceId");
    let long = json!({ "spaceId": board, "message": "x".repeat(2_001) });
    world.member.mutate("joinRequestCreate", long).await.refused("TEXT_INVALID", "message");
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn a_viewer_of_the_organization_is_let_in_as_reader_alone_and_nobody_who_left() {
    let world = World::new().await;
    let board = listed(&world).await;
    let asking = world.viewer.join_request(&board).await;
    let approve = |role: &str| json!({ "id": asking, "role": role });
    world.owner.mutate("joinRequestApprove", approve("EDITOR")).await.refused("ROLE_TOO_HIGH", "role");
    world.owner.mutate("joinRequestApprove", json!({ "id": asking })).await.well();
    assert_eq!(role(&world.viewer, &board).await, "READER");

    let asking = world.member.join_request(&board).await;
    let suspend = "UPDATE tenancy.members SET status = 'suspended' FROM identity.users u WHERE u.id = user_id AND u.email = 'member@acme.test'";
    world.database.run(suspend).await;
    assert!(world.member.node(&asking).await.is_null());
    world.owner.mutate("joinRequestApprove", json!({ "id": asking })).await.refused("NOT_A_MEMBER", "id");
    world
        .database
        .run("DELETE FROM tenancy.members USING identity.users u WHERE u.id = user_id AND u.email = 'member@acme.test'")
        .await;
    assert!(world.owner.node(&asking).await.is_null(), "the request goes with the membership");
}

#[tokio::test]
async fn of_answers_at_once_one_counts() {
    let world = World::new().await;
    let board = listed(&world).await;
    let asking = world.member.join_request(&board).await;
    let input = json!({ "id": asking });
    let answers = join_all((0..6).map(|number| {
        let (input, client) = (input.clone(), if number % 2 == 0 { &world.owner } else { &world.admin });
        let mutation = ["joinRequestApprove", "joinRequestDecline"][usize::from(number > 2)];
        async move { client.mutate(mutation, input).await }
    }))
    .await;
    let done = answers.iter().filter(|answer| answer.codes().is_empty() && answer.refusals().is_empty()).count();
    assert_eq!(done, 1, "{:?}", answers.iter().map(|answer| &answer.body).collect::<Vec<_>>());
    let state = world.database.row("SELECT state FROM tenancy.join_requests").await;
    assert_eq!(state["state"] == "approved", !role(&world.member, &board).await.is_null());
}
