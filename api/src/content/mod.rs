//! What people write: documents and notes in spaces, and their tags.

pub mod activity;
pub mod documents;
pub mod importing;
pub mod tags;

use async_graphql::Enum;

use crate::platform::checks;
use crate::platform::errors::Result;
use crate::platform::payload::ErrorCode;

/// Why a change of content was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ContentErrorCode {
    /// The object changed since you read it; the payload holds its present state.
    Conflict,
    /// The id is in use, or is not a UUIDv7 of these days.
    IdTaken,
    /// A title or name is needed.
    TitleRequired,
    /// A text is too long or holds characters that do not belong there.
    TextInvalid,
    /// The content is larger than 10 MB.
    ContentTooLarge,
    /// The language code is not of the form "en" or "en-US".
    LanguageInvalid,
    /// The metadata is not an object, or is larger than 64 KB.
    MetadataInvalid,
    /// The slug has a form that addresses cannot have.
    SlugInvalid,
    /// The name is already in use here.
    NameTaken,
    /// Another document of the space has this external id.
    ExternalIdTaken,
    /// The place named is in another space.
    OtherSpace,
    /// A document cannot stand below itself.
    Cycle,
    /// A document that others may read cannot stand below a PRIVATE one.
    PrivateParent,
    /// A document cannot be PRIVATE while others may read one below it.
    SharedChildren,
    /// The tree would be deeper than 32 levels.
    TooDeep,
    /// There are more tags than a document can carry, or more than one call may name.
    TooMany,
    /// The document's state does not allow this.
    WrongState,
    /// A personal space has no organization to share with.
    PersonalSpace,
    /// A quota of the space's project leaves no room; the message names it.
    QuotaExceeded,
    /// The plan of the space's owner leaves no room; the message names its limit.
    PlanLimitReached,
}

impl ErrorCode for ContentErrorCode {
    const USER_ERROR: &'static str = "ContentUserError";
}

/// Refuses a change of something that changed since its client read it. None is: whoever comes last wins.
fn check_version(expected: Option<i32>, present: i32) -> Result<()> {
    let message = format!("It changed since you read it: this is version {present} now.");
    checks::version(expected, present, ContentErrorCode::Conflict, message)
}
