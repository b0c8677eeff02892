//! The sessions and keys that open sockets and event streams stand on. They are looked at again and again, so that one on
//! which nothing happens ends soon after its session or key did, whatever ended that.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entity::ids::{ApiKeyId, SessionId};
use ipnetwork::IpNetwork;
use sea_orm::{ConnectionTrait, DbBackend, QueryResult, Statement};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::keys::is_within;
use super::{live_key, live_session};
use crate::platform::database::Database;
use crate::platform::errors::Result;

/// Sessions or keys that one statement asks for.
const BATCH: usize = 1_000;

const LIVE_SESSIONS_SQL: &str = concat!("SELECT s.id FROM ", live_session!(), " WHERE s.id = ANY($1)");
const LIVE_KEYS_SQL: &str = concat!("SELECT k.id, k.allowed_networks FROM ", live_key!(), " WHERE k.id = ANY($1)");

/// What something that is open stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    Session(SessionId),
    /// A key, used from this address.
    Key {
        id: ApiKeyId,
        ip: Option<IpAddr>,
    },
}

/// Counts what is open by what it stands on.
#[derive(Debug, Default)]
pub struct OpenSessions {
    held: Mutex<HashMap<Standing, Held>>,
}

#[derive(Debug)]
struct Held {
    count: usize,
    over: watch::Sender<bool>,
}

/// One thing that is open, until this is dropped.
#[derive(Debug)]
struct Open {
    sessions: Arc<OpenSessions>,
    standing: Standing,
}

impl OpenSessions {
    /// Stands on the session or key for as long as the future is held; it resolves once that was found to be over.
    pub fn ended(self: &Arc<Self>, standing: Standing) -> impl Future<Output = ()> + Send + use<> {
        let mut over = {
            let mut sessions = self.lock();
            let held = sessions.entry(standing).or_insert_with(|| Held { count: 0, over: watch::Sender::new(false) });
            held.count += 1;
            held.over.subscribe()
        };
        let open = Open { sessions: Arc::clone(self), standing };
        async move {
            // An error would mean that nobody looks any more, which cannot be while this is open.
            let _ = over.wait_for(|over| *over).await;
            drop(open);
        }
    }

    /// Looks after the sessions and keys, again after each such time, for as long as it is polled.
    pub async fn look_after(&self, database: &Database, every: Duration) {
        let mut turn = interval(every);
        turn.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            turn.tick().await;
            if let Err(error) = self.look(database).await {
                tracing::warn!(%error, "open sessions cannot be looked at now");
            }
        }
    }

    async fn look(&self, database: &Database) -> Result<()> {
        let open: Vec<Standing> = self.lock().keys().copied().collect();
        for batch in open.chunks(BATCH) {
            let live = still_live(database, batch).await?;
            let sessions = self.lock();
            for standing in batch.iter().filter(|standing| !live.contains(standing)) {
                if let Some(held) = sessions.get(standing) {
                    held.over.send_replace(true);
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Standing, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Those among them that are still good.
async fn still_live(database: &Database, open: &[Standing]) -> Result<HashSet<Standing>> {
    let (mut sessions, mut keys) = (Vec::new(), Vec::new());
    for standing in open {
        match standing {
            Standing::Session(id) => sessions.push(id.uuid()),
            Standing::Key { id, .. } => keys.push(id.uuid()),
        }
    }
    let mut live_sessions: HashSet<Uuid> = HashSet::new();
    for row in rows(database, LIVE_SESSIONS_SQL, sessions).await? {
        live_sessions.insert(row.try_get("", "id")?);
    }
    let mut live_keys: HashMap<Uuid, Vec<IpNetwork>> = HashMap::new();
    for row in rows(database, LIVE_KEYS_SQL, keys).await? {
        live_keys.insert(row.try_get("", "id")?, row.try_get("", "allowed_networks")?);
    }
    let is_live = |standing: &Standing| match standing {
        Standing::Session(id) => live_sessions.contains(&id.uuid()),
        Standing::Key { id, ip } => live_keys.get(&id.uuid()).is_some_and(|networks| is_within(networks, *ip)),
    };
    Ok(open.iter().copied().filter(is_live).collect())
}

async fn rows(database: &Database, sql: &'static str, ids: Vec<Uuid>) -> Result<Vec<QueryResult>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [ids.into()]);
    Ok(database.connection().query_all_raw(statement).await?)
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut sessions = self.sessions.lock();
        if let Some(held) = sessions.get_mut(&self.standing) {
            held.count -= 1;
            if held.count == 0 {
                sessions.remove(&self.standing);
            }
        }
    }
}
