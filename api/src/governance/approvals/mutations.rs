//! The mutations of approvals.

use async_graphql::{Context, InputObject, Object};
use entity::governance::approval;
use entity::ids::{ApprovalId, ProjectId};
use serde_json::Value;

use super::asking::{self, NewApproval};
use super::graphql::Approval;
use super::rules::{self, Answer};
use crate::governance::GovernanceErrorCode;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;
use crate::platform::write::Committed;

/// A call to ask approval for.
#[derive(InputObject)]
struct ApprovalRequestInput {
    /// An id of your making (a UUIDv7 in its `apr_` form, at most 30 days old), so that a retry cannot ask a second time.
    id: Option<ApprovalId>,
    /// The project.
    project_id: ProjectId,
    /// The name of the server.
    server: String,
    /// The name of the tool.
    tool: String,
    /// The model on whose behalf.
    model: Option<String>,
    /// The arguments of the call. The call that is made later must bring the same.
    arguments: Value,
    /// What to tell who answers, up to 2,000 characters.
    message: Option<String>,
}

/// A request to approve.
#[derive(InputObject)]
struct ApprovalApproveInput {
    /// The request.
    id: ApprovalId,
    /// Why, up to 2,000 characters.
    reason: Option<String>,
}

/// A request to deny.
#[derive(InputObject)]
struct ApprovalDenyInput {
    /// The request.
    id: ApprovalId,
    /// Why, up to 2,000 characters.
    reason: Option<String>,
}

/// A request to take back.
#[derive(InputObject)]
struct ApprovalWithdrawInput {
    /// The request.
    id: ApprovalId,
}

payload! {
    /// What asking for an approval ended with.
    ApprovalRequestPayload {
        /// The request; null when it was refused.
        approval: Approval, GovernanceErrorCode
    }
}

payload! {
    /// What approving a request ended with.
    ApprovalApprovePayload {
        /// The request as it is now; null when it was refused.
        approval: Approval, GovernanceErrorCode
    }
}

payload! {
    /// What denying a request ended with.
    ApprovalDenyPayload {
        /// The request as it is now; null when it was refused.
        approval: Approval, GovernanceErrorCode
    }
}

payload! {
    /// What taking a request back ended with.
    ApprovalWithdrawPayload {
        /// The request as it is now; null when it was refused.
        approval: Approval, GovernanceErrorCode
    }
}

fn outcome(result: Result<Committed<approval::Model>>) -> Result<Outcome<Approval, GovernanceErrorCode>> {
    Ok(Outcome::of(result)?.map(Approval::from))
}

/// Changes of approvals.
#[derive(Default)]
pub struct ApprovalMutation;

#[Object]
impl ApprovalMutation {
    /// Asks for the approval of one call of a tool; who may answer is told by mail. A call that is made and needs approval asks by itself. At most 20 of your calls wait in a project. For developers and admins of the project.
    async fn approval_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The call.")] input: ApprovalRequestInput,
    ) -> Result<ApprovalRequestPayload> {
        let new = NewApproval {
            id: input.id,
            project_id: input.project_id,
            server: input.server,
            tool: input.tool,
            model: input.model,
            arguments: input.arguments,
            message: input.message,
        };
        Ok(outcome(asking::request_approval(ctx.request(), new).await)?.into())
    }

    /// Approves a call: it may be made once, in time. For admins of the project, except who asked.
    async fn approval_approve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: ApprovalApproveInput,
    ) -> Result<ApprovalApprovePayload> {
        Ok(outcome(rules::answer(ctx.request(), input.id, Answer::Approve, input.reason).await)?.into())
    }

    /// Denies a call. For admins of the project, except who asked.
    async fn approval_deny(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: ApprovalDenyInput,
    ) -> Result<ApprovalDenyPayload> {
        Ok(outcome(rules::answer(ctx.request(), input.id, Answer::Deny, input.reason).await)?.into())
    }

    /// Takes a request back, or an approval that was not used. For who asked.
    async fn approval_withdraw(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The request.")] input: ApprovalWithdrawInput,
    ) -> Result<ApprovalWithdrawPayload> {
        Ok(outcome(rules::withdraw(ctx.request(), input.id).await)?.into())
    }
}
