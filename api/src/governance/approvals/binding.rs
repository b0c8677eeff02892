//! What an approval is bound to, and how it is used up: once, by who asked, for the same tool as it was, the same
//! arguments, and under the same policy.

use chrono::{DateTime, Utc};
use entity::enums::ApprovalState;
use entity::governance::approval;
use entity::ids::{ApiKeyId, ApprovalId, McpServerId, PolicyId};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::events::ApprovalEvent;
use super::store;
use crate::governance::decision::{Decision, Reason};
use crate::governance::pins::{Pin, canonical};
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result};
use crate::platform::request::Request;
use crate::platform::viewer::Viewer;
use crate::platform::write::Write;

/// A call that is about to be made.
#[derive(Clone, Copy, Debug)]
pub struct Call<'a> {
    /// None for a tool of Trellis itself.
    pub server_id: Option<McpServerId>,
    pub server_name: &'a str,
    pub tool_name: &'a str,
    pub arguments: &'a Value,
    pub pin: &'a Pin,
}

impl Call<'_> {
    /// SHA-256 over the canonical JSON of the arguments.
    pub fn arguments_hash(&self) -> Vec<u8> {
        Sha256::digest(canonical(self.arguments).as_bytes()).to_vec()
    }
}

/// Why an approval does not let a call through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// There is none that the caller may know of.
    Unknown,
    /// Nobody answered yet.
    Pending,
    /// The answer was no, or who asked took it back.
    Refused,
    /// Its time is over.
    Expired,
    /// A call was made with it.
    Used,
    /// It is for another caller, tool or arguments, or the tool is not what it was.
    OtherCall,
    /// The policy that asks for it changed since, or another one asks.
    OtherPolicy,
}

impl Unfit {
    /// A sentence for people.
    pub const fn message(self) -> &'static str {
        match self {
            Self::Unknown => "There is no such approval.",
            Self::Pending => "Nobody has answered this request for approval yet.",
            Self::Refused => "This request for approval was denied or taken back.",
            Self::Expired => "The time of this approval is over.",
            Self::Used => "A call was made with this approval already.",
            Self::OtherCall => "This approval is for another call.",
            Self::OtherPolicy => "The policy that asks for approval changed since. Ask again.",
        }
    }
}

/// The policy that asks for an approval, as it was decided.
pub(super) fn asking_policy(decision: &Decision) -> Option<(PolicyId, i32)> {
    let winner = decision.winner?;
    let tried = decision.tried.iter().find(|tried| tried.policy_id == winner)?;
    Some((PolicyId(winner), tried.policy_version))
}

fn fit(
    row: &approval::Model,
    viewer: &Viewer,
    key: Option<ApiKeyId>,
    call: &Call<'_>,
    now: DateTime<Utc>,
) -> std::result::Result<(), Unfit> {
    if Some(row.requested_by) != viewer.user_id() || row.api_key_id != key {
        return Err(Unfit::OtherCall);
    }
    let is_same = row.server_id == call.server_id
        && row.server_name == call.server_name
        && row.tool_name == call.tool_name
        && row.pin == call.pin.0
        && row.arguments_hash == call.arguments_hash();
    if !is_same {
        return Err(Unfit::OtherCall);
    }
    match row.state {
        ApprovalState::Pending | ApprovalState::Approved if row.expires_at <= now => Err(Unfit::Expired),
        ApprovalState::Approved => Ok(()),
        ApprovalState::Pending => Err(Unfit::Pending),
        ApprovalState::Denied | ApprovalState::Withdrawn => Err(Unfit::Refused),
        ApprovalState::Expired => Err(Unfit::Expired),
        ApprovalState::Consumed => Err(Unfit::Used),
    }
}

/// Whether the viewer holds this approval for just this call: then the call is decided with it. The approval is looked at
/// and not used up.
pub async fn held(request: &Request, id: ApprovalId, call: &Call<'_>) -> Result<std::result::Result<(), Unfit>> {
    let Some(row) = store::present(request, id).await? else { return Ok(Err(Unfit::Unknown)) };
    let viewer = request.viewer();
    Ok(fit(&row, &viewer, super::rules::key_of(&viewer), call, request.now()))
}

/// Uses the approval up, in the transaction of the call that was decided with it. Of calls at the same time, one gets it.
/// Where the decision did not need the approval, it is left alone.
pub async fn consume(
    write: &mut Write<'_>,
    id: ApprovalId,
    call: &Call<'_>,
    decision: &Decision,
) -> Result<std::result::Result<(), Unfit>> {
    if decision.reason != Reason::Approved(id.uuid()) {
        return Ok(Ok(()));
    }
    let granted = match write.granted::<approval::Entity>(id, Action::Read).await {
        Ok(granted) => granted,
        Err(Error::NotFound) => return Ok(Err(Unfit::Unknown)),
        Err(error) => return Err(error),
    };
    let viewer = write.viewer();
    if let Err(unfit) = fit(&granted, viewer, super::rules::key_of(viewer), call, write.request().now()) {
        return Ok(Err(unfit));
    }
    if granted.policy_id.zip(granted.policy_version) != asking_policy(decision) {
        return Ok(Err(Unfit::OtherPolicy));
    }
    let consumed = store::consume(write, &granted).await?;
    write.record(&ApprovalEvent::of(&consumed));
    Ok(Ok(()))
}
