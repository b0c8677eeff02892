//! The registry of MCP servers: how servers are registered, imported and told to others, what is refused, and who is told.

use serde_json::{Value, json};

use crate::support::{Client, World};

const SERVER: &str = "mcpServer { id name status health version currentVersion { id number label secretNames manifest transport { __typename \
    ... on McpStdioTransport { command arguments environment { name value } } ... on McpHttpTransport { url headers { name value } } } \
    latestScan { verdict findings(first: 20) { nodes { rule isHard place excerpt } } } } serverJson }";

/// Registers a server and gives what the payload holds of it.
async fn register(client: &Client, project: &str, name: &str, transport: Value) -> Value {
    let input = json!({ "projectId": project, "name": name, "transport": transport });
    let answer = client.mutate_for("mcpServerRegister", SERVER, input).await.well();
    answer.at("mcpServerRegister.mcpServer").clone()
}

fn stdio() -> Value {
    json!({ "stdio": { "command": "npx", "arguments": ["-y", "@acme/tools@1.2.3", "/data"],
        "environment": [{ "name": "API_KEY", "value": "${secrets.API_KEY}" }, { "name": "LEVEL", "value": "info" }] } })
}

#[tokio::test]
async fn a_form_registers_a_server_which_is_scanned_and_used_by_nobody_yet() {
    let world = World::new().await;
    let server = register(&world.project_admin, &world.rocket, "tools", stdio()).await;
    assert_eq!((&server["status"], &server["health"]), (&json!("PENDING"), &json!("UNKNOWN")));
    let version = &server["currentVersion"];
    assert_eq!((&version["number"], &version["secretNames"]), (&json!(1), &json!(["API_KEY"])));
    let environment =
        json!([{ "name": "API_KEY", "value": "${secrets.API_KEY}" }, { "name": "LEVEL", "value": "info" }]);
    assert_eq!(version["transport"]["environment"], environment);
    assert_eq!(version["latestScan"], json!({ "verdict": "PASSED", "findings": { "nodes": [] } }));

    let shell = json!({ "stdio": { "command": "bash", "arguments": ["-c", "npx thing"] } });
    let server = register(&world.project_admin, &world.rocket, "shell", shell).await;
    let scan = &server["currentVersion"]["latestScan"];
    assert_eq!(scan["verdict"], "FAILED");
    assert_eq!(scan["findings"]["nodes"][0]["rule"], "SHELL_WRAPPED");
}

#[tokio::test]
async fn a_server_goes_out_as_server_json_and_comes_back_the_same() {
    let world = World::new().await;
    let headers = json!([{ "name": "Authorization", "value": "Bearer ${secrets.TOKEN}" }]);
    let remote = json!({ "http": { "url": "https://tools.example.com/mcp", "headers": headers } });
    let program = json!({ "stdio": { "command": "/opt/tools/run", "arguments": ["--fast"] } });
    for (name, transport) in [("package", stdio()), ("remote", remote), ("program", program)] {
        let server = register(&world.project_admin, &world.rocket, name, transport).await;
        let file = server["serverJson"].as_str().expect("a file");
        assert!(file.contains("schemas/2025-12-11/server.schema.json") && file.contains("acme.rocket/"), "{file}");
        let input = json!({ "projectId": world.rocket, "name": format!("{name}-again"), "source": { "text": file } });
        let answer = world.project_admin.mutate_for("mcpServerImport", SERVER, input).await.well();
        let imported = answer.at("mcpServerImport.mcpServer");
        assert_eq!(imported["currentVersion"]["transport"], server["currentVersion"]["transport"], "{name}");
        let again = imported["serverJson"].as_str().expect("a file");
        let read = |text: &str| serde_json::from_str::<Value>(text).expect("JSON");
        assert_eq!(read(again), read(file), "what was imported goes out as it came");
    }
}

#[tokio::test]
async fn a_secret_in_the_open_is_refused_where_it_stands_and_stored_nowhere() {
    let world = World::new().await;
    let planted = format!("ghp_{}", "q".repeat(36));
    let before = world.database.digest().await;
    let environment = |name: &str, value: &str| json!({ "stdio": { "command": "npx", "arguments": ["a@1.0.0"], "environment": [{ "name": name, "value": value }] } });
    let header =
        json!({ "sse": { "url": "https://a.example/sse", "headers": [{ "name": "X-Key", "value": planted }] } });
    let argument = json!({ "stdio": { "command": "npx", "arguments": ["a@1.0.0", planted] } });
    for (transport, field) in [
        (environment("MODE", &planted), "transport.stdio.environment.MODE"),
        (environment("DB_PASSWORD", "correct horse"), "transport.stdio.environment.DB_PASSWORD"),
        (header, "transport.sse.headers.X-Key"),
        (argument, "transport.stdio.arguments[1]"),
    ] {
        let input = json!({ "projectId": world.rocket, "name": "tools", "transport": transport });
        let answer = world.project_admin.mutate("mcpServerRegister", input).await;
        answer.refused("SECRET_IN_THE_OPEN", field);
        assert!(!answer.body.contains(&planted), "{}", answer.body);
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn what_is_no_server_is_refused_with_the_field() {
    let world = World::new().await;
    let http = json!({ "http": { "url": "https://a.example/mcp" } });
    register(&world.project_admin, &world.rocket, "taken", http.clone()).await;
    let before = world.database.digest().await;
    let long = "a".repeat(256);
    for (name, transport, code, field) in [
        ("", http.clone(), "NAME_REQUIRED", "name"),
        ("a/b", http.clone(), "NAME_INVALID", "name"),
        ("a*", http.clone(), "NAME_INVALID", "name"),
        ("-a", http.clone(), "NAME_INVALID", "name"),
        ("werkzeug\u{202e}", http.clone(), "TEXT_INVALID", "name"),
        (&long, http.clone(), "TEXT_INVALID", "name"),
        ("taken", http.clone(), "NAME_TAKEN", "name"),
        ("a", json!({ "http": { "url": "ftp://a.example" } }), "TRANSPORT_INVALID", "transport.http.url"),
        ("a", json!({ "http": { "url": "https://u:p@a.example" } }), "TRANSPORT_INVALID", "transport.http.url"),
        ("a", json!({ "stdio": { "command": "" } }), "TRANSPORT_INVALID", "transport.stdio.command"),
        (
            "a",
            json!({ "stdio": { "command": "x", "environment": [{ "name": "A", "value": "1" }, { "name": "A", "value": "2" }] } }),
            "TRANSPORT_INVALID",
            "transport.stdio.environment.A",
        ),
    ] {
        let input = json!({ "projectId": world.rocket, "name": name, "transport": transport });
        world.project_admin.mutate("mcpServerRegister", input).await.refused(code, field);
    }
    for transport in
        [json!({}), json!({ "http": { "url": "https://a.example" }, "sse": { "url": "https://a.example" } })]
    {
        let input = json!({ "projectId": world.rocket, "name": "a", "transport": transport });
        let answer = world.project_admin.mutate("mcpServerRegister", input).await;
        assert!(!answer.codes().is_empty(), "one of the transports, and only one: {}", answer.body);
    }
    for text in ["", "{", "[]", "{\"name\": \"a/b\"}", &"[".repeat(100_000)] {
        let input = json!({ "projectId": world.rocket, "source": { "text": text } });
        world.project_admin.mutate("mcpServerImport", input).await.refused("MANIFEST_INVALID", "source");
    }
    assert_eq!(world.database.digest().await, before);
}

#[tokio::test]
async fn of_many_who_take_one_name_at_once_one_gets_it() {
    let world = World::new().await;
    let transport = json!({ "http": { "url": "https://a.example/mcp" } });
    let attempts = (0..8).map(|_| {
        let input = json!({ "projectId": world.rocket, "name": "wanted", "transport": transport });
        world.project_admin.mutate("mcpServerRegister", input)
    });
    let answers = futures_util::future::join_all(attempts).await;
    let won = answers.iter().filter(|answer| answer.refusals().is_empty()).count();
    assert_eq!(won, 1);
    for answer in answers.iter().filter(|answer| !answer.refusals().is_empty()) {
        answer.refused("NAME_TAKEN", "name");
    }
}

#[tokio::test]
async fn another_way_of_reaching_a_server_is_another_version_and_the_old_one_stays_as_it_was() {
    let world = World::new().await;
    let server = register(&world.project_admin, &world.rocket, "tools", stdio()).await;
    world.developer.mutate("mcpServerSubmit", json!({ "id": server["id"] })).await.well();
    let remote = json!({ "http": { "url": "https://tools.example.com/mcp" } });
    let input = json!({ "serverId": server["id"], "label": "2.0.0", "transport": remote });
    let answer = world.project_admin.mutate_for("mcpServerVersionCreate", SERVER, input).await.well();
    let changed = answer.at("mcpServerVersionCreate.mcpServer");
    assert_eq!((&changed["currentVersion"]["number"], &changed["status"]), (&json!(2), &json!("PENDING")));
    let query = "query($id: ID!) { node(id: $id) { ... on McpServer { submittedAt approvalBlockers \
        versions(first: 9) { totalCount nodes { number label transport { __typename } } } } } }";
    let answer = world.developer.query(query, json!({ "id": server["id"] })).await.well();
    assert_eq!(answer.at("node.submittedAt"), &Value::Null, "what was submitted is not what is there now");
    assert_eq!(answer.at("node.approvalBlockers"), &json!(["NOT_SUBMITTED", "NOT_DISCOVERED"]));
    let versions = answer.at("node.versions");
    assert_eq!(
        (&versions["totalCount"], &versions["nodes"][1]["transport"]["__typename"]),
        (&json!(2), &json!("McpStdioTransport"))
    );
    let rewritten = "UPDATE governance.mcp_server_versions SET label = 'other'";
    assert!(world.database.try_run(rewritten).await.is_err(), "not even by hand");
}

#[tokio::test]
async fn submitting_tells_who_may_approve_and_rejecting_tells_who_submitted() {
    let world = World::new().await;
    let server = register(&world.project_admin, &world.rocket, "tools", stdio()).await;
    let id = json!({ "id": server["id"] });
    world.owner.mutate("mcpServerApprove", id.clone()).await.refused("NOT_SUBMITTED", "");
    world.developer.mutate("mcpServerSubmit", id.clone()).await.well();
    let letters = world.server.letters();
    for address in ["owner@acme.test", "admin@acme.test"] {
        let letter = letters.last_of(1, address).await;
        assert_eq!(letter.subject, "Approve the tool server tools?");
        assert!(letter.text.contains(server["id"].as_str().expect("an id")), "{}", letter.text);
    }
    assert!(letters.to("project-admin@acme.test").is_empty(), "who may not approve is not asked");
    world.owner.mutate("mcpServerApprove", id.clone()).await.refused("NOT_DISCOVERED", "");
    let input = json!({ "id": server["id"], "reason": " " });
    world.admin.mutate("mcpServerReject", input).await.refused("REASON_REQUIRED", "reason");
    let input = json!({ "id": server["id"], "reason": "It reads too much. See https://evil.example" });
    world.admin.mutate("mcpServerReject", input).await.well();
    let letter = letters.last_of(1, "developer@acme.test").await;
    assert!(letter.text.contains("It reads too much"), "{}", letter.text);
    assert!(!letter.text.contains("https://evil"), "nothing to follow but our own page: {}", letter.text);
    world.owner.mutate("mcpServerApprove", id.clone()).await.refused("WRONG_STATE", "");
    world.developer.mutate("mcpServerSubmit", id).await.well();
}

#[tokio::test]
async fn a_server_of_an_archived_project_stays_as_it_is_and_a_deleted_one_is_gone_with_all_it_had() {
    let world = World::new().await;
    let server = register(&world.project_admin, &world.rocket, "tools", stdio()).await;
    let (id, version) = (&server["id"], server["currentVersion"]["id"].as_str().expect("an id"));
    world.owner.mutate("projectUpdate", json!({ "id": world.rocket, "status": "ARCHIVED" })).await.well();
    let input = json!({ "id": id, "isEnabled": false });
    world.owner.mutate("mcpServerUpdate", input).await.refused("PROJECT_ARCHIVED", "");
    world.owner.mutate("projectUpdate", json!({ "id": world.rocket, "status": "ACTIVE" })).await.well();
    world.owner.mutate("mcpServerDelete", json!({ "id": id })).await.well();
    for gone in [id.as_str().expect("an id"), version] {
        assert!(world.owner.node(gone).await.is_null(), "{gone}");
    }
    let again = register(&world.project_admin, &world.rocket, "tools", stdio()).await;
    assert_ne!(again["id"], server["id"], "its name is free again");
}

#[tokio::test]
async fn who_follows_a_project_is_told_of_each_change_of_its_servers_and_last_that_access_is_lost() {
    let world = World::new().await;
    let query = "subscription($id: ID!, $after: String) { projectMcpServersChanged(projectId: $id, after: $after) { kind mcpServer { name } actor { name } } }";
    let transport = json!({ "http": { "url": "https://a.example/mcp" } });
    let input = json!({ "projectId": world.rocket, "name": "earlier", "transport": transport });
    let earlier = world.project_admin.mutate("mcpServerRegister", input).await.well();
    register(&world.project_admin, &world.rocket, "tools", transport.clone()).await;
    let mut socket = world.developer.socket().await;
    let after = earlier.text("mcpServerRegister.commitCursor");
    socket.subscribe(query, json!({ "id": world.rocket, "after": after })).await;
    let told = &socket.event().await["projectMcpServersChanged"];
    assert_eq!((&told["kind"], &told["actor"]["name"]), (&json!("REGISTERED"), &json!("project-admin")));
    assert_eq!(told["mcpServer"]["name"], "tools", "and not of what was before the cursor");
    let roles =
        "query($id: ID!) { node(id: $id) { ... on Project { members(first: 9) { nodes { id user { name } } } } } }";
    let answer = world.owner.query(roles, json!({ "id": world.rocket })).await.well();
    let of_developer = answer.list("node.members.nodes").iter().find(|node| node["user"]["name"] == "developer");
    let role = of_developer.expect("a role")["id"].clone();
    world.owner.mutate("projectMemberRemove", json!({ "id": role })).await.well();
    register(&world.project_admin, &world.rocket, "hidden", transport).await;
    let told = &socket.event().await["projectMcpServersChanged"];
    assert_eq!((&told["kind"], &told["mcpServer"]), (&json!("ACCESS_LOST"), &Value::Null));
    assert_eq!(socket.message().await["type"], "complete");
}
