//! A governed call from its beginning to its end.

use entity::enums::McpEra;
use entity::ids::{ApprovalId, McpCallId, McpServerId, ProjectId};
use entity::metering::mcp_usage;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::admitting::{self, Claimed};
use super::beginning::{Called, begun, refuse_unknown};
use super::callee::Callee;
use super::fitting::{Fit, fit};
use super::refusal::{McpCallErrorCode as Code, Refusal};
use super::results;
use super::telling::Telling;
use super::underway::{Underway, refused};
use crate::governance::approvals::{self, Asking};
use crate::governance::decision::{ComplianceFinding, Effect, redact};
use crate::governance::decisions::{self, Asked, Decided, Use};
use crate::governance::mcp_discoveries;
use crate::governance::mcp_servers::{self, CallableTool, Reach, Route};
use crate::governance::own_tools::{self, OwnTool};
use crate::governance::pins;
use crate::metering::mcp_usage::{Ended as Over, Whose};
use crate::platform::background::{Place, Places};
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{self, Era, Expected, Failure, Progress, Scope, ToolResult};
use crate::platform::recording::record;
use crate::platform::request::Request;
use crate::platform::turns::Turns;

/// Arguments larger than this are not taken: 1 MiB of JSON.
pub const MOST_ARGUMENT_BYTES: usize = 1024 * 1024;
/// Calls that go on at once, in one process and of one person.
const AT_ONCE: usize = 512;
const AT_ONCE_OF_ONE: usize = 64;

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
    /// It was asked before, under the same id or idempotency key, and is not made again.
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

/// The calls that go on in this process.
struct Calls {
    all: Places,
    people: Turns,
}

impl Default for Calls {
    fn default() -> Self {
        Self { all: Places::new(AT_ONCE), people: Turns::new(AT_ONCE_OF_ONE) }
    }
}

/// Places for one more call, if there are any.
fn places(request: &Request) -> Result<Option<(Place, Place)>> {
    let calls = request.platform.kept.of::<Calls>();
    Ok(calls.people.try_take(request.user_id()?.uuid()).zip(calls.all.try_take()))
}

async fn begin(request: &Request, new: NewCall, progress: Listener<'_>) -> Result<Ended> {
    check_caller(request, new.project_id)?;
    request.keep_no_answer();
    let Some(_places) = places(request)? else {
        let message = "Too many calls go on at the moment. Try again when some of yours are over.";
        return Ok(Ended::Refused(Box::new(Refusal::new(Code::RateLimited, "", message))));
    };
    let model = checks::optional_line("model", new.model, 255, Code::TextInvalid)?;
    let message = checks::optional_text("message", new.message, 2_000, Code::TextInvalid)?;
    let id = match admitting::claim(request, new.id).await? {
        Claimed::New(id) => id,
        Claimed::Before(id) => return Ok(Ended::Repeated(id)),
    };
    let Some(tool) = Callee::find(request, new.project_id, &new.server, &new.tool).await? else {
        let named = (new.project_id, &*new.server, &*new.tool);
        let refusal = refuse_unknown(request, id, named, model, new.parent_request_id, new.arguments).await?;
        return Ok(Ended::Refused(Box::new(refusal)));
    };
    let arguments = Value::Object(new.arguments);
    let input_bytes = arguments.to_string().len();
    let row = begun(request, id, Called::from(&tool), model.clone(), new.parent_request_id, input_bytes);
    let making = Making { request, row, tool, arguments, is_followed: new.id.is_some() };
    if input_bytes > MOST_ARGUMENT_BYTES {
        let message = format!("The arguments have {input_bytes} bytes; at most {MOST_ARGUMENT_BYTES} are taken.");
        return making.refuse(Refusal::new(Code::ArgumentsInvalid, "arguments", message)).await;
    }
    making.make(model, new.approval_id, message, progress).await
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

/// A call of a tool that there is.
struct Making<'a> {
    request: &'a Request,
    row: mcp_usage::Model,
    tool: Callee,
    arguments: Value,
    /// Whether anybody can know the id of the call before it is over.
    is_followed: bool,
}

/// How a tool is called.
enum Way<'a> {
    Own(&'static OwnTool),
    Registered(Box<Registered<'a>>),
}

/// How a registered server is reached and spoken with.
struct Registered<'a> {
    tool: &'a CallableTool,
    route: &'a Route,
    reach: Reach,
    era: Era,
    version: &'a str,
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
            return self.refuse(refusal).await;
        }
        if let Some(approval) = approval_id
            && let Some(call) = self.tool.bound(&self.arguments)
            && let Err(unfit) = approvals::held(request, approval, &call).await?
        {
            return self.refuse(Refusal::unfit(unfit)).await;
        }
        let (server, tool) = (self.tool.server_name().to_owned(), self.tool.tool_name().to_owned());
        let asked = Asked {
            project_id: self.tool.project_id(),
            what: Use::Tool { server, tool, model },
            tool: Some(self.tool.as_decided()),
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
                return self.refuse(refusal).await;
            }
            Effect::RequireApproval => {
                decided.record(request, Vec::new()).await?;
                return self.ask(&decided, message).await;
            }
        }
        let admission = match admitting::admit(request, &decided, &self.tool).await? {
            Ok(admission) => admission,
            Err(refusal) => return self.refuse(refusal).await,
        };
        self.row.approval_id = admitting::approval_of(&decided);
        let mut underway = Underway::new(&request.platform, self.row.clone(), admission);
        match self.go(&mut underway, &decided, progress).await {
            Ok(Ok(result)) => {
                let recorded = underway.answer(result.size_bytes, result.is_error).await?;
                Ok(Ended::Answered(Box::new(Answer { result, recorded })))
            }
            Ok(Err(refusal)) => Ok(Ended::Refused(Box::new(underway.refuse(refusal).await?))),
            Err(error) => {
                underway.fail().await;
                Err(error)
            }
        }
    }

    /// The call itself, once it is admitted.
    async fn go(
        &self,
        underway: &mut Underway,
        decided: &Decided,
        progress: Listener<'_>,
    ) -> Result<std::result::Result<ToolResult, Refusal>> {
        let way = match self.way().await? {
            Ok(way) => way,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut arguments = self.arguments.clone();
        redact(&mut arguments, &decided.decision.findings);
        let Value::Object(arguments) = arguments else {
            let message = "A compliance policy takes the arguments out as a whole.";
            return Ok(Err(Refusal::new(Code::Denied, "arguments", message)));
        };
        let Some(bound) = self.tool.bound(&self.arguments) else {
            return Err(Error::internal("a tool without a pin was not denied"));
        };
        if let Err(unfit) = admitting::consume(self.request, &self.row, decided, &bound).await? {
            return Ok(Err(Refusal::unfit(unfit)));
        }
        underway.is_asked();
        let (result, transport) = match &way {
            Way::Own(own) => (own_tools::run(self.request, own, arguments).await?, None),
            Way::Registered(registered) => match self.ask_server(registered, decided, arguments, progress).await {
                Ok(result) => (result, Some(&registered.reach.transport)),
                Err(failure) => {
                    if matches!(failure, Failure::NotAllowed(_) | Failure::ToolChanged) {
                        underway.is_not_asked();
                    }
                    if failure == Failure::ToolChanged {
                        self.look_again(registered.tool.server_id);
                    }
                    return Ok(Err(results::look_at_failure(&failure, decided).await?));
                }
            },
        };
        let schema = self.tool.output_schema();
        let looked = results::look(&self.request.platform, schema, result, transport, decided).await?;
        let mut found = decided.decision.findings.clone();
        found.extend(looked.findings);
        underway.found(findings(&found)?);
        Ok(looked.outcome)
    }

    /// Looks at the arguments of a tool that is as it was approved. Any other is denied, whatever they are.
    async fn unfit_arguments(&self) -> Option<Refusal> {
        let gates = self.tool.as_decided().gates;
        if !(gates.server_approved && gates.scan_passed && gates.tool_enabled && gates.pin_matches) {
            return None;
        }
        match fit(&self.request.platform, self.tool.input_schema(), &self.arguments).await {
            Fit::Fits => None,
            Fit::Misfits(problems) => Some(Refusal::misfits(problems)),
            Fit::Unreadable => {
                let message = "The tool's own schema of its arguments cannot be read.";
                Some(Refusal::new(Code::ServerFailed, "tool", message))
            }
            Fit::TooSlow => {
                let message = "Comparing the arguments with the tool's own schema takes too long.";
                Some(Refusal::new(Code::ServerFailed, "tool", message))
            }
        }
    }

    /// Asks for the approval that the call needs, or finds that it was asked for already.
    async fn ask(self, decided: &Decided, message: Option<String>) -> Result<Ended> {
        let Some(call) = self.tool.bound(&self.arguments) else {
            return Err(Error::internal("a tool without a pin was not denied"));
        };
        let asking = Asking { id: None, decided, call, message };
        let refusal = match approvals::ask_once(self.request, asking).await? {
            Some(asked) => Refusal::needs(asked),
            None => Refusal::too_many(approvals::MOST_PENDING),
        };
        self.refuse(refusal).await
    }

    /// How the tool is called: a registered server is reached in its approved version, with secrets in place.
    async fn way(&self) -> Result<std::result::Result<Way<'_>, Refusal>> {
        let tool = match &self.tool {
            Callee::Own { tool, .. } => return Ok(Ok(Way::Own(tool))),
            Callee::Registered(tool) => tool,
        };
        let Some(route) = &tool.route else {
            return Err(Error::internal("a tool without a route was not denied"));
        };
        let (Some(era), Some(version)) = (route.era, &route.protocol_version) else {
            let message = "The server was never connected to in its approved version.";
            return Ok(Err(Refusal::new(Code::ServerUnavailable, "server", message)));
        };
        let era = match era {
            McpEra::Session => Era::Session,
            McpEra::Stateless => Era::Stateless,
        };
        match mcp_servers::resolve_route(self.request, tool.project_id, route).await {
            Ok(reach) => Ok(Ok(Way::Registered(Box::new(Registered { tool, route, reach, era, version })))),
            Err(unresolved) => Ok(Err(Refusal::unresolved(unresolved)?)),
        }
    }

    async fn ask_server(
        &self,
        way: &Registered<'_>,
        decided: &Decided,
        arguments: Map<String, Value>,
        progress: Listener<'_>,
    ) -> std::result::Result<ToolResult, Failure> {
        let platform = &self.request.platform;
        let scope = Scope { project: way.tool.project_id.uuid(), server_version: way.route.version_id.uuid() };
        let tool = mcp::Tool { name: &way.tool.tool_name, input_schema: Some(&way.tool.input_schema) };
        let expected = way.tool.pin.as_ref().map(|pin| Expected { pin: pin.0, pin_of });
        let telling = self.is_followed.then(|| Telling::of(platform, Whose::of(&self.row)));
        // A policy that acts on results sees none of what is said on the way.
        let is_silent = decided.standing.policies.act_on_results(&decided.input);
        let progress = move |mut told: Progress| {
            if is_silent {
                told.message = None;
            }
            if let Some(telling) = &telling {
                telling.note(told.clone());
            }
            progress(told);
        };
        let (transport, bounds) = (&way.reach.transport, &way.reach.bounds);
        let _pause = self.request.pause();
        platform
            .tool_sessions
            .call(scope, transport, way.era, way.version, tool, expected.as_ref(), arguments, progress, bounds)
            .await
    }

    /// Lets the registry see what became of the server's tools, beside the call.
    fn look_again(&self, server: McpServerId) {
        let platform = self.request.platform.clone();
        tokio::spawn(async move {
            if let Err(error) = mcp_discoveries::look_again(platform, server).await {
                tracing::warn!(%error, %server, "a server whose tools have changed is looked at later");
            }
        });
    }

    /// Records that the call was not made.
    async fn refuse(self, refusal: Refusal) -> Result<Ended> {
        let row = refused(self.row, &refusal, None);
        record(&self.request.platform, Over(row.clone())).await?;
        Ok(Ended::Refused(Box::new(Refusal { recorded: Some(row), ..refusal })))
    }
}

/// The pin of a tool as its server describes it.
fn pin_of(tool: &Value) -> Option<[u8; 32]> {
    Some(serde_json::from_value::<pins::Tool>(tool.clone()).ok()?.pin().0)
}

fn findings(found: &[ComplianceFinding]) -> Result<Value> {
    Ok(checks::without_nul(serde_json::to_value(found).map_err(Error::internal)?))
}
