//! Mail. A letter is written into the mutation's own transaction and sent by a background task after the commit, again
//! and again until the mail server took it: what was rolled back is never sent, and what was committed is not lost.
//! Letters carry links that open accounts, so they are sealed while they wait and removed once they are sent.

mod delivery;
mod letter;
mod transport;

use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use tokio::sync::Notify;

pub use letter::{Letter, reason, words};

use super::background::Background;
use super::clock::SharedClock;
use super::config::Config;
use super::database::Database;
use super::errors::{Error, Result};
use super::sealing::{SealedColumn, Sealing};
use transport::Transport;

/// Where letters wait.
pub const LETTERS: SealedColumn = SealedColumn { table: "platform.mails", column: "letter" };

/// The way out for letters. Cheap to clone; the task behind it ends with the last clone.
#[derive(Clone, Debug)]
pub struct Mail {
    sealing: Sealing,
    clock: SharedClock,
    wake: Arc<Notify>,
    _task: Arc<Background>,
}

const ENQUEUE_SQL: &str = "INSERT INTO platform.mails (id, letter) VALUES ($1, $2)";

impl Mail {
    /// Starts the task that sends. Fails when the settings name no usable way.
    pub fn start(config: &Config, database: Database, sealing: Sealing, clock: SharedClock) -> Result<Self> {
        let transport = Transport::new(config)?;
        let wake = Arc::new(Notify::new());
        let room = delivery::Room {
            database,
            sealing: sealing.clone(),
            clock: Arc::clone(&clock),
            transport,
            wake: Arc::clone(&wake),
        };
        let task = Arc::new(Background::spawn(room.run()));
        Ok(Self { sealing, clock, wake, _task: task })
    }

    /// Adds the letters to the transaction.
    pub(super) async fn enqueue(&self, transaction: &impl ConnectionTrait, letters: &[Letter]) -> Result<()> {
        for letter in letters {
            let id = self.clock.new_id();
            let plain = serde_json::to_vec(letter).map_err(Error::internal)?;
            let sealed = self.sealing.seal(LETTERS, id, &plain)?;
            let values = [id.into(), sealed.into()];
            transaction.execute_raw(Statement::from_sql_and_values(DbBackend::Postgres, ENQUEUE_SQL, values)).await?;
        }
        Ok(())
    }

    /// Tells the task that letters were committed.
    pub(super) fn poke(&self) {
        self.wake.notify_one();
    }
}
