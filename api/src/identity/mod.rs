//! Who people are: accounts, signing up and in, sessions and their tokens, addresses and what is mailed to them.

pub mod addresses;
pub mod attempts;
pub mod deletion;
pub mod events;
pub mod mailed_tokens;
pub mod mfa;
pub mod oauth_connections;
pub mod openid;
pub mod passwords;
pub mod reauthentication;
pub mod sessions;
pub mod settings;
pub mod sign_in;
pub mod sign_ups;
pub mod users;

use async_graphql::{Enum, MergedObject};

use crate::platform::payload::ErrorCode;
use crate::platform::sealing::SealedColumn;

/// What can be changed about accounts and sessions. Merged in two steps, because each further part of one merged object
/// makes its futures a level deeper.
#[derive(MergedObject, Default)]
pub struct IdentityMutation(ComingInMutation, AccountMutation);

/// Coming in, and what a session is good for.
#[derive(MergedObject, Default)]
pub struct ComingInMutation(
    sign_in::SignInMutation,
    reauthentication::ReauthenticationMutation,
    sessions::SessionMutation,
    mfa::MfaMutation,
    openid::OpenIdMutation,
);

/// The account itself.
#[derive(MergedObject, Default)]
pub struct AccountMutation(
    passwords::PasswordMutation,
    addresses::AddressMutation,
    users::UserMutation,
    settings::SettingsMutation,
    deletion::DeletionMutation,
    oauth_connections::OauthConnectionMutation,
);

/// The columns of this domain that are sealed.
pub const SEALED: &[SealedColumn] = &[
    passwords::REQUESTED,
    mfa::SECRET,
    sign_ups::ACCOUNT,
    SealedColumn { table: "identity.oauth_connections", column: "access_token" },
    SealedColumn { table: "identity.oauth_connections", column: "refresh_token" },
    SealedColumn { table: "identity.sessions", column: "provider_access_token" },
    SealedColumn { table: "identity.sessions", column: "provider_refresh_token" },
];

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
    /// Give the password as well.
    PasswordRequired,
    /// The password is shorter than 8 characters.
    PasswordTooShort,
    /// The password is longer than 1,024 bytes.
    PasswordTooLong,
    /// The address and the password do not belong together.
    WrongCredentials,
    /// The token is not good, is too old, or was used before.
    TokenInvalid,
    /// The object changed since you read it; the payload holds its present state.
    Conflict,
    /// The time zone is not one of the IANA names, such as "Europe/Berlin".
    TimezoneInvalid,
    /// The locale is not of the form "en" or "en-US".
    LocaleInvalid,
    /// The address is confirmed already.
    EmailVerified,
    /// The code is wrong, too old, or was used before.
    CodeInvalid,
    /// There is a second factor already.
    MfaEnabled,
    /// There is no second factor, and none is being set up.
    MfaNotStarted,
    /// There is no such identity provider.
    ProviderUnknown,
    /// The identity provider cannot be asked at the moment, or cannot do this.
    ProviderUnavailable,
    /// What the identity provider says does not hold. Begin again.
    ProviderRefused,
    /// The page is not one that providers may send people back to.
    CallbackUnknown,
    /// The identity provider tells no address that it has verified, and an account needs one.
    EmailUnverified,
    /// An account has this address already. Sign in to it, and link the provider there.
    AccountExists,
    /// The account at the identity provider is linked already: here or to somebody else.
    ConnectionTaken,
    /// It is the last way to sign in to the account.
    LastWay,
    /// An organization would lose its only owner; the message names it.
    SoleOwner,
    /// A setting is outside of what it can be.
    SettingInvalid,
    /// Prove again who you are with reauthenticate, then repeat this.
    ReauthenticationRequired,
    /// There were too many attempts; retryAfterSeconds says when the next is allowed.
    RateLimited,
}

impl ErrorCode for IdentityErrorCode {
    const USER_ERROR: &'static str = "IdentityUserError";
}
