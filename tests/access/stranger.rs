//! The walk of somebody who may see nothing: over every id in the database and every root field, they find nothing,
//! learn nothing and change nothing.

use std::collections::{BTreeMap, BTreeSet};

use async_graphql::parser::types::{BaseType, InputValueDefinition};
use serde_json::{Map, Value, json};

use super::registry_rows::server_json;
use super::rows::SIGHTS;
use super::scene::Scene;
use crate::support::{Client, base, graph, socket, typed, uuid};

/// Stands in every text that belongs to acme.
const MARK: &str = "Marked";

/// Those who have a subscription, which has the id of its owner.
const SUBSCRIBERS: &str =
    "(SELECT id FROM tenancy.organizations UNION ALL SELECT id FROM identity.users) AS subscribers";

/// The tables whose rows have an id, and the prefix of each.
const KINDS: &[(&str, &str)] = &[
    ("user", "identity.users"),
    ("ses", "identity.sessions"),
    ("oac", "identity.oauth_connections"),
    ("org", "tenancy.organizations"),
    ("mem", "tenancy.members"),
    ("inv", "tenancy.invitations"),
    ("team", "tenancy.teams"),
    ("tmm", "tenancy.team_members"),
    ("prj", "tenancy.projects"),
    ("prm", "tenancy.project_members"),
    ("spc", "tenancy.spaces"),
    ("spm", "tenancy.space_members"),
    ("jrq", "tenancy.join_requests"),
    ("doc", "content.documents"),
    ("tag", "content.tags"),
    ("mcp", "governance.mcp_servers"),
    ("mcv", "governance.mcp_server_versions"),
    ("mcd", "governance.mcp_discoveries"),
    ("tool", "governance.mcp_tools"),
    ("scan", "governance.mcp_scans"),
    ("call", "metering.mcp_usage"),
    ("key", "governance.api_keys"),
    ("sec", "governance.secrets"),
    ("pol", "governance.policies"),
    ("sim", "governance.policy_simulations"),
    ("dec", "governance.decisions"),
    ("apr", "governance.approvals"),
    ("bud", "metering.budgets"),
    ("sub", SUBSCRIBERS),
    ("aud", "audit.logs"),
];

/// A scene in which everything of acme is marked and nothing of it is public.
async fn marked() -> Scene {
    let scene = Scene::new().await;
    let database = &scene.world.database;
    database.run("UPDATE content.documents SET visibility = 'space' WHERE visibility = 'public'").await;
    for (table, columns) in [
        ("content.documents", &["title", "description", "source", "external_id"][..]),
        ("content.document_contents", &["source"]),
        ("content.tags", &["name", "description"]),
        ("governance.api_keys", &["name", "description"]),
        ("governance.secrets", &["name"]),
        ("tenancy.organizations", &["name", "description"]),
        ("tenancy.teams", &["name", "description"]),
        ("tenancy.projects", &["name", "description"]),
        ("tenancy.spaces", &["name", "description"]),
        ("identity.users", &["name", "first_name", "last_name", "company", "bio"]),
        ("governance.mcp_servers", &["description", "health_error"]),
        ("governance.mcp_discoveries", &["instructions", "error_message"]),
        ("governance.mcp_tools", &["title", "description"]),
        ("governance.policies", &["name", "description"]),
        ("governance.decisions", &["tool_name", "reason"]),
        ("governance.approvals", &["tool_name", "message"]),
    ] {
        let whose = match table {
            "identity.users" => "email <> 'stranger@acme.test'".to_owned(),
            "tenancy.organizations" => "slug = 'acme'".to_owned(),
            "tenancy.spaces" => "slug <> 'vault' AND coalesce(user_id, created_by) <> (SELECT id FROM identity.users WHERE email = 'stranger@acme.test')".to_owned(),
            "content.document_contents" => "true".to_owned(),
            _ => "organization_id IS NULL OR organization_id = (SELECT id FROM tenancy.organizations WHERE slug = 'acme')".to_owned(),
        };
        let key = if table == "content.document_contents" { "document_id" } else { "id" };
        let sets: Vec<String> = columns
            .iter()
            .map(|column| {
                let space = if table == "governance.secrets" { "_" } else { " " };
                format!("{column} = '{MARK}{space}{column}{space}' || left({key}::text, 8) || right({key}::text, 12)")
            })
            .collect();
        // Decisions keep what was written, but for this.
        let keeps = if table == "governance.decisions" { "SET LOCAL session_replication_role = replica; " } else { "" };
        database.run(&format!("{keeps}UPDATE {table} SET {} WHERE {whose}", sets.join(", "))).await;
    }
    scene
}

/// Every id there is, by its prefix.
async fn ids(scene: &Scene) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for &(prefix, table) in KINDS {
        let rows = scene.world.database.rows(&format!("SELECT id FROM {table}")).await;
        all.push((prefix, rows.iter().map(|row| typed(prefix, row["id"].as_str().expect("an id"))).collect()));
    }
    all
}

/// What is the stranger's own.
async fn own(scene: &Scene) -> BTreeSet<String> {
    let query = "{ viewer { user { id } sessions(first: 9) { nodes { id } } personalSpace { id } auditLog(first: 100) { nodes { id } } \
                 organizations(first: 9) { nodes { id auditLog(first: 100) { nodes { id } } members(first: 9) { nodes { id } } \
                 spaces(first: 9) { nodes { id members(first: 9) { nodes { id } } } } } } } }";
    let answer = scene.world.stranger.query(query, Value::Null).await.well();
    let mut found = BTreeSet::new();
    collect(&answer.json["data"], &mut found);
    let subscribers = found.iter().filter(|id| id.starts_with("user_") || id.starts_with("org_"));
    let subscriptions: Vec<String> = subscribers.map(|id| typed("sub", &uuid(id))).collect();
    found.extend(subscriptions);
    found
}

#[tokio::test]
async fn the_walk_passes_every_type_of_node() {
    let scene = Scene::new().await;
    for sight in SIGHTS {
        let id = (sight.id)(&scene);
        let prefix = id.split('_').next().unwrap_or_default();
        assert!(KINDS.iter().any(|(known, _)| *known == prefix), "{} has no table in KINDS", sight.of);
    }
}

fn collect(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            found.extend(fields.get("id").and_then(Value::as_str).map(str::to_owned));
            fields.values().for_each(|value| collect(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn a_strangers_walk_over_every_id_finds_nothing() {
    let scene = marked().await;
    let own = own(&scene).await;
    for (_, ids) in ids(&scene).await {
        for some in ids.chunks(100) {
            for (client, own) in [(&scene.world.stranger, &own), (&scene.world.anonymous, &BTreeSet::new())] {
                let answer = client
                    .query("query($ids: [ID!]!) { nodes(ids: $ids) { __typename id } }", json!({ "ids": some }))
                    .await
                    .well();
                for (id, node) in some.iter().zip(answer.list("nodes")) {
                    assert_eq!(node["id"].as_str().is_some(), own.contains(id), "{id}: {node}");
                }
                assert!(!answer.body.contains(MARK), "{}", answer.body);
            }
        }
    }
}

/// One of each kind that belongs to the stranger, by the noun that mutations and id fields begin with.
async fn belongings(scene: &Scene) -> BTreeMap<&'static str, String> {
    let world = &scene.world;
    let stranger = &world.stranger;
    let holding = async |table: &str, prefix: &str| {
        let sql = format!("SELECT id FROM {table} WHERE user_id = '{}'", uuid(&stranger.id));
        typed(prefix, world.database.row(&sql).await["id"].as_str().expect("an id"))
    };
    let connection = "018f0000-0000-7000-8000-00000000beef";
    let sql = format!(
        "INSERT INTO identity.oauth_connections (id, user_id, provider, provider_id, issuer) \
         VALUES ('{connection}', '{}', 'one', 'stranger', 'https://one.example')",
        uuid(&stranger.id)
    );
    world.database.run(&sql).await;
    let project = stranger.project(&world.globex, "probe").await;
    let team = stranger.team(&world.globex, "Probers").await;
    let (tools, asked) = ("018f0000-0000-7000-8000-00000000a5c0", "018f0000-0000-7000-8000-00000000a5c1");
    let sql = format!(
        "INSERT INTO governance.mcp_servers (id, project_id, organization_id, name) \
         SELECT '{tools}', id, organization_id, 'asked' FROM tenancy.projects WHERE id = '{project}'; \
         INSERT INTO governance.approvals (id, server_id, organization_id, project_id, tool_name, requested_by, \
            arguments_hash, redacted_arguments, pin, expires_at) \
         SELECT '{asked}', '{tools}', organization_id, id, 'ask', '{user}', sha256('a'), '{{}}', sha256('b'), now() + interval '1 hour' \
         FROM tenancy.projects WHERE id = '{project}'",
        project = uuid(&project),
        user = uuid(&stranger.id),
    );
    world.database.run(&sql).await;
    let link = stranger.mutate("invitationCreate", json!({ "organizationId": world.globex, "role": "VIEWER" })).await;
    let asking = format!(
        "INSERT INTO tenancy.join_requests (id, space_id, user_id) VALUES (gen_random_uuid(), '{}', '{}')",
        uuid(&world.vault),
        uuid(&stranger.id)
    );
    world.database.run(&asking).await;
    let input =
        json!({ "projectId": project, "name": "own", "transport": { "http": { "url": "https://a.example/mcp" } } });
    let fields = "mcpServer { id currentVersion { id } }";
    let answer = stranger.mutate_for("mcpServerRegister", fields, input).await.well();
    let server = answer.text("mcpServerRegister.mcpServer.id").to_owned();
    let version = answer.text("mcpServerRegister.mcpServer.currentVersion.id").to_owned();
    let tool = "018f0000-0000-7000-8000-00000000beef";
    let sql = format!(
        "INSERT INTO governance.mcp_tools (id, server_id, name, input_schema, found_pin, risk_level) \
         VALUES ('{tool}', '{}', 'own', '{{}}', sha256('own'), 'low')",
        uuid(&server)
    );
    world.database.run(&sql).await;
    BTreeMap::from([
        ("mcpServer", server.clone()),
        ("server", server),
        ("mcpServerVersion", version),
        ("mcpTool", typed("tool", tool)),
        ("user", stranger.id.clone()),
        ("organization", world.globex.clone()),
        ("invitation", link.well().text("invitationCreate.invitation.id").to_owned()),
        ("joinRequest", holding("tenancy.join_requests", "jrq").await),
        ("member", holding("tenancy.members", "mem").await),
        ("teamMember", stranger.add_team_member(&team, stranger).await),
        ("team", team),
        ("secret", stranger.secret(&project, "PROBE", "probe").await),
        ("apiKey", stranger.api_key(None, &["PROFILE_READ"]).await.0),
        ("oauthConnection", typed("oac", connection)),
        ("approval", typed("apr", asked)),
        ("policy", stranger.policy(&json!({ "organizationId": world.globex }), json!({})).await),
        ("session", holding("identity.sessions", "ses").await),
        ("projectMember", holding("tenancy.project_members", "prm").await),
        ("project", project),
        ("spaceMember", holding("tenancy.space_members", "spm").await),
        ("space", world.vault.clone()),
        ("document", stranger.document(&world.vault, json!({})).await),
        ("tag", stranger.tag(&world.vault, "own").await),
    ])
}

/// The stranger's own object of the kind that the field of the mutation names: by itself, or by what is changed.
fn belonging<'a>(belongings: &'a BTreeMap<&str, String>, mutation: &str, field: &str) -> &'a str {
    let named = match field {
        "id" => mutation,
        "parentId" | "beforeId" | "afterId" => "document",
        named => named,
    };
    let found = belongings.iter().filter(|(noun, _)| named.starts_with(**noun)).max_by_key(|(noun, _)| noun.len());
    found.unwrap_or_else(|| panic!("the stranger has nothing for {field} of {mutation}")).1
}

/// A value for an input field that is no id: the simplest there is.
fn value(of: &InputValueDefinition, belongings: &BTreeMap<&str, String>) -> Value {
    let one = match base(&of.ty.node) {
        "String" => json!("new"),
        "Int" | "Float" => json!(1),
        "Boolean" => json!(true),
        "JSON" => json!({}),
        "DateTime" => json!(crate::support::now() + chrono::Days::new(1)),
        "PolicyScopeInput" => json!({ "organizationId": belongings["organization"] }),
        "PolicyRulesInput" => json!({ "access": { "allowedTools": ["*"] } }),
        "McpTransportInput" => json!({ "http": { "url": "https://a.example/mcp" } }),
        "McpServerJsonInput" => json!({ "text": server_json() }),
        name => match graph().values(name).first() {
            Some(first) => json!(first),
            None => json!({}),
        },
    };
    if let BaseType::List(_) = of.ty.node.base { json!([one]) } else { one }
}

/// The inputs of a mutation in which one id is another's and the rest is the stranger's own, as it would be accepted:
/// one for each id field, with its name.
fn inputs(mutation: &str, belongings: &BTreeMap<&str, String>, id: &str) -> Vec<(String, Value)> {
    let Some(input) = graph().input_of(mutation) else { return Vec::new() };
    let fields: Vec<&InputValueDefinition> = graph().input_fields(&input).collect();
    let is_id = |field: &InputValueDefinition| base(&field.ty.node) == "ID";
    let required: Map<String, Value> = fields
        .iter()
        .filter(|field| !field.ty.node.nullable && field.default_value.is_none())
        .map(|field| {
            let name = field.name.node.to_string();
            let value =
                if is_id(field) { json!(belonging(belongings, mutation, &name)) } else { value(field, belongings) };
            (name, value)
        })
        .collect();
    let one_is_anothers = |field: &&InputValueDefinition| {
        let name = field.name.node.to_string();
        let mut input = required.clone();
        input.insert(name.clone(), json!(id));
        (name, Value::Object(input))
    };
    fields.iter().filter(|field| is_id(field)).map(one_is_anothers).collect()
}

#[tokio::test]
async fn a_strangers_walk_over_every_mutation_changes_and_tells_nothing() {
    let scene = marked().await;
    let belongings = belongings(&scene).await;
    let mut own = own(&scene).await;
    own.extend(belongings.values().cloned());
    let walkers = [&scene.world.stranger, &scene.world.anonymous];
    let before = scene.world.database.digest().await;
    let mut heard = Vec::new();
    for (prefix, ids) in ids(&scene).await {
        let Some(hidden) = ids.into_iter().find(|id| !own.contains(id)) else { continue };
        let nowhere = typed(prefix, "01890a5d-ac96-774b-bcce-b302099a8057");
        for mutation in graph().roots("Mutation") {
            let others = inputs(&mutation, &belongings, &nowhere);
            for ((field, input), (_, other)) in inputs(&mutation, &belongings, &hidden).into_iter().zip(others) {
                for client in walkers {
                    let answer = client.mutate(&mutation, input.clone()).await;
                    let place = format!("{mutation} {input}: {}", answer.body);
                    assert!(!answer.codes().is_empty() || !answer.refusals().is_empty(), "{place}");
                    assert!(!answer.codes().contains(&"INTERNAL"), "{place}");
                    assert!(!answer.body.contains(MARK), "{place}");
                    heard.push((
                        client,
                        mutation.clone(),
                        field.clone(),
                        other.clone(),
                        answer,
                        hidden.clone(),
                        nowhere.clone(),
                    ));
                }
            }
        }
    }
    assert!(heard.len() > 700, "{}", heard.len());
    assert_eq!(scene.world.database.digest().await, before);
    // The same for ids that do not exist, except that what is created may be given an id that is free.
    for (client, mutation, field, input, answer, hidden, nowhere) in heard {
        let makes = ["Create", "Add", "Register", "Import", "ToolCall"];
        if field == "id" && makes.iter().any(|verb| mutation.ends_with(verb)) {
            let refused = match answer.refusals()[..] {
                // Or refused before anybody looks at the id.
                [code] => ["ID_TAKEN", "ALREADY_MEMBER"].contains(&code),
                _ => ["BAD_USER_INPUT", "UNAUTHENTICATED"].contains(&answer.code()),
            };
            assert!(refused, "{mutation}: {}", answer.body);
            continue;
        }
        let control = client.mutate(&mutation, input).await;
        let heard = without_record(&answer.body).replace(&hidden, &nowhere);
        assert_eq!(heard, without_record(&control.body), "{mutation}.{field} {hidden}: as if it did not exist");
    }
}

/// A refused call of a tool tells of its own record, which is another each time.
fn without_record(body: &str) -> String {
    let mut answer: Value = serde_json::from_str(body).expect("JSON");
    if let Some(Value::Object(payload)) = answer.pointer_mut("/data/mcpToolCall") {
        payload.remove("toolCall");
    }
    answer.to_string()
}

#[tokio::test]
async fn a_strangers_walk_over_every_subscription_is_told_nothing() {
    let scene = marked().await;
    let own = own(&scene).await;
    for (prefix, ids) in ids(&scene).await {
        let hidden: Vec<String> = ids.into_iter().filter(|id| !own.contains(id)).take(3).collect();
        for subscription in graph().fields("Subscription") {
            let argument =
                subscription.arguments.iter().find(|argument| base(&argument.node.ty.node) == "ID").expect("an id");
            let query = format!(
                "subscription($id: ID!) {{ {}({}: $id) {{ __typename }} }}",
                subscription.name.node, argument.node.name.node
            );
            for id in &hidden {
                denied(&scene.world.stranger, &query, id, prefix).await;
                denied(&scene.world.anonymous, &query, id, prefix).await;
            }
        }
    }
}

async fn denied(client: &Client, query: &str, id: &str, prefix: &str) {
    let mut socket = client.socket().await;
    socket.subscribe(query, json!({ "id": id })).await;
    let message = socket.message().await;
    assert_eq!(socket::codes(&message).len(), 1, "{prefix}: {query}: {message}");
    assert!(message["payload"]["data"].is_null(), "{prefix}: {query}: {message}");
    assert!(!message.to_string().contains(MARK), "{message}");
}

#[tokio::test]
async fn a_strangers_walk_over_every_list_finds_their_own() {
    let scene = marked().await;
    let everything = "{ viewer { documents(first: 50) { totalCount nodes { title } } \
        auditLog(first: 50) { totalCount nodes { actor { user { name } } changes { new { text items } } } } \
        organizations(first: 9) { totalCount nodes { slug \
        auditLog(first: 50) { totalCount nodes { actor { user { name } } changes { new { text items } } } } \
        members(first: 9) { totalCount nodes { user { name email } invitedBy { name } } } \
        projects(first: 9) { totalCount nodes { name } } teams(first: 9) { totalCount nodes { name } } joinableSpaces(first: 9) { totalCount nodes { name } } \
        spaces(first: 9) { totalCount nodes { slug tags(first: 9) { totalCount } documents(first: 9) { totalCount } } } } } } \
        organization(slug: \"acme\") { name } }";
    let answer = scene.world.stranger.query(everything, Value::Null).await.well();
    assert!(!answer.body.contains(MARK), "{}", answer.body);
    assert_eq!(answer.texts("viewer.organizations.nodes", "slug"), ["globex"]);
    assert_eq!(answer.number("viewer.documents.totalCount"), 0);
}
