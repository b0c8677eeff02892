//! `trellis maintain`, and the daily round of a server: what nobody asks for any more is removed, in small batches.

use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::support::{Answer, Database, World, environment};

/// Runs a command of the built server on the database of a test.
fn trellis(database: &Database, arguments: &[&str]) -> Output {
    Command::new(environment("TRELLIS_TEST_BIN"))
        .args(arguments)
        .env("DATABASE_URL", database.url())
        .env("REDIS_URL", environment("TRELLIS_TEST_REDIS_URL"))
        .env("TRELLIS_REDIS_PREFIX", format!("{}:upkeep:", database.name()))
        .env("TRELLIS_DATABASE_CONNECTIONS", "4")
        .output()
        .expect("the program starts")
}

/// Runs `trellis maintain` and gives what it said.
fn maintain(database: &Database) -> String {
    let output = trellis(database, &["maintain"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("it speaks text")
}

/// Events of the past: their age in days, and whether Redis has them.
async fn events(world: &World, count: u32, age: u32, published: bool) {
    world
        .database
        .run(&format!(
            "WITH positions AS (UPDATE platform.feed SET last_position = last_position + {count}, \
                 published_position = CASE WHEN {published} THEN last_position + {count} ELSE published_position END \
                 RETURNING last_position - {count} AS before) \
             INSERT INTO platform.outbox (event_id, event_type, stream, actor_type, resource_type, resource_id, payload, \
                 request_id, position, created_at) \
             SELECT gen_random_uuid(), 'test', 'documents', 'system', 'test', gen_random_uuid(), '{{}}', \
                 gen_random_uuid(), before + number, now() - interval '{age} days' \
             FROM positions, generate_series(1, {count}) AS number"
        ))
        .await;
}

async fn count(world: &World, table: &str) -> i64 {
    world.database.number(&format!("SELECT count(*) FROM {table}")).await
}

#[tokio::test]
async fn what_is_over_is_removed_in_batches_and_the_rest_stays() {
    // The server of the test would give positions and deliver.
    let world = World::with(|config| config.stores.redis_url = "redis://127.0.0.1:1".into()).await;
    world.server.platform().feed.shut_down().await;
    world
        .database
        .run(
            "CREATE TABLE public.removals (rows bigint); GRANT ALL ON public.removals TO PUBLIC; \
             CREATE FUNCTION public.note() RETURNS trigger LANGUAGE plpgsql AS \
             $$ BEGIN INSERT INTO public.removals SELECT count(*) FROM gone; RETURN NULL; END $$; \
             CREATE TRIGGER note AFTER DELETE ON platform.outbox REFERENCING OLD TABLE AS gone \
             FOR EACH STATEMENT EXECUTE FUNCTION public.note()",
        )
        .await;
    events(&world, 12_000, 15, true).await;
    events(&world, 10, 13, true).await;
    events(&world, 20, 59, false).await;
    world
        .database
        .run(
            "INSERT INTO platform.idempotency_keys (viewer_id, key, ordinal, viewer_kind, fingerprint, created_at) \
             SELECT gen_random_uuid(), 'key', 0, 'user', '', now() - make_interval(hours => age) \
             FROM unnest(ARRAY[47, 49]) AS age; \
             UPDATE identity.sessions SET created_at = now() - interval '90 days', expires_at = now() - interval '31 days' \
             WHERE user_id = (SELECT id FROM identity.users WHERE email = 'viewer@acme.test'); \
             UPDATE identity.sessions SET created_at = now() - interval '90 days', expires_at = now() - interval '29 days' \
             WHERE user_id = (SELECT id FROM identity.users WHERE email = 'reader@acme.test')",
        )
        .await;
    let sessions = count(&world, "identity.sessions").await;
    let said = maintain(&world.database);
    assert!(said.contains("1 idempotency keys") && said.contains("12000 events"), "{said}");
    assert!(said.contains("1 sessions"), "{said}");
    assert!(!said.contains('{'), "{said}");
    assert_eq!(count(&world, "platform.outbox WHERE event_type = 'test'").await, 30, "young, or not in Redis yet");
    assert_eq!(count(&world, "platform.idempotency_keys").await, 1);
    assert_eq!(count(&world, "identity.sessions").await, sessions - 1);
    let largest = world.database.number("SELECT max(rows) FROM public.removals").await;
    assert!((1..=5_000).contains(&largest), "{largest}");
}

#[tokio::test]
async fn events_that_redis_never_took_wait_for_it_and_not_for_ever() {
    let world = World::with(|config| config.stores.redis_url = "redis://127.0.0.1:1".into()).await;
    world.server.platform().feed.shut_down().await;
    world.database.run("DELETE FROM platform.outbox").await;
    events(&world, 5, 61, false).await;
    events(&world, 7, 30, false).await;
    let output = trellis_without_redis(&world.database);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(count(&world, "platform.outbox").await, 7);
}

/// `trellis maintain` while Redis is away.
fn trellis_without_redis(database: &Database) -> Output {
    Command::new(environment("TRELLIS_TEST_BIN"))
        .arg("maintain")
        .env("DATABASE_URL", database.url())
        .env("REDIS_URL", "redis://127.0.0.1:1")
        .output()
        .expect("the program starts")
}

#[tokio::test]
async fn audit_entries_leave_when_their_own_time_or_that_of_their_organization_is_over() {
    let world = World::new().await;
    world.owner.mutate("organizationUpdate", json!({ "id": world.acme, "auditRetentionDays": 10 })).await.well();
    world
        .database
        .run(
            "INSERT INTO audit.logs (actor_type, action, resource_schema, resource_type, organization_id, retention_days, \
                 created_at) \
             SELECT 'system', name, 'test', 'test', (SELECT id FROM tenancy.organizations WHERE slug = organization), \
                 own, now() - make_interval(days => age) \
             FROM (VALUES ('gone', 'acme', NULL, 11), ('kept', 'acme', NULL, 9), ('kept', 'acme', 20, 11), \
                 ('gone', 'acme', 5, 6), ('kept', 'globex', NULL, 11), ('gone', 'globex', NULL, 91), \
                 ('kept', NULL, NULL, 300), ('gone', NULL, NULL, 366), ('gone', NULL, 1, 2)) \
                 AS entry (name, organization, own, age)",
        )
        .await;
    let real = count(&world, "audit.logs WHERE resource_schema <> 'test'").await;
    let said = maintain(&world.database);
    assert!(said.contains("5 audit entries"), "{said}");
    assert_eq!(count(&world, "audit.logs WHERE action = 'gone'").await, 0);
    assert_eq!(count(&world, "audit.logs WHERE action = 'kept'").await, 4);
    assert!(count(&world, "audit.logs WHERE resource_schema <> 'test'").await >= real);
    assert!(maintain(&world.database).contains("0 audit entries"));
}

#[tokio::test]
async fn the_server_itself_can_remove_no_audit_entry() {
    let world = World::new().await;
    for statement in
        ["SELECT audit.remove_expired(1)", "SET LOCAL audit.removes_expired = 'on'; DELETE FROM audit.logs"]
    {
        let result = world.database.try_run(&format!("SET LOCAL ROLE trellis_server; {statement}")).await;
        let refused = result.expect_err("the server's role may not").to_string();
        assert!(refused.contains("permission denied"), "{statement}: {refused}");
    }
}

#[tokio::test]
async fn the_server_itself_changes_no_call_and_no_decision_that_was_recorded() {
    let world = World::new().await;
    // Those that stand for later days and months are made by the server's own function.
    let made = "SET LOCAL ROLE trellis_server; SELECT metering.keep_partitions(9, 90); \
                SELECT governance.keep_partitions(9, 12)";
    world.database.try_run(made).await.expect("the server's role makes partitions");
    let refused = async |statement: String| {
        let result = world.database.try_run(&format!("SET LOCAL ROLE trellis_server; {statement}")).await;
        let refused = result.expect_err("the server's role may not").to_string();
        assert!(refused.contains("permission denied"), "{statement}: {refused}");
    };
    for log in ["metering.mcp_usage", "governance.decisions"] {
        let partitions =
            format!("SELECT inhrelid::regclass::text AS name FROM pg_inherits WHERE inhparent = '{log}'::regclass");
        let partitions = world.database.rows(&partitions).await;
        assert!(partitions.len() > 10, "{partitions:?}");
        let names = partitions.iter().map(|row| row["name"].as_str().expect("a name"));
        for name in names.chain([log]) {
            for statement in [format!("UPDATE {name} SET tool_name = 'other'"), format!("DELETE FROM {name}")] {
                refused(statement).await;
            }
        }
        // Which log is kept is not the server's to say.
        refused(format!("SELECT platform.keep_partitions('{log}', 'day', 0, 0)")).await;
        refused(format!("SELECT platform.make_partitions('{log}', 'day', 0)")).await;
    }
}

#[tokio::test]
async fn decisions_are_kept_for_twelve_months_before_this_one() {
    let world = World::new().await;
    // Of the ages in months two have partitions of their own, and two are where no month was made for them.
    world
        .database
        .run(
            "DO $$ DECLARE age integer; month timestamp; BEGIN FOREACH age IN ARRAY ARRAY[12, 13] LOOP \
                 month := date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => age); \
                 EXECUTE format('CREATE TABLE governance.%I PARTITION OF governance.decisions FOR VALUES FROM (%L) TO (%L)', \
                     'decisions_' || to_char(month, 'YYYY_MM'), month AT TIME ZONE 'UTC', \
                     (month + interval '1 month') AT TIME ZONE 'UTC'); \
             END LOOP; END $$; \
             INSERT INTO governance.decisions (id, created_at, organization_id, project_id, tool_name, action, outcome, \
                 reason, policy_set_version, input_hash, input, is_replayable, trace) \
             SELECT gen_random_uuid(), (date_trunc('month', now() AT TIME ZONE 'UTC') - make_interval(months => age)) \
                     AT TIME ZONE 'UTC' + interval '1 hour', \
                 gen_random_uuid(), gen_random_uuid(), 'aged ' || age, 'call_tool', 'deny', 'default', 1, sha256('input'), \
                 '{}', false, '{}' \
             FROM unnest(ARRAY[0, 11, 12, 13, 14]) AS age",
        )
        .await;
    let said = maintain(&world.database);
    assert!(said.contains("1 months of decisions"), "{said}");
    let left = world.database.rows("SELECT tool_name FROM governance.decisions ORDER BY created_at").await;
    let left: Vec<&Value> = left.iter().map(|row| &row["tool_name"]).collect();
    assert_eq!(left, ["aged 12", "aged 11", "aged 0"]);
    assert!(maintain(&world.database).contains("0 months of decisions"));
}

#[tokio::test]
async fn months_that_hold_nothing_any_more_are_dropped() {
    let world = World::new().await;
    world
        .database
        .run(
            "CREATE TABLE audit.logs_2020_01 PARTITION OF audit.logs FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z'); \
             CREATE TABLE audit.logs_2020_02 PARTITION OF audit.logs FOR VALUES FROM ('2020-02-01Z') TO ('2020-03-01Z'); \
             INSERT INTO audit.logs (actor_type, action, resource_schema, resource_type, retention_days, created_at) \
             VALUES ('system', 'kept', 'test', 'test', 36500, '2020-02-02Z')",
        )
        .await;
    maintain(&world.database);
    let left = world
        .database
        .row(
            "SELECT to_regclass('audit.logs_2020_01') AS first, \
         to_regclass('audit.logs_2020_02')::text AS second",
        )
        .await;
    assert_eq!((&left["first"], &left["second"]), (&Value::Null, &json!("audit.logs_2020_02")));
}

#[tokio::test]
async fn a_server_is_not_ready_while_its_database_misses_a_migration() {
    let world = World::new().await;
    world
        .database
        .run(
            "CREATE TABLE public.held AS SELECT * FROM public.seaql_migrations \
             WHERE version LIKE '%_content'; DELETE FROM public.seaql_migrations WHERE version LIKE '%_content'",
        )
        .await;
    let ready = async || Answer::read(reqwest::get(world.server.at("/health/ready")).await.expect("an answer")).await;
    let answer = ready().await;
    assert_eq!((answer.status.as_u16(), &answer.json["db"]), (503, &json!("ok")), "{}", answer.body);
    let missing = answer.json["migrations"].as_str().expect("a sentence");
    assert!(missing.contains("m20261120_000006_content is missing"), "{missing}");
    // What a newer version has applied already is no reason to stop.
    world
        .database
        .run(
            "INSERT INTO public.seaql_migrations SELECT * FROM public.held; \
             INSERT INTO public.seaql_migrations VALUES ('m20991231_999999_from_the_future', 0)",
        )
        .await;
    let answer = ready().await;
    assert_eq!((answer.status.as_u16(), &answer.json["migrations"]), (200, &json!("ok")), "{}", answer.body);
}
