//! The record of a call as it begins: who calls what. A call of what there is not leaves one too.

use std::borrow::Cow;

use entity::enums::McpCallStatus;
use entity::ids::{McpCallId, McpServerId, OrganizationId, ProjectId};
use entity::metering::mcp_usage;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::callee::Callee;
use super::calling::{check_caller, places};
use super::refusal::{McpCallErrorCode as Code, Refusal};
use super::underway::refused;
use crate::governance::decisions::{MOST_NAME_CHARS, Standing};
use crate::metering::mcp_usage::Ended;
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::recording::record;
use crate::platform::request::Request;

/// What is called, as the record names it.
pub struct Called<'a> {
    organization: OrganizationId,
    project: ProjectId,
    server_id: Option<McpServerId>,
    server: Cow<'a, str>,
    tool: Cow<'a, str>,
}

impl<'a> From<&'a Callee> for Called<'a> {
    fn from(tool: &'a Callee) -> Self {
        Self {
            organization: tool.organization_id(),
            project: tool.project_id(),
            server_id: tool.server_id(),
            server: tool.server_name().into(),
            tool: tool.tool_name().into(),
        }
    }
}

impl Called<'_> {
    /// A tool that the project does not have, by the names that the caller gives.
    async fn unknown(request: &Request, project: ProjectId, server: &str, tool: &str) -> Result<Self> {
        let organization = Standing::of(request, project).await?.organization_id;
        // Whoever called chose them: what would change how others are shown is left out.
        let shown = |name: &str| name.chars().filter(|letter| !letter.is_control()).collect::<String>();
        let name = |name: &str| Cow::Owned(checks::shortened(&shown(name), MOST_NAME_CHARS));
        Ok(Self { organization, project, server_id: None, server: name(server), tool: name(tool) })
    }
}

/// The record of a call that begins.
pub fn begun(
    request: &Request,
    id: McpCallId,
    called: Called<'_>,
    model: Option<String>,
    parent_request_id: Option<Uuid>,
    input_bytes: usize,
) -> mcp_usage::Model {
    let viewer = request.viewer();
    mcp_usage::Model {
        id,
        created_at: request.now(),
        organization_id: called.organization,
        project_id: called.project,
        user_id: viewer.user_id(),
        api_key_id: viewer.key().map(|key| key.id),
        server_id: called.server_id,
        server_name: called.server.into_owned(),
        tool_name: called.tool.into_owned(),
        model,
        request_id: request.id,
        parent_request_id,
        decision_id: None,
        approval_id: None,
        status: McpCallStatus::Blocked,
        error_code: None,
        error_message: None,
        latency_ms: None,
        input_bytes: i32::try_from(input_bytes).unwrap_or(i32::MAX),
        output_bytes: None,
        findings: json!([]),
    }
}

/// Refuses the call of a tool that there is not, and records that.
pub async fn refuse_unknown(
    request: &Request,
    id: McpCallId,
    (project, server, tool): (ProjectId, &str, &str),
    model: Option<String>,
    parent_request_id: Option<Uuid>,
    arguments: Map<String, Value>,
) -> Result<Refusal> {
    let called = Called::unknown(request, project, server, tool).await?;
    let input_bytes = Value::Object(arguments).to_string().len();
    let message = "The project has no such server, or the server no such tool.";
    let refusal = Refusal::new(Code::UnknownTool, "tool", message);
    let row = refused(begun(request, id, called, model, parent_request_id, input_bytes), &refusal, None);
    record(&request.platform, Ended(row.clone())).await?;
    Ok(Refusal { recorded: Some(row), ..refusal })
}

/// Records the call of a name that stands for no tool, if whoever calls may call at all.
pub async fn record_unknown(
    request: &Request,
    project: ProjectId,
    (server, tool): (&str, &str),
    arguments: Map<String, Value>,
) -> Result<()> {
    match check_caller(request, project) {
        Ok(()) => {}
        Err(Error::Unauthenticated | Error::NotFound | Error::Forbidden) => return Ok(()),
        Err(error) => return Err(error),
    }
    let Some(_places) = places(request)? else { return Ok(()) };
    let id = McpCallId(request.new_id());
    refuse_unknown(request, id, (project, server, tool), None, None, arguments).await?;
    Ok(())
}
