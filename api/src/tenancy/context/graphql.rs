//! The active context as a client sees it.

use async_graphql::{Context, InputObject, Object};
use entity::ids::{OrganizationId, SpaceId};

use super::{rules, store};
use crate::identity::users::ViewerObject;
use crate::payload;
use crate::platform::errors::Result;
use crate::platform::payload::Outcome;
use crate::platform::request::{Request, RequestContext};
use crate::tenancy::TenancyErrorCode;
use crate::tenancy::organizations::Organization;
use crate::tenancy::spaces::Space;

async fn session(request: &Request) -> Result<Option<entity::identity::session::Model>> {
    match request.viewer().session_id() {
        Some(id) => request.load::<store::Sessions>(id).await,
        None => Ok(None),
    }
}

/// The organization the viewer's session works in, if the viewer may still see it.
pub async fn active_organization(request: &Request) -> Result<Option<Organization>> {
    match session(request).await?.and_then(|session| session.active_organization_id) {
        Some(id) => Organization::find(request, id).await,
        None => Ok(None),
    }
}

/// The space the viewer's session works in, if the viewer may still see it.
pub async fn active_space(request: &Request) -> Result<Option<Space>> {
    match session(request).await?.and_then(|session| session.active_space_id) {
        Some(id) => Space::find(request, id).await,
        None => Ok(None),
    }
}

/// Where this session is to work. Leave both out for nowhere.
#[derive(InputObject)]
struct ActiveContextSetInput {
    /// An organization of yours.
    organization_id: Option<OrganizationId>,
    /// A space that you see. Its organization becomes active with it.
    space_id: Option<SpaceId>,
}

payload! {
    /// What choosing where to work ended with.
    ActiveContextSetPayload {
        /// You, with activeOrganization and activeSpace as they are now; null when it was refused.
        viewer: ViewerObject, TenancyErrorCode
    }
}

/// Changes of where a session works.
#[derive(Default)]
pub struct ContextMutation;

#[Object]
impl ContextMutation {
    /// Chooses the organization and the space that this session works in, so that a client finds them again. It grants nothing.
    async fn active_context_set(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Where to work.")] input: ActiveContextSetInput,
    ) -> Result<ActiveContextSetPayload> {
        let result = rules::set_context(ctx.request(), input.organization_id, input.space_id).await;
        Ok(Outcome::of(result)?.map(ViewerObject).into())
    }
}
