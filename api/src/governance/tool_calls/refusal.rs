//! Why a call was not made, or its result not given.

use std::borrow::Cow;
use std::time::Duration;

use async_graphql::Enum;
use async_graphql::resolver_utils::EnumType;
use entity::enums::McpCallStatus;
use entity::governance::approval;
use entity::metering::mcp_usage;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;

use crate::governance::approvals::Unfit;
use crate::governance::decision::{Decision, Gate, Level, Reason};
use crate::governance::mcp_servers::Unresolved;
use crate::metering::limits::{LimitStanding, Reached};
use crate::platform::checks;
use crate::platform::errors::{Error, Reached as Limit, Rejection};
use crate::platform::mcp::Failure;
use crate::platform::payload::ErrorCode;
use crate::platform::write::Committed;

/// Why a call was not made, or its result not given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum McpCallErrorCode {
    /// The id is in use, or is not a UUIDv7 of these days.
    IdTaken,
    /// A text is too long or holds characters that do not belong there.
    TextInvalid,
    /// The project has no such server, or the server no such tool.
    UnknownTool,
    /// The arguments do not fit the schema of the tool; the field names the place.
    ArgumentsInvalid,
    /// A gate or a policy denies the call; its decision says which.
    Denied,
    /// Somebody has to approve the call. It was asked for: call again with the approval's id once it is approved.
    ApprovalRequired,
    /// Somebody has to approve the call, and it was not asked for: as many of your calls wait for an answer as may.
    TooMany,
    /// The approval does not let this call through; the message says why.
    ApprovalUnfit,
    /// A rate leaves no room for now.
    RateLimited,
    /// A budget leaves no room in its window.
    BudgetExceeded,
    /// The server refers to a secret that the project does not have.
    SecretMissing,
    /// The server could not be reached, or its program ended.
    ServerUnavailable,
    /// The server did not answer in time.
    TimedOut,
    /// The result is larger than is taken.
    ResultTooLarge,
    /// The result does not fit the schema that the tool has for it.
    ResultInvalid,
    /// A compliance policy does not let the result through.
    ResultBlocked,
    /// The server answered with an error, or not as the protocol wants.
    ServerFailed,
    /// The tool is not what was approved: its server says something else of it now. Somebody has to look at it again.
    ToolChanged,
    /// A call was asked for with this id or Idempotency-Key before; toolCall says how it ended. Results are not kept.
    AlreadyCalled,
}

impl ErrorCode for McpCallErrorCode {
    const USER_ERROR: &'static str = "McpCallUserError";
}

impl McpCallErrorCode {
    /// As the graph and the record spell it.
    pub fn name(self) -> &'static str {
        Self::items().iter().find(|item| item.value == self).map_or("", |item| item.name)
    }

    /// What can be said of it without repeating what anybody said.
    pub const fn sentence(self) -> &'static str {
        match self {
            Self::ArgumentsInvalid => "The arguments did not fit the tool's schema.",
            Self::ServerUnavailable => "The server could not be reached, or its program ended.",
            Self::ServerFailed => "The server answered with an error, or not as the protocol wants.",
            Self::TimedOut => "The server did not answer in time.",
            Self::ResultTooLarge => "The result is larger than is taken.",
            Self::ResultInvalid => "The result is not as the tool's schema promises.",
            Self::ToolChanged => "The tool is not as it was approved: it changed at its server since.",
            _ => "",
        }
    }

    /// How a call that ends so is recorded.
    pub const fn status(self) -> McpCallStatus {
        match self {
            Self::TimedOut => McpCallStatus::Timeout,
            Self::SecretMissing
            | Self::ServerUnavailable
            | Self::ResultTooLarge
            | Self::ResultInvalid
            | Self::ServerFailed => McpCallStatus::Error,
            Self::IdTaken
            | Self::TextInvalid
            | Self::UnknownTool
            | Self::ArgumentsInvalid
            | Self::Denied
            | Self::ApprovalRequired
            | Self::TooMany
            | Self::ApprovalUnfit
            | Self::RateLimited
            | Self::BudgetExceeded
            | Self::ResultBlocked
            | Self::ToolChanged
            | Self::AlreadyCalled => McpCallStatus::Blocked,
        }
    }
}

/// Why a call was not made, or its result not given.
#[derive(Clone, Debug)]
pub struct Refusal {
    pub code: McpCallErrorCode,
    /// The place in the input, such as `arguments.city`; empty for the whole of it.
    pub field: Cow<'static, str>,
    /// For who called. Holds no secrets, and may repeat what the server says.
    pub message: String,
    /// Further places with their messages.
    pub others: Vec<(String, String)>,
    /// What was asked for, or waits already, where an approval is needed.
    pub approval: Option<Committed<approval::Model>>,
    pub retry_after: Option<Duration>,
    pub limit: Option<Limit>,
    /// The call as it was recorded; none where it came to nothing before anything was decided.
    pub recorded: Option<mcp_usage::Model>,
}

impl Refusal {
    pub fn new(code: McpCallErrorCode, field: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            field: field.into(),
            message: message.into(),
            others: Vec::new(),
            approval: None,
            retry_after: None,
            limit: None,
            recorded: None,
        }
    }

    /// What the record says of it: a sentence of ours, as those of the server and of schemas may hold what was said.
    pub fn recordable(&self) -> String {
        let sentence = self.code.sentence();
        let text = if sentence.is_empty() { &self.message } else { sentence };
        checks::shortened(text, 2_000)
    }

    /// Arguments that do not fit, each place below them with its message.
    pub fn misfits(problems: Vec<(String, String)>) -> Self {
        let mut problems = problems.into_iter().map(|(path, message)| (format!("arguments{path}"), message));
        let (field, message) = problems.next().unwrap_or_else(|| ("arguments".to_owned(), String::new()));
        let refusal = Self::new(McpCallErrorCode::ArgumentsInvalid, "", message);
        Self { field: field.into(), others: problems.collect(), ..refusal }
    }

    pub fn denied(decision: &Decision) -> Self {
        Self::new(McpCallErrorCode::Denied, "", why(decision))
    }

    pub fn unfit(unfit: Unfit) -> Self {
        Self::new(McpCallErrorCode::ApprovalUnfit, "approvalId", unfit.message())
    }

    pub fn needs(approval: Committed<approval::Model>) -> Self {
        let message = "Somebody who administers the project has to approve this call. Call again with the id of the \
                       approval once it is approved.";
        let refusal = Self::new(McpCallErrorCode::ApprovalRequired, "", message);
        Self { approval: Some(approval), ..refusal }
    }

    /// Nobody was asked: so many other calls wait for an answer.
    pub fn too_many(most: i64) -> Self {
        let message = format!(
            "Somebody has to approve this call, and {most} others of yours wait for an answer already. Withdraw some, or \
             call again when they are answered."
        );
        Self::new(McpCallErrorCode::TooMany, "", message)
    }

    /// A limit that leaves no room. How much of it is used is not everybody's to know.
    pub fn limited(reached: &Reached, may_see: bool) -> Self {
        let LimitStanding { limit, remaining, resets_at, .. } = &reached.standing;
        let rules = &limit.limit;
        let (code, what) = match rules.is_rate() {
            true => (McpCallErrorCode::RateLimited, "rate"),
            false => (McpCallErrorCode::BudgetExceeded, "budget"),
        };
        let amount = rules.amount.normalize();
        let message = format!("The {what} of {amount} leaves no room for this call before {}.", resets_at.to_rfc3339());
        let whole = |number: Decimal| number.to_i64().unwrap_or(i64::MAX);
        let limit = may_see.then(|| Limit { limit: whole(rules.amount), used: whole(rules.amount - remaining) });
        Self { retry_after: Some(reached.retry_after), limit, ..Self::new(code, "", message) }
    }

    pub fn failed(failure: &Failure) -> Self {
        let code = match failure {
            Failure::NotAllowed(_)
            | Failure::Unreachable(_)
            | Failure::Unauthorized { .. }
            | Failure::Crashed { .. }
            | Failure::SessionEnded => McpCallErrorCode::ServerUnavailable,
            Failure::TimedOut { .. } => McpCallErrorCode::TimedOut,
            Failure::ToolChanged => McpCallErrorCode::ToolChanged,
            Failure::TooLarge { .. } => McpCallErrorCode::ResultTooLarge,
            Failure::TooManyPages { .. }
            | Failure::TooManyTools { .. }
            | Failure::RepeatedCursor
            | Failure::Protocol(_)
            | Failure::Refused { .. } => McpCallErrorCode::ServerFailed,
        };
        Self::new(code, "", failure.to_string())
    }

    /// Why the server cannot even be tried, if that is not a fault of ours.
    pub fn unresolved(unresolved: Unresolved) -> Result<Self, Error> {
        match unresolved {
            Unresolved::Secret(missing) => Ok(Self::new(
                McpCallErrorCode::SecretMissing,
                "server",
                format!("The server refers to a secret: {missing}."),
            )),
            Unresolved::Other(error) => Err(error),
        }
    }

    /// As the user errors of a payload.
    pub fn into_error(self) -> Error {
        let retry_after_seconds = self.retry_after.map(|time| u32::try_from(time.as_secs().max(1)).unwrap_or(u32::MAX));
        let code = self.code.name();
        let rejection = |field: Cow<'static, str>, message: String| Rejection {
            field,
            code: code.to_owned(),
            message,
            retry_after_seconds,
            reached: self.limit,
        };
        let first = rejection(self.field, self.message);
        let others = self.others.into_iter().map(|(field, message)| rejection(field.into(), message));
        Error::Rejected(std::iter::once(first).chain(others).collect())
    }
}

/// Why a call is denied, in a sentence.
fn why(decision: &Decision) -> String {
    let winner = decision.winner.and_then(|id| decision.tried.iter().find(|tried| tried.policy_id == id));
    match (decision.reason, winner) {
        (Reason::Gate(gate), _) => closed(gate).to_owned(),
        (Reason::OutsideAllowed(level), _) => {
            let whose = match level {
                Level::Organization => "organization",
                Level::Project => "project",
                Level::Server => "server",
            };
            format!("No list of allowed tools of the {whose} holds it.")
        }
        (Reason::Default, _) => "No policy allows it, and what no policy allows is denied.".to_owned(),
        (_, Some(winner)) => format!("The policy {:?} denies it.", &*winner.name),
        (_, None) => "A policy denies it.".to_owned(),
    }
}

const fn closed(gate: Gate) -> &'static str {
    match gate {
        Gate::KeyValid => "The API key is not good.",
        Gate::MayCall => "The role in the project, or the API key, may not call tools.",
        Gate::OrganizationActive => "The organization is not in use.",
        Gate::ProjectActive => "The project is paused or archived.",
        Gate::ServerApproved => "The server is not approved, or is switched off.",
        Gate::ScanPassed => "The server has not passed its scan.",
        Gate::ToolEnabled => "The tool is switched off, or is gone.",
        Gate::PinMatches => "The tool is not as it was approved: somebody has to look at it again.",
        Gate::SubscriptionInGoodStanding => "The organization's subscription is not in good standing.",
    }
}
