//! What is looked at when a server is registered, and the registration from a `server.json`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use entity::governance::{mcp_server, mcp_server_version};
use entity::ids::{McpServerId, ProjectId};
use entity::tenancy::project;
use regex::Regex;

use super::manifest::{self, Choice};
use super::rules::{self, NewServer};
use crate::governance::McpErrorCode as Code;
use crate::governance::mcp_scans;
use crate::governance::scan::patterns::fixed;
use crate::platform::authorization::Granted;
use crate::platform::checks;
use crate::platform::errors::{Result, reject};
use crate::platform::request::Request;
use crate::platform::write::{Committed, Write};

static NAME: LazyLock<Regex> = LazyLock::new(|| fixed(r"^[A-Za-z0-9][A-Za-z0-9._-]*$"));

/// The name of a server. Policies name a tool as `server/tool`, so it holds no slash and no sign of a pattern.
pub(super) fn check_name(text: &str) -> Result<String> {
    let name = checks::required_text("name", text, 255, Code::NameRequired, Code::TextInvalid)?;
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

/// What a server is made from that a file describes.
pub struct NewImport {
    pub id: Option<McpServerId>,
    pub project_id: ProjectId,
    /// Instead of the name in the file.
    pub name: Option<String>,
    pub text: String,
    pub choice: Option<Choice>,
    pub values: BTreeMap<String, String>,
}

/// Registers a server from its `server.json`.
pub async fn import_server(request: &Request, new: NewImport) -> Result<Committed<mcp_server::Model>> {
    let imported = manifest::import(&new.text, new.choice, &new.values)?;
    let server = NewServer {
        id: new.id,
        project_id: new.project_id,
        name: new.name.unwrap_or(imported.name),
        description: Some(imported.description),
        label: Some(imported.label),
        transport: imported.transport,
        manifest: Some(imported.manifest),
        manifest_url: None,
    };
    rules::register_server(request, server).await
}
