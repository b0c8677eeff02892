//! The rows of the matrix for policies, and for what is decided by them.

use serde_json::{Value, json};

use super::rows::{Change, change, free};

/// Rules that allow some tools.
fn allowing(tools: &str) -> Value {
    json!({ "access": { "allowedTools": [tools] } })
}

/// The mutations of policies, and of what is decided by them.
pub const POLICY_CHANGES: &[Change] = &[
    change(
        "policyCreate",
        "of acme",
        "MANAGE_POLICIES",
        |scene| &scene.world.acme,
        |scene| json!({ "scope": { "organizationId": scene.world.acme }, "name": "New", "rules": allowing("*") }),
    ),
    change(
        "policyCreate",
        "of rocket",
        "MANAGE_POLICIES",
        |scene| &scene.world.rocket,
        |scene| json!({ "scope": { "projectId": scene.world.rocket }, "name": "New", "rules": allowing("*") }),
    ),
    change(
        "policyUpdate",
        "of acme, published",
        "EDIT",
        |scene| &scene.policy,
        |scene| json!({ "id": scene.policy, "name": "New" }),
    ),
    change(
        "policyUpdate",
        "of rocket, published",
        "EDIT",
        |scene| &scene.project_policy,
        |scene| json!({ "id": scene.project_policy, "rules": allowing("new") }),
    ),
    change("policyPublish", "of acme, a draft", "PUBLISH", |scene| &scene.draft, |scene| json!({ "id": scene.draft })),
    change(
        "policyPublish",
        "of rocket, a draft",
        "PUBLISH",
        |scene| &scene.project_draft,
        |scene| json!({ "id": scene.project_draft }),
    ),
    change(
        "policyDisable",
        "of acme, published",
        "PUBLISH",
        |scene| &scene.policy,
        |scene| json!({ "id": scene.policy }),
    ),
    change(
        "policyDelete",
        "of acme, published",
        "DELETE",
        |scene| &scene.policy,
        |scene| json!({ "id": scene.policy }),
    ),
    change(
        "policyDelete",
        "of rocket, published",
        "DELETE",
        |scene| &scene.project_policy,
        |scene| json!({ "id": scene.project_policy }),
    ),
    free(
        "approvalRequest",
        "for git/ask",
        |scene| json!({ "projectId": scene.world.rocket, "server": "git", "tool": "ask", "arguments": { "n": 1 } }),
    ),
    change(
        "approvalApprove",
        "of the developer",
        "DECIDE",
        |scene| &scene.approval,
        |scene| json!({ "id": scene.approval }),
    ),
    change(
        "approvalDeny",
        "of the developer",
        "DECIDE",
        |scene| &scene.approval,
        |scene| json!({ "id": scene.approval }),
    ),
    change(
        "approvalWithdraw",
        "of the developer",
        "WITHDRAW",
        |scene| &scene.approval,
        |scene| json!({ "id": scene.approval }),
    ),
    change(
        "policySimulate",
        "in acme, nothing but what is no change",
        "MANAGE_POLICIES",
        |scene| &scene.world.acme,
        |scene| {
            let scope = json!({ "organizationId": scene.world.acme });
            json!({ "scope": scope, "changes": [{ "scope": scope, "rules": allowing("*") }], "since": "2020-01-01T00:00:00Z", "before": "2020-01-02T00:00:00Z" })
        },
    ),
    change(
        "policySimulationCancel",
        "of acme",
        "WITHDRAW",
        |scene| &scene.simulation,
        |scene| json!({ "id": scene.simulation }),
    ),
];
