//! The rows of the matrix for the registry of tool servers.

use serde_json::json;

use super::rows::{Change, change};

/// The mutations of the registry of tool servers.
pub const REGISTRY_CHANGES: &[Change] = &[
    change(
        "mcpServerRegister",
        "in rocket",
        "REGISTER_SERVERS",
        |scene| &scene.world.rocket,
        |scene| {
            let transport = json!({ "sse": { "url": "https://tools.example.com/sse" } });
            json!({ "projectId": scene.world.rocket, "name": "new", "transport": transport })
        },
    ),
    change(
        "mcpServerImport",
        "into rocket",
        "REGISTER_SERVERS",
        |scene| &scene.world.rocket,
        |scene| json!({ "projectId": scene.world.rocket, "source": { "text": server_json() } }),
    ),
    change(
        "mcpServerUpdate",
        "of rocket",
        "EDIT",
        |scene| &scene.server,
        |scene| json!({ "id": scene.server, "description": "New." }),
    ),
    change(
        "mcpServerVersionCreate",
        "of rocket",
        "EDIT",
        |scene| &scene.server,
        |scene| json!({ "serverId": scene.server, "transport": { "http": { "url": "https://tools.example.com/2" } } }),
    ),
    change("mcpServerDelete", "of rocket", "DELETE", |scene| &scene.server, |scene| json!({ "id": scene.server })),
    change(
        "mcpToolCall",
        "of a tool that is not there",
        "CALL_TOOLS",
        |scene| &scene.server,
        |scene| json!({ "projectId": scene.world.rocket, "server": "weather", "tool": "none" }),
    ),
    change("mcpServerDiscover", "of rocket", "EDIT", |scene| &scene.server, |scene| json!({ "id": scene.server })),
    change("mcpServerCheckHealth", "of rocket", "EDIT", |scene| &scene.server, |scene| json!({ "id": scene.server })),
    change("mcpServerSubmit", "of rocket", "SUBMIT", |scene| &scene.server, |scene| json!({ "id": scene.server })),
    change("mcpServerApprove", "of rocket", "DECIDE", |scene| &scene.server, |scene| json!({ "id": scene.server })),
    change(
        "mcpServerReject",
        "of rocket",
        "DECIDE",
        |scene| &scene.server,
        |scene| json!({ "id": scene.server, "reason": "No." }),
    ),
    change(
        "mcpServerDeprecate",
        "not approved",
        "DECIDE",
        |scene| &scene.server,
        |scene| json!({ "id": scene.server }),
    ),
    change(
        "mcpToolUpdate",
        "of a server of rocket",
        "EDIT",
        |scene| &scene.tool,
        |scene| json!({ "id": scene.tool, "isEnabled": false }),
    ),
    change(
        "mcpToolApprove",
        "of a server of rocket",
        "DECIDE",
        |scene| &scene.tool,
        |scene| json!({ "id": scene.tool }),
    ),
    change(
        "mcpToolOverrideRisk",
        "of a server of rocket",
        "DECIDE",
        |scene| &scene.tool,
        |scene| {
            let until = crate::support::now() + chrono::Days::new(30);
            json!({ "id": scene.tool, "level": "HIGH", "reason": "Seen.", "expiresAt": until })
        },
    ),
    change(
        "mcpToolClearRiskOverride",
        "of a server of rocket",
        "DECIDE",
        |scene| &scene.tool,
        |scene| json!({ "id": scene.tool }),
    ),
];

/// The description of a server at an address.
pub fn server_json() -> String {
    let remote = json!({ "type": "streamable-http", "url": "https://tools.example.com/mcp" });
    let file = json!({ "name": "io.github.someone/imported", "description": "Tools.", "version": "1.0.0", "remotes": [remote] });
    file.to_string()
}
