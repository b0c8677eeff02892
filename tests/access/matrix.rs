//! The matrix: every viewer tries everything. What was denied is denied three times over: by its code, with no data,
//! and with nothing changed. `viewerCan` must have said the same.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::followings::{FOLLOWINGS, Following};
use super::rows::{self, Change, SIGHTS};
use super::scene::Scene;
use crate::support::{Answer, Client, Digest, graph, socket};

/// A table with a line for each row and a column for each viewer.
pub struct Table {
    legend: &'static str,
    lines: Vec<Vec<String>>,
}

impl Table {
    fn new(legend: &'static str, viewers: &[(&'static str, &Client)]) -> Self {
        let mut table = Self { legend, lines: Vec::new() };
        let names: Vec<&str> = viewers.iter().map(|(name, _)| *name).collect();
        table.line("", &names);
        table
    }

    fn line(&mut self, row: &str, cells: &[impl AsRef<str>]) {
        let mut line = vec![row.to_owned()];
        line.extend(cells.iter().map(|cell| cell.as_ref().to_owned()));
        self.lines.push(line);
    }

    pub fn render(&self) -> String {
        let widths: Vec<usize> = (0..self.lines[0].len())
            .map(|column| self.lines.iter().map(|line| line[column].chars().count()).max().unwrap_or_default())
            .collect();
        let padded = |line: &Vec<String>| {
            let cells = line.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}  "));
            cells.collect::<String>().trim_end().to_owned() + "\n"
        };
        format!("{}\n\n{}", self.legend, self.lines.iter().map(padded).collect::<String>())
    }
}

/// What these viewers see.
pub async fn sights(scene: &Scene, viewers: &[(&'static str, &Client)]) -> Table {
    let mut table = Table::new("yes: found. -: null, as if it did not exist.", viewers);
    for sight in SIGHTS {
        let id = (sight.id)(scene);
        let mut cells = Vec::new();
        for (name, client) in viewers {
            let query =
                "query($id: ID!, $ids: [ID!]!) { node(id: $id) { __typename id } nodes(ids: $ids) { __typename id } }";
            let answer = client.query(query, json!({ "id": id, "ids": [id] })).await.well();
            let node = answer.at("node");
            assert_eq!(&answer.list("nodes")[0], node, "{name}: node and nodes agree");
            assert!(node.is_null() || *node == json!({ "__typename": sight.of, "id": id }), "{name}: {node}");
            cells.push(if node.is_null() { "-" } else { "yes" });
        }
        table.line(&format!("node {}: {}", sight.of, sight.on), &cells);
    }
    table
}

#[tokio::test]
async fn who_sees_what() {
    let scene = Scene::new().await;
    let mut table = sights(&scene, &scene.world.viewers()).await;
    for (row, query, path) in [
        ("organization: acme", "{ organization(slug: \"acme\") { id } }", "organization.id"),
        ("organization: globex", "{ organization(slug: \"globex\") { id } }", "organization.id"),
        ("openIdProviders", "{ openIdProviders { id } }", "openIdProviders"),
        ("viewer", "{ viewer { user { id } } }", "viewer.user.id"),
        ("invitation: of a token", "{ invitation(token: \"the token of a link\") { role } }", "invitation.role"),
        ("invitation: of no token", "{ invitation(token: \"no token\") { role } }", "invitation.role"),
    ] {
        let mut cells = Vec::new();
        for (_, client) in scene.world.viewers() {
            let answer = client.query(query, Value::Null).await.well();
            cells.push(if answer.at(path).is_null() { "-" } else { "yes" });
        }
        table.line(row, &cells);
    }
    let input =
        json!({ "projectId": scene.world.rocket, "action": { "callTool": { "server": "git", "tool": "ask" } } });
    for (row, query, variables) in [
        (
            "decision: about the developer",
            "query($id: ID!) { decision(id: $id) { id } }",
            json!({ "id": scene.decision }),
        ),
        (
            "explainDecision: in rocket",
            "query($input: ExplainDecisionInput!) { explainDecision(input: $input) { outcome } }",
            json!({ "input": input }),
        ),
        (
            "whyNot: in rocket",
            "query($input: ExplainDecisionInput!) { whyNot(input: $input) { isAllowed } }",
            json!({ "input": input }),
        ),
    ] {
        let mut cells = Vec::new();
        for (name, client) in scene.world.viewers() {
            let answer = client.query(query, variables.clone()).await;
            cells.push(match answer.codes().as_slice() {
                [] if answer.payload().is_object() => "yes",
                [] | ["NOT_FOUND"] => "-",
                codes => panic!("{name}: {row}: {codes:?}"),
            });
        }
        table.line(row, &cells);
    }
    insta::assert_snapshot!(table.render());
}

#[tokio::test]
async fn who_changes_what() {
    let scene = Scene::new().await;
    insta::assert_snapshot!(changes(&scene, &scene.world.viewers()).await.render());
}

/// What these viewers may change.
pub async fn changes(scene: &Scene, viewers: &[(&'static str, &Client)]) -> Table {
    let legend = "yes: done. no: FORBIDDEN. -: NOT_FOUND, as if it did not exist. sign in: UNAUTHENTICATED. Others: user errors.\n\
                  no, - and sign in are denials: no data, and nothing changed.";
    let mut table = Table::new(legend, viewers);
    let mut can = Abilities::default();
    let mut before = scene.world.database.digest().await;
    for change in rows::changes() {
        let mut cells = Vec::new();
        for (name, client) in viewers.iter().copied() {
            let place = format!("{name}: {} {}", change.field, change.on);
            let promised = match change.allowed_by {
                Some((action, id)) => Some(can.of(client, name, id(scene)).await.iter().any(|found| found == action)),
                None => None,
            };
            let outcome = attempt(scene, client, change, &mut before, &place).await;
            let denied = ["no", "-", "sign in"].contains(&outcome.as_str());
            if let Some(promised) = promised {
                assert_eq!(promised, !denied, "{place}: viewerCan says {promised}, and it is {outcome}");
            }
            cells.push(outcome);
        }
        table.line(format!("{}: {}", change.field, change.on).trim_end_matches(": "), &cells);
    }
    table
}

/// What each viewer can do with each object, asked once.
#[derive(Default)]
struct Abilities(HashMap<(&'static str, String), Vec<String>>);

impl Abilities {
    async fn of(&mut self, client: &Client, name: &'static str, id: &str) -> &[String] {
        let key = (name, id.to_owned());
        if !self.0.contains_key(&key) {
            let parts = graph()
                .node_types()
                .into_iter()
                .filter(|of| graph().fields(of).any(|field| field.name.node == "viewerCan"));
            let parts: String = parts.map(|of| format!("... on {of} {{ viewerCan }} ")).collect();
            let query = format!("query($id: ID!) {{ node(id: $id) {{ {parts} }} }}");
            let answer = client.query(&query, json!({ "id": id })).await.well();
            let found = answer.at("node.viewerCan").as_array().cloned().unwrap_or_default();
            self.0.insert(key.clone(), found.iter().filter_map(Value::as_str).map(str::to_owned).collect());
        }
        &self.0[&key]
    }
}

/// Tries a mutation, checks what a denial must be, and puts everything back.
pub async fn attempt(scene: &Scene, client: &Client, change: &Change, before: &mut Digest, place: &str) -> String {
    let answer = client.mutate(change.field, (change.input)(scene)).await;
    let after = scene.world.database.digest().await;
    let changed = after != *before;
    let outcome = match (answer.codes().as_slice(), answer.refusals().as_slice()) {
        ([], []) => {
            assert!(changed, "{place}: done, and nothing changed");
            *before = scene.put_back(&after).await;
            return "yes".to_owned();
        }
        ([], [code]) => code.to_lowercase(),
        (["FORBIDDEN"], _) => "no".to_owned(),
        (["NOT_FOUND"], _) => "-".to_owned(),
        (["UNAUTHENTICATED"], _) => "sign in".to_owned(),
        _ => panic!("{place}: {}", answer.body),
    };
    let touched: Vec<_> = after.iter().filter(|(table, rows)| before.get(*table) != Some(rows)).collect();
    assert!(touched.is_empty(), "{place}: {outcome}, and something changed: {touched:?}");
    assert!(is_empty(change.field, &answer), "{place}: {outcome}, and there is data: {}", answer.body);
    outcome
}

/// Whether the payload of a mutation holds nothing but user errors, and the record that a refused call of a tool leaves.
fn is_empty(mutation: &str, answer: &Answer) -> bool {
    let is_told = |field: &str| field == "userErrors" || (mutation == "mcpToolCall" && field == "toolCall");
    match answer.payload() {
        Value::Object(payload) => payload.iter().all(|(field, value)| is_told(field) || value.is_null()),
        other => other.is_null(),
    }
}

#[tokio::test]
async fn who_follows_what() {
    let scene = Scene::new().await;
    let mut table = Table::new(
        "yes: is told of changes. silence: sees the project, and nothing of this. of the space: not of its documents. no: FORBIDDEN. -: NOT_FOUND, as if it did not exist.",
        &scene.world.viewers(),
    );
    for following in FOLLOWINGS {
        let changing = (following.changing)(&scene);
        let after = changed(&scene, following, changing).await;
        let mut cells = Vec::new();
        for (name, client) in scene.world.viewers() {
            cells.push(
                follow(&scene, client, following, &after, &format!("{name}: {} {}", following.field, following.on))
                    .await,
            );
        }
        table.line(&format!("{}: {}", following.field, following.on), &cells);
    }
    insta::assert_snapshot!(table.render());
}

/// Changes it twice, and gives the cursor of the first change.
async fn changed(scene: &Scene, following: &Following, changing: &str) -> String {
    if changing == scene.simulation {
        let owner = &scene.world.owner;
        let earlier =
            owner.mutate("documentUpdate", json!({ "id": scene.page, "title": "Before it ends" })).await.well();
        owner.mutate("policySimulationCancel", json!({ "id": changing })).await.well();
        return earlier.text("documentUpdate.commitCursor").to_owned();
    }
    if changing == scene.call {
        let owner = &scene.world.owner;
        let earlier =
            owner.mutate("documentUpdate", json!({ "id": scene.page, "title": "Before the call" })).await.well();
        let again = "INSERT INTO platform.outbox (event_id, event_type, stream, actor_type, resource_type, resource_id, \
            organization_id, project_id, payload) SELECT gen_random_uuid(), event_type, stream, actor_type, resource_type, \
            resource_id, organization_id, project_id, payload FROM platform.outbox WHERE event_type = 'mcp_call.ended' LIMIT 1";
        scene.world.database.run(again).await;
        scene.world.feed_has_come_this_far().await;
        return earlier.text("documentUpdate.commitCursor").to_owned();
    }
    let (author, mutation, text) = match changing {
        id if id == scene.approval => (&scene.world.developer, "approvalRequest", "message"),
        id if id == scene.server => (&scene.world.project_admin, "mcpServerUpdate", "description"),
        id if id == scene.page => (&scene.world.owner, "documentUpdate", "title"),
        _ => (&scene.world.manager, "documentUpdate", "title"),
    };
    let update = |value: &str| match mutation {
        "approvalRequest" => {
            let arguments = json!({ "for": following.field, "when": value });
            json!({ "projectId": scene.world.rocket, "server": "git", "tool": "ask", "arguments": arguments })
        }
        _ => json!({ "id": changing, text: value }),
    };
    let earlier = author.mutate(mutation, update("Earlier")).await.well();
    author.mutate(mutation, update("Later")).await.well();
    if following.field == "spaceActivity" {
        author.mutate("spaceUpdate", json!({ "id": (following.id)(scene), "description": "Later" })).await.well();
    }
    earlier.text(&format!("{mutation}.commitCursor")).to_owned()
}

/// Follows from a cursor after which something happened, and so is told of it or denied at once.
async fn follow(scene: &Scene, client: &Client, following: &Following, after: &str, place: &str) -> &'static str {
    let (argument, selection) = match following.field {
        "documentChanged" => ("id", "document { title }"),
        "auditRecorded" => ("organizationId", "entry { id }"),
        "mcpServerChanged" => ("id", "mcpServer { description }"),
        "policySimulationChanged" => ("id", "simulation { id }"),
        "decisionMade" => ("projectId", "decision { id }"),
        "approvalChanged" => ("projectId", "approval { id }"),
        "projectMcpServersChanged" => ("projectId", "mcpServer { description }"),
        "mcpToolCallProgress" => ("id", "toolCall { id }"),
        _ => ("spaceId", "... on DocumentChange { document { title } } ... on SpaceChange { kind }"),
    };
    let field = following.field;
    let within = match field {
        "mcpToolCallProgress" => format!("projectId: \"{}\", ", scene.world.rocket),
        _ => String::new(),
    };
    let query = format!(
        "subscription($id: ID!, $after: String) {{ {field}({within}{argument}: $id, after: $after) {{ {selection} }} }}"
    );
    let mut socket = client.socket().await;
    let id = socket.subscribe(&query, json!({ "id": (following.id)(scene), "after": after })).await;
    let sees_project = !client.node(&scene.world.rocket).await.is_null();
    if argument == "projectId" && sees_project && client.node((following.changing)(scene)).await.is_null() {
        socket.settle().await;
        return "silence";
    }
    let message = socket.message().await;
    assert_eq!(message["id"], id, "{place}: {message}");
    let event = &message["payload"]["data"][field];
    if event["kind"] == "UPDATED" {
        return "of the space";
    }
    if event.is_object() {
        let is_later = [&event["document"]["title"], &event["mcpServer"]["description"]].contains(&&json!("Later"));
        assert!(
            is_later
                || ["entry", "decision", "approval", "simulation", "toolCall"]
                    .iter()
                    .any(|of| event[of]["id"].is_string()),
            "{place}: {message}"
        );
        return "yes";
    }
    assert!(!message.to_string().contains("Later"), "{place}: {message}");
    match socket::codes(&message).as_slice() {
        ["NOT_FOUND"] => "-",
        ["FORBIDDEN"] => "no",
        _ => panic!("{place}: {message}"),
    }
}
