//! What becomes of a person's places when the account goes: memberships end, the personal space goes with everything in
//! it, and an organization that would lose its last owner keeps them from going.

mod store;

use entity::ids::UserId;

use crate::platform::errors::Result;
use crate::platform::write::Write;
use crate::tenancy::events::TenancyEvent;

pub use store::{count_organizations, solely_owned, solely_owned_now};

/// Ends every membership of the user and deletes the personal space for good.
/// Invariant: the user owns no organization alone, which `solely_owned_now` said under its locks.
pub async fn leave_everything(write: &mut Write<'_>, user: UserId) -> Result<()> {
    store::hand_over(write, user).await?;
    for organization in store::remove_memberships(write, user).await? {
        write.record(&TenancyEvent::MemberRemoved { organization, user });
    }
    store::remove_shares(write, user).await?;
    for space in store::remove_personal_spaces(write, user).await? {
        write.record(&TenancyEvent::SpaceDeleted { space, organization: None });
    }
    Ok(())
}
