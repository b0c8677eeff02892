//! The walk of somebody who may see nothing: over every id in the database and every root field, they find nothing,
//! learn nothing and change nothing.

use std::collections::BTreeSet;

use async_graphql::parser::types::{BaseType, InputValueDefinition};
use serde_json::{Map, Value, json};

use super::scene::Scene;
use crate::support::{Client, base, graph, socket, typed};

/// Stands in every text that belongs to acme.
const MARK: &str = "Marked";

/// The tables whose rows have an id, and the prefix of each.
const KINDS: [(&str, &str); 14] = [
    ("user", "identity.users"),
    ("ses", "identity.sessions"),
    ("org", "tenancy.organizations"),
    ("mem", "tenancy.members"),
    ("inv", "tenancy.invitations"),
    ("team", "tenancy.teams"),
    ("tmm", "tenancy.team_members"),
    ("prj", "tenancy.projects"),
    ("prm", "tenancy.project_members"),
    ("spc", "tenancy.spaces"),
    ("spm", "tenancy.space_members"),
    ("doc", "content.documents"),
    ("tag", "content.tags"),
    ("aud", "audit.logs"),
];

/// A scene in which everything of acme is marked and nothing of it is public.
async fn marked() -> Scene {
    let scene = Scene::new().await;
    let database = &scene.world.database;
    database.run("UPDATE content.documents SET visibility = 'space' WHERE visibility = 'public'").await;
    for (table, columns) in [
        ("content.documents", &["title", "description", "source", "external_id"][..]),
        ("content.document_contents", &["source", "text"]),
        ("content.tags", &["name", "description"]),
        ("tenancy.organizations", &["name", "description"]),
        ("tenancy.teams", &["name", "description"]),
        ("tenancy.projects", &["name", "description"]),
        ("tenancy.spaces", &["name", "description"]),
        ("identity.users", &["name", "first_name", "last_name", "company", "bio"]),
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
            .map(|column| format!("{column} = '{MARK} {column} ' || left({key}::text, 8) || right({key}::text, 12)"))
            .collect();
        database.run(&format!("UPDATE {table} SET {} WHERE {whose}", sets.join(", "))).await;
    }
    scene
}

/// Every id there is, by its prefix.
async fn ids(scene: &Scene) -> Vec<(&'static str, Vec<String>)> {
    let mut all = Vec::new();
    for (prefix, table) in KINDS {
        let rows = scene.world.database.rows(&format!("SELECT id FROM {table}")).await;
        all.push((prefix, rows.iter().map(|row| typed(prefix, row["id"].as_str().expect("an id"))).collect()));
    }
    all
}

/// What is the stranger's own.
async fn own(scene: &Scene) -> BTreeSet<String> {
    let query = "{ viewer { user { id } personalSpace { id } auditLog(first: 100) { nodes { id } } \
                 organizations(first: 9) { nodes { id auditLog(first: 100) { nodes { id } } members(first: 9) { nodes { id } } \
                 spaces(first: 9) { nodes { id members(first: 9) { nodes { id } } } } } } } }";
    let answer = scene.world.stranger.query(query, Value::Null).await.well();
    let mut found = BTreeSet::new();
    collect(&answer.json["data"], &mut found);
    found
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

/// A value for an input field: an id where an id belongs, and otherwise the simplest there is.
fn value(of: &InputValueDefinition, id: &str) -> Value {
    if let BaseType::List(_) = of.ty.node.base {
        return json!(["new"]);
    }
    match base(&of.ty.node) {
        "ID" => json!(id),
        "String" => json!("new"),
        "Int" | "Float" => json!(1),
        "Boolean" => json!(true),
        "JSON" => json!({}),
        name => match graph().values(name).first() {
            Some(first) => json!(first),
            None => json!({}),
        },
    }
}

/// The inputs that put the id where a mutation takes one: in each of its id fields, beside what it requires.
fn inputs(mutation: &str, id: &str) -> Vec<Value> {
    let Some(input) = graph().input_of(mutation) else { return Vec::new() };
    let fields: Vec<&InputValueDefinition> = graph().input_fields(&input).collect();
    let required: Map<String, Value> = fields
        .iter()
        .filter(|field| !field.ty.node.nullable && field.default_value.is_none())
        .map(|field| (field.name.node.to_string(), value(field, id)))
        .collect();
    let with_id = fields.iter().filter(|field| base(&field.ty.node) == "ID");
    with_id
        .map(|field| {
            let mut input = required.clone();
            input.insert(field.name.node.to_string(), json!(id));
            Value::Object(input)
        })
        .collect()
}

#[tokio::test]
async fn a_strangers_walk_over_every_mutation_changes_and_tells_nothing() {
    let scene = marked().await;
    let own = own(&scene).await;
    let walkers = [&scene.world.stranger, &scene.world.anonymous];
    let before = scene.world.database.digest().await;
    let mut heard = Vec::new();
    for (prefix, ids) in ids(&scene).await {
        let Some(hidden) = ids.into_iter().find(|id| !own.contains(id)) else { continue };
        let nowhere = typed(prefix, "01890a5d-ac96-774b-bcce-b302099a8057");
        for mutation in graph().roots("Mutation") {
            for (input, other) in inputs(&mutation, &hidden).into_iter().zip(inputs(&mutation, &nowhere)) {
                for client in walkers {
                    let answer = client.mutate(&mutation, input.clone()).await;
                    let place = format!("{mutation} {input}: {}", answer.body);
                    assert!(!answer.codes().is_empty() || !answer.refusals().is_empty(), "{place}");
                    assert!(!answer.codes().contains(&"INTERNAL"), "{place}");
                    assert!(!answer.body.contains(MARK), "{place}");
                    heard.push((
                        client,
                        mutation.clone(),
                        other.clone(),
                        answer.body.replace(&hidden, &nowhere),
                        place,
                    ));
                }
            }
        }
    }
    assert!(heard.len() > 500, "{}", heard.len());
    assert_eq!(scene.world.database.digest().await, before);
    // The same for ids that do not exist. Some of these do something, such as creating what has the id.
    for (client, mutation, input, body, place) in heard {
        let control = client.mutate(&mutation, input).await;
        if !control.codes().is_empty() {
            assert_eq!(body, control.body, "{place}: as if it did not exist");
        }
    }
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
        projects(first: 9) { totalCount nodes { name } } teams(first: 9) { totalCount nodes { name } } \
        spaces(first: 9) { totalCount nodes { slug tags(first: 9) { totalCount } documents(first: 9) { totalCount } } } } } } \
        organization(slug: \"acme\") { name } }";
    let answer = scene.world.stranger.query(everything, Value::Null).await.well();
    assert!(!answer.body.contains(MARK), "{}", answer.body);
    assert_eq!(answer.texts("viewer.organizations.nodes", "slug"), ["globex"]);
    assert_eq!(answer.number("viewer.documents.totalCount"), 0);
}
