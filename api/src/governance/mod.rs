//! The tools an AI may use, and every decision explained.
//!
//! `api_keys` are how programs come in, `secrets` what tools are given that nobody may see. Pure, without a database, a graph or a clock of their own, are `decision`, which
//! says what may happen, `pins`, what a tool was when it was approved, `risk`, how much harm it can do, and `scan`, what
//! is suspicious about a server.

pub mod api_keys;
pub mod decision;
pub mod pins;
pub mod risk;
pub mod scan;
pub mod secrets;

use async_graphql::{Enum, MergedObject};

use crate::platform::payload::{ErrorCode, ForPeople};
use crate::platform::sealing::SealedColumn;

/// Changes of what governs the use of tools.
#[derive(MergedObject, Default)]
pub struct GovernanceMutation(ForPeople<api_keys::ApiKeyMutation>, secrets::SecretMutation);

/// The columns of this domain that are sealed.
pub const SEALED: &[SealedColumn] = &[secrets::COLUMNS.key];

/// Why a change of keys or secrets was refused.
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
    /// A number is outside its limits.
    OutOfRange,
    /// The object is not in a state that allows this.
    WrongState,
    /// There are as many of these as there may be.
    TooMany,
    /// Prove again who you are with reauthenticate, then repeat this.
    ReauthenticationRequired,
}

impl ErrorCode for GovernanceErrorCode {
    const USER_ERROR: &'static str = "GovernanceUserError";
}
