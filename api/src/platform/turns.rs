//! Turns: of what one person does only some goes on at a time. Their other writes wait here and not in the database, where
//! each would keep a connection from everybody else.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

use super::background::{Place, Places};

/// Writes of one person at a time.
const AT_ONCE: usize = 4;
/// When there are more people than this, those are forgotten who do nothing at the moment.
const REMEMBERED: usize = 1_000;

/// Who does something at the moment. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Turns {
    people: Arc<Mutex<HashMap<Uuid, Places>>>,
    at_once: usize,
}

impl Turns {
    /// Turns of writing.
    pub fn of_writes() -> Self {
        Self::new(AT_ONCE)
    }

    /// So many turns for each person.
    pub fn new(at_once: usize) -> Self {
        Self { people: Arc::default(), at_once }
    }

    /// A turn of this person, if one is free.
    pub fn try_take(&self, person: Uuid) -> Option<Place> {
        self.of(person).try_take()
    }

    /// Waits for a turn of this person.
    pub async fn take(&self, person: Uuid) -> Place {
        self.of(person).take().await
    }

    fn of(&self, person: Uuid) -> Places {
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        if people.len() >= REMEMBERED && !people.contains_key(&person) {
            people.retain(|_, places| places.are_wanted());
        }
        people.entry(person).or_insert_with(|| Places::new(self.at_once)).clone()
    }
}
