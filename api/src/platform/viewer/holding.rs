//! Holds what a write stands on. From its first statement to its end nobody ends the viewer's session or changes its
//! grants: whoever wants to waits, and what was changed before is seen.

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};

use super::live_session;
use super::{Entrance, Fingerprint, Grants, SignedIn, Viewer};
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
    (organizations: $organizations:literal, own: $own:literal) => {
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
            "), session AS MATERIALIZED (
                SELECT s.id, s.provider, s.provider_domain FROM ",
            live_session!(),
            " WHERE s.id = $7 AND s.user_id = $6 ",
            $own,
            " OF s)
            SELECT coalesce((SELECT version FROM own), 0)::bigint AS user_version,
                coalesce((SELECT sum(version) FROM organizations), 0)::bigint AS organizations_version,
                $7::uuid IS NULL OR EXISTS (SELECT FROM session) AS is_live,
                (SELECT provider FROM session) AS provider,
                (SELECT provider_domain FROM session) AS provider_domain, ",
            actor!(),
        )
    };
}

/// With whom a write holds the viewer's session and grants.
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

/// Names the actor to the audit triggers and holds the viewer's session and grants until the transaction ends, in one
/// statement, the first of the transaction. `Unauthenticated` when the viewer's session is over.
pub async fn hold(connection: &impl ConnectionTrait, viewer: &Viewer, actor: Actor, hold: Hold) -> Result<Held> {
    let known = match viewer {
        Viewer::User(signed_in) => signed_in,
        Viewer::Anonymous | Viewer::System(_) => {
            let sql = concat!("SELECT ", actor!());
            connection.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, actor)).await?;
            return Ok(Held::Now(viewer.clone()));
        }
    };
    let sql = match hold {
        Hold::Shared => held!(organizations: "FOR SHARE", own: "FOR SHARE"),
        Hold::OwnAlone => held!(organizations: "FOR SHARE", own: "FOR NO KEY UPDATE"),
        Hold::Alone => held!(organizations: "FOR NO KEY UPDATE", own: "FOR NO KEY UPDATE"),
    };
    let mut values = Vec::from(actor);
    values.extend([known.user_id.uuid().into(), known.session_id.map(|id| id.uuid()).into()]);
    let row = connection.query_one_raw(Statement::from_sql_and_values(DbBackend::Postgres, sql, values)).await?;
    let row = row.ok_or_else(|| Error::internal("an aggregate gave no row"))?;
    let standing = Standing::from_query_result(&row, "")?;
    if !standing.is_live {
        return Err(Error::Unauthenticated);
    }
    let fingerprint = Some(Fingerprint { user: standing.user_version, organizations: standing.organizations_version });
    let entrance = match known.session_id {
        Some(_) => Entrance::of_session(standing.provider, standing.provider_domain),
        None => Entrance::Operator,
    };
    if known.fingerprint == fingerprint && known.entrance == entrance {
        return Ok(Held::Now(viewer.clone()));
    }
    let changed = known.now_granted(connection, entrance, fingerprint).await?;
    Ok(Held::Changed(Viewer::User(Arc::new(changed))))
}

impl SignedIn {
    /// The same person with the grants that the connection sees.
    pub(in crate::platform) async fn now_granted(
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
struct Standing {
    is_live: bool,
    user_version: i64,
    organizations_version: i64,
    provider: Option<String>,
    provider_domain: Option<String>,
}
