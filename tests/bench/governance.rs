//! What governance costs: how many decisions there are in a second and how long the slowest percent takes, with 1, 100 and
//! 1,000 policies, how many recorded decisions a simulation decides again in a second, and what it adds to calls of tools.

use std::hint::black_box;
use std::path::PathBuf;
use std::time::Duration;

use api::governance::decision::{CompiledPolicies, Defaults, Input, Policy, decide};
use api::governance::policies::cedar;
use bytes::Bytes;
use clap::ValueEnum;
use http_body_util::Full;
use hyper::header::{AUTHORIZATION, CONTENT_TYPE, HOST};
use hyper::{Method, Request};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::time::{Instant, sleep};
use uuid::Uuid;

use crate::Result;
use crate::calls;
use crate::database::{self, Reader};
use crate::load::Connection;
use crate::numbers::{self, Number};
use crate::peers::{Ground, Peer, Tokens};

/// Recorded decisions that the simulation decides again.
const RECORDED: u32 = 100_000;
const SIZES: [usize; 3] = [1, 100, 1_000];
const POLL: Duration = Duration::from_millis(50);
const PROJECT: &str = "00000000-0000-7000-8000-0000000b0b0b";

/// How to measure.
#[derive(clap::Args, Debug)]
pub struct Settings {
    /// Print JSON instead of a table.
    #[arg(long)]
    json: bool,
    /// For how long each number of policies.
    #[arg(long, default_value_t = 2.0)]
    seconds: f64,
    /// What to measure.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Part::ALL)]
    parts: Vec<Part>,
    /// A PostgreSQL server on which the database of the benchmark may be made.
    #[arg(long, env = "DATABASE_URL", hide_env_values = true)]
    database_url: String,
    #[arg(long, env = "REDIS_URL", hide_env_values = true)]
    redis_url: String,
    /// The `trellis` to measure, built for release.
    #[arg(long, env = "TRELLIS_BIN")]
    trellis: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Part {
    /// Decisions in a second, and their slowest percent.
    Decisions,
    /// Recorded decisions that are decided again in a second.
    Simulation,
    /// What governance adds to a call of a tool, and a key to a request.
    Calls,
}

impl Part {
    const ALL: [Part; 3] = [Part::Decisions, Part::Simulation, Part::Calls];
}

pub async fn run(settings: Settings) -> Result<()> {
    let mut numbers = Vec::new();
    for part in &settings.parts {
        match part {
            Part::Decisions => decisions(Duration::from_secs_f64(settings.seconds), &mut numbers)?,
            Part::Simulation => numbers.push(simulation(&settings).await?),
            Part::Calls => {
                let (length, trellis) = (Duration::from_secs_f64(settings.seconds), &settings.trellis);
                calls::run(&settings.database_url, &settings.redis_url, trellis, length, &mut numbers).await?;
            }
        }
    }
    numbers::print("governance", &numbers, settings.json);
    Ok(())
}

/// Policies of every kind but custom ones, of which the first grants the call and few others are about it.
fn policies(count: usize) -> Result<Vec<Policy>> {
    let policy = |index: usize| {
        let server = format!("server-{index}");
        let (kind, rules) = match index % 4 {
            _ if index == 0 => ("access", json!({ "allowed_tools": ["git/*"] })),
            0 => ("access", json!({ "allowed_tools": [format!("{server}/*")], "allowed_models": ["claude-*"] })),
            1 => ("access", json!({ "blocked_tools": [format!("{server}/delete_*"), "*/drop_table"] })),
            2 => (
                "usage",
                json!({ "limits": [{ "measure": "requests", "amount": "100", "window": "minute", "counted_by": "user",
                    "enforcement": "hard" }] }),
            ),
            _ => (
                "compliance",
                json!({ "detectors": ["secrets"], "in_arguments": true, "in_results": true, "response": "flag" }),
            ),
        };
        let servers: Vec<String> = if index % 8 > 1 && index > 0 { vec![server] } else { Vec::new() };
        let policy = json!({ "id": Uuid::from_u128(index as u128 + 1), "version": 1, "name": format!("policy {index}"),
            "level": "organization", "mode": "enforce", "priority": 100, "type": kind, "rules": rules,
            "applies_to": { "servers": { "include": servers } } });
        serde_json::from_value(policy)
    };
    Ok((0..count).map(policy).collect::<Result<_, _>>()?)
}

/// Policies in Cedar's language, none of which is about the call.
fn custom_policies(numbers: std::ops::Range<usize>) -> Result<Vec<Policy>> {
    let policy = |index: usize| {
        let text = format!("forbid(principal, action, resource == Tool::\"server-{index}/push\");");
        let policy = json!({ "id": Uuid::from_u128(index as u128 + 1), "version": 1, "name": format!("policy {index}"),
            "level": "organization", "mode": "enforce", "priority": 100, "type": "custom", "rules": { "text": text },
            "applies_to": {} });
        serde_json::from_value(policy)
    };
    Ok(numbers.map(policy).collect::<Result<_, _>>()?)
}

fn input() -> Result<Input> {
    let open = json!({ "key_valid": true, "organization_active": true, "project_active": true,
        "subscription_in_good_standing": true });
    let approved = json!({ "server_approved": true, "scan_passed": true, "tool_enabled": true, "pin_matches": true });
    Ok(serde_json::from_value(json!({
        "action": { "kind": "call_tool", "server": "git", "tool": "push", "model": "claude-3-sonnet" },
        "project_id": PROJECT, "user_id": Uuid::from_u128(7), "key_id": null, "roles": ["project_developer"],
        "address": "10.1.2.3", "at": "2026-11-20T12:00:00Z", "arguments": { "branch": "main", "force": false },
        "approval_id": null, "organization_gates": open, "server_gates": approved,
    }))?)
}

fn decisions(length: Duration, numbers: &mut Vec<Number>) -> Result<()> {
    let input = input()?;
    let typed = SIZES.map(|size| (format!("{size} policies"), size, false));
    for (name, size, with_custom) in typed.into_iter().chain([("100 policies, 5 in Cedar".to_owned(), 95, true)]) {
        let mut policies = policies(size)?;
        if with_custom {
            policies.extend(custom_policies(size..size + 5)?);
        }
        let compiled = CompiledPolicies::new(1, Defaults::default(), &policies, &cedar::compile);
        for _ in 0..1_000 {
            black_box(decide(&compiled, black_box(&input)));
        }
        let mut latencies = Vec::new();
        let begun = Instant::now();
        while begun.elapsed() < length {
            let start = Instant::now();
            black_box(decide(&compiled, black_box(&input)));
            latencies.push(start.elapsed());
        }
        let per_second = latencies.len() as f64 / begun.elapsed().as_secs_f64();
        latencies.sort_unstable();
        let at = |percent: usize| latencies[latencies.len() * percent / 100].as_secs_f64() * 1_000_000.0;
        let mut note = |what: &str, value, unit, goal| {
            numbers.push(Number { case: format!("{what}, {name}"), value, unit, goal });
        };
        note("decisions", per_second, "/s", None);
        note("a decision, p50", at(50), "µs", (size == 100).then_some(20.0));
        note("a decision, p99", at(99), "µs", None);
    }
    Ok(())
}

/// Lets the server decide many recorded decisions again, under a draft of a hundred policies.
async fn simulation(settings: &Settings) -> Result<Number> {
    let folder = tempfile::tempdir()?;
    let database = database::prepare(&settings.database_url, &settings.trellis).await?;
    let tokens = Tokens::new()?;
    let ground =
        Ground { database_url: &database.url, redis_url: &settings.redis_url, tokens: &tokens, folder: folder.path() };
    let reader = database.readers.get(1).ok_or("the database has no readers")?;
    let mut connection = PgConnection::connect(&database.url).await?;
    record(&mut connection, reader).await?;
    let server = ground.trellis(&settings.trellis).await?;
    let measured = simulate(&server, &tokens.of(reader)?).await;
    forget(&mut connection).await?;
    let value = f64::from(RECORDED) / measured?.as_secs_f64();
    Ok(Number { case: "recorded decisions decided again, 100 policies".to_owned(), value, unit: "/s", goal: None })
}

/// A project that the reader administers, with decisions in it.
async fn record(connection: &mut PgConnection, reader: &Reader) -> Result<()> {
    forget(connection).await?;
    let input = json!(serde_json::to_value(input()?)?);
    let sql = format!(
        "INSERT INTO tenancy.projects (id, organization_id, name, slug, settings, quotas, status) \
         SELECT '{PROJECT}', m.organization_id, 'Governed', 'governed', '{{}}', '{{}}', 'active' \
         FROM tenancy.members m WHERE m.user_id = '{user}' ORDER BY m.organization_id LIMIT 1; \
         INSERT INTO tenancy.project_members (id, project_id, organization_id, user_id, role) \
         SELECT gen_random_uuid(), id, organization_id, '{user}', 'admin' FROM tenancy.projects WHERE id = '{PROJECT}'; \
         INSERT INTO governance.decisions (id, created_at, organization_id, project_id, action, outcome, reason, \
            policy_set_version, input_hash, input, is_replayable, trace) \
         SELECT gen_random_uuid(), now() - interval '1 hour' + number * interval '1 millisecond', p.organization_id, p.id, \
            'call_tool', 'allow', 'policy', 1, sha256('input'), '{input}', true, '{{}}' \
         FROM tenancy.projects p, generate_series(1, {RECORDED}) AS number WHERE p.id = '{PROJECT}'; \
         ANALYZE governance.decisions",
        user = reader.user,
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

async fn forget(connection: &mut PgConnection) -> Result<()> {
    let sql = format!(
        "DELETE FROM governance.decisions WHERE project_id = '{PROJECT}'; \
         DELETE FROM tenancy.projects WHERE id = '{PROJECT}'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(connection).await?;
    Ok(())
}

/// Begins a simulation and waits for its end; gives how long it took by the server's own clock.
async fn simulate(server: &Peer, token: &str) -> Result<Duration> {
    let ask = async |query: &str, variables: Value| -> Result<Value> {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/graphql")
            .header(HOST, server.address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .body(Full::new(Bytes::from(json!({ "query": query, "variables": variables }).to_string())))?;
        let (_, answer) = Connection::open(server.address).await?.ask(request).await?;
        Ok(serde_json::from_slice(&answer)?)
    };
    let project =
        ask("{ viewer { organizations(first: 1) { nodes { project(slug: \"governed\") { id } } } } }", json!({}))
            .await?;
    let project = &project["data"]["viewer"]["organizations"]["nodes"][0]["project"]["id"];
    let change = |index: usize| {
        let tool = if index == 0 { "git/push".to_owned() } else { format!("server-{index}/delete_*") };
        json!({ "scope": { "projectId": project }, "rules": { "access": { "blockedTools": [tool] } } })
    };
    let changes: Vec<Value> = (0..100).map(change).collect();
    let begin = "mutation($input: PolicySimulateInput!) { policySimulate(input: $input) { simulation { id } userErrors { message } } }";
    let begun = ask(begin, json!({ "input": { "scope": { "projectId": project }, "changes": changes } })).await?;
    let id = &begun["data"]["policySimulate"]["simulation"]["id"];
    if !id.is_string() {
        return Err(format!("the simulation did not begin: {begun}").into());
    }
    let look =
        "query($id: ID!) { node(id: $id) { ... on PolicySimulation { state createdAt endedAt result { replayed } } } }";
    loop {
        let found = ask(look, json!({ "id": id })).await?;
        let found = &found["data"]["node"];
        let instant =
            |name: &str| found[name].as_str().and_then(|text| text.parse::<chrono::DateTime<chrono::Utc>>().ok());
        match (found["state"].as_str(), instant("createdAt"), instant("endedAt")) {
            (Some("RUNNING"), ..) => sleep(POLL).await,
            (Some("SUCCEEDED"), Some(from), Some(until)) if found["result"]["replayed"] == RECORDED => {
                return Ok((until - from).to_std()?);
            }
            _ => return Err(format!("the simulation did not end well: {found}").into()),
        }
    }
}
