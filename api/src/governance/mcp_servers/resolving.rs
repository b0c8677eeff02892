//! From how a server is registered to how it is connected to: within the bounds that the operator and the project set, and
//! with the project's secrets in place of their references.

use std::collections::BTreeMap;

use entity::governance::mcp_server_version;
use entity::tenancy::project;
use url::Url;

use super::rules;
use super::transport::Transport;
use crate::governance::secrets;
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
    #[error("The server refers to a secret: {0}.")]
    Secret(#[from] secrets::Unresolved),
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
    let address = |url: &str| Url::parse(url).map_err(Error::internal);
    let transport = match transport {
        Transport::Stdio { command, arguments, environment } => {
            mcp::Transport::Stdio { command, arguments, environment: fill(request, project, environment).await? }
        }
        Transport::Http { url, headers } => {
            mcp::Transport::Http { url: address(&url)?, headers: fill(request, project, headers).await? }
        }
        Transport::Sse { url, headers } => {
            mcp::Transport::Sse { url: address(&url)?, headers: fill(request, project, headers).await? }
        }
    };
    Ok(Reach { transport, bounds: bounds(&request.platform.config, project) })
}

/// The values with the project's secrets in place of their references.
async fn fill(
    request: &Request,
    project: &project::Model,
    values: BTreeMap<String, String>,
) -> Result<BTreeMap<String, SecretText>, Unresolved> {
    let texts: Vec<&str> = values.values().map(String::as_str).collect();
    let filled = secrets::resolve(request, project.id, &texts).await?;
    let filled: Vec<SecretText> = filled.iter().map(|text| text.expose().as_str().into()).collect();
    Ok(values.into_keys().zip(filled).collect())
}
