//! Documents that a client names instead of sending them: automatic persisted queries (Apollo's protocol; kept in Redis
//! and, the last ones, in the process), and trusted documents, beside which nothing else is run.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use async_graphql::{Response, Variables};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::engine::{Call, failed};
use super::remembered::Remembered;
use super::report::refusal;
use crate::platform::cache::Cache;
use crate::platform::errors::{Error, Result};

/// Bytes of text that a process remembers, at most, in each of two generations.
const REMEMBERED_BYTES: u64 = 4 * 1024 * 1024;
/// How long Redis keeps a document after it was last registered.
const KEPT_SECONDS: u64 = 7 * 24 * 60 * 60;

/// An operation as a client asks for it: by the text of its document, its id, or both.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    pub text: Option<String>,
    pub id: Option<String>,
    pub operation_name: Option<String>,
    pub variables: Variables,
}

/// The documents that are known by an id.
#[derive(Debug)]
pub struct Documents {
    /// By id, and by the hash of their text. None when every document is run.
    trusted: Option<HashMap<String, Arc<str>>>,
    recent: Remembered<String, Arc<str>>,
    cache: Cache,
}

impl Documents {
    pub fn new(cache: Cache, trusted: Option<&Path>) -> Result<Self> {
        let trusted = trusted.map(read_trusted).transpose()?;
        Ok(Self { trusted, recent: Remembered::new(REMEMBERED_BYTES), cache })
    }

    /// The call, where this process knows the document.
    pub fn known(&self, asked: Asked) -> Result<Call, Box<Response>> {
        match (self.text_of(&asked)?, &asked.id) {
            (Some(text), id) => {
                let register_as = if self.trusted.is_none() { id.clone() } else { None };
                Ok(Call { query: text, operation_name: asked.operation_name, variables: asked.variables, register_as })
            }
            (None, _) => Err(refusal("PersistedQueryNotFound", None, "PERSISTED_QUERY_NOT_FOUND")),
        }
    }

    /// The call, where this process or Redis knows the document.
    pub async fn find(&self, asked: Asked) -> Result<Call, Box<Response>> {
        if let (Asked { text: None, id: Some(id), .. }, None) = (&asked, &self.trusted)
            && self.recent.get(id).is_none()
            && let Some(text) = self.cache.read::<String>(&key(id)).await
            && hash(&text) == *id
        {
            self.remember(id.clone(), text.into());
        }
        self.known(asked)
    }

    fn text_of(&self, asked: &Asked) -> Result<Option<Arc<str>>, Box<Response>> {
        match (&self.trusted, &asked.text, &asked.id) {
            (Some(trusted), None, Some(id)) => Ok(trusted.get(id).cloned()),
            (Some(trusted), Some(text), _) => match trusted.get(&hash(text)) {
                Some(text) => Ok(Some(Arc::clone(text))),
                None => {
                    let message = "This server runs trusted documents alone, and this is none of them.";
                    Err(refusal(message, None, "UNTRUSTED_DOCUMENT"))
                }
            },
            (None, Some(text), Some(id)) if hash(text) != *id => {
                let error = Error::bad_input("extensions.persistedQuery", "provided sha does not match query");
                Err(Box::new(failed(error)))
            }
            (None, Some(text), _) => Ok(Some(text.as_str().into())),
            (None, None, Some(id)) => Ok(self.recent.get(id)),
            (_, None, None) => Ok(None),
        }
    }

    /// Keeps a document that was let in under its id, for clients that name it later: of this process, and where it is
    /// shared of others too.
    pub fn register(&self, id: &str, text: &Arc<str>, is_shared: bool) {
        if self.recent.get(&id.to_owned()).is_some() {
            return;
        }
        self.remember(id.to_owned(), Arc::clone(text));
        if !is_shared {
            return;
        }
        let (cache, key, text) = (self.cache.clone(), key(id), Arc::clone(text));
        tokio::spawn(async move { cache.write(&key, &*text, KEPT_SECONDS).await });
    }

    fn remember(&self, id: String, text: Arc<str>) {
        let weight = (id.len() + text.len()) as u64;
        self.recent.insert(id, text, weight);
    }
}

fn key(id: &str) -> String {
    format!("document:persisted:{id}")
}

/// SHA-256 in lower-case hexadecimal digits, as clients write it.
fn hash(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hash, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hash, "{byte:02x}");
        hash
    })
}

/// A file of trusted documents, in one of the two forms that tools write.
#[derive(Deserialize)]
#[serde(untagged)]
enum TrustedFile {
    Apollo { operations: Vec<ApolloOperation> },
    Relay(HashMap<String, String>),
}

#[derive(Deserialize)]
struct ApolloOperation {
    id: String,
    body: String,
}

fn read_trusted(path: &Path) -> Result<HashMap<String, Arc<str>>> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Error::internal(format!("TRELLIS_TRUSTED_DOCUMENTS: {} cannot be read: {error}", path.display()))
    };
    let text = std::fs::read_to_string(path).map_err(|error| unreadable(&error))?;
    let file = serde_json::from_str(&text).map_err(|error| unreadable(&error))?;
    let documents: Vec<(String, String)> = match file {
        TrustedFile::Apollo { operations } => operations.into_iter().map(|one| (one.id, one.body)).collect(),
        TrustedFile::Relay(documents) => documents.into_iter().collect(),
    };
    let mut trusted = HashMap::with_capacity(documents.len() * 2);
    for (id, text) in documents {
        let text: Arc<str> = text.into();
        trusted.insert(hash(&text), Arc::clone(&text));
        trusted.insert(id, text);
    }
    Ok(trusted)
}
