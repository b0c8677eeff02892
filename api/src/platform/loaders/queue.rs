//! The queues of one request: what was asked for, what is on its way, what is known.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use foldhash::fast::RandomState;
use futures_util::future::join_all;

use super::{Load, LoadContext, Mergers};
use crate::platform::database::Database;
use crate::platform::errors::Result;
use crate::platform::viewer::Viewer;

type Running = Pin<Box<dyn Future<Output = ()> + Send>>;

enum Slot<Value> {
    Waiting(Vec<Waker>),
    Known(Result<Value>),
}

struct Queue<L: Load> {
    slots: HashMap<L::Key, Slot<L::Value>, RandomState>,
    asked: Vec<L::Key>,
}

/// A queue of any kind of load.
trait Queued: Any + Send {
    /// Sends off what was asked for, if anything was.
    fn flush(&mut self, loaders: &Loaders, viewer: &Viewer, generation: u64) -> Option<Running>;

    /// Lets go of what is known and wakes who waits for more.
    fn let_go(self: Box<Self>);
}

struct Queues {
    /// Whose reach limits what is loaded.
    viewer: Viewer,
    /// How often everything was forgotten. What was sent off before that is no answer any more.
    generation: u64,
    by_load: HashMap<TypeId, Box<dyn Queued>, RandomState>,
    /// The loads that were asked since the last flush, in the order they were asked.
    asked: Vec<TypeId>,
    /// Who waited for what has been loaded, and for the rest of the level.
    answered: Vec<Waker>,
}

struct Shared {
    queues: Mutex<Queues>,
    database: Database,
    mergers: Arc<Mergers>,
    statements: Arc<AtomicU32>,
}

/// The loaders of one request. Cheap to clone; a value is loaded once and then remembered until `go_on_as`.
#[derive(Clone)]
pub struct Loaders(Arc<Shared>);

impl std::fmt::Debug for Loaders {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Loaders").finish_non_exhaustive()
    }
}

impl Loaders {
    pub fn new(database: Database, mergers: Arc<Mergers>, statements: Arc<AtomicU32>, viewer: Viewer) -> Self {
        let queues =
            Queues { viewer, generation: 0, by_load: HashMap::default(), asked: Vec::new(), answered: Vec::new() };
        Self(Arc::new(Shared { queues: Mutex::new(queues), database, mergers, statements }))
    }

    /// Whose reach limits what is loaded.
    pub fn viewer(&self) -> Viewer {
        self.lock().viewer.clone()
    }

    /// Asks for one key. The answer comes once the level it belongs to was loaded.
    ///
    /// Invariant: must be awaited inside `Dispatched`, which is what loads.
    pub fn load<L: Load>(&self, key: L::Key) -> Loading<'_, L> {
        Loading { loaders: self, key, registered: false }
    }

    /// Asks for many keys at once: then they are `known`, or their loading failed.
    ///
    /// Invariant: must be awaited inside `Dispatched`, as `load`.
    pub fn load_ahead<L: Load>(&self, keys: Vec<L::Key>) -> LoadingAhead<L> {
        LoadingAhead { loaders: self.clone(), keys, registered: false, known: 0 }
    }

    /// What was loaded of the key, without waiting for anything.
    pub fn known<L: Load>(&self, key: &L::Key) -> Option<L::Value> {
        self.lock().of::<L>().known(key)
    }

    /// What was loaded of the keys, in their order, if all of them were.
    pub fn all_known<L: Load>(&self, mut keys: impl Iterator<Item = L::Key>) -> Option<Vec<L::Value>> {
        let mut queues = self.lock();
        let queue = queues.of::<L>();
        keys.try_fold(Vec::new(), |mut values, key| {
            values.push(queue.known(&key)?);
            Some(values)
        })
    }

    /// Loads for this viewer from here on, and forgets everything that was loaded: a mutation changed it, or who asks.
    /// Whoever waits for something that is on its way asks for it again.
    pub fn go_on_as(&self, viewer: Viewer) {
        let forgotten = {
            let mut queues = self.lock();
            queues.viewer = viewer;
            queues.generation += 1;
            queues.asked.clear();
            std::mem::take(&mut queues.by_load)
        };
        for queue in forgotten.into_values() {
            queue.let_go();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns what was asked for since the last call into running loads: a level.
    pub(super) fn flush(&self) -> Option<Vec<Running>> {
        let mut guard = self.lock();
        let Queues { viewer, generation, by_load, asked, .. } = &mut *guard;
        let asked = std::mem::take(asked);
        let level: Vec<Running> =
            asked.into_iter().filter_map(|load| by_load.get_mut(&load)?.flush(self, viewer, *generation)).collect();
        Some(level).filter(|level| !level.is_empty())
    }

    /// Loads a level. Who waits for any of it goes on when all of it is there, so that the next level is complete too
    /// and everybody is asked once.
    pub(super) async fn load_level(self, level: Vec<Running>) {
        join_all(level).await;
        let answered = std::mem::take(&mut self.lock().answered);
        answered.into_iter().for_each(Waker::wake);
    }

    fn answer<L: Load>(&self, generation: u64, keys: &[L::Key], mut answer: Result<Arc<HashMap<L::Key, L::Value>>>) {
        let mut guard = self.lock();
        if guard.generation != generation {
            return;
        }
        let mut answered = std::mem::take(&mut guard.answered);
        let queue = guard.of::<L>();
        for key in keys {
            let value = match &mut answer {
                // Values that other requests were given too stay where they are.
                Ok(values) => {
                    let value = match Arc::get_mut(values) {
                        Some(own) => own.remove(key),
                        None => values.get(key).cloned(),
                    };
                    Ok(value.unwrap_or_default())
                }
                Err(error) => Err(error.clone()),
            };
            if let Some(Slot::Waiting(waiting)) = queue.slots.insert(key.clone(), Slot::Known(value)) {
                answered.extend(waiting);
            }
        }
        guard.answered = answered;
    }
}

impl Queues {
    fn of<L: Load>(&mut self) -> &mut Queue<L> {
        let queue = self
            .by_load
            .entry(TypeId::of::<L>())
            .or_insert_with(|| Box::new(Queue::<L> { slots: HashMap::default(), asked: Vec::new() }));
        let queue: &mut dyn Any = &mut **queue;
        queue.downcast_mut().expect("Invariant: a queue is filed under the type of its load")
    }

    /// Asks for a key that nobody asked for before.
    fn ask<L: Load>(&mut self, key: &L::Key, waker: &Waker) {
        let queue = self.of::<L>();
        queue.slots.insert(key.clone(), Slot::Waiting(vec![waker.clone()]));
        queue.asked.push(key.clone());
        self.flush_next::<L>();
    }

    /// Asks for those of the keys that nobody asked for before. Nobody waits for them yet.
    fn ask_for_all<L: Load>(&mut self, keys: &[L::Key]) {
        let queue = self.of::<L>();
        for key in keys {
            if let Entry::Vacant(slot) = queue.slots.entry(key.clone()) {
                slot.insert(Slot::Waiting(Vec::new()));
                queue.asked.push(key.clone());
            }
        }
        self.flush_next::<L>();
    }

    /// Has the next flush look at this load.
    fn flush_next<L: Load>(&mut self) {
        if !self.asked.contains(&TypeId::of::<L>()) {
            self.asked.push(TypeId::of::<L>());
        }
    }
}

impl<L: Load> Queue<L> {
    fn known(&self, key: &L::Key) -> Option<L::Value> {
        match self.slots.get(key)? {
            Slot::Known(Ok(value)) => Some(value.clone()),
            Slot::Known(Err(_)) | Slot::Waiting(_) => None,
        }
    }
}

impl<L: Load> Queued for Queue<L> {
    fn flush(&mut self, loaders: &Loaders, viewer: &Viewer, generation: u64) -> Option<Running> {
        let keys = std::mem::take(&mut self.asked);
        if keys.is_empty() {
            return None;
        }
        let loaders = loaders.clone();
        let viewer = viewer.clone();
        Some(Box::pin(async move {
            let shared = &loaders.0;
            let answer = if L::MERGED {
                let merged = shared.mergers.load::<L>(&shared.database, keys.clone()).await;
                merged.map(|(values, statements)| {
                    shared.statements.fetch_add(statements, Ordering::Relaxed);
                    values
                })
            } else {
                let connection = shared.database.counted(Arc::clone(&shared.statements));
                let held_rows = Arc::clone(shared.database.held_rows());
                L::load(&LoadContext { connection, held_rows, viewer }, keys.clone()).await.map(Arc::new)
            };
            loaders.answer::<L>(generation, &keys, answer);
        }))
    }

    fn let_go(self: Box<Self>) {
        for slot in self.slots.into_values() {
            if let Slot::Waiting(wakers) = slot {
                wakers.into_iter().for_each(Waker::wake);
            }
        }
    }
}

/// One key on its way.
pub struct Loading<'a, L: Load> {
    loaders: &'a Loaders,
    key: L::Key,
    registered: bool,
}

impl<L: Load> Unpin for Loading<'_, L> {}

impl<L: Load> Future for Loading<'_, L> {
    type Output = Result<L::Value>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_before = std::mem::replace(&mut self.registered, true);
        let this = &*self;
        let mut queues = this.loaders.lock();
        match queues.of::<L>().slots.get_mut(&this.key) {
            Some(Slot::Known(value)) => return Poll::Ready(value.clone()),
            Some(Slot::Waiting(wakers)) => {
                // Only a repeated poll can find its own waker here; many first polls of one key stay cheap.
                if !polled_before || !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                    wakers.push(context.waker().clone());
                }
            }
            None => queues.ask::<L>(&this.key, context.waker()),
        }
        Poll::Pending
    }
}

/// Many keys on their way.
pub struct LoadingAhead<L: Load> {
    loaders: Loaders,
    keys: Vec<L::Key>,
    registered: bool,
    /// How many of the first keys are known.
    known: usize,
}

impl<L: Load> Unpin for LoadingAhead<L> {}

impl<L: Load> Future for LoadingAhead<L> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut queues = this.loaders.lock();
        if !std::mem::replace(&mut this.registered, true) {
            // All at once, before waiting for the first: the level must be complete.
            queues.ask_for_all::<L>(&this.keys);
        }
        let mut queue = queues.of::<L>();
        while let Some(key) = this.keys.get(this.known) {
            match queue.slots.get_mut(key) {
                Some(Slot::Known(_)) => this.known += 1,
                Some(Slot::Waiting(wakers)) => {
                    // Of many keys that come together one is enough to be woken by.
                    if !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                        wakers.push(context.waker().clone());
                    }
                    return Poll::Pending;
                }
                // What was on its way has been forgotten.
                None => {
                    queues.ask_for_all::<L>(&this.keys[this.known..]);
                    queue = queues.of::<L>();
                }
            }
        }
        Poll::Ready(())
    }
}
