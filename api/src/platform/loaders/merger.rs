//! Merges loads of rows by id between concurrent requests: while as many statements are under way as should be, further
//! keys wait and go together in the next one, or, where those are slow, in one beside them. Safe because rows are checked
//! against each viewer after loading, or reached through a row that was.

use std::any::{Any, TypeId};
use std::collections::{HashMap, HashSet};
use std::future::poll_fn;
use std::num::NonZero;
use std::pin::pin;
use std::sync::atomic::AtomicU32;
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, PoisonError};
use std::task::Poll;
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::{Load, LoadContext};
use crate::platform::database::Database;
use crate::platform::errors::{Error, Result};
use crate::platform::viewer::Viewer;

/// Statements of one kind under way at once while they are quick: half as many as there are processors. More would merge
/// less and queue in PostgreSQL instead.
static QUICK_FLIGHTS: LazyLock<usize> = LazyLock::new(|| {
    let processors = available_parallelism().map_or(1, NonZero::get);
    (processors / 2).clamp(1, MOST_FLIGHTS)
});
/// After so long the statements under way are slow: whoever waits starts one more, for all who wait.
const PATIENCE: Duration = Duration::from_millis(5);
/// Statements of one kind under way at once, however slow they are.
const MOST_FLIGHTS: usize = 4;

/// What a statement found, for all who asked, and how many statements it took.
type Answer<L> = Result<(Arc<HashMap<<L as Load>::Key, <L as Load>::Value>>, u32)>;

struct Asked<L: Load> {
    keys: Vec<L::Key>,
    answer: oneshot::Sender<Answer<L>>,
}

struct Merger<L: Load> {
    state: Mutex<State<L>>,
}

struct State<L: Load> {
    asked: Vec<Asked<L>>,
    in_flight: usize,
}

impl<L: Load> State<L> {
    /// Takes everything that waits.
    fn take(&mut self) -> Option<Vec<Asked<L>>> {
        Some(std::mem::take(&mut self.asked)).filter(|asked| !asked.is_empty())
    }
}

impl<L: Load> Merger<L> {
    fn lock(&self) -> MutexGuard<'_, State<L>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Starts one more statement for those who wait, unless as many are under way as may be.
    fn fly_beside(self: &Arc<Self>, database: &Database) {
        let mut state = self.lock();
        if state.in_flight < MOST_FLIGHTS
            && let Some(asked) = state.take()
        {
            state.in_flight += 1;
            drop(tokio::spawn(Arc::clone(self).fly(database.clone(), asked)));
        }
    }

    /// Loads for those who asked, and then for those who wait, until nobody does.
    async fn fly(self: Arc<Self>, database: Database, asked: Vec<Asked<L>>) {
        let _flight = Flight { merger: &self, database: &database };
        let mut next = Some(asked);
        while let Some(asked) = next {
            let began = Instant::now();
            load_for(&database, asked).await;
            next = self.next(began.elapsed() < PATIENCE);
        }
    }

    /// Those with whom a flight goes on; nobody where enough others are under way and statements are quick again.
    fn next(&self, is_quick: bool) -> Option<Vec<Asked<L>>> {
        let mut state = self.lock();
        if is_quick && state.in_flight > *QUICK_FLIGHTS { None } else { state.take() }
    }
}

/// One statement for all of them.
async fn load_for<L: Load>(database: &Database, mut asked: Vec<Asked<L>>) {
    let keys: Vec<L::Key> = if let [only] = asked.as_slice() {
        only.keys.clone()
    } else {
        let unique: HashSet<&L::Key> = asked.iter().flat_map(|asked| &asked.keys).collect();
        unique.into_iter().cloned().collect()
    };
    let context = context(database);
    let Some(answer) = while_wanted(&mut asked, L::load(&context, keys)).await else { return };
    let answer = answer.map(|values| (Arc::new(values), context.connection.statements()));
    for waiting in asked {
        // The request may have been dropped meanwhile; nobody misses its answer.
        drop(waiting.answer.send(answer.clone()));
    }
}

fn context(database: &Database) -> LoadContext {
    let connection = database.counted(Arc::new(AtomicU32::new(0)));
    let held_rows = Arc::clone(database.held_rows());
    LoadContext { connection, held_rows, viewer: Viewer::System("rows by id, checked after loading") }
}

/// What the load gives, unless everybody who asked for it has left before: then it is dropped, which cancels it.
async fn while_wanted<L: Load, T>(asked: &mut [Asked<L>], load: impl Future<Output = T>) -> Option<T> {
    let mut load = pin!(load);
    let mut left = 0;
    poll_fn(|context| {
        if let Poll::Ready(output) = load.as_mut().poll(context) {
            return Poll::Ready(Some(output));
        }
        while let Some(asker) = asked.get_mut(left) {
            if asker.answer.poll_closed(context).is_pending() {
                return Poll::Pending;
            }
            left += 1;
        }
        Poll::Ready(None)
    })
    .await
}

/// One of the statements under way. However it ends, it is given back, or goes on for those who wait.
struct Flight<'a, L: Load> {
    merger: &'a Arc<Merger<L>>,
    database: &'a Database,
}

impl<L: Load> Drop for Flight<'_, L> {
    fn drop(&mut self) {
        let mut state = self.merger.lock();
        let asked = if state.in_flight > *QUICK_FLIGHTS { None } else { state.take() };
        match (Handle::try_current(), asked) {
            (Ok(runtime), Some(asked)) => {
                // A task of its own: a request that is dropped must not take the others' loads with it.
                drop(runtime.spawn(Arc::clone(self.merger).fly(self.database.clone(), asked)));
            }
            _ => state.in_flight -= 1,
        }
    }
}

/// The mergers of the process, one for each kind of load.
#[derive(Default)]
pub struct Mergers(Mutex<HashMap<TypeId, Arc<dyn Any + Send + Sync>>>);

impl std::fmt::Debug for Mergers {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Mergers").finish_non_exhaustive()
    }
}

impl Mergers {
    /// Loads the keys, with those of other requests where some wait.
    pub async fn load<L: Load>(&self, database: &Database, mut keys: Vec<L::Key>) -> Answer<L> {
        let merger = self.merger::<L>();
        let waiting = {
            let mut state = merger.lock();
            if state.in_flight < *QUICK_FLIGHTS {
                state.in_flight += 1;
                None
            } else {
                let (answer, receiver) = oneshot::channel();
                state.asked.push(Asked { keys: std::mem::take(&mut keys), answer });
                Some(receiver)
            }
        };
        if let Some(mut receiver) = waiting {
            let mut patience = PATIENCE;
            return loop {
                match timeout(patience, &mut receiver).await {
                    Ok(answer) => break answer,
                    Err(_) => merger.fly_beside(database),
                }
                patience *= 2;
            }
            .unwrap_or_else(|_| Err(Error::internal("a merged load was dropped")));
        }
        let _flight = Flight { merger: &merger, database };
        let context = context(database);
        let values = L::load(&context, keys).await?;
        Ok((Arc::new(values), context.connection.statements()))
    }

    /// Loads one key, as `load` does.
    pub async fn load_one<L: Load>(&self, database: &Database, key: L::Key) -> Result<L::Value> {
        let (found, _) = self.load::<L>(database, vec![key.clone()]).await?;
        Ok(found.get(&key).cloned().unwrap_or_default())
    }

    fn merger<L: Load>(&self) -> Arc<Merger<L>> {
        let mut mergers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let merger = mergers
            .entry(TypeId::of::<L>())
            .or_insert_with(|| Arc::new(Merger::<L> { state: Mutex::new(State { asked: Vec::new(), in_flight: 0 }) }));
        Arc::clone(merger).downcast::<Merger<L>>().expect("Invariant: a merger is filed under the type of its load")
    }
}
