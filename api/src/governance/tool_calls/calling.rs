//! A governed call from its beginning to its end.

use std::sync::Arc;
use std::time::Duration;

use entity::enums::{McpCallStatus, McpEra};
use entity::ids::{ApprovalId, McpCallId, ProjectId};
use entity::metering::mcp_usage;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::admitting::{self, Consumed};
use super::fitting::{Side, misfits};
use super::refusal::{McpCallErrorCode as Code, Refusal};
use super::results;
use super::telling::Telling;
use super::underway::{Underway, refused};
use crate::governance::approvals::{self, Asking, Call};
use crate::governance::decision::{ComplianceFinding, Effect, redact};
use crate::governance::decisions::{self, Asked, Decided, Tool, Use};
use crate::governance::mcp_servers::{self, CallableTool, Reach, Route};
use crate::metering::mcp_usage::{self as usage, Ended as Over, Whose};
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{self, Era, Progress, Scope, ToolResult};
use crate::platform::recording::record;
use crate::platform::request::Request;

/// Arguments larger than this are not taken: 1 MiB of JSON.
pub const MOST_ARGUMENT_BYTES: usize = 1024 * 1024;

/// A call that somebody wants to make.
#[derive(Clone, Debug)]
pub struct NewCall {
    /// An id of the caller's making, by which its progress is followed.
    pub id: Option<McpCallId>,
    pub project_id: ProjectId,
    pub server: String,
    pub tool: String,
    /// The model on whose behalf.
    pub model: Option<String>,
    pub arguments: Map<String, Value>,
    /// The approval that lets it through, where one is needed.
    pub approval_id: Option<ApprovalId>,
    /// What to tell who has to approve it.
    pub message: Option<String>,
    /// The call of the model, as its client names it.
    pub parent_request_id: Option<Uuid>,
}

/// How a call ended.
#[derive(Debug)]
pub enum Ended {
    /// The tool answered, be it that it failed.
    Answered(Box<Answer>),
    Refused(Box<Refusal>),
    /// It was made before, under the same id or idempotency key, and is not made again.
    Repeated(McpCallId),
}

/// What the tool answered, as far as policies let it through.
#[derive(Clone, Debug)]
pub struct Answer {
    pub result: ToolResult,
    pub recorded: mcp_usage::Model,
}

/// Whoever is told how far a call has come.
pub type Listener<'a> = &'a mut (dyn FnMut(Progress) + Send);

/// Makes a call, if everything that stands between the caller and the tool lets it through. Dropped, it is cancelled.
///
/// # Errors
/// `Unauthenticated` for nobody, `NotFound` for who has no role in the project, `Forbidden` for who may only read it, and
/// for a key without the scope.
pub fn call<'a>(request: &'a Request, new: NewCall, progress: Listener<'a>) -> BoxFuture<'a, Result<Ended>> {
    // Boxed: everything that answers to the graph would otherwise carry the space for it.
    begin(request, new, progress).boxed()
}

async fn begin(request: &Request, new: NewCall, progress: Listener<'_>) -> Result<Ended> {
    check_caller(request, new.project_id)?;
    let id = checks::new_id(request, new.id, Code::IdTaken)?;
    if new.id.is_some() && usage::of_id(request, id).await?.is_some() {
        return Ok(Ended::Repeated(id));
    }
    let tool = match new.server.len().max(new.tool.len()) > 1_000 {
        true => None,
        false => mcp_servers::callable(request, new.project_id, &new.server, &new.tool).await?,
    };
    let Some(tool) = tool else {
        let message = "The project has no such server, or the server no such tool.";
        return Ok(Ended::Refused(Box::new(Refusal::new(Code::UnknownTool, "tool", message))));
    };
    let model = checks::optional_line("model", new.model, 255, Code::TextInvalid)?;
    let arguments = Value::Object(new.arguments);
    let input_bytes = arguments.to_string().len();
    let making = Making {
        request,
        row: begun(request, id, &tool, model.clone(), new.parent_request_id, input_bytes),
        tool,
        arguments,
        is_followed: new.id.is_some(),
    };
    if input_bytes > MOST_ARGUMENT_BYTES {
        let message = format!("The arguments have {input_bytes} bytes; at most {MOST_ARGUMENT_BYTES} are taken.");
        return making.refuse(None, Refusal::new(Code::ArgumentsInvalid, "arguments", message)).await;
    }
    making.make(model, new.approval_id, new.message, progress).await
}

/// Whether the viewer may call tools of the project at all. What of them is for policies to say.
pub fn check_caller(request: &Request, project: ProjectId) -> Result<()> {
    request.user_id()?;
    let viewer = request.viewer();
    if viewer.project_role(project).is_none() {
        return Err(Error::NotFound);
    }
    match mcp_servers::may_call(&viewer, project).holds() {
        true => Ok(()),
        false => Err(Error::Forbidden),
    }
}

/// The record of a call that begins.
fn begun(
    request: &Request,
    id: McpCallId,
    tool: &CallableTool,
    model: Option<String>,
    parent_request_id: Option<Uuid>,
    input_bytes: usize,
) -> mcp_usage::Model {
    let viewer = request.viewer();
    mcp_usage::Model {
        id,
        created_at: request.now(),
        organization_id: tool.organization_id,
        project_id: tool.project_id,
        user_id: viewer.user_id(),
        api_key_id: viewer.key().map(|key| key.id),
        server_id: Some(tool.server_id),
        server_name: tool.server_name.clone(),
        tool_name: tool.tool_name.clone(),
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

/// A call of a tool that there is.
struct Making<'a> {
    request: &'a Request,
    row: mcp_usage::Model,
    tool: Arc<CallableTool>,
    arguments: Value,
    /// Whether anybody can know the id of the call before it is over.
    is_followed: bool,
}

impl Making<'_> {
    async fn make(
        mut self,
        model: Option<String>,
        approval_id: Option<ApprovalId>,
        message: Option<String>,
        progress: Listener<'_>,
    ) -> Result<Ended> {
        let request = self.request;
        if let Some(refusal) = self.unfit_arguments().await {
            return self.refuse(None, refusal).await;
        }
        if let Some(approval) = approval_id
            && let Some(call) = self.bound()
            && let Err(unfit) = approvals::held(request, approval, &call).await?
        {
            return self.refuse(None, Refusal::unfit(unfit)).await;
        }
        let asked = Asked {
            project_id: self.tool.project_id,
            what: Use::Tool { server: self.tool.server_name.clone(), tool: self.tool.tool_name.clone(), model },
            tool: Some(Tool { server_id: self.tool.server_id, gates: self.tool.gates }),
            arguments: Some(&self.arguments),
            approval_id,
        };
        let decided = decisions::weigh(request, asked).await?;
        self.row.decision_id = Some(decided.id);
        self.row.findings = findings(&decided.decision.findings)?;
        match decided.decision.outcome {
            Effect::Allow => {}
            Effect::Deny => {
                decided.record(request, Vec::new()).await?;
                let refusal = Refusal::denied(&decided.decision);
                return self.refuse(Some(&decided), refusal).await;
            }
            Effect::RequireApproval => {
                decided.record(request, Vec::new()).await?;
                return self.ask(&decided, message).await;
            }
        }
        let admission = match admitting::admit(request, &decided, &self.tool).await? {
            Ok(admission) => admission,
            Err(refusal) => return self.refuse(Some(&decided), refusal).await,
        };
        self.row.approval_id = decided.input.approval_id.map(ApprovalId);
        let mut underway = Underway::new(&request.platform, self.row.clone(), admission);
        let (Some(route), Some(bound)) = (&self.tool.route, self.bound()) else {
            return Err(Error::internal("a tool without a route or a pin was not denied"));
        };
        match admitting::consume(request, self.row.id, &decided, &bound).await? {
            Consumed::Done => {}
            Consumed::Unfit(unfit) => return ended(underway.refuse(Refusal::unfit(unfit)).await?),
            Consumed::Repeated(id) => {
                underway.forget().await;
                return Ok(Ended::Repeated(id));
            }
        }
        let reach = match mcp_servers::resolve_route(request, self.tool.project_id, route).await {
            Ok(reach) => reach,
            Err(unresolved) => return ended(underway.refuse(Refusal::unresolved(unresolved)?).await?),
        };
        let mut arguments = self.arguments.clone();
        redact(&mut arguments, &decided.decision.findings);
        underway.is_asked();
        let result = match self.ask_server(route, &reach, arguments, progress).await {
            Ok(result) => result,
            Err(failure) => return ended(underway.refuse(Refusal::failed(&failure)).await?),
        };
        self.hand_over(underway, result, &reach, &decided).await
    }

    /// What an approval is bound to; none while the tool has no pin, and is not called.
    fn bound(&self) -> Option<Call<'_>> {
        let pin = self.tool.pin.as_ref()?;
        let (server_id, tool_name) = (self.tool.server_id, self.tool.tool_name.as_str());
        Some(Call { server_id, tool_name, arguments: &self.arguments, pin })
    }

    /// A tool without a pin is denied, whatever its arguments.
    async fn unfit_arguments(&self) -> Option<Refusal> {
        let pin = self.tool.pin.as_ref()?;
        let schema = &self.tool.input_schema;
        match misfits(&self.request.platform, pin, Side::Arguments, schema, &self.arguments).await {
            Some(problems) if problems.is_empty() => None,
            Some(problems) => Some(Refusal::misfits(problems)),
            None => {
                let message = "The tool's own schema of its arguments cannot be read.";
                Some(Refusal::new(Code::ServerFailed, "tool", message))
            }
        }
    }

    /// Asks for the approval that the call needs, or finds that it was asked for already.
    async fn ask(self, decided: &Decided, message: Option<String>) -> Result<Ended> {
        let (tool, arguments) = (&*self.tool, &self.arguments);
        let asking = Asking { id: None, decided, tool, arguments, message };
        let refusal = Refusal::needs(approvals::ask_once(self.request, asking).await?);
        self.refuse(Some(decided), refusal).await
    }

    async fn ask_server(
        &self,
        route: &Route,
        reach: &Reach,
        arguments: Value,
        progress: Listener<'_>,
    ) -> std::result::Result<ToolResult, mcp::Failure> {
        let (Some(era), Some(version)) = (route.era, &route.protocol_version) else {
            return Err(mcp::Failure::Unreachable("it was never connected to in its approved version".to_owned()));
        };
        let era = match era {
            McpEra::Session => Era::Session,
            McpEra::Stateless => Era::Stateless,
        };
        let Value::Object(arguments) = arguments else { return Err(mcp::Failure::NotAllowed(String::new())) };
        let (project, server_version) = (self.tool.project_id.uuid(), route.version_id.uuid());
        let scope = Scope { project, server_version };
        let tool = mcp::Tool { name: &self.tool.tool_name, input_schema: Some(&self.tool.input_schema) };
        let sessions = &self.request.platform.tool_sessions;
        self.request.wait_longer(reach.bounds.run + Duration::from_secs(1));
        let telling = self.is_followed.then(|| Telling::of(&self.request.platform, Whose::of(&self.row)));
        let progress = move |told: Progress| {
            if let Some(telling) = &telling {
                telling.note(told.clone());
            }
            progress(told);
        };
        sessions.call(scope, &reach.transport, era, version, tool, arguments, progress, &reach.bounds).await
    }

    /// Looks at what came back, and gives what may be given of it.
    async fn hand_over(
        self,
        mut underway: Underway,
        result: ToolResult,
        reach: &Reach,
        decided: &Decided,
    ) -> Result<Ended> {
        let (size_bytes, is_error) = (result.size_bytes, result.is_error);
        let looked = results::look(&self.request.platform, &self.tool, result, reach, decided).await?;
        let mut found = decided.decision.findings.clone();
        found.extend(looked.findings);
        underway.found(findings(&found)?);
        match looked.outcome {
            Ok(result) => {
                let recorded = underway.answer(size_bytes, is_error).await?;
                let recorded = recorded.ok_or_else(|| Error::internal("a call ended twice"))?;
                Ok(Ended::Answered(Box::new(Answer { result, recorded })))
            }
            Err(refusal) => ended(underway.refuse(refusal).await?),
        }
    }

    /// Records that the call was not made.
    async fn refuse(self, decided: Option<&Decided>, refusal: Refusal) -> Result<Ended> {
        let row = mcp_usage::Model { decision_id: decided.map(|decided| decided.id), ..self.row };
        let row = refused(row, &refusal, None);
        record(&self.request.platform, Over(row.clone())).await?;
        ended(Refusal { recorded: Some(row), ..refusal })
    }
}

fn ended(refusal: Refusal) -> Result<Ended> {
    Ok(Ended::Refused(Box::new(refusal)))
}

fn findings(found: &[ComplianceFinding]) -> Result<Value> {
    serde_json::to_value(found).map_err(Error::internal)
}
