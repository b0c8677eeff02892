//! Approvals per use: who asks, who answers, and that silence is a no.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::support::{Answer, Client, World, eventually, uuid};

const FIELDS: &str = "approval { id state toolName message arguments expiresAt requestedBy { id } decidedBy { id } \
    decisionReason viewerCan decisionId policyVersion }";

/// A world in which each use of git/push by anybody needs an approval.
async fn world() -> World {
    let world = World::new().await;
    world.tools("git", &["push", "pull"]).await;
    let rules = json!({ "access": { "allowedTools": ["git/pull"], "approvedTools": ["git/push"] } });
    let id = world.owner.policy(&json!({ "organizationId": world.acme }), json!({ "rules": rules })).await;
    world.owner.mutate("policyPublish", json!({ "id": id })).await.well();
    world
}

async fn ask(world: &World, client: &Client, arguments: Value) -> Answer {
    let input = json!({ "projectId": world.rocket, "server": "git", "tool": "push", "arguments": arguments, "message": "Please." });
    client.mutate_for("approvalRequest", FIELDS, input).await
}

async fn asked(world: &World, client: &Client, arguments: Value) -> String {
    ask(world, client, arguments).await.well().text("approvalRequest.approval.id").to_owned()
}

async fn can(client: &Client, id: &str) -> Vec<String> {
    let query = "query($id: ID!) { node(id: $id) { ... on Approval { viewerCan } } }";
    let answer = client.query(query, json!({ "id": id })).await.well();
    let can = answer.at("node.viewerCan").as_array().cloned().unwrap_or_default();
    can.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

#[tokio::test]
async fn somebody_else_answers_and_nobody_else_sees_it() {
    let world = world().await;
    let answer = ask(&world, &world.developer, json!({ "branch": "main", "token": "hunter2" })).await.well();
    let approval = answer.at("approvalRequest.approval");
    assert_eq!((&approval["state"], &approval["message"]), (&json!("PENDING"), &json!("Please.")));
    assert_eq!(approval["arguments"], json!({ "branch": "main", "token": "[redacted]" }));
    assert_eq!(approval["policyVersion"], json!(2));
    let id = approval["id"].as_str().expect("an id");
    for (name, client) in world.viewers() {
        let expected: &[&str] = match name {
            "owner" | "admin" | "project admin" => &["READ", "DECIDE"],
            "developer" => &["READ", "WITHDRAW"],
            _ => &[],
        };
        assert_eq!(can(client, id).await, expected, "{name}");
    }
    assert_eq!(world.developer.mutate("approvalApprove", json!({ "id": id })).await.code(), "FORBIDDEN");
    assert_eq!(world.project_viewer.mutate("approvalApprove", json!({ "id": id })).await.code(), "NOT_FOUND");
    let input = json!({ "id": id, "reason": "Fine." });
    let answer = world.project_admin.mutate_for("approvalApprove", FIELDS, input).await.well();
    let approval = answer.at("approvalApprove.approval");
    assert_eq!((&approval["state"], &approval["decisionReason"]), (&json!("APPROVED"), &json!("Fine.")));
    assert_eq!(approval["decidedBy"]["id"], json!(world.project_admin.id));
    assert_eq!(world.owner.mutate("approvalDeny", json!({ "id": id })).await.code(), "FORBIDDEN", "it was answered");
}

#[tokio::test]
async fn who_asks_never_answers_whatever_their_role() {
    let world = world().await;
    let id = asked(&world, &world.owner, json!({})).await;
    assert_eq!(can(&world.owner, &id).await, ["READ", "WITHDRAW"]);
    for mutation in ["approvalApprove", "approvalDeny"] {
        assert_eq!(world.owner.mutate(mutation, json!({ "id": id })).await.code(), "FORBIDDEN");
    }
    world.admin.mutate("approvalApprove", json!({ "id": id })).await.well();
    world.owner.mutate("approvalWithdraw", json!({ "id": id })).await.well();
    let sql = format!("SELECT state FROM governance.approvals WHERE id = '{}'", uuid(&id));
    assert_eq!(world.database.row(&sql).await["state"], "withdrawn");
}

#[tokio::test]
async fn only_what_needs_an_approval_is_asked_for_and_once_at_a_time() {
    let world = world().await;
    let input = |tool: &str| json!({ "projectId": world.rocket, "server": "git", "tool": tool, "arguments": {} });
    world.developer.mutate("approvalRequest", input("pull")).await.refused("NOT_NEEDED", "");
    world.developer.mutate("approvalRequest", input("nothing")).await.refused("DENIED", "");
    assert_eq!(world.project_viewer.mutate("approvalRequest", input("push")).await.code(), "FORBIDDEN");
    assert_eq!(world.member.mutate("approvalRequest", input("push")).await.code(), "NOT_FOUND");
    let both =
        futures_util::future::join_all((0..6).map(|_| ask(&world, &world.developer, json!({ "a": 1, "b": 2 })))).await;
    let done = both.iter().filter(|answer| answer.refusals().is_empty()).count();
    assert_eq!(done, 1);
    // The same arguments, however they are written.
    ask(&world, &world.developer, json!({ "b": 2, "a": 1 })).await.refused("ALREADY_REQUESTED", "");
    asked(&world, &world.developer, json!({ "a": 1, "b": 3 })).await;
    asked(&world, &world.project_admin, json!({ "a": 1, "b": 2 })).await;
}

#[tokio::test]
async fn silence_is_a_no() {
    let world = world().await;
    let (pending, approved) = (
        asked(&world, &world.developer, json!({ "n": 1 })).await,
        asked(&world, &world.developer, json!({ "n": 2 })).await,
    );
    world.owner.mutate("approvalApprove", json!({ "id": approved })).await.well();
    let past = "UPDATE governance.approvals SET created_at = now() - interval '2 hours', expires_at = now() - interval '1 second'";
    world.database.run(past).await;
    let input = json!({ "id": pending });
    let answer = world.owner.mutate("approvalApprove", input).await;
    assert!(answer.refusals() == ["EXPIRED"] || answer.codes() == ["FORBIDDEN"], "{}", answer.body);
    let query = "query($id: ID!) { node(id: $id) { ... on Approval { state } } }";
    for id in [&pending, &approved] {
        assert_eq!(world.developer.query(query, json!({ "id": id })).await.well().at("node.state"), "EXPIRED");
    }
    let sql = "SELECT count(*) FROM governance.approvals WHERE state = 'expired'";
    eventually("the requests end", async || (world.database.number(sql).await == 2).then_some(())).await;
    // Then the same may be asked again.
    asked(&world, &world.developer, json!({ "n": 1 })).await;
}

#[tokio::test]
async fn two_answers_at_once_are_one() {
    let world = world().await;
    let id = asked(&world, &world.developer, json!({})).await;
    let answers = join_all(
        [(&world.owner, "approvalApprove"), (&world.admin, "approvalDeny"), (&world.project_admin, "approvalApprove")]
            .map(|(client, mutation)| client.mutate(mutation, json!({ "id": id }))),
    )
    .await;
    assert_eq!(answers.iter().filter(|answer| answer.codes().is_empty()).count(), 1);
    let sql = "SELECT count(*) FROM platform.outbox WHERE event_type IN ('approval.approved', 'approval.denied')";
    assert_eq!(world.database.number(sql).await, 1);
}

#[tokio::test]
async fn those_who_may_answer_and_who_asked_are_told() {
    let world = world().await;
    let query = "subscription($id: ID!) { approvalChanged(projectId: $id) { kind approval { id state } } }";
    let mut sockets = Vec::new();
    for client in [&world.project_admin, &world.developer, &world.project_viewer] {
        let mut socket = client.socket().await;
        socket.subscribe(query, json!({ "id": world.rocket })).await;
        socket.settle().await;
        sockets.push(socket);
    }
    let id = asked(&world, &world.developer, json!({})).await;
    world.admin.mutate("approvalDeny", json!({ "id": id, "reason": "No." })).await.well();
    for socket in &mut sockets[..2] {
        for kind in ["REQUESTED", "DENIED"] {
            let event = socket.event().await;
            assert_eq!(
                (&event["approvalChanged"]["kind"], &event["approvalChanged"]["approval"]["id"]),
                (&json!(kind), &json!(id))
            );
        }
    }
    sockets[2].settle().await;
    let letters = world.server.letters();
    let told = letters.last_of(1, "project-admin@acme.test").await;
    assert!(told.text.contains("push") && told.text.contains(&id), "{}", told.text);
    let answered = letters.last_of(1, "developer@acme.test").await;
    assert!(answered.text.contains("denied"), "{}", answered.text);
    let list = "{ organization(slug: \"acme\") { project(slug: \"rocket\") { approvals(first: 5, filter: { states: [DENIED] }) { totalCount nodes { id } } } } }";
    assert_eq!(
        world.developer.query(list, Value::Null).await.well().number("organization.project.approvals.totalCount"),
        1
    );
    assert_eq!(
        world.project_viewer.query(list, Value::Null).await.well().number("organization.project.approvals.totalCount"),
        0
    );
}

#[tokio::test]
async fn who_wants_no_mail_gets_no_letter_and_still_may_answer() {
    let world = world().await;
    world.project_admin.mutate("settingsUpdate", json!({ "notifications": { "email": false } })).await.well();
    let first = asked(&world, &world.developer, json!({ "n": 1 })).await;
    world.project_admin.mutate("approvalDeny", json!({ "id": first })).await.well();
    world.project_admin.mutate("settingsUpdate", json!({ "notifications": { "email": true } })).await.well();
    let second = asked(&world, &world.developer, json!({ "n": 2 })).await;
    let letters = world.server.letters();
    assert!(letters.last_of(2, "owner@acme.test").await.text.contains(&second));
    letters.last_of(1, "project-admin@acme.test").await;
    let told = letters.to("project-admin@acme.test");
    assert!(told.len() == 1 && told[0].text.contains(&second), "{}", told[0].text);
}

#[tokio::test]
async fn twenty_calls_of_one_person_wait_in_a_project_and_no_more() {
    let world = world().await;
    let answers = join_all((0..24).map(|number| ask(&world, &world.developer, json!({ "n": number })))).await;
    let refused: Vec<&Answer> = answers.iter().filter(|answer| !answer.refusals().is_empty()).collect();
    assert!(refused.iter().all(|answer| answer.refusals() == ["TOO_MANY"]));
    assert_eq!(refused.len(), 4, "also when many are asked for at once");
    let waiting = answers.iter().position(|answer| answer.refusals().is_empty()).expect("twenty of them");
    let again = ask(&world, &world.developer, json!({ "n": waiting })).await;
    assert_eq!(again.refusals(), ["ALREADY_REQUESTED"], "it waits already, and is not one more");
    let call = json!({ "projectId": world.rocket, "server": "git", "tool": "push", "arguments": { "n": 100 } });
    let called = world.developer.mutate("mcpToolCall", call).await;
    assert_eq!(called.refusals(), ["TOO_MANY"], "{}", called.body);
    asked(&world, &world.project_admin, json!({ "n": 0 })).await;
    let id = answers[waiting].text("approvalRequest.approval.id");
    world.developer.mutate("approvalWithdraw", json!({ "id": id })).await.well();
    asked(&world, &world.developer, json!({ "n": 100 })).await;
    let pending = format!(
        "SELECT count(*) FROM governance.approvals WHERE state = 'pending' AND requested_by = '{}'",
        uuid(&world.developer.id)
    );
    assert_eq!(world.database.number(&pending).await, 20);
}
