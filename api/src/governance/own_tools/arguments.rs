//! The arguments of the tools, read strictly: a name that nobody knows is a mistake that the caller should hear of.

use entity::ids::{DocumentId, SpaceId};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::platform::errors::{Error, Result};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Search {
    pub query: String,
    pub space_id: Option<SpaceId>,
    pub limit: Option<i32>,
    pub cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Read {
    pub id: DocumentId,
    #[serde(default)]
    pub offset: usize,
    #[serde(default = "Read::usual_limit")]
    pub limit: usize,
}

impl Read {
    /// Characters of one part at most.
    pub const MOST: usize = 1_000_000;

    const fn usual_limit() -> usize {
        100_000
    }
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Create {
    pub space_id: SpaceId,
    pub title: String,
    #[serde(default)]
    pub content: String,
    pub parent_id: Option<DocumentId>,
    pub description: Option<String>,
    #[serde(default)]
    pub tags: Vec<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Update {
    pub id: DocumentId,
    pub expected_version: i32,
    pub title: Option<String>,
    pub content: Option<String>,
    pub description: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Spaces {
    pub limit: Option<i32>,
    pub cursor: Option<String>,
}

/// Items of a page, unless the caller says.
pub const USUAL_PAGE: i32 = 20;

/// The arguments of a tool.
///
/// # Errors
/// Bad input that says what does not fit.
pub fn read<T: DeserializeOwned>(arguments: Map<String, Value>) -> Result<T> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| Error::bad_input("arguments", error.to_string()))
}
