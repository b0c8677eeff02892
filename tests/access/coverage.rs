//! The matrix is complete: a root field or a type of `node` without a row fails here.

use std::collections::BTreeSet;

use super::rows::{self, FOLLOWINGS, QUERIES, SIGHTS};
use crate::support::graph;

#[track_caller]
fn same(what: &str, rows: impl IntoIterator<Item = &'static str>, schema: Vec<String>) {
    let rows: BTreeSet<String> = rows.into_iter().map(str::to_owned).collect();
    let schema: BTreeSet<String> = schema.into_iter().collect();
    let missing: Vec<&String> = schema.difference(&rows).collect();
    let gone: Vec<&String> = rows.difference(&schema).collect();
    assert!(missing.is_empty(), "{what} without a row in tests/access/rows.rs: {missing:?}");
    assert!(gone.is_empty(), "rows of {what} that are gone: {gone:?}");
}

#[test]
fn every_query_has_a_row() {
    same("queries", QUERIES, graph().roots("Query"));
}

#[test]
fn every_mutation_has_a_row() {
    same("mutations", rows::changes().map(|row| row.field), graph().roots("Mutation"));
}

#[test]
fn every_subscription_has_a_row() {
    same("subscriptions", FOLLOWINGS.iter().map(|row| row.field), graph().roots("Subscription"));
}

#[test]
fn every_type_of_node_has_a_row() {
    same("types of node", SIGHTS.iter().map(|row| row.of), graph().node_types());
}
