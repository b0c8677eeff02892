//! Puts the values of secrets where texts refer to them: for the one who is about to use the texts, and for nobody to
//! see. That a call may be made at all was decided before.

use std::collections::HashMap;

use entity::ids::ProjectId;
use entity::secret::Secret;

use super::references::{Malformed, Part, names, parts};
use super::store;
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;

/// Why texts cannot be resolved. Never holds a value.
#[derive(Clone, Debug, thiserror::Error)]
pub enum Unresolved {
    /// The project has no secret of this name.
    #[error("the project has no secret {name}")]
    Missing { name: String },
    #[error(transparent)]
    Malformed(#[from] Malformed),
    /// It could not be read, or opened.
    #[error("a secret could not be read")]
    Failed(#[source] Error),
}

/// The texts, in the same order, with the values of the project's secrets in the place of their references. A value is
/// taken as it is: what looks like a reference in it is none.
pub async fn resolve(request: &Request, project: ProjectId, texts: &[&str]) -> Result<Vec<Secret<String>>, Unresolved> {
    let texts: Vec<Vec<Part<'_>>> = texts.iter().map(|text| parts(text)).collect::<Result<_, _>>()?;
    let mut wanted: Vec<String> = Vec::new();
    for part in texts.iter().flatten() {
        if let Part::Secret(name) = part
            && !wanted.iter().any(|known| known == name)
        {
            wanted.push((*name).to_owned());
        }
    }
    let values = match wanted.is_empty() {
        true => HashMap::new(),
        false => store::values(request, project, wanted).await.map_err(Unresolved::Failed)?,
    };
    let put_in = |parts: Vec<Part<'_>>| {
        let mut text = String::new();
        for part in parts {
            text += match part {
                Part::Text(text) => text,
                Part::Secret(name) => {
                    let value = values.get(name).ok_or_else(|| Unresolved::Missing { name: name.to_owned() })?;
                    value.expose()
                }
            };
        }
        Ok(Secret::new(text))
    };
    texts.into_iter().map(put_in).collect()
}

/// The names in the texts that the project has no secret for: for whoever stores the texts to say so early.
pub async fn missing(request: &Request, project: ProjectId, texts: &[&str]) -> Result<Vec<String>, Unresolved> {
    let wanted: Vec<String> = names(texts.iter().copied())?.into_iter().map(str::to_owned).collect();
    let found = store::found(request, project, wanted.clone()).await.map_err(Unresolved::Failed)?;
    Ok(wanted.into_iter().filter(|name| !found.contains(name)).collect())
}
