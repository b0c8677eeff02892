//! Who is asking, and what was granted to them. Grants are cached under a fingerprint that PostgreSQL confirms
//! at each request, so the cache cannot be stale and Redis may be away.

mod bearer;
mod check;
mod grants;
mod holding;
mod open_sessions;
mod tokens;
mod vouching;

use std::sync::Arc;

use entity::enums::{MemberRole, ProjectRole, SpaceRole};
use entity::ids::{OrganizationId, ProjectId, SessionId, SpaceId, UserId};

pub use bearer::{Bearer, ForeignTokens};
pub use check::{Fingerprint, Viewers};
pub use grants::{Grants, SpaceGrant};
pub(in crate::platform) use holding::{Actor, Held, Hold, hold};
pub use open_sessions::OpenSessions;
pub use tokens::Tokens;
pub use vouching::{Entrance, Vouched};

/// The sessions that are live: SQL for a FROM clause, with the session as `s` and its user as `u`.
macro_rules! live_session {
    () => {
        "identity.sessions s JOIN identity.users u ON u.id = s.user_id AND u.deleted_at IS NULL \
         AND u.status <> 'suspended' AND s.revoked_at IS NULL AND s.expires_at > now()"
    };
}
use live_session;

/// Who is asking.
#[derive(Clone, Debug)]
pub enum Viewer {
    /// Nobody signed in.
    Anonymous,
    /// A person with an access token.
    User(Arc<SignedIn>),
    /// The server itself, with the reason.
    System(&'static str),
}

/// A person, and what was granted to them.
#[derive(Debug)]
pub struct SignedIn {
    pub user_id: UserId,
    /// The session they came by. None where the operator acts in their name.
    pub session_id: Option<SessionId>,
    /// How they came in, which some organizations ask for.
    pub entrance: Entrance,
    pub grants: Arc<Grants>,
    /// The state of the grants these are. None when that is not known, so they are looked up again before a write.
    pub fingerprint: Option<Fingerprint>,
}

impl Viewer {
    pub fn is_system(&self) -> bool {
        matches!(self, Viewer::System(_))
    }

    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Viewer::User(signed_in) => Some(signed_in.user_id),
            Viewer::Anonymous | Viewer::System(_) => None,
        }
    }

    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Viewer::User(signed_in) => signed_in.session_id,
            Viewer::Anonymous | Viewer::System(_) => None,
        }
    }

    pub fn grants(&self) -> Option<&Grants> {
        match self {
            Viewer::User(signed_in) => Some(&signed_in.grants),
            Viewer::Anonymous | Viewer::System(_) => None,
        }
    }

    /// How the viewer came in; none for nobody and for the system.
    pub fn entrance(&self) -> Option<&Entrance> {
        match self {
            Viewer::User(signed_in) => Some(&signed_in.entrance),
            Viewer::Anonymous | Viewer::System(_) => None,
        }
    }

    /// The viewer's role in the organization, if it is an active member of it.
    pub fn organization_role(&self, id: OrganizationId) -> Option<MemberRole> {
        self.grants()?.organizations.get(&id).copied()
    }

    /// The highest role the viewer has in the space: its own, its teams', or the default of an open space.
    pub fn space_role(&self, id: SpaceId) -> Option<SpaceRole> {
        Some(self.grants()?.spaces.get(&id)?.role)
    }

    /// What that role is good for with the content of the space, which can only be read once it is archived.
    pub fn content_role(&self, id: SpaceId) -> Option<SpaceRole> {
        Some(self.grants()?.spaces.get(&id)?.content_role())
    }

    /// The viewer's role in the project; owners and admins of its organization are admins of it.
    pub fn project_role(&self, id: ProjectId) -> Option<ProjectRole> {
        self.grants()?.projects.get(&id).copied()
    }

    /// Whether the viewer is an owner or admin of the organization.
    pub fn administers(&self, id: OrganizationId) -> bool {
        self.organization_role(id).is_some_and(|role| role >= MemberRole::Admin)
    }

    /// How the audit trail names the viewer: kind and id.
    pub fn actor(&self) -> (&'static str, Option<uuid::Uuid>) {
        match self {
            Viewer::Anonymous => ("anonymous", None),
            Viewer::User(signed_in) => ("user", Some(signed_in.user_id.uuid())),
            Viewer::System(_) => ("system", None),
        }
    }
}
