//! Logs that are partitioned by time: a row is looked for by its id only where it can be.

use std::collections::BTreeSet;

use api::platform::authorization::Resource;
use api::platform::held::{changed_since, spans};
use chrono::{DateTime, TimeDelta, Utc};
use entity::governance::decision;
use entity::metering::mcp_usage;
use serde_json::{Value, json};
use sqlx::types::Uuid;

use crate::support::{World, eventually, new_id, now, typed};

/// A UUIDv7 of this moment.
fn of_moment(at: DateTime<Utc>) -> Uuid {
    let milliseconds = u128::try_from(at.timestamp_millis()).expect("a time of these days");
    let random = new_id().as_u128() & ((1 << 80) - 1);
    Uuid::from_u128((milliseconds << 80) | random)
}

/// Partitions for each of these days or months before this one, as they are after a long time.
async fn age(world: &World, log: &str, unit: &str, pattern: &str, count: u32) {
    let sql = format!(
        "DO $$ DECLARE begins timestamp; BEGIN FOR back IN 1..{count} LOOP \
             begins := date_trunc('{unit}', now() AT TIME ZONE 'UTC') - back * interval '1 {unit}'; \
             EXECUTE format('CREATE TABLE %s PARTITION OF {log} FOR VALUES FROM (%L) TO (%L)', \
                 '{log}_' || to_char(begins, '{pattern}'), begins AT TIME ZONE 'UTC', \
                 (begins + interval '1 {unit}') AT TIME ZONE 'UTC'); \
         END LOOP; END $$"
    );
    world.database.run(&sql).await;
}

/// The tables that are read to find the rows with these ids in this span.
async fn looked_into<E: Resource>(world: &World, ids: &[Uuid], span: usize) -> BTreeSet<String> {
    let (from, until) = spans::<E>(ids)[span].expect("ids are dated");
    let sql = format!("EXPLAIN (FORMAT JSON) {}", changed_since::<E>());
    let plan: Value = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
        .bind(ids.to_vec())
        .bind(vec![0; ids.len()])
        .bind(from)
        .bind(until)
        .fetch_one(world.database.pool())
        .await
        .expect("a plan");
    let (mut tables, mut nodes) = (BTreeSet::new(), vec![&plan[0]["Plan"]]);
    while let Some(node) = nodes.pop() {
        tables.extend(node["Relation Name"].as_str().map(str::to_owned));
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
    }
    tables
}

/// The name of the partition of that moment.
fn partition(log: &str, pattern: &str, at: DateTime<Utc>) -> String {
    format!("{log}_{}", at.format(pattern))
}

#[tokio::test]
async fn a_call_and_a_decision_are_looked_for_where_their_ids_say() {
    let world = World::new().await;
    age(&world, "metering.mcp_usage", "day", "YYYY_MM_DD", 90).await;
    age(&world, "governance.decisions", "month", "YYYY_MM", 12).await;
    // The first hour of a day may be that of the day before.
    let noon = |at: DateTime<Utc>| at.date_naive().and_hms_opt(12, 0, 0).expect("noon").and_utc();
    for days in [0, 1, 40] {
        let at = noon(now() - TimeDelta::days(days));
        let tables = looked_into::<mcp_usage::Entity>(&world, &[of_moment(at)], 0).await;
        assert_eq!(tables, BTreeSet::from([partition("mcp_usage", "%Y_%m_%d", at)]), "{days}");
        let tables = looked_into::<decision::Entity>(&world, &[of_moment(at)], 0).await;
        assert_eq!(tables, BTreeSet::from([partition("decisions", "%Y_%m", at)]), "{days}");
    }
    // Callers choose ids of up to thirty days before the call: what is not found is looked for there, and not further.
    let at = noon(now() - TimeDelta::days(60));
    let tables = looked_into::<mcp_usage::Entity>(&world, &[of_moment(at)], 1).await;
    assert!((31..=34).contains(&tables.len()), "{tables:?}");
    assert_eq!(spans::<decision::Entity>(&[of_moment(at)]).len(), 1, "nobody chooses the id of a decision");
}

#[tokio::test]
async fn a_call_is_found_whatever_the_time_in_the_id_that_its_caller_chose() {
    let world = World::new().await;
    for (days, is_taken) in [(0, true), (29, true), (31, false)] {
        let id = typed("call", &of_moment(now() - TimeDelta::days(days)).to_string());
        let input = json!({ "id": id, "projectId": world.rocket, "server": "nothing", "tool": "there" });
        let answer = world.developer.mutate_for("mcpToolCall", "toolCall { id }", input).await;
        answer.refused(if is_taken { "UNKNOWN_TOOL" } else { "ID_TAKEN" }, if is_taken { "tool" } else { "id" });
        if is_taken {
            eventually("it is found", async || (world.developer.node(&id).await["id"] == json!(id)).then_some(()))
                .await;
        }
    }
    // An id of no time at all stands for nothing, and is looked for everywhere.
    let id = typed("call", "00000000-0000-4000-8000-000000000000");
    assert!(world.developer.node(&id).await.is_null());
}
