//! From how a server is registered to how it is connected to: within the bounds that the operator and the project set, and
//! with the project's secrets in place of their references.

use std::collections::BTreeMap;

use entity::governance::mcp_server_version;
use entity::ids::ProjectId;
use entity::tenancy::project;
use url::Url;

use super::callable::Route;
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
    bounds_where(config, rules::private_allowed(config, project))
}

/// What servers may take that stand where the project says so.
fn bounds_where(config: &Config, private: bool) -> Bounds {
    Bounds { private_addresses: private, plain_http: private, ..config.mcp.bounds(config.environment) }
}

/// How a server whose tool is called is connected to: by its approved version, for whoever was let through.
pub async fn resolve_route(request: &Request, project: ProjectId, route: &Route) -> Result<Reach, Unresolved> {
    let config = &request.platform.config;
    let bounds = bounds_where(config, config.mcp_private_allowed() && route.private_addresses);
    Ok(Reach { transport: filled(request, project, route.transport.clone()).await?, bounds })
}

/// How the version of a server is connected to.
pub async fn resolve_version(request: &Request, version: &mcp_server_version::Model) -> Result<Reach, Unresolved> {
    let project = request.get::<project::Entity>(version.project_id).await?;
    resolve(request, &project, Transport::of(version)?).await
}

/// How a server of the project is connected to.
pub async fn resolve(request: &Request, project: &project::Model, transport: Transport) -> Result<Reach, Unresolved> {
    let transport = filled(request, project.id, transport).await?;
    Ok(Reach { transport, bounds: bounds(&request.platform.config, project) })
}

/// The transport with the project's secrets in place of their references.
async fn filled(request: &Request, project: ProjectId, transport: Transport) -> Result<mcp::Transport, Unresolved> {
    let address = |url: &str| Url::parse(url).map_err(Error::internal);
    Ok(match transport {
        Transport::Stdio { command, arguments, environment } => {
            mcp::Transport::Stdio { command, arguments, environment: fill(request, project, environment).await? }
        }
        Transport::Http { url, headers } => {
            mcp::Transport::Http { url: address(&url)?, headers: fill(request, project, headers).await? }
        }
        Transport::Sse { url, headers } => {
            mcp::Transport::Sse { url: address(&url)?, headers: fill(request, project, headers).await? }
        }
    })
}

/// The values with the project's secrets in place of their references.
async fn fill(
    request: &Request,
    project: ProjectId,
    values: BTreeMap<String, String>,
) -> Result<BTreeMap<String, SecretText>, Unresolved> {
    let texts: Vec<&str> = values.values().map(String::as_str).collect();
    let filled = secrets::resolve(request, project, &texts).await?;
    let filled = values.into_iter().zip(filled).map(|((name, written), text)| {
        let text = text.expose().as_str();
        // What stands there as it was registered can be read in the registry, and is no secret.
        let is_open = text == written;
        (name, if is_open { SecretText::in_the_open(written) } else { text.into() })
    });
    Ok(filled.collect())
}
