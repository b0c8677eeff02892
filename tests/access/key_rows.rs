//! The rows of the matrix for keys and secrets.

use serde_json::json;

use super::rows::{Change, change, free};

pub const KEY_CHANGES: &[Change] = &[
    change(
        "apiKeyCreate",
        "of rocket",
        "CREATE_KEYS",
        |scene| &scene.world.rocket,
        |scene| json!({ "projectId": scene.world.rocket, "name": "New", "scopes": ["DOCUMENTS_READ"] }),
    ),
    free("apiKeyCreate", "their own", |_| json!({ "name": "New", "scopes": ["DOCUMENTS_READ"] })),
    change(
        "apiKeyUpdate",
        "of rocket",
        "EDIT",
        |scene| &scene.key,
        |scene| json!({ "id": scene.key, "scopes": ["TOOLS_CALL"] }),
    ),
    change(
        "apiKeyUpdate",
        "the member's",
        "EDIT",
        |scene| &scene.personal_key,
        |scene| json!({ "id": scene.personal_key, "name": "New" }),
    ),
    change("apiKeyRotate", "of rocket", "ROTATE", |scene| &scene.key, |scene| json!({ "id": scene.key })),
    change("apiKeyRevoke", "of rocket", "REVOKE", |scene| &scene.key, |scene| json!({ "id": scene.key })),
    change(
        "apiKeyRevoke",
        "the member's",
        "REVOKE",
        |scene| &scene.personal_key,
        |scene| json!({ "id": scene.personal_key }),
    ),
    change(
        "secretCreate",
        "of rocket",
        "MANAGE_SECRETS",
        |scene| &scene.world.rocket,
        |scene| json!({ "projectId": scene.world.rocket, "name": "NEW", "value": "new" }),
    ),
    change(
        "secretUpdate",
        "of rocket",
        "EDIT",
        |scene| &scene.secret,
        |scene| json!({ "id": scene.secret, "value": "new" }),
    ),
    change("secretDelete", "of rocket", "DELETE", |scene| &scene.secret, |scene| json!({ "id": scene.secret })),
];
