//! Each filter of the lists that grow without end has an index behind it, which PostgreSQL takes where there are many rows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::support::{World, graph, uuid};

/// The fields of `DecisionFilter`, each as SQL has it, and the indexes of which one serves it in the list of a project.
const OF_DECISIONS: &[(&str, &str, &[&str])] = &[
    ("outcomes", "outcome IN ('require_approval')", &["decisions_outcome_idx"]),
    ("wouldBe", "would_be IS NOT NULL AND would_be IN ('deny')", &["decisions_would_be_idx"]),
    ("reasons", "reason IN ('limit')", &["decisions_reason_idx"]),
    (
        "gates",
        "decisions.reason = 'gate' AND decisions.trace #>> '{reason,gate}' IN ('key_valid')",
        &["decisions_gate_idx"],
    ),
    ("winnerId", "winner_id = RARE", &["decisions_winner_idx"]),
    ("serverId", "server_id = RARE", &["decisions_server_idx"]),
    ("toolName", "tool_name = 'rare'", &["decisions_tool_idx"]),
    ("model", "model = 'rare'", &["decisions_model_idx"]),
    ("userId", "user_id = RARE", &["decisions_user_idx"]),
    ("apiKeyId", "api_key_id = RARE", &["decisions_key_idx"]),
    ("createdAt", "created_at < '2001-01-01'", &["decisions_project_idx"]),
];

/// The same of `ApprovalFilter` in the list of an organization. Who asks for approvals has few that wait.
const OF_APPROVALS: &[(&str, &str, &[&str])] = &[
    ("states", "state IN ('pending') AND expires_at > now()", &["approvals_organization_pending_idx"]),
    (
        "viewerCanDecide",
        "state = 'pending' AND expires_at > now() AND project_id = ANY (ARRAY[ROCKET]) AND requested_by <> OWNER",
        &["approvals_organization_pending_idx", "approvals_pending_idx"],
    ),
    ("requestedById", "requested_by = RARE", &["approvals_requester_idx"]),
    ("serverId", "server_id = RARE", &["approvals_server_idx"]),
    ("createdAt", "created_at < '2001-01-01'", &["approvals_organization_idx"]),
];

/// A tool's requests are found among those of its server, or of everything that an organization was asked.
const UNSERVED: [&str; 1] = ["toolName"];

const RARE: &str = "'018f0000-0000-7000-8000-00000000aaaa'::uuid";

fn in_words(world: &World, sql: &str) -> String {
    let quoted = |id: &str| format!("'{}'::uuid", uuid(id));
    sql.replace("RARE", RARE)
        .replace("OWNER", &quoted(&world.owner.id))
        .replace("DEVELOPER", &quoted(&world.developer.id))
        .replace("ROCKET", &quoted(&world.rocket))
        .replace("ACME", &quoted(&world.acme))
}

/// Many rows, most of them alike; of the requests, some thousand are of another organization and wait.
async fn fill(world: &World) {
    let rare = |remainder: u32, rare: &str, common: &str| {
        format!("CASE WHEN n % 2000 = {remainder} THEN {rare} ELSE {common} END")
    };
    let sql = format!(
        "SET LOCAL session_replication_role = replica; \
         INSERT INTO governance.decisions (id, created_at, organization_id, project_id, outcome, would_be, reason, trace, winner_id, \
            server_id, tool_name, model, user_id, api_key_id, action, policy_set_version, input_hash, input, is_replayable) \
         SELECT gen_random_uuid(), now() - n * interval '1 minute', ACME, ROCKET, {outcome}, {would_be}, {reason}, {trace}, {winner}, \
            {server}, {tool}, {model}, {user}, {key}, 'call_tool', 1, sha256('input'), '{{}}', true FROM generate_series(1, 10000) AS n; \
         INSERT INTO governance.approvals (id, organization_id, project_id, server_id, server_name, tool_name, requested_by, \
            arguments_hash, redacted_arguments, pin, state, decided_at, expires_at, created_at) \
         SELECT gen_random_uuid(), CASE WHEN n > 10000 THEN RARE ELSE ACME END, CASE WHEN n > 10000 THEN RARE ELSE ROCKET END, {asked}, 'git', 'push', {user}, sha256(n::text::bytea), '{{}}', sha256('pin'), \
            CASE WHEN n > 10000 OR n % 2000 = 1 THEN 'pending' ELSE 'denied' END, now(), now() + interval '1 day', now() - n * interval '1 minute' \
         FROM generate_series(1, 15000) AS n",
        outcome = rare(1, "'require_approval'", "'deny'"),
        would_be = rare(2, "'deny'", "NULL"),
        reason = "CASE WHEN n % 2000 = 3 THEN 'limit' WHEN n % 2 = 0 THEN 'gate' ELSE 'policy' END",
        trace =
            rare(4, r#"'{"reason": {"gate": "key_valid"}}'::jsonb"#, r#"'{"reason": {"gate": "scan_passed"}}'::jsonb"#),
        winner = rare(5, "RARE", "DEVELOPER"),
        server = rare(6, "RARE", "DEVELOPER"),
        tool = rare(7, "'rare'", "'push'"),
        model = rare(8, "'rare'", "'sonnet'"),
        user = rare(9, "RARE", "DEVELOPER"),
        key = rare(10, "RARE", "DEVELOPER"),
        asked = rare(11, "RARE", "DEVELOPER"),
    );
    world.database.run(&in_words(world, &sql)).await;
    for table in ["decisions", "approvals"] {
        world.database.run(&format!("VACUUM ANALYZE governance.{table}")).await;
    }
}

/// The index of a whole table by that of each of its partitions.
async fn wholes(world: &World) -> BTreeMap<String, String> {
    let sql = "SELECT part.relname AS part, whole.relname AS whole FROM pg_inherits i \
         JOIN pg_class part ON part.oid = i.inhrelid JOIN pg_class whole ON whole.oid = i.inhparent WHERE whole.relkind = 'I'";
    let text = |row: &Value, column: &str| row[column].as_str().expect("a name").to_owned();
    world.database.rows(sql).await.iter().map(|row| (text(row, "part"), text(row, "whole"))).collect()
}

/// The names of the indexes in the plan of a page.
async fn plan(world: &World, wholes: &BTreeMap<String, String>, table: &str, condition: &str) -> BTreeSet<String> {
    let sql = format!(
        "EXPLAIN (FORMAT JSON) SELECT * FROM governance.{table} WHERE {condition} ORDER BY created_at DESC, id DESC LIMIT 21"
    );
    // Which index there is, and not whether reading everything would be cheaper for so few rows.
    let mut session = world.database.pool().acquire().await.expect("a connection");
    sqlx::query("SET enable_seqscan = off").execute(&mut *session).await.expect("a setting");
    let sql = sqlx::AssertSqlSafe(in_words(world, &sql));
    let text: Value = sqlx::query_scalar(sql).fetch_one(&mut *session).await.expect("a plan");
    let (mut indexes, mut nodes) = (BTreeSet::new(), vec![&text[0]["Plan"]]);
    while let Some(node) = nodes.pop() {
        if let Some(index) = node["Index Name"].as_str() {
            indexes.insert(wholes.get(index).map_or(index, String::as_str).to_owned());
        }
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
    }
    indexes
}

#[tokio::test]
async fn each_filter_of_decisions_and_of_approvals_has_its_index() {
    let world = World::new().await;
    fill(&world).await;
    let wholes = wholes(&world).await;
    let lists =
        [("decisions", "project_id = ROCKET", OF_DECISIONS), ("approvals", "organization_id = ACME", OF_APPROVALS)];
    for (table, of, cases) in lists {
        for (field, sql, indexes) in cases {
            let found = plan(&world, &wholes, table, &format!("{of} AND {sql}")).await;
            assert!(indexes.iter().any(|index| found.contains(*index)), "{field} of {table}: {sql}: {found:?}");
        }
    }
}

#[test]
fn no_filter_of_decisions_or_of_approvals_is_left_out() {
    for (filter, cases) in [("DecisionFilter", OF_DECISIONS), ("ApprovalFilter", OF_APPROVALS)] {
        let covered: BTreeSet<&str> = cases.iter().map(|(field, ..)| *field).collect();
        for field in graph().input_fields(filter) {
            let name = field.name.node.as_str();
            let is_unserved = filter == "ApprovalFilter" && UNSERVED.contains(&name);
            assert!(covered.contains(name) || is_unserved, "{filter}.{name} has no case here");
        }
    }
}
