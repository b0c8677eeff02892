//! What is looked at when a server is registered, and the registration from a `server.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;
use std::time::Duration;

use entity::governance::{mcp_server, mcp_server_version};
use entity::ids::{McpServerId, ProjectId};
use entity::tenancy::project;
use regex::Regex;
use url::Url;

use super::manifest::{self, Choice};
use super::resolving;
use super::rules::{self, NewServer};
use crate::governance::McpErrorCode as Code;
use crate::governance::mcp_scans;
use crate::governance::own_tools;
use crate::governance::scan::patterns::fixed;
use crate::platform::authorization::{Action, Granted};
use crate::platform::checks;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::mcp::{self, Bounds};
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};

/// How long the file at an address may take: less than an operation.
const PATIENCE: Duration = Duration::from_secs(6);

static NAME: LazyLock<Regex> = LazyLock::new(|| fixed(r"^[A-Za-z0-9][A-Za-z0-9._-]*$"));

/// The name of a server. Policies name a tool as `server/tool`, so it holds no slash and no sign of a pattern.
pub(super) fn check_name(text: &str) -> Result<String> {
    let name = checks::required_text("name", text, 255, Code::NameRequired, Code::TextInvalid)?;
    if name.eq_ignore_ascii_case(own_tools::SERVER) {
        return Err(reject("name", Code::NameTaken, "Trellis' own tools have this name."));
    }
    if NAME.is_match(&name) {
        return Ok(name);
    }
    let message = "A name has letters, digits, dots, underscores and hyphens, and begins with a letter or digit.";
    Err(reject("name", Code::NameInvalid, message))
}

/// Scans what is known before anybody has connected: how the server is reached.
pub(super) async fn scan_launch(
    write: &Write<'_>,
    server: &Granted<mcp_server::Entity>,
    version: &mcp_server_version::Model,
    project: &project::Model,
) -> Result<()> {
    let private_allowed = rules::private_allowed(&write.request().platform.config, project);
    mcp_scans::scan_and_store(write, server, mcp_scans::Scanned { version, private_allowed, found: None }).await?;
    Ok(())
}

/// Where a file comes from.
pub enum Source {
    Text(String),
    Url(String),
}

/// What a server is made from that a file describes.
pub struct NewImport {
    pub id: Option<McpServerId>,
    pub project_id: ProjectId,
    /// Instead of the name in the file.
    pub name: Option<String>,
    pub source: Source,
    pub choice: Option<Choice>,
    pub values: BTreeMap<String, String>,
}

/// The file at an address, within the bounds of the project's servers. Nothing is asked for who may not register.
async fn fetch(request: &Request, project: ProjectId, url: &str) -> Result<String> {
    request.user_id()?;
    let project = request.get::<project::Entity>(project).await?;
    if !request.permitted::<project::Entity>(&project).contains(Action::RegisterServers) {
        return Err(Error::Forbidden);
    }
    let invalid = |message: &str| reject("source.url", Code::ManifestUnreachable, message);
    let address = Url::parse(url).map_err(|_| invalid("This is no address."))?;
    let bounds = Bounds { connect: PATIENCE, run: PATIENCE, ..resolving::bounds(&request.platform.config, &project) };
    let file = mcp::fetch(&address, manifest::MOST_BYTES, &bounds).await;
    let file = file.map_err(|failure| invalid(&failure.to_string()))?;
    String::from_utf8(file.into()).map_err(|_| invalid("What stands there is no text."))
}

/// Registers a server from its `server.json`.
pub async fn import_server(request: &Request, new: NewImport) -> Result<Committed<mcp_server::Model>> {
    let (text, manifest_url) = match new.source {
        Source::Text(text) => (text, None),
        Source::Url(url) => (fetch(request, new.project_id, &url).await?, Some(url)),
    };
    let imported = manifest::import(&text, new.choice, &new.values)?;
    let server = NewServer {
        id: new.id,
        project_id: new.project_id,
        name: new.name.unwrap_or(imported.name),
        description: Some(imported.description),
        label: Some(imported.label),
        transport: imported.transport,
        manifest: Some(imported.manifest),
        manifest_url,
    };
    rules::register_server(request, server).await
}
