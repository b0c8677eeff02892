//! From how a server is registered to how it is connected to: within the bounds that the operator and the project set, and
//! with the project's secrets in place of their references.

use std::collections::BTreeMap;

use entity::governance::mcp_server_version;
use entity::tenancy::project;
use regex::Captures;
use url::Url;

use super::rules;
use super::transport::{self, Transport};
use crate::platform::config::{Config, SecretText};
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{self, Bounds};
use crate::platform::request::Request;

/// How a server is connected to. Holds secrets.
#[derive(Debug)]
pub struct Reach {
    pub transport: mcp::Transport,
    pub bounds: Bounds,
}

/// Why a server cannot even be tried.
#[derive(Debug, thiserror::Error)]
pub enum Unresolved {
    #[error("The project has no secret with the name {0}, which the server refers to.")]
    SecretMissing(String),
    #[error(transparent)]
    Other(#[from] Error),
}

/// What servers of the project may take, and where they may be.
pub fn bounds(config: &Config, project: &project::Model) -> Bounds {
    let private = rules::private_allowed(config, project);
    Bounds { private_addresses: private, plain_http: private, ..config.mcp.bounds(config.environment) }
}

/// How the version of a server is connected to.
pub async fn resolve_version(request: &Request, version: &mcp_server_version::Model) -> Result<Reach, Unresolved> {
    let project = request.get::<project::Entity>(version.project_id).await?;
    resolve(request, &project, Transport::of(version)?).await
}

/// How a server of the project is connected to.
pub async fn resolve(request: &Request, project: &project::Model, transport: Transport) -> Result<Reach, Unresolved> {
    let secrets = Secrets::of(request, project, &transport).await?;
    let address = |url: &str| Url::parse(url).map_err(Error::internal);
    let transport = match transport {
        Transport::Stdio { command, arguments, environment } => {
            mcp::Transport::Stdio { command, arguments, environment: secrets.fill(environment)? }
        }
        Transport::Http { url, headers } => {
            mcp::Transport::Http { url: address(&url)?, headers: secrets.fill(headers)? }
        }
        Transport::Sse { url, headers } => mcp::Transport::Sse { url: address(&url)?, headers: secrets.fill(headers)? },
    };
    Ok(Reach { transport, bounds: bounds(&request.platform.config, project) })
}

/// The values of the secrets that a server refers to, by name.
struct Secrets(BTreeMap<String, SecretText>);

impl Secrets {
    async fn of(_request: &Request, _project: &project::Model, transport: &Transport) -> Result<Self, Unresolved> {
        match transport.secret_names().into_iter().next() {
            Some(name) => Err(Unresolved::SecretMissing(name)),
            None => Ok(Self(BTreeMap::new())),
        }
    }

    /// The values with the secrets in place of their references.
    fn fill(&self, values: BTreeMap<String, String>) -> Result<BTreeMap<String, SecretText>, Unresolved> {
        let fill = |(name, value): (String, String)| {
            let mut missing = None;
            let filled = transport::REFERENCE.replace_all(&value, |found: &Captures<'_>| {
                let secret = self.0.get(&found[1]);
                if secret.is_none() {
                    missing = Some(found[1].to_owned());
                }
                secret.map_or_else(String::new, |secret| secret.reveal().to_owned())
            });
            match missing {
                Some(missing) => Err(Unresolved::SecretMissing(missing)),
                None => Ok((name, SecretText::from(filled.into_owned()))),
            }
        };
        values.into_iter().map(fill).collect()
    }
}
