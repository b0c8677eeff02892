//! A governed call as it comes in: who may make it, whether there is a place for it, and whether it was asked before.

use entity::ids::{ApprovalId, McpCallId, ProjectId};
use entity::metering::mcp_usage;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::admitting::{self, Claimed};
use super::beginning::{Called, begun, refuse_unknown};
use super::callee::Callee;
use super::making::Making;
use super::refusal::{McpCallErrorCode as Code, Refusal};
use crate::governance::mcp_servers;
use crate::platform::background::{Place, Places};
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{Progress, ToolResult};
use crate::platform::request::Request;
use crate::platform::turns::Turns;

/// Arguments larger than this are not taken: 1 MiB of JSON.
const MOST_ARGUMENT_BYTES: usize = 1024 * 1024;
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
pub fn places(request: &Request) -> Result<Option<(Place, Place)>> {
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
