//! The approval of servers as a client sees it.

use async_graphql::{Context, Enum, InputObject, Object};
use entity::ids::McpServerId;

use super::rules;
use crate::governance::McpErrorCode;
use crate::governance::mcp_servers::McpServer;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// What stands between a server and its approval.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum McpApprovalBlocker {
    /// Nobody submitted its present version.
    NotSubmitted,
    /// Its present version was never reached.
    NotDiscovered,
    /// The scan found something that fails it, or could not be finished.
    ScanFailed,
    /// A tool was changed in a way that nobody approves.
    Poisoned,
}

/// A server to submit or to take out of use.
#[derive(InputObject)]
struct McpServerReviewInput {
    /// The server.
    id: McpServerId,
}

/// A server to approve.
#[derive(InputObject)]
struct McpServerApproveInput {
    /// The server.
    id: McpServerId,
    /// The version you read; when the server or one of its tools changed since, this is refused as CONFLICT.
    expected_version: Option<i32>,
}

/// A server to reject.
#[derive(InputObject)]
struct McpServerRejectInput {
    /// The server.
    id: McpServerId,
    /// Why, up to 2,000 characters. Whoever submitted it is told.
    reason: String,
}

payload! {
    /// What submitting a server ended with.
    McpServerSubmitPayload {
        /// The server; null when it was refused.
        mcp_server: McpServer, McpErrorCode
    }
}

payload! {
    /// What approving a server ended with.
    McpServerApprovePayload {
        /// The server as it is now, also after a CONFLICT; null when it was refused for another reason.
        mcp_server: McpServer, McpErrorCode
    }
}

payload! {
    /// What rejecting a server ended with.
    McpServerRejectPayload {
        /// The server; null when it was refused.
        mcp_server: McpServer, McpErrorCode
    }
}

payload! {
    /// What taking a server out of use ended with.
    McpServerDeprecatePayload {
        /// The server; null when it was refused.
        mcp_server: McpServer, McpErrorCode
    }
}

/// The approval of servers.
#[derive(Default)]
pub struct McpReviewMutation;

#[Object]
impl McpReviewMutation {
    /// Asks the owners and admins of the organization to approve a server, by mail too. Where neither organization nor project wants a person for it, it is approved at once if nothing blocks it. For developers and admins of its project.
    async fn mcp_server_submit(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: McpServerReviewInput,
    ) -> Result<McpServerSubmitPayload> {
        let outcome = Outcome::of(rules::submit_server(ctx.request(), input.id).await)?;
        Ok(outcome.map(McpServer::from).into())
    }

    /// Lets the tools of a server be used, each pinned as it was found last. For owners and admins of the organization, and for somebody else than who submitted it where the organization says so.
    async fn mcp_server_approve(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: McpServerApproveInput,
    ) -> Result<McpServerApprovePayload> {
        let (request, id) = (ctx.request(), input.id);
        let result = rules::approve_server(request, id, input.expected_version).await;
        let mut outcome = Outcome::of(result)?.map(McpServer::from);
        if outcome.refused_as(McpErrorCode::Conflict) {
            outcome.object = McpServer::find(request, id).await?;
        }
        Ok(outcome.into())
    }

    /// Refuses a server that was submitted. It can be submitted again. For owners and admins of the organization.
    async fn mcp_server_reject(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server, and why.")] input: McpServerRejectInput,
    ) -> Result<McpServerRejectPayload> {
        let outcome = Outcome::of(rules::reject_server(ctx.request(), input.id, &input.reason).await)?;
        Ok(outcome.map(McpServer::from).into())
    }

    /// Takes an approved server out of use. Another version of it may be approved again. For owners and admins of the organization.
    async fn mcp_server_deprecate(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The server.")] input: McpServerReviewInput,
    ) -> Result<McpServerDeprecatePayload> {
        let outcome = Outcome::of(rules::deprecate_server(ctx.request(), input.id).await)?;
        Ok(outcome.map(McpServer::from).into())
    }
}
