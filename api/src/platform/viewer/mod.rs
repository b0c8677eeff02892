//! Who is asking, and what was granted to them. Grants are cached under a fingerprint that PostgreSQL confirms
//! at each request, so the cache cannot be stale and Redis may be away.

mod bearer;
mod check;
mod grants;
mod holding;
mod key_usage;
mod keys;
mod open_sessions;
mod tokens;
mod vouching;

use std::sync::Arc;

use entity::enums::{MemberRole, ProjectRole, SpaceRole};
use entity::ids::{OrganizationId, ProjectId, SessionId, SpaceId, UserId};

use super::errors::{Error, Result};

pub use bearer::{Bearer, ForeignTokens};
pub use check::{Fingerprint, Viewers};
pub use grants::{Grants, SpaceGrant};
pub(in crate::platform) use holding::{Actor, Held, Hold, hold};
pub use key_usage::KeyUsage;
pub use keys::{KeyDigest, KeyHolder, KeyProject, LiveKey};
pub use open_sessions::{OpenSessions, Standing};
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

/// The API keys that are live: SQL for a FROM clause, with the key as `k` and its creator as `u`. `least` leaves out what
/// is null.
macro_rules! live_key {
    () => {
        "governance.api_keys k JOIN identity.users u ON u.id = k.created_by AND u.deleted_at IS NULL \
         AND u.status <> 'suspended' AND k.revoked_at IS NULL \
         AND coalesce(least(k.expires_at, k.grace_ends_at), 'infinity') > now()"
    };
}
use live_key;

/// Who is asking.
#[derive(Clone, Debug)]
pub enum Viewer {
    /// Nobody signed in.
    Anonymous,
    /// A person with an access token.
    User(Arc<SignedIn>),
    /// A program with an API key.
    ApiKey(Arc<KeyHolder>),
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

    /// The person, or whoever created the key: in whose name the viewer acts.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Viewer::User(signed_in) => Some(signed_in.user_id),
            Viewer::ApiKey(holder) => Some(holder.key.user_id),
            Viewer::Anonymous | Viewer::System(_) => None,
        }
    }

    /// Whose account the viewer may look into: a key of a project is for that project, and for nobody's account.
    pub fn account_id(&self) -> Option<UserId> {
        self.user_id().filter(|_| self.key().is_none_or(|key| key.project.is_none()))
    }

    pub fn session_id(&self) -> Option<SessionId> {
        match self {
            Viewer::User(signed_in) => signed_in.session_id,
            Viewer::Anonymous | Viewer::ApiKey(_) | Viewer::System(_) => None,
        }
    }

    /// The key that the viewer is: its id, project and scopes.
    pub fn key(&self) -> Option<&LiveKey> {
        match self {
            Viewer::ApiKey(holder) => Some(&holder.key),
            Viewer::Anonymous | Viewer::User(_) | Viewer::System(_) => None,
        }
    }

    /// Refuses keys, and nobody: what follows is between the server and a person.
    pub fn in_person(&self) -> Result<()> {
        match self {
            Viewer::Anonymous => Err(Error::Unauthenticated),
            Viewer::ApiKey(_) => Err(Error::Forbidden),
            Viewer::User(_) | Viewer::System(_) => Ok(()),
        }
    }

    /// What ends everything that is open when it ends.
    pub fn standing(&self) -> Option<Standing> {
        match self {
            Viewer::User(signed_in) => signed_in.session_id.map(Standing::Session),
            Viewer::ApiKey(holder) => Some(Standing::Key { id: holder.key.id, ip: holder.ip }),
            Viewer::Anonymous | Viewer::System(_) => None,
        }
    }

    pub fn grants(&self) -> Option<&Grants> {
        match self {
            Viewer::User(signed_in) => Some(&signed_in.grants),
            Viewer::ApiKey(holder) => Some(&holder.key.grants),
            Viewer::Anonymous | Viewer::System(_) => None,
        }
    }

    /// How the viewer came in; none for nobody and for the system.
    pub fn entrance(&self) -> Option<&Entrance> {
        match self {
            Viewer::User(signed_in) => Some(&signed_in.entrance),
            Viewer::ApiKey(holder) => Some(&holder.key.entrance),
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
            Viewer::ApiKey(holder) => ("api_key", Some(holder.key.id.uuid())),
            Viewer::System(_) => ("system", None),
        }
    }
}
