//! The sessions that open sockets and event streams stand on. They are looked at again and again, so that one on which
//! nothing happens ends soon after its session did, whatever ended that.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use entity::ids::SessionId;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use uuid::Uuid;

use super::live_session;
use crate::platform::database::Database;
use crate::platform::errors::Result;

/// Sessions that one statement asks for.
const BATCH: usize = 1_000;

const STILL_LIVE_SQL: &str = concat!("SELECT s.id FROM ", live_session!(), " WHERE s.id = ANY($1)");

/// Counts what is open by its session.
#[derive(Debug, Default)]
pub struct OpenSessions {
    held: Mutex<HashMap<SessionId, Held>>,
}

#[derive(Debug)]
struct Held {
    count: usize,
    over: watch::Sender<bool>,
}

/// One thing that is open, and stands on a session until this is dropped.
#[derive(Debug)]
struct OpenSession {
    sessions: Arc<OpenSessions>,
    id: SessionId,
}

impl OpenSessions {
    /// Stands on the session for as long as the future is held; it resolves once the session was found to be over.
    pub fn ended(self: &Arc<Self>, id: SessionId) -> impl Future<Output = ()> + Send + use<> {
        let mut over = {
            let mut sessions = self.lock();
            let held = sessions.entry(id).or_insert_with(|| Held { count: 0, over: watch::Sender::new(false) });
            held.count += 1;
            held.over.subscribe()
        };
        let open = OpenSession { sessions: Arc::clone(self), id };
        async move {
            // An error would mean that nobody looks any more, which cannot be while this is open.
            let _ = over.wait_for(|over| *over).await;
            drop(open);
        }
    }

    /// Looks after the sessions, again after each such time, for as long as it is polled.
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
        let open: Vec<Uuid> = self.lock().keys().map(|id| id.uuid()).collect();
        for batch in open.chunks(BATCH) {
            let live = still_live(database, batch).await?;
            let sessions = self.lock();
            for id in batch.iter().filter(|id| !live.contains(id)) {
                if let Some(held) = sessions.get(&SessionId(*id)) {
                    held.over.send_replace(true);
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn still_live(database: &Database, sessions: &[Uuid]) -> Result<HashSet<Uuid>> {
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, STILL_LIVE_SQL, [sessions.to_vec().into()]);
    let rows = database.connection().query_all_raw(statement).await?;
    rows.iter().map(|row| Ok(row.try_get("", "id")?)).collect()
}

impl Drop for OpenSession {
    fn drop(&mut self) {
        let mut sessions = self.sessions.lock();
        if let Some(held) = sessions.get_mut(&self.id) {
            held.count -= 1;
            if held.count == 0 {
                sessions.remove(&self.id);
            }
        }
    }
}
