//! The call of a tool that there is, through everything that stands between its caller and the tool.

use entity::ids::ApprovalId;
use entity::metering::mcp_usage;
use serde_json::Value;

use super::admitting;
use super::callee::Callee;
use super::calling::{Answer, Ended, Listener};
use super::fitting::{Fit, fit};
use super::reaching::Way;
use super::refusal::{McpCallErrorCode as Code, Refusal};
use super::results;
use super::underway::{Underway, refused};
use crate::governance::approvals::{self, Asking};
use crate::governance::decision::{ComplianceFinding, Effect, redact};
use crate::governance::decisions::{self, Asked, Decided, Use};
use crate::governance::own_tools;
use crate::metering::mcp_usage::Ended as Over;
use crate::platform::checks;
use crate::platform::errors::{Error, Result};
use crate::platform::mcp::{Failure, ToolResult};
use crate::platform::recording::record;
use crate::platform::request::Request;

/// A call of a tool that there is.
pub struct Making<'a> {
    pub request: &'a Request,
    pub row: mcp_usage::Model,
    pub tool: Callee,
    pub arguments: Value,
    /// Whether anybody can know the id of the call before it is over.
    pub is_followed: bool,
}

impl Making<'_> {
    pub async fn make(
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

    /// Records that the call was not made.
    pub async fn refuse(self, refusal: Refusal) -> Result<Ended> {
        let row = refused(self.row, &refusal, None);
        record(&self.request.platform, Over(row.clone())).await?;
        Ok(Ended::Refused(Box::new(Refusal { recorded: Some(row), ..refusal })))
    }
}

fn findings(found: &[ComplianceFinding]) -> Result<Value> {
    Ok(checks::without_nul(serde_json::to_value(found).map_err(Error::internal)?))
}
