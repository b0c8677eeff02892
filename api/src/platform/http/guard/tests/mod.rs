//! What the guard promises, tried on a small schema with every kind of type.

mod examine;
mod graph;
mod hostile;
mod print;
mod properties;
mod reference;
mod rewrite;
mod scan;

use std::sync::LazyLock;

use async_graphql::Variables;
use async_graphql::parser::{parse_query, types::ExecutableDocument};

use super::{Examined, Limits, Refusal, SchemaShape};

fn parse(text: &str) -> ExecutableDocument {
    parse_query(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn variables(json: &str) -> Variables {
    serde_json::from_str(json).expect("variables are a JSON object")
}

fn shape() -> &'static SchemaShape {
    static SHAPE: LazyLock<SchemaShape> =
        LazyLock::new(|| SchemaShape::from_sdl(&graph::schema().sdl()).expect("exported SDL is valid"));
    &SHAPE
}

/// Examines a document with the default limits and without variables.
fn examined(text: &str) -> Result<Examined, Refusal> {
    examined_with(text, "{}", &Limits::default())
}

fn examined_with(text: &str, json: &str, limits: &Limits) -> Result<Examined, Refusal> {
    super::examine(&parse(text), shape(), None, &variables(json), limits)
}
