//! The second factor as a client sees it.

use async_graphql::{Context, InputObject, Object, SimpleObject};
use entity::identity::user;
use entity::ids::UserId;

use super::rules::{self, Enrollment};
use super::store;
use crate::identity::IdentityErrorCode;
use crate::identity::users::ViewerObject;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::RequestContext;

/// Your second factor.
pub struct MfaStatus(pub UserId);

/// Your second factor: whether there is one, and what is left of its recovery codes.
#[Object]
impl MfaStatus {
    /// Whether signing in takes a code of your authenticator.
    async fn enabled(&self, ctx: &Context<'_>) -> Result<bool> {
        Ok(ctx.request().get::<user::Entity>(self.0).await?.mfa_enabled)
    }

    /// How many recovery codes were not used yet.
    async fn recovery_codes_left(&self, ctx: &Context<'_>) -> Result<i32> {
        store::recovery_codes_left(ctx.request(), self.0).await
    }
}

/// What an authenticator app needs. It is shown once.
#[derive(SimpleObject)]
struct MfaEnrollment {
    /// The secret in base 32, for typing.
    secret: String,
    /// The otpauth address that holds the same, for a QR code.
    uri: String,
}

impl From<Enrollment> for MfaEnrollment {
    fn from(Enrollment { secret, uri }: Enrollment) -> Self {
        Self { secret, uri }
    }
}

payload! {
    /// What beginning to set up an authenticator ended with.
    MfaEnrollPayload {
        /// What the app needs. Give its first code to mfaConfirm. Null when it was refused.
        enrollment: MfaEnrollment, IdentityErrorCode
    }
}

/// The first code of an authenticator.
#[derive(InputObject)]
struct MfaConfirmInput {
    /// The six digits that the app shows now.
    #[graphql(secret)]
    code: String,
}

payload! {
    /// What turning the second factor on ended with.
    MfaConfirmPayload {
        /// Ten codes that each replace the app once. Keep them safe: they are not shown again. Null when it was refused.
        recovery_codes: Vec<String>, IdentityErrorCode
    }
}

payload! {
    /// What taking the second factor away ended with.
    MfaDisablePayload {
        /// You; null when it was refused.
        viewer: ViewerObject, IdentityErrorCode
    }
}

payload! {
    /// What asking for new recovery codes ended with.
    RecoveryCodesRegeneratePayload {
        /// Ten codes that each replace the app once. Those before them stop working. Null when it was refused.
        recovery_codes: Vec<String>, IdentityErrorCode
    }
}

/// Changes of the second factor.
#[derive(Default)]
pub struct MfaMutation;

#[Object]
impl MfaMutation {
    /// Begins to set up an authenticator app. Needs a recent proof of who you are.
    async fn mfa_enroll(&self, ctx: &Context<'_>) -> Result<MfaEnrollPayload> {
        Ok(Outcome::of(rules::enroll(ctx.request()).await)?.map(MfaEnrollment::from).into())
    }

    /// Turns the second factor on, and signs you out everywhere but here. Needs a recent proof of who you are.
    async fn mfa_confirm(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The first code.")] input: MfaConfirmInput,
    ) -> Result<MfaConfirmPayload> {
        Ok(Outcome::of(rules::confirm(ctx.request(), &input.code).await)?.into())
    }

    /// Takes the second factor away, with its recovery codes. Needs a recent proof of who you are, with a code.
    async fn mfa_disable(&self, ctx: &Context<'_>) -> Result<MfaDisablePayload> {
        let request = ctx.request();
        let id = request.user_id()?;
        Ok(Outcome::of(rules::disable(request).await)?.map(|()| ViewerObject(id)).into())
    }

    /// Replaces your recovery codes. Needs a recent proof of who you are, with a code.
    async fn recovery_codes_regenerate(&self, ctx: &Context<'_>) -> Result<RecoveryCodesRegeneratePayload> {
        Ok(Outcome::of(rules::regenerate(ctx.request()).await)?.into())
    }
}
