//! What people write: documents and notes in spaces, and their tags.

pub mod documents;
pub mod importing;
pub mod tags;

use async_graphql::Enum;

use crate::platform::payload::ErrorCode;

/// Why a change of content was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum ContentErrorCode {
    /// The object changed since you read it; the payload holds its present state.
    Conflict,
    /// The id is already in use.
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
    /// The tree would be deeper than 32 levels.
    TooDeep,
    /// There are more tags than a document can carry, or more than one call may name.
    TooMany,
    /// The document's state does not allow this.
    WrongState,
    /// A personal space has no organization to share with.
    PersonalSpace,
}

impl ErrorCode for ContentErrorCode {
    const USER_ERROR: &'static str = "ContentUserError";
}
