//! The queues of one request: what was asked for, what is on its way, what is known.

use std::any::{Any, TypeId};
use std::collections::HashMap;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use foldhash::fast::RandomState;

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

type Flush = fn(&Loaders, &mut (dyn Any + Send)) -> Option<Running>;

struct Erased {
    queue: Box<dyn Any + Send>,
    flush: Flush,
}

#[derive(Default)]
struct Queues {
    by_load: HashMap<TypeId, Erased>,
    /// The loads that were asked since the last flush, in the order they were asked.
    asked: Vec<TypeId>,
}

struct Shared {
    queues: Mutex<Queues>,
    database: Database,
    mergers: Arc<Mergers>,
    statements: Arc<AtomicU32>,
}

/// The loaders of one request. Cheap to clone; a value is loaded once and then remembered until `forget`.
#[derive(Clone)]
pub struct Loaders(Arc<Shared>);

impl std::fmt::Debug for Loaders {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Loaders").finish_non_exhaustive()
    }
}

impl Loaders {
    pub fn new(database: Database, mergers: Arc<Mergers>, statements: Arc<AtomicU32>) -> Self {
        Self(Arc::new(Shared { queues: Mutex::default(), database, mergers, statements }))
    }

    /// Asks for one key. The answer comes once the level it belongs to was loaded.
    ///
    /// Invariant: must be awaited inside `Dispatched`, which is what loads.
    pub fn load<L: Load>(&self, viewer: &Viewer, key: L::Key) -> Loading<'_, L> {
        Loading { loaders: self, viewer: viewer.clone(), key, registered: false }
    }

    /// Forgets everything that was loaded: a mutation changed it.
    pub fn forget(&self) {
        let mut queues = self.lock();
        if queues.asked.is_empty() {
            queues.by_load.clear();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queues> {
        self.0.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Turns what was asked for since the last call into running loads.
    pub(super) fn flush(&self) -> Vec<Running> {
        let mut queues = self.lock();
        let asked = std::mem::take(&mut queues.asked);
        asked
            .into_iter()
            .filter_map(|load| {
                let erased = queues.by_load.get_mut(&load)?;
                (erased.flush)(self, &mut *erased.queue)
            })
            .collect()
    }

    fn with_queue<L: Load, R>(&self, viewer: &Viewer, work: impl FnOnce(&mut Queue<L>, &mut Vec<TypeId>) -> R) -> R {
        let mut guard = self.lock();
        let queues = &mut *guard;
        let erased = queues.by_load.entry(TypeId::of::<L>()).or_insert_with(|| Erased {
            queue: Box::new((Queue::<L> { slots: HashMap::default(), asked: Vec::new() }, viewer.clone())),
            flush: flush_queue::<L>,
        });
        let (queue, _) = erased
            .queue
            .downcast_mut::<(Queue<L>, Viewer)>()
            .expect("Invariant: a queue is filed under the type of its load");
        work(queue, &mut queues.asked)
    }

    fn answer<L: Load>(&self, viewer: &Viewer, keys: &[L::Key], answer: Result<HashMap<L::Key, L::Value>>) {
        let mut wakers = Vec::new();
        self.with_queue::<L, _>(viewer, |queue, _| {
            let mut answer = answer;
            for key in keys {
                let value = match &mut answer {
                    Ok(values) => Ok(values.remove(key).unwrap_or_default()),
                    Err(error) => Err(error.clone()),
                };
                if let Some(Slot::Waiting(waiting)) = queue.slots.insert(key.clone(), Slot::Known(value)) {
                    wakers.extend(waiting);
                }
            }
        });
        for waker in wakers {
            waker.wake();
        }
    }
}

fn flush_queue<L: Load>(loaders: &Loaders, queue: &mut (dyn Any + Send)) -> Option<Running> {
    let (queue, viewer) = queue.downcast_mut::<(Queue<L>, Viewer)>()?;
    let keys = std::mem::take(&mut queue.asked);
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
            L::load(&LoadContext { connection, held_rows, viewer: viewer.clone() }, keys.clone()).await
        };
        loaders.answer::<L>(&viewer, &keys, answer);
    }))
}

/// One key on its way.
pub struct Loading<'a, L: Load> {
    loaders: &'a Loaders,
    viewer: Viewer,
    key: L::Key,
    registered: bool,
}

impl<L: Load> Unpin for Loading<'_, L> {}

impl<L: Load> Future for Loading<'_, L> {
    type Output = Result<L::Value>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        let polled_before = std::mem::replace(&mut self.registered, true);
        let this = &*self;
        this.loaders.with_queue::<L, _>(&this.viewer, |queue, asked| {
            match queue.slots.get_mut(&this.key) {
                Some(Slot::Known(value)) => return Poll::Ready(value.clone()),
                Some(Slot::Waiting(wakers)) => {
                    // Only a repeated poll can find its own waker here; many first polls of one key stay cheap.
                    if !polled_before || !wakers.iter().any(|waker| waker.will_wake(context.waker())) {
                        wakers.push(context.waker().clone());
                    }
                    return Poll::Pending;
                }
                None => {}
            }
            queue.slots.insert(this.key.clone(), Slot::Waiting(vec![context.waker().clone()]));
            queue.asked.push(this.key.clone());
            if !asked.contains(&TypeId::of::<L>()) {
                asked.push(TypeId::of::<L>());
            }
            Poll::Pending
        })
    }
}
