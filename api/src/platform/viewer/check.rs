//! Confirms a session and finds its grants (of API keys: `keys`). One small statement per request, merged between concurrent requests,
//! tells whether the session is live and under which fingerprint the grants stand; the grants themselves come from
//! the process, else from Redis, else from PostgreSQL.

use std::collections::HashMap;
use std::fmt::Display;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use entity::ids::{SessionId, UserId};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::keys::RememberedKeys;
use super::live_session;
use super::{Entrance, Grants, KeyUsage, OpenSessions, SignedIn, Viewer};
use crate::platform::cache::Cache;
use crate::platform::database::Database;
use crate::platform::errors::{Error, Result};
use crate::platform::loaders::{Load, LoadContext, Mergers};

/// Users whose grants one process remembers.
const REMEMBERED: usize = 10_000;

/// Which state of a user's grants this is. Every change raises one of the two numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fingerprint {
    pub user: i64,
    pub organizations: i64,
}

/// What one user was granted last, by how they came in.
type Remembered = HashMap<(UserId, Entrance), (Fingerprint, Arc<Grants>)>;

/// The grants of signed-in users, by fingerprint.
#[derive(Debug)]
pub struct Viewers {
    pub(super) database: Database,
    cache: Cache,
    pub(super) mergers: Arc<Mergers>,
    remembered: Mutex<Remembered>,
    pub(super) keys: RememberedKeys,
    key_usage: KeyUsage,
    open_sessions: Arc<OpenSessions>,
}

impl Viewers {
    pub fn new(database: Database, cache: Cache, mergers: Arc<Mergers>) -> Self {
        Self {
            database,
            cache,
            mergers,
            remembered: Mutex::default(),
            keys: RememberedKeys::default(),
            key_usage: KeyUsage::default(),
            open_sessions: Arc::default(),
        }
    }

    /// The viewer of a session, or `Unauthenticated` when the session is over.
    pub async fn signed_in(&self, user_id: UserId, session_id: SessionId) -> Result<Viewer> {
        let key = SessionKey { user: user_id.uuid(), session: session_id.uuid() };
        let found = self.mergers.load_one::<LiveSessions>(&self.database, key).await?;
        let (fingerprint, entrance) = found.ok_or(Error::Unauthenticated)?;
        let key = (user_id, entrance);
        let grants = self.grants(&key, session_id, fingerprint).await?;
        let (session_id, fingerprint, entrance) = (Some(session_id), Some(fingerprint), key.1);
        Ok(Viewer::User(Arc::new(SignedIn { user_id, session_id, entrance, grants, fingerprint })))
    }

    /// A user as the viewer without a session, for what the operator does in their name.
    pub async fn acting_as(&self, user_id: UserId) -> Result<Viewer> {
        let connection = self.database.counted(Arc::new(AtomicU32::new(0)));
        let entrance = Entrance::Operator;
        let grants = Arc::new(Grants::load(&connection, user_id, &entrance).await?);
        Ok(Viewer::User(Arc::new(SignedIn { user_id, session_id: None, entrance, grants, fingerprint: None })))
    }

    /// The same viewer as it is now; `Unauthenticated` when its session or key is over.
    pub async fn confirmed(&self, viewer: Viewer) -> Result<Viewer> {
        match viewer {
            Viewer::User(held) => match held.session_id {
                Some(session_id) => self.signed_in(held.user_id, session_id).await,
                None => self.acting_as(held.user_id).await,
            },
            Viewer::ApiKey(held) => self.with_key(held.key.digest, held.ip).await,
            unchanged @ (Viewer::Anonymous | Viewer::System(_)) => Ok(unchanged),
        }
    }

    /// The uses of keys.
    pub fn key_usage(&self) -> &KeyUsage {
        &self.key_usage
    }

    /// The sessions and keys of what is open.
    pub fn open_sessions(&self) -> &Arc<OpenSessions> {
        &self.open_sessions
    }

    /// The grants of a user, for a session or a key.
    pub(super) async fn grants(
        &self,
        key: &(UserId, Entrance),
        token: impl Display,
        fingerprint: Fingerprint,
    ) -> Result<Arc<Grants>> {
        if let Some((held, grants)) = self.lock().get(key)
            && *held == fingerprint
        {
            return Ok(Arc::clone(grants));
        }
        let (user_id, entrance) = key;
        let name = format!("session:{user_id}:{token}");
        let cached: Option<Cached> = self.cache.read(&name).await;
        let grants = match cached {
            Some(cached) if cached.fingerprint == fingerprint && cached.entrance == *entrance => cached.grants,
            _ => {
                let connection = self.database.counted(Arc::new(AtomicU32::new(0)));
                let grants = Grants::load(&connection, *user_id, entrance).await?;
                let cached = Cached { fingerprint, entrance: entrance.clone(), grants };
                self.cache.write(&name, &cached, SESSION_SECONDS).await;
                cached.grants
            }
        };
        let grants = Arc::new(grants);
        let mut remembered = self.lock();
        if remembered.len() >= REMEMBERED {
            remembered.clear();
        }
        remembered.insert(key.clone(), (fingerprint, Arc::clone(&grants)));
        Ok(grants)
    }

    fn lock(&self) -> MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Life of a session's entry in Redis: 24 hours.
const SESSION_SECONDS: u64 = 24 * 60 * 60;

#[derive(Serialize, Deserialize)]
struct Cached {
    fingerprint: Fingerprint,
    entrance: Entrance,
    grants: Grants,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SessionKey {
    user: Uuid,
    session: Uuid,
}

/// The fingerprints of the sessions that are live, and how each was opened.
struct LiveSessions;

#[derive(FromQueryResult)]
struct LiveSession {
    id: Uuid,
    user_id: Uuid,
    user_version: i64,
    organizations_version: i64,
    provider: Option<String>,
    provider_domain: Option<String>,
}

impl Load for LiveSessions {
    type Key = SessionKey;
    type Value = Option<(Fingerprint, Entrance)>;
    const MERGED: bool = true;

    async fn load(context: &LoadContext, keys: Vec<SessionKey>) -> Result<HashMap<SessionKey, Self::Value>> {
        let sessions: Vec<Uuid> = keys.iter().map(|key| key.session).collect();
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, LIVE_SESSIONS_SQL, [sessions.into()]);
        let rows = context.connection.query_all_raw(statement).await?;
        rows.iter()
            .map(|row| {
                let row = LiveSession::from_query_result(row, "")?;
                let fingerprint = Fingerprint { user: row.user_version, organizations: row.organizations_version };
                let key = SessionKey { user: row.user_id, session: row.id };
                Ok((key, Some((fingerprint, Entrance::of_session(row.provider, row.provider_domain)))))
            })
            .collect()
    }
}

/// Within one version of the user the set of its organizations is fixed and their versions only grow,
/// so the sum changes whenever any of them does.
const LIVE_SESSIONS_SQL: &str = concat!(
    "SELECT s.id, s.user_id, s.provider, s.provider_domain, coalesce(g.version, 0) AS user_version,
    (SELECT coalesce(sum(v.version), 0)::bigint
     FROM tenancy.members m
     JOIN platform.grant_versions v ON v.subject_id = m.organization_id
     WHERE m.user_id = s.user_id) AS organizations_version
    FROM ",
    live_session!(),
    " LEFT JOIN platform.grant_versions g ON g.subject_id = s.user_id WHERE s.id = ANY($1)"
);
