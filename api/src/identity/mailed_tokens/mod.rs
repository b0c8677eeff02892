//! Tokens in links sent by mail: 256 random bits, known by their SHA-256, good once and for a while. A new one ends
//! those that were sent before it for the same purpose.

mod store;

use chrono::Duration;
use entity::enums::VerificationPurpose;
use entity::identity::user;

pub use store::{Redeemed, end_all, is_good, redeem};

use crate::platform::authorization::Authority;
use crate::platform::clock::random_token;
use crate::platform::errors::Result;
use crate::platform::write::Write;

/// How long a link of each kind is good.
pub fn life(purpose: VerificationPurpose) -> Duration {
    match purpose {
        VerificationPurpose::VerifyEmail => Duration::days(3),
        VerificationPurpose::ChangeEmail => Duration::hours(24),
        VerificationPurpose::ResetPassword => Duration::hours(1),
    }
}

/// Makes a token for the user. `email` is the address that the link will prove.
pub async fn issue(
    write: &Write<'_>,
    authority: &dyn Authority,
    user: &user::Model,
    purpose: VerificationPurpose,
    email: &str,
) -> Result<String> {
    end_all(write, user.id, Some(purpose)).await?;
    let token = random_token(&*write.request().platform.clock);
    store::insert(write, authority, user.id, purpose, email, &token).await?;
    Ok(token)
}
