//! What a process remembers at most: a map bounded by weight that keeps what is used. Two generations: when the young
//! one is full it becomes the old one, and what was not asked for since is forgotten with the one before.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// A bounded map. A reader gets a clone of the value.
#[derive(Debug)]
pub struct Remembered<K, V> {
    /// The most that one generation weighs; both together twice that.
    most: u64,
    generations: Mutex<Generations<K, V>>,
}

#[derive(Debug)]
struct Generations<K, V> {
    young: HashMap<K, (V, u64)>,
    old: HashMap<K, (V, u64)>,
    /// Of the young one.
    weight: u64,
}

impl<K: Eq + Hash, V: Clone> Remembered<K, V> {
    /// Holds values that together weigh at most twice `most`.
    pub fn new(most: u64) -> Self {
        let generations = Generations { young: HashMap::new(), old: HashMap::new(), weight: 0 };
        Self { most, generations: Mutex::new(generations) }
    }

    pub fn get(&self, key: &K) -> Option<V> {
        let mut generations = self.lock();
        if let Some((value, _)) = generations.young.get(key) {
            return Some(value.clone());
        }
        let (key, (value, weight)) = generations.old.remove_entry(key)?;
        generations.insert(key, value.clone(), weight, self.most);
        Some(value)
    }

    /// Keeps the value, unless it alone is too heavy.
    pub fn insert(&self, key: K, value: V, weight: u64) {
        if weight <= self.most {
            self.lock().insert(key, value, weight, self.most);
        }
    }

    /// How many values are held.
    pub fn count(&self) -> usize {
        let generations = self.lock();
        generations.young.len() + generations.old.len()
    }

    fn lock(&self) -> MutexGuard<'_, Generations<K, V>> {
        self.generations.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Eq + Hash, V> Generations<K, V> {
    fn insert(&mut self, key: K, value: V, weight: u64, most: u64) {
        if self.weight + weight > most {
            self.old = std::mem::take(&mut self.young);
            self.weight = 0;
        }
        self.weight += weight;
        if let Some((_, replaced)) = self.young.insert(key, (value, weight)) {
            self.weight -= replaced;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Remembered;

    #[test]
    fn it_holds_no_more_than_it_may() {
        let remembered = Remembered::new(100);
        for key in 0..10_000_u64 {
            remembered.insert(key, key, 7);
            assert!(remembered.count() <= 28, "{}", remembered.count());
        }
        remembered.insert(1, 1, 101);
        assert_eq!(remembered.get(&1), None);
        for _ in 0..1_000 {
            remembered.insert(2, 2, 60);
        }
        assert_eq!(remembered.get(&2), Some(2));
    }

    #[test]
    fn what_is_used_outlives_a_flood_of_what_is_not() {
        let remembered = Remembered::new(100);
        remembered.insert(0, "used", 1);
        for key in 1..10_000_u64 {
            remembered.insert(key, "once", 1);
            if key % 50 == 0 {
                assert_eq!(remembered.get(&0), Some("used"), "{key}");
            }
        }
        assert_eq!(remembered.get(&1), None);
    }
}
