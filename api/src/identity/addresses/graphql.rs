//! Addresses as a client sees them.

use async_graphql::{Context, InputObject, Object};

use super::rules;
use crate::identity::IdentityErrorCode;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// A link that was sent by mail.
#[derive(InputObject)]
struct EmailVerifyInput {
    /// What follows the # in the link.
    #[graphql(secret)]
    token: String,
    /// The password that was chosen, where the link makes an account that waits for it (PASSWORD_REQUIRED).
    #[graphql(secret)]
    password: Option<String>,
}

payload! {
    /// What confirming an address ended with.
    EmailVerifyPayload {
        /// The address that is confirmed now; null when it was refused.
        email: String, IdentityErrorCode
    }
}

payload! {
    /// What asking for the link once more ended with.
    EmailVerificationSendPayload {
        /// The address that the link is sent to; null when it was refused.
        email: String, IdentityErrorCode
    }
}

/// An address to use from now on.
#[derive(InputObject)]
struct EmailChangeInput {
    /// The new e-mail address, up to 320 characters.
    email: String,
}

payload! {
    /// What asking for another address ended with: the same for every address.
    EmailChangePayload {
        /// The address that mail is sent to; null when it was refused.
        email: String, IdentityErrorCode
    }
}

/// A link that was sent to a new address.
#[derive(InputObject)]
struct EmailChangeConfirmInput {
    /// What follows the # in the link.
    #[graphql(secret)]
    token: String,
}

payload! {
    /// What confirming a new address ended with.
    EmailChangeConfirmPayload {
        /// The address of the account from now on; null when it was refused.
        email: String, IdentityErrorCode
    }
}

/// Changes of addresses.
#[derive(Default)]
pub struct AddressMutation;

#[Object]
impl AddressMutation {
    /// Confirms an e-mail address with the token of the link that was sent to it. Anybody who has the link may. Where one
    /// signs up by mail, this makes the account; then sign in with signIn.
    async fn email_verify(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link.")] input: EmailVerifyInput,
    ) -> Result<EmailVerifyPayload> {
        Ok(Outcome::of(rules::verify(ctx.request(), &input.token, input.password).await)?.into())
    }

    /// Sends a link to a new address, which becomes yours once the link is followed. Needs a recent proof of who you are.
    async fn email_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address.")] input: EmailChangeInput,
    ) -> Result<EmailChangePayload> {
        Ok(Outcome::of(rules::request_change(ctx.request(), &input.email).await)?.into())
    }

    /// Makes a new address the account's own, with the token of the link that was sent to it.
    async fn email_change_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link.")] input: EmailChangeConfirmInput,
    ) -> Result<EmailChangeConfirmPayload> {
        Ok(Outcome::of(rules::confirm_change(ctx.request(), &input.token).await)?.into())
    }

    /// Sends you the link that confirms your address once more. The link sent before stops working.
    async fn email_verification_send(&self, ctx: &Context<'_>) -> Result<EmailVerificationSendPayload> {
        Ok(Outcome::of(rules::resend_verification(ctx.request()).await)?.into())
    }
}
