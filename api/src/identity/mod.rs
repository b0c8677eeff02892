//! Who people are: accounts, signing up and in, sessions and their tokens.

pub mod events;
pub mod sign_in;
pub mod users;

use async_graphql::Enum;

use crate::platform::payload::ErrorCode;

/// Why a change of accounts or sessions was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum IdentityErrorCode {
    /// The e-mail address is malformed.
    EmailInvalid,
    /// The e-mail address has an account already.
    EmailTaken,
    /// A name is needed.
    NameRequired,
    /// A text is too long or holds characters that do not belong there.
    TextInvalid,
    /// The password is shorter than 8 characters.
    PasswordTooShort,
    /// The password is longer than 1,024 bytes.
    PasswordTooLong,
    /// The address and the password do not belong together.
    WrongCredentials,
    /// The refresh token is not good, or was used before.
    TokenInvalid,
    /// The object changed since you read it; the payload holds its present state.
    Conflict,
    /// The time zone is not one of the IANA names, such as "Europe/Berlin".
    TimezoneInvalid,
    /// The locale is not of the form "en" or "en-US".
    LocaleInvalid,
}

impl ErrorCode for IdentityErrorCode {
    const USER_ERROR: &'static str = "IdentityUserError";
}
