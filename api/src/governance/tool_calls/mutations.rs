//! The mutation that calls a tool.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use entity::ids::{ApprovalId, McpCallId, ProjectId};
use entity::metering::mcp_usage;
use serde_json::{Map, Value};
use uuid::Uuid;

use super::calling::{self, Ended, NewCall};
use super::content::McpToolResult;
use super::refusal::{McpCallErrorCode, Refusal};
use crate::governance::approvals::Approval;
use crate::metering::mcp_usage::McpCall;
use crate::platform::errors::{Error, Result};
use crate::platform::payload::{Outcome, UserError};
use crate::platform::request::{Request, RequestContext};
use crate::platform::write::Committed;

/// A call of a tool.
#[derive(InputObject)]
struct McpToolCallInput {
    /// An id of your making (a UUIDv7 in its `call_` form, at most 30 days old): follow `mcpToolCallProgress` with it, and a retry cannot call a second time. It stands for this one call, also when it is refused: the next takes another.
    id: Option<McpCallId>,
    /// The project.
    project_id: ProjectId,
    /// The name of the server, such as `git`.
    server: String,
    /// The name of the tool.
    tool: String,
    /// The arguments: an object that fits the tool's input schema, up to 1 MiB of JSON. Without them, an empty object.
    arguments: Option<Value>,
    /// The model on whose behalf, up to 255 characters.
    model: Option<String>,
    /// The approval that lets just this call through, once it is approved.
    approval_id: Option<ApprovalId>,
    /// What to tell who has to approve it, up to 2,000 characters.
    message: Option<String>,
    /// The call of the model that led to this one, as you know it: a UUID.
    parent_request_id: Option<Uuid>,
}

/// What calling a tool ended with.
#[derive(SimpleObject)]
struct McpToolCallPayload {
    /// The call as it is recorded; null when it came to nothing before anything was decided about it.
    tool_call: Option<McpCall>,
    /// What the tool answered; null when it was not called, or its answer not let through.
    result: Option<McpToolResult>,
    /// The approval that was asked for, where one is needed; null otherwise.
    approval: Option<Approval>,
    /// Why there is no result; empty on success, and where the tool itself says that it failed.
    user_errors: Vec<UserError<McpCallErrorCode>>,
    /// Resume a subscription after this cursor to see what becomes of the approval. Null where none was asked for.
    commit_cursor: Option<String>,
}

impl McpToolCallPayload {
    /// Why there is no result.
    fn without_result(error: Error) -> Result<Self> {
        let Outcome { user_errors, .. }: Outcome<(), McpCallErrorCode> = Outcome::of(Err(error))?;
        Ok(Self { tool_call: None, result: None, approval: None, user_errors, commit_cursor: None })
    }

    fn refused(mut refusal: Refusal) -> Result<Self> {
        let tool_call = refusal.recorded.take().map(McpCall::from);
        let (approval, commit_cursor) = match refusal.approval.take() {
            Some(Committed { outcome, cursor }) => (Some(Approval::from(outcome)), cursor),
            None => (None, None),
        };
        Ok(Self { tool_call, approval, commit_cursor, ..Self::without_result(refusal.into_error())? })
    }

    async fn of(request: &Request, ended: Ended) -> Result<Self> {
        match ended {
            Ended::Answered(answer) => Ok(Self {
                tool_call: Some(McpCall::from(answer.recorded)),
                result: Some(answer.result.into()),
                approval: None,
                user_errors: Vec::new(),
                commit_cursor: None,
            }),
            Ended::Refused(refusal) => Self::refused(*refusal),
            Ended::Repeated(id) => {
                let message = "This call was asked for before. Results are not kept.";
                let refusal = Refusal::new(McpCallErrorCode::AlreadyCalled, "", message);
                let recorded = McpCall::find(request, id).await?.map(|call| mcp_usage::Model::clone(&call.0));
                Self::refused(Refusal { recorded, ..refusal })
            }
        }
    }
}

fn object(arguments: Option<Value>) -> Result<Map<String, Value>, Box<Refusal>> {
    match arguments {
        None | Some(Value::Null) => Ok(Map::new()),
        Some(Value::Object(arguments)) => Ok(arguments),
        Some(_) => {
            let message = "The arguments of a tool are an object.";
            Err(Box::new(Refusal::new(McpCallErrorCode::ArgumentsInvalid, "arguments", message)))
        }
    }
}

/// Calls of tools.
#[derive(Default)]
pub struct ToolCallMutation;

#[Object]
impl ToolCallMutation {
    /// Calls a tool of an approved MCP server, as policies decide, within limits and budgets. It may take as long as the server is given, and is cancelled when you go. For developers and admins of the project, and API keys with the scope tools:call.
    async fn mcp_tool_call(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The call.")] input: McpToolCallInput,
    ) -> Result<McpToolCallPayload> {
        let request = ctx.request();
        let arguments = match object(input.arguments) {
            Ok(arguments) => arguments,
            Err(refusal) => return McpToolCallPayload::refused(*refusal),
        };
        let new = NewCall {
            id: input.id,
            project_id: input.project_id,
            server: input.server,
            tool: input.tool,
            model: input.model,
            arguments,
            approval_id: input.approval_id,
            message: input.message,
            parent_request_id: input.parent_request_id,
        };
        match calling::call(request, new, &mut |_| ()).await {
            Ok(ended) => McpToolCallPayload::of(request, ended).await,
            Err(error @ Error::Rejected(_)) => McpToolCallPayload::without_result(error),
            Err(error) => Err(error),
        }
    }
}
