//! kill -9 of the server during a run of mutations.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::{Value, json};

use crate::support::{Answer, Process, World, eventually, uuid};

const WRITERS: usize = 8;
/// Acknowledged writes before the kill.
const BEFORE: usize = 120;

const CREATE: &str = "mutation($input: DocumentCreateInput!) { documentCreate(input: $input) \
     { document { id title } userErrors { code } commitCursor } }";

/// One way to create one document, under its own idempotency key.
#[derive(Clone)]
struct Writer {
    http: reqwest::Client,
    graphql: String,
    token: String,
    space: String,
}

impl Writer {
    /// The answer, or none when the server went away meanwhile.
    async fn create(&self, key: &str) -> Option<Answer> {
        let variables = json!({ "input": { "spaceId": self.space, "title": key, "content": key } });
        let request = self
            .http
            .post(&self.graphql)
            .bearer_auth(&self.token)
            .header("idempotency-key", key)
            .json(&json!({ "query": CREATE, "variables": variables }));
        let response = request.send().await.ok()?;
        let body = response.bytes().await.ok()?;
        let json: Value = serde_json::from_slice(&body).ok()?;
        let text = String::from_utf8_lossy(&body).into_owned();
        Some(Answer { status: reqwest::StatusCode::OK, headers: Default::default(), body: text, json })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_has_lost_nothing_that_it_acknowledged() {
    let world = World::new().await;
    let (owner, space, database) = (&world.owner, world.handbook.clone(), &world.database);
    let token = owner.token.clone().expect("a token");
    let http = reqwest::Client::builder().no_proxy().build().expect("an HTTP client");

    let mut server = Process::start(database, &[]).await;
    let writer = Writer { http: http.clone(), graphql: server.at("/graphql"), token, space };
    let acknowledged = Arc::new(AtomicUsize::new(0));
    let writers: Vec<_> = (0..WRITERS)
        .map(|number| {
            let (writer, acknowledged) = (writer.clone(), Arc::clone(&acknowledged));
            tokio::spawn(async move {
                let mut answers = Vec::new();
                for turn in 0.. {
                    let key = format!("writer-{number}-turn-{turn}");
                    let answer = writer.create(&key).await;
                    let over = answer.is_none();
                    acknowledged.fetch_add(usize::from(!over), Ordering::Relaxed);
                    answers.push((key, answer));
                    if over {
                        break;
                    }
                }
                answers
            })
        })
        .collect();
    eventually("enough was written", async || (acknowledged.load(Ordering::Relaxed) >= BEFORE).then_some(())).await;
    server.program.kill();
    let mut answers = Vec::new();
    for writer in writers {
        answers.extend(writer.await.expect("a writer does not panic"));
    }

    let server = Process::start(database, &[]).await;
    let writer = Writer { graphql: server.at("/graphql"), ..writer };
    for (key, first) in answers {
        let again = writer.create(&key).await.expect("the server answers").well();
        assert_eq!(again.text("documentCreate.document.title"), key);
        let id = again.text("documentCreate.document.id").to_owned();
        if let Some(first) = first {
            assert_eq!(first.body, again.body, "a repeated key gets the first answer");
        }
        let id = uuid(&id);
        let found = |table: &str, column: &str| format!("SELECT count(*) FROM {table} WHERE {column} = '{id}'");
        assert_eq!(database.number(&found("content.documents", "id")).await, 1, "{key} is there");
        let audited = format!("{} AND action = 'documents.create'", found("audit.logs", "resource_id"));
        assert_eq!(database.number(&audited).await, 1, "{key} is audited once");
        let told = format!("{} AND event_type = 'document.created'", found("platform.outbox", "resource_id"));
        assert_eq!(database.number(&told).await, 1, "{key} is told once");
    }
    let untold = "SELECT count(*) FROM platform.outbox WHERE position IS NULL";
    eventually("every event has its place", async || (database.number(untold).await == 0).then_some(())).await;
    let doubled = "SELECT count(*) - count(DISTINCT title) FROM content.documents WHERE title LIKE 'writer-%'";
    assert_eq!(database.number(doubled).await, 0, "no key made two documents");
}
