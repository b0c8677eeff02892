//! Holds what a write stands on. From its first statement to its end nobody ends the viewer's session or key or changes
//! its grants: whoever wants to waits, and what was changed before is seen.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};

use super::keys::KeyState;
use super::{Entrance, Fingerprint, Grants, KeyHolder, SignedIn, Viewer, live_key, live_session};
use crate::platform::errors::{Error, Result};

macro_rules! actor {
    () => {
        "set_config('app.actor_type', $1, true), set_config('app.actor_id', $2, true), \
         set_config('app.request_id', $3, true), set_config('app.ip', $4, true), \
         set_config('app.user_agent', $5, true)"
    };
}

// Organizations before the user, each in one order, so that who holds alone waits for others and never in a circle.
macro_rules! held {
    ($standing:ident, organizations: $organizations:literal, own: $own:literal) => {
        concat!(
            "WITH organizations AS MATERIALIZED (
                SELECT v.version FROM platform.grant_versions v
                WHERE v.subject_id IN (SELECT m.organization_id FROM tenancy.members m WHERE m.user_id = $6)
                ORDER BY v.subject_id ",
            $organizations,
            "), own AS MATERIALIZED (
                SELECT v.version FROM platform.grant_versions v
                WHERE v.subject_id = $6 AND (SELECT count(*) FROM organizations) >= 0 ",
            $own,
            "), standing AS MATERIALIZED (",
            $standing!($own),
            ")
            SELECT coalesce((SELECT version FROM own), 0)::bigint AS user_version,
                coalesce((SELECT sum(version) FROM organizations), 0)::bigint AS organizations_version,
                $7::uuid IS NULL OR EXISTS (SELECT FROM standing) AS is_live,
                (SELECT version FROM standing) AS key_version,
                (SELECT provider FROM standing) AS provider,
                (SELECT provider_domain FROM standing) AS provider_domain, ",
            actor!(),
        )
    };
}

macro_rules! session {
    ($lock:literal) => {
        concat!(
            "SELECT NULL::integer AS version, s.provider, s.provider_domain FROM ",
            live_session!(),
            " WHERE s.id = $7 AND s.user_id = $6 ",
            $lock,
            " OF s"
        )
    };
}

// Nothing that a key does changes keys, so that others may always hold it too.
macro_rules! key {
    ($lock:literal) => {
        concat!(
            "SELECT k.version, k.provider, k.provider_domain FROM ",
            live_key!(),
            " WHERE k.id = $7 AND k.created_by = $6 FOR SHARE OF k"
        )
    };
}

/// With whom a write holds the viewer's session and grants. A key is always shared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// With the other writes that stand on them.
    Shared,
    /// The session and what is the viewer's own alone, those of organizations shared: the write is about to change the
    /// session, and keeps nobody else in the organizations waiting.
    OwnAlone,
    /// Alone: the write is about to change them. If it had shared them with another one that does, each would wait for
    /// the other to let go.
    Alone,
}

/// How the audit trail names the actor: its kind and id, the request, the address, the program.
pub type Actor = [Value; 5];

/// What came of an attempt to hold.
pub enum Held {
    /// The viewer, whose grants hold until the transaction ends.
    Now(Viewer),
    /// The viewer with other grants than were known. The transaction is to be given up and begun again with it: it may
    /// hold the user's version without that of an organization which was joined meanwhile, and to ask for that one now
    /// would be out of order.
    Changed(Viewer),
}

/// Names the actor to the audit triggers and holds the viewer's session or key and its grants until the transaction ends,
/// in one statement, the first of the transaction. `Unauthenticated` when the session or key is over.
pub async fn hold(connection: &impl ConnectionTrait, viewer: &Viewer, actor: Actor, hold: Hold) -> Result<Held> {
    macro_rules! held_by {
        ($standing:ident) => {
            match hold {
                Hold::Shared => held!($standing, organizations: "FOR SHARE", own: "FOR SHARE"),
                Hold::OwnAlone => held!($standing, organizations: "FOR SHARE", own: "FOR NO KEY UPDATE"),
                Hold::Alone => held!($standing, organizations: "FOR NO KEY UPDATE", own: "FOR NO KEY UPDATE"),
            }
        };
    }
    let (sql, user_id, standing_id) = match viewer {
        Viewer::User(known) => (held_by!(session), known.user_id, known.session_id.map(|id| id.uuid())),
        Viewer::ApiKey(holder) => (held_by!(key), holder.key.user_id, Some(holder.key.id.uuid())),
        Viewer::Anonymous | Viewer::System(_) => {
            let sql = concat!("SELECT ", actor!());
            connection.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, actor)).await?;
            return Ok(Held::Now(viewer.clone()));
        }
    };
    let mut values = Vec::from(actor);
    values.extend([user_id.uuid().into(), standing_id.into()]);
    let row = connection.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    let found = Found::from_query_result(&row, "")?;
    if !found.is_live {
        return Err(Error::Unauthenticated);
    }
    let fingerprint = Fingerprint { user: found.user_version, organizations: found.organizations_version };
    Ok(match viewer {
        Viewer::ApiKey(holder) => {
            let state = found.key_version.map(|version| KeyState { version, fingerprint });
            if holder.key.state.is_some() && holder.key.state == state {
                return Ok(Held::Now(viewer.clone()));
            }
            Held::Changed(holder.as_now(connection, Some(fingerprint)).await?)
        }
        Viewer::User(known) => {
            let entrance = match known.session_id {
                Some(_) => Entrance::of_session(found.provider, found.provider_domain),
                None => Entrance::Operator,
            };
            if known.fingerprint == Some(fingerprint) && known.entrance == entrance {
                return Ok(Held::Now(viewer.clone()));
            }
            let changed = known.now_granted(connection, entrance, Some(fingerprint)).await?;
            Held::Changed(Viewer::User(Arc::new(changed)))
        }
        Viewer::Anonymous | Viewer::System(_) => Held::Now(viewer.clone()),
    })
}

impl Viewer {
    /// The same viewer with the grants that the connection sees.
    pub(in crate::platform) async fn granted_now(&self, connection: &impl ConnectionTrait) -> Result<Self> {
        Ok(match self {
            Viewer::User(known) => {
                Viewer::User(Arc::new(known.now_granted(connection, known.entrance.clone(), None).await?))
            }
            Viewer::ApiKey(holder) => holder.as_now(connection, None).await?,
            Viewer::Anonymous | Viewer::System(_) => self.clone(),
        })
    }
}

impl KeyHolder {
    /// `Unauthenticated` when the key is no longer good from where it is used.
    async fn as_now(&self, connection: &impl ConnectionTrait, fingerprint: Option<Fingerprint>) -> Result<Viewer> {
        let key = Arc::new(self.key.as_now(connection, fingerprint).await?);
        if !key.is_good_from(self.ip) {
            return Err(Error::Unauthenticated);
        }
        Ok(Viewer::ApiKey(Arc::new(KeyHolder { key, ip: self.ip })))
    }
}

impl SignedIn {
    async fn now_granted(
        &self,
        connection: &impl ConnectionTrait,
        entrance: Entrance,
        fingerprint: Option<Fingerprint>,
    ) -> Result<Self> {
        let grants = Arc::new(Grants::load(connection, self.user_id, &entrance).await?);
        Ok(Self { user_id: self.user_id, session_id: self.session_id, entrance, grants, fingerprint })
    }
}

#[derive(FromQueryResult)]
struct Found {
    is_live: bool,
    user_version: i64,
    organizations_version: i64,
    key_version: Option<i32>,
    provider: Option<String>,
    provider_domain: Option<String>,
}
