//! The one table of who may do what, as every viewer sees it in `viewerCan`. The access matrix shows that it is so.

use serde_json::{Value, json};

use crate::support::World;

const ALL: [&str; 14] = [
    "anonymous",
    "stranger",
    "suspended",
    "viewer",
    "member",
    "reader",
    "commenter",
    "editor",
    "manager",
    "project viewer",
    "developer",
    "project admin",
    "admin",
    "owner",
];

/// What each viewer sees of an object, with those who see the same on one line.
async fn table(world: &World, id: &str) -> String {
    let query = "query($id: ID!) { node(id: $id) { ... on Organization { viewerCan } ... on Space { viewerCan } \
                 ... on Project { viewerCan } ... on Document { viewerCan } ... on Tag { viewerCan } \
                 ... on Member { viewerCan } ... on SpaceMember { viewerCan } ... on ProjectMember { viewerCan } \
                 ... on Team { viewerCan } ... on TeamMember { viewerCan } ... on AuditEntry { viewerCan } ... on JoinRequest { viewerCan } ... on Invitation { viewerCan } } }";
    let mut lines: Vec<(Vec<&str>, String)> = Vec::new();
    let viewers = world.viewers();
    assert_eq!(viewers.iter().map(|(name, _)| *name).collect::<Vec<_>>(), ALL);
    for (name, client) in viewers {
        let answer = client.query(query, json!({ "id": id })).await.well();
        let can = match answer.at("node.viewerCan") {
            Value::Array(actions) => actions.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            _ => "-".to_owned(),
        };
        match lines.iter_mut().find(|(_, same)| *same == can) {
            Some((names, _)) => names.push(name),
            None => lines.push((vec![name], can)),
        }
    }
    lines.iter().map(|(names, can)| format!("{}: {can}\n", names.join(", "))).collect()
}

#[tokio::test]
async fn what_each_viewer_may_do() {
    let world = World::new().await;
    let mut text = String::new();
    let manager = &world.manager;
    let private = manager.document(&world.lab, json!({ "visibility": "PRIVATE" })).await;
    let shared = manager.document(&world.lab, json!({ "visibility": "SPACE" })).await;
    let by_editor = world.editor.document(&world.lab, json!({ "visibility": "SPACE" })).await;
    let open = manager.document(&world.lab, json!({ "visibility": "ORGANIZATION" })).await;
    let public = manager.document(&world.lab, json!({ "visibility": "PUBLIC" })).await;
    let trashed = manager.document(&world.lab, json!({ "visibility": "PUBLIC" })).await;
    manager.mutate("documentTrash", json!({ "id": trashed })).await.well();
    let tag = manager.tag(&world.lab, "red").await;
    let personal = world.personal_space(&world.member).await;
    let team = world.admin.team(&world.acme, "crew").await;
    let in_team = world.admin.add_team_member(&team, &world.member).await;
    let board = world.owner.space(&world.acme, "board", json!({ "privacy": "PRIVATE", "isListed": true })).await;
    let asking = world.member.join_request(&board).await;
    let invite = json!({ "organizationId": world.acme, "role": "OWNER" });
    let invited = world.owner.mutate("invitationCreate", invite).await.well();
    let invited = invited.text("invitationCreate.invitation.id").to_owned();
    let node = |table: &str, prefix: &str, email: &str| {
        let sql = format!(
            "SELECT m.id FROM tenancy.{table} m JOIN identity.users u ON u.id = m.user_id WHERE u.email = '{email}@acme.test'"
        );
        let (database, prefix) = (&world.database, prefix.to_owned());
        async move { crate::support::typed(&prefix, database.row(&sql).await["id"].as_str().expect("an id")) }
    };
    for (what, id) in [
        ("the organization", world.acme.clone()),
        ("the open space", world.handbook.clone()),
        ("the private space", world.lab.clone()),
        ("the member's personal space", personal),
        ("the project", world.rocket.clone()),
        ("a private document of the manager in the private space", private),
        ("a document of the manager for the space", shared),
        ("a document of the editor for the space", by_editor),
        ("a document open to the organization", open),
        ("a public document", public),
        ("a document in the trash", trashed),
        ("a tag of the private space", tag),
        ("the owner's membership", node("members", "mem", "owner").await),
        ("the admin's membership", node("members", "mem", "admin").await),
        ("the member's membership", node("members", "mem", "member").await),
        ("an invitation to become owner", invited),
        ("a team", team),
        ("the member's membership of a team", in_team),
        ("the member's request to join a listed space", asking),
        ("the reader's role in the private space", node("space_members", "spm", "reader").await),
        ("the developer's role in the project", node("project_members", "prm", "developer").await),
    ] {
        text += &format!(
            "{what}\n{}\n",
            table(&world, &id).await.lines().map(|line| format!("  {line}\n")).collect::<String>()
        );
    }
    insta::assert_snapshot!(text);
}
