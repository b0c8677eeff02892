//! Passwords as a client sees them.

use async_graphql::{Context, InputObject, Object};

use super::rules;
use crate::identity::IdentityErrorCode;
use crate::identity::users::ViewerObject;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// A password to replace.
#[derive(InputObject)]
struct PasswordChangeInput {
    /// The present password. Left out only by an account that has none yet.
    #[graphql(secret)]
    current_password: Option<String>,
    /// The password from now on: 8 characters or more, 1,024 bytes at most.
    #[graphql(secret)]
    new_password: String,
}

payload! {
    /// What changing the password ended with.
    PasswordChangePayload {
        /// You; null when it was refused.
        viewer: ViewerObject, IdentityErrorCode
    }
}

/// An address whose password is to be reset.
#[derive(InputObject)]
struct PasswordResetRequestInput {
    /// The e-mail address of the account.
    email: String,
}

payload! {
    /// What asking for a link ended with: the same for every address.
    PasswordResetRequestPayload {
        /// The request was taken. A link is sent if the address has an account. Null when it was refused.
        accepted: bool, IdentityErrorCode
    }
}

/// A new password for whoever has the link.
#[derive(InputObject)]
struct PasswordResetInput {
    /// What follows the # in the link.
    #[graphql(secret)]
    token: String,
    /// The password from now on: 8 characters or more, 1,024 bytes at most.
    #[graphql(secret)]
    new_password: String,
}

payload! {
    /// What resetting the password ended with.
    PasswordResetPayload {
        /// The address to sign in with; null when it was refused.
        email: String, IdentityErrorCode
    }
}

/// Changes of passwords.
#[derive(Default)]
pub struct PasswordMutation;

#[Object]
impl PasswordMutation {
    /// Replaces your password and signs you out everywhere but here. With a second factor it needs a recent proof as well.
    async fn password_change(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The passwords.")] input: PasswordChangeInput,
    ) -> Result<PasswordChangePayload> {
        let request = ctx.request();
        let outcome = Outcome::of(rules::change(request, input.current_password, input.new_password).await)?;
        let viewer = request.viewer().user_id();
        let object = outcome.object.and(viewer).map(ViewerObject);
        Ok(Outcome { object, user_errors: outcome.user_errors, cursor: outcome.cursor }.into())
    }

    /// Asks for a link by mail that resets a forgotten password. The answer is the same whether the address has an account
    /// or not.
    async fn password_reset_request(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The address.")] input: PasswordResetRequestInput,
    ) -> Result<PasswordResetRequestPayload> {
        Ok(Outcome::of(rules::request_reset(ctx.request(), &input.email).await)?.into())
    }

    /// Sets a new password with the token of a link, and ends every session of the account. The second factor stays.
    async fn password_reset(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The link and the new password.")] input: PasswordResetInput,
    ) -> Result<PasswordResetPayload> {
        Ok(Outcome::of(rules::reset(ctx.request(), &input.token, input.new_password).await)?.into())
    }
}
