//! Turns: of one person's writes only some go on at a time. The others wait here and not in the database, where each would
//! keep a connection from everybody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use uuid::Uuid;

use super::errors::{Error, Result};

/// Writes of one person at a time.
const AT_ONCE: usize = 4;
/// When there are more people than this, those are forgotten who write nothing at the moment.
const REMEMBERED: usize = 1_000;

/// Who writes at the moment. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    people: Arc<Mutex<HashMap<Uuid, Weak<Semaphore>>>>,
}

/// A turn. Dropping it lets the next go on.
#[derive(Debug)]
pub struct Turn {
    _permit: OwnedSemaphorePermit,
}

impl Turns {
    /// Waits for a turn of this person.
    pub async fn take(&self, person: Uuid) -> Result<Turn> {
        let permit = self.of(person).acquire_owned().await.map_err(Error::internal)?;
        Ok(Turn { _permit: permit })
    }

    fn of(&self, person: Uuid) -> Arc<Semaphore> {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = people.get(&person).and_then(Weak::upgrade) {
            return known;
        }
        if people.len() >= REMEMBERED {
            people.retain(|_, turns| turns.strong_count() > 0);
        }
        let turns = Arc::new(Semaphore::new(AT_ONCE));
        people.insert(person, Arc::downgrade(&turns));
        turns
    }
}
