//! The tools an AI may use, and every decision explained. Some of what stands here is pure, without database, graph or a
//! clock of its own: `decision` says what may happen, `pins` what a tool was when it was approved, `risk` how much harm it
//! can do, `scan` what is suspicious about a server. The registry of MCP servers leans on it: `mcp_servers` and how each is
//! reached, `mcp_discoveries` (what a server said when it was connected to), `mcp_tools` and `mcp_scans`. `policies` keeps
//! what organizations and projects want, `decisions` what came of it each time, `approvals` who let what through;
//! `simulations` try a draft on what was decided. `api_keys` are how programs come in, `secrets` what tools are given that
//! nobody may see. `tool_calls` brings all of it together: a tool is called.

pub mod api_keys;
pub mod approvals;
pub mod decision;
pub mod decisions;
pub mod mcp_discoveries;
pub mod mcp_endpoint;
pub mod mcp_scans;
pub mod mcp_servers;
pub mod mcp_tools;
pub mod own_tools;
pub mod pins;
pub mod policies;
pub mod risk;
pub mod scan;
pub mod secrets;
pub mod simulations;
pub mod tool_calls;

use async_graphql::{Enum, MergedObject};

use crate::platform::payload::{ErrorCode, ForPeople};
use crate::platform::sealing::SealedColumn;

/// The columns of this domain that are sealed.
pub const SEALED: &[SealedColumn] = &[secrets::COLUMNS.key];

/// Changes of what tools there are, and of what may be done with them. Merged in groups, because each further part of one
/// merged object makes its futures a level deeper.
#[derive(MergedObject, Default)]
pub struct GovernanceMutation(RegistryMutation, DecidingMutation, KeyMutation);

/// Changes of keys and secrets.
#[derive(MergedObject, Default)]
pub struct KeyMutation(ForPeople<api_keys::ApiKeyMutation>, secrets::SecretMutation);

/// Changes of what may be done with tools, of who lets it through, and the calls themselves.
#[derive(MergedObject, Default)]
pub struct DecidingMutation(
    policies::PolicyMutation,
    approvals::ApprovalMutation,
    simulations::SimulationMutation,
    tool_calls::ToolCallMutation,
);

/// Changes of the registry of MCP servers.
#[derive(MergedObject, Default)]
pub struct RegistryMutation(
    mcp_servers::McpServerMutation,
    mcp_servers::McpReviewMutation,
    mcp_discoveries::McpDiscoveryMutation,
    mcp_tools::McpToolMutation,
);

/// Why a change of the registry of MCP servers was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum McpErrorCode {
    /// The object changed since you read it; the payload holds its present state.
    Conflict,
    /// The id is in use, or is not a UUIDv7 of these days.
    IdTaken,
    /// A name is needed.
    NameRequired,
    /// A name has letters, digits, dots, underscores and hyphens, and begins with a letter or digit.
    NameInvalid,
    /// Another server of the project has this name.
    NameTaken,
    /// A text is too long or holds characters that do not belong there.
    TextInvalid,
    /// A reason is needed.
    ReasonRequired,
    /// What says how a server is reached cannot be right.
    TransportInvalid,
    /// A secret stands there itself instead of a reference to it.
    SecretInTheOpen,
    /// The file is not a server.json, or says nothing that can be reached from here.
    ManifestInvalid,
    /// The file could not be fetched from its address.
    ManifestUnreachable,
    /// The file leaves a value open that it needs, or names the values that can stand there.
    ValueMissing,
    /// There are as many of these as there may be.
    TooMany,
    /// The plan leaves no room; the message names its limit.
    PlanLimitReached,
    /// A project that is archived can only be read.
    ProjectArchived,
    /// The server is not in a state that allows this; the message says which it is in.
    WrongState,
    /// Nobody submitted the server for approval, or it changed since.
    NotSubmitted,
    /// Who submitted a server does not approve it: the organization asks for somebody else.
    OwnSubmission,
    /// The server was never reached in its present version, so nobody knows its tools.
    NotDiscovered,
    /// The scan found what nobody approves, or could not be finished.
    ScanFailed,
    /// The tool was changed in a way that nobody approves.
    Poisoned,
    /// The tool is as it was approved, or is gone.
    NothingToApprove,
    /// The server is being connected to at this moment.
    AlreadyRunning,
    /// A time lies outside of its limits.
    OutOfRange,
}

impl ErrorCode for McpErrorCode {
    const USER_ERROR: &'static str = "McpUserError";
}

/// Why a change of keys, secrets, policies or approvals was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum GovernanceErrorCode {
    /// The object changed since you read it; the payload holds its present state.
    Conflict,
    /// The id is in use, or is not a UUIDv7 of these days.
    IdTaken,
    /// A name is needed.
    NameRequired,
    /// A text is too long or holds characters that do not belong there.
    TextInvalid,
    /// A number is outside its limits.
    OutOfRange,
    /// There are as many of these as there may be.
    TooMany,
    /// Something in the policy cannot be: the path says what.
    PolicyInvalid,
    /// The policy is in this state already.
    AlreadySo,
    /// The call needs no approval.
    NotNeeded,
    /// The call is denied, which no approval changes.
    Denied,
    /// The same call waits for an answer already.
    AlreadyRequested,
    /// The time of this is over.
    Expired,
    /// The name has a form that it cannot have.
    NameInvalid,
    /// The name is already in use here.
    NameTaken,
    /// The value is empty, too long, or holds a character that it cannot hold.
    ValueInvalid,
    /// Choose at least one scope.
    ScopesRequired,
    /// This is no network, such as 192.0.2.0/24, or there are too many.
    NetworkInvalid,
    /// A time is in the past, or too far ahead.
    TimeInvalid,
    /// The object is not in a state that allows this.
    WrongState,
    /// Prove again who you are with reauthenticate, then repeat this.
    ReauthenticationRequired,
}

impl ErrorCode for GovernanceErrorCode {
    const USER_ERROR: &'static str = "GovernanceUserError";
}
