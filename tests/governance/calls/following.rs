//! Calls as they go on: how far they have come is told, and who leaves ends them.

use std::time::Duration;

use serde_json::{Value, json};

use super::{allow_everything, approved, call_with, program, recorded};
use crate::governance::registry_walk::{tool, world};
use crate::governance::tool_server::ToolServer;
use crate::support::mcp::official;
use crate::support::{World, environment, eventually, new_id, typed};

const FOLLOW: &str = "subscription($project: ID!, $id: ID!) { mcpToolCallProgress(projectId: $project, id: $id) { \
    kind done total toolCall { id status } } }";

async fn everything() -> World {
    let world = world().await;
    let transport = program(&environment("TRELLIS_NODE"), &[&official("everything"), "stdio"], json!([]));
    approved(&world, "everything", transport).await;
    allow_everything(&world).await;
    world
}

#[tokio::test]
async fn a_follower_hears_how_far_a_call_has_come_and_how_it_ended() {
    let world = everything().await;
    let id = typed("call", &new_id().to_string());
    let variables = json!({ "project": world.rocket, "id": id });
    let mut own = world.developer.socket().await;
    own.subscribe(FOLLOW, variables.clone()).await;
    let mut of_admin = world.project_admin.socket().await;
    of_admin.subscribe(FOLLOW, variables.clone()).await;
    let mut strange = world.stranger.socket().await;
    strange.subscribe(FOLLOW, variables.clone()).await;
    assert_eq!(crate::support::socket::codes(&strange.message().await), ["NOT_FOUND"]);
    let mut reading = world.project_viewer.socket().await;
    reading.subscribe(FOLLOW, variables).await;
    assert_eq!(crate::support::socket::codes(&reading.message().await), ["FORBIDDEN"]);
    for socket in [&mut own, &mut of_admin] {
        socket.settle().await;
    }
    let slow = json!({ "id": id, "arguments": { "duration": 1.5, "steps": 3 } });
    let made = call_with(&world, &world.developer, "everything/trigger-long-running-operation", slow).await.well();
    assert_eq!(made.at("mcpToolCall.toolCall.id"), &json!(id));
    for socket in [&mut own, &mut of_admin] {
        let mut seen: Vec<Value> = Vec::new();
        loop {
            let told = socket.event().await["mcpToolCallProgress"].clone();
            let is_over = told["kind"] == "ENDED";
            seen.push(told);
            if is_over {
                break;
            }
        }
        let last = seen.pop().expect("an end");
        assert_eq!(last["toolCall"], json!({ "id": id, "status": "SUCCESS" }));
        assert!(!seen.is_empty() && seen.iter().all(|told| told["total"] == 3.0), "{seen:?}");
        assert!(seen.windows(2).all(|two| two[0]["done"].as_f64() < two[1]["done"].as_f64()), "{seen:?}");
    }
}

#[tokio::test]
async fn who_goes_away_cancels_the_call_and_it_counts() {
    let world = world().await;
    let server = ToolServer::with(json!([tool("wait")])).await;
    approved(&world, "slow", server.transport()).await;
    allow_everything(&world).await;
    server.say(|words| words.hangs_in_calls = true);
    let going = call_with(&world, &world.developer, "slow/wait", json!({ "arguments": {} }));
    let gone = tokio::time::timeout(Duration::from_secs(600), async {
        tokio::select! {
            _ = going => panic!("nobody answers"),
            () = eventually("the server hears of it", async || (!server.calls().is_empty()).then_some(())) => {}
        }
    });
    gone.await.expect("it goes on");
    let calls = recorded(&world, &world.owner, 1).await;
    assert_eq!((&calls[0]["status"], &calls[0]["errorCode"]), (&json!("CANCELED"), &json!("CANCELED")));
    eventually("the server is told", async || server.is_left_alone().then_some(())).await;
}
