//! What a session may work in: whatever its user may see.

use entity::ids::{OrganizationId, SpaceId, UserId};
use entity::tenancy::{organization, space};

use super::store;
use crate::platform::authorization::Action;
use crate::platform::errors::{Error, Result, reject};
use crate::platform::request::Request;
use crate::platform::write::Committed;
use crate::tenancy::TenancyErrorCode as Code;

/// Chooses where the viewer's session works. A space brings its organization along; nothing at all is nowhere.
pub async fn set_context(
    request: &Request,
    organization_id: Option<OrganizationId>,
    space_id: Option<SpaceId>,
) -> Result<Committed<UserId>> {
    let user = request.user_id()?;
    request.viewer().in_person()?;
    let session = request.viewer().session_id().ok_or(Error::Unauthenticated)?;
    let write = request.begin_write_of_sessions().await?;
    let mut organization = organization_id;
    if let Some(id) = organization_id {
        write.granted_parent::<organization::Entity>(id, Action::Read).await?;
    }
    if let Some(id) = space_id {
        let space = write.granted_parent::<space::Entity>(id, Action::Read).await?;
        if organization_id.is_some() && space.organization_id != organization_id {
            return Err(reject("spaceId", Code::OtherOrganization, "The space is not of this organization."));
        }
        organization = space.organization_id;
    }
    let authority = write.as_viewer()?;
    store::set(&write, &authority, session, organization, space_id).await?;
    write.commit(user).await
}
