//! What may be used: limits that hold for many callers at once, on several servers, and without Redis.

mod budgets;
mod limits;

use api::governance::decision::AppliedLimit;
use api::metering::limits::{Admission, Refused, Subjects, Usage, admit};
use api::platform::request::{Platform, Request};
use entity::ids::{ApiKeyId, DecisionId, McpServerId, OrganizationId, ProjectId, UserId};
use serde_json::{Value, json};

use crate::support::{World, new_id, uuid};

/// A policy of acme, or of its project rocket.
pub async fn policy(world: &World, of_project: bool) -> String {
    let id = new_id().to_string();
    let project = if of_project { format!("'{}'", uuid(&world.rocket)) } else { "NULL".to_owned() };
    let sql = format!(
        "INSERT INTO governance.policies (id, organization_id, project_id, name, type, rules, status) \
         VALUES ('{id}', '{}', {project}, 'A limit', 'usage', '{{\"limits\": []}}', 'active')",
        uuid(&world.acme)
    );
    world.database.run(&sql).await;
    id
}

/// A hard limit of requests, changed by the overrides: of the limit itself, and `enforced` and `index` beside it.
pub fn limit(policy: &str, amount: u32, window: &str, counted_by: &str, overrides: Value) -> AppliedLimit {
    let mut limit = json!({ "measure": "requests", "amount": amount.to_string(), "window": window,
        "counted_by": counted_by, "enforcement": "hard" });
    let mut applied = json!({ "policy_id": policy, "index": 0, "enforced": true, "per_second": "1" });
    for (name, value) in overrides.as_object().into_iter().flatten() {
        let of = if ["index", "enforced"].contains(&name.as_str()) { &mut applied } else { &mut limit };
        of[name.as_str()] = value.clone();
    }
    applied["limit"] = limit;
    serde_json::from_value(applied).expect("a limit")
}

fn id<T: From<uuid::Uuid>>(text: &str) -> T {
    uuid::Uuid::parse_str(&uuid(text)).expect("a UUID").into()
}

/// A call of the member in the project rocket.
pub fn subjects(world: &World) -> Subjects {
    Subjects {
        decision: DecisionId(new_id()),
        organization: id::<OrganizationId>(&world.acme),
        project: Some(id::<ProjectId>(&world.rocket)),
        user: Some(id::<UserId>(&world.member.id)),
        key: Some(ApiKeyId(uuid::Uuid::nil())),
        server: Some(McpServerId(uuid::Uuid::nil())),
        tool: None,
    }
}

/// Asks for one call.
pub async fn ask(platform: &Platform, world: &World, limits: &[AppliedLimit]) -> Result<Admission, Refused> {
    ask_for(platform, world, limits, Usage::request()).await
}

pub async fn ask_for(
    platform: &Platform,
    world: &World,
    limits: &[AppliedLimit],
    estimate: Usage,
) -> Result<Admission, Refused> {
    let request = Request::as_system(platform, "a test calls");
    admit(&request, limits, &subjects(world), estimate).await
}

/// Whether a call was admitted. Any refusal must be for want of room.
pub fn is_admitted(answer: &Result<Admission, Refused>) -> bool {
    match answer {
        Ok(_) => true,
        Err(Refused::Reached(_)) => false,
        Err(Refused::Failed(error)) => panic!("{error}"),
    }
}
