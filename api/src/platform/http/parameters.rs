//! The parameters of an operation, as GraphQL over HTTP names them: in a JSON body, a batch, a URL, or the message of a
//! WebSocket.

use std::collections::HashMap;

use async_graphql::Variables;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::documents::Asked;
use crate::platform::errors::{Error, Result};

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Parameters {
    pub query: Option<String>,
    /// The id of a persisted document.
    pub document_id: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Option<Value>,
    pub extensions: Option<Map<String, Value>>,
}

/// A request body.
#[derive(Debug)]
pub enum Content {
    Single(Box<Parameters>),
    Batch(Vec<Parameters>),
}

impl Content {
    /// Reads JSON. Looks at its beginning first, so that an error says what is wrong with what was meant.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        let says = |error: serde_json::Error| error.to_string();
        match bytes.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(bytes).map(Content::Single).map_err(says),
            Some(b'[') => serde_json::from_slice(bytes).map(Content::Batch).map_err(says),
            _ => Err("it must be a JSON object, or a list of them".to_owned()),
        }
    }
}

impl Parameters {
    /// From a query string.
    pub fn from_url(query: &str) -> Result<Self> {
        let mut pairs: HashMap<String, String> = serde_urlencoded::from_str(query)
            .map_err(|error| Error::bad_input("query", format!("The address is malformed: {error}.")))?;
        let variables = json(&pairs, "variables")?;
        let extensions = json(&pairs, "extensions")?;
        let mut text = |name: &str| pairs.remove(name).filter(|value| !value.is_empty());
        let (query, document_id, operation_name) = (text("query"), text("documentId"), text("operationName"));
        Ok(Self { query, document_id, operation_name, variables, extensions })
    }

    pub fn into_asked(self) -> Result<Asked> {
        let text = self.query.filter(|text| !text.trim().is_empty());
        let variables = match self.variables {
            None | Some(Value::Null) => Variables::default(),
            Some(variables @ Value::Object(_)) => Variables::from_json(variables),
            Some(_) => return Err(Error::bad_input("variables", "Variables must be an object.")),
        };
        let id = named(&mut self.extensions.unwrap_or_default(), self.document_id)?;
        if text.is_none() && id.is_none() {
            return Err(Error::bad_input("query", "The request has no query."));
        }
        Ok(Asked { text, id, operation_name: self.operation_name, variables })
    }
}

fn json<T: serde::de::DeserializeOwned>(pairs: &HashMap<String, String>, name: &str) -> Result<Option<T>> {
    let text = pairs.get(name).filter(|text| !text.is_empty());
    let read = text.map(|text| serde_json::from_str::<Option<T>>(text)).transpose();
    let read = read.map_err(|error| Error::bad_input(name, format!("Not the JSON that it should be: {error}.")))?;
    Ok(read.flatten())
}

/// Apollo's `extensions.persistedQuery`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PersistedQuery {
    version: u32,
    sha256_hash: String,
}

/// The id by which the document is named: the hash of Apollo's extension, or else the `documentId`.
pub fn named(extensions: &mut Map<String, Value>, document_id: Option<String>) -> Result<Option<String>> {
    let persisted = match extensions.remove("persistedQuery") {
        None | Some(Value::Null) => return Ok(document_id),
        Some(persisted) => persisted,
    };
    match serde_json::from_value(persisted) {
        Ok(PersistedQuery { version: 1, sha256_hash }) => Ok(Some(sha256_hash)),
        _ => Err(Error::bad_input("extensions.persistedQuery", "It must hold version 1 and a sha256Hash.")),
    }
}
