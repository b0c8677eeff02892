//! Turns: of one person's writes only some go on at a time. The others wait here and not in the database, where each would
//! keep a connection from everybody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::background::{Place, Places};

/// Writes of one person at a time.
const AT_ONCE: usize = 4;
/// When there are more people than this, those are forgotten who write nothing at the moment.
const REMEMBERED: usize = 1_000;

/// Who writes at the moment. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    people: Arc<Mutex<HashMap<Uuid, Places>>>,
}

impl Turns {
    /// Waits for a turn of this person.
    pub async fn take(&self, person: Uuid) -> Place {
        self.of(person).take().await
    }

    fn of(&self, person: Uuid) -> Places {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= REMEMBERED && !people.contains_key(&person) {
            people.retain(|_, places| places.are_wanted());
        }
        people.entry(person).or_insert_with(|| Places::new(AT_ONCE)).clone()
    }
}
