//! Runs an operation's future, or a subscription's stream, together with the loads it asks for, in one task.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use futures_util::stream::FuturesUnordered;
use futures_util::task::AtomicWaker;
use futures_util::{FutureExt, Stream, StreamExt};

use super::Loaders;

/// The operation's future, with its loads dispatched whenever it can go no further without them.
pub struct Dispatched<F> {
    operation: Pin<Box<F>>,
    loads: Loads,
}

impl<F> Dispatched<F> {
    pub fn new(loaders: Loaders, operation: F) -> Self {
        let alarm = Arc::new(Alarm { rang: AtomicBool::new(true), task: AtomicWaker::new() });
        let loads = Loads { loaders, running: FuturesUnordered::new(), waker: Arc::clone(&alarm).into(), alarm };
        Self { operation: Box::pin(operation), loads }
    }
}

/// Tells whether anything that the operation waits for has come, so that it is not polled in vain.
struct Alarm {
    rang: AtomicBool,
    task: AtomicWaker,
}

impl Wake for Alarm {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.rang.store(true, Ordering::Release);
        self.task.wake();
    }
}

struct Loads {
    loaders: Loaders,
    running: FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>>,
    alarm: Arc<Alarm>,
    /// Rings the alarm.
    waker: Waker,
}

impl Loads {
    /// Polls the operation whenever it has reason to go on, and its loads, until it is ready or nothing moves.
    fn drive<T>(
        &mut self,
        context: &mut Context<'_>,
        mut operation: impl FnMut(&mut Context<'_>) -> Poll<T>,
    ) -> Poll<T> {
        self.alarm.task.register(context.waker());
        loop {
            if self.alarm.rang.swap(false, Ordering::AcqRel) {
                if let Poll::Ready(output) = operation(&mut Context::from_waker(&self.waker)) {
                    // A stream is asked for its next item unasked.
                    self.alarm.rang.store(true, Ordering::Release);
                    return Poll::Ready(output);
                }
                // All sibling resolvers were polled, so the keys of this level are complete.
                self.running.extend(self.loaders.flush().map(|level| self.loaders.clone().load_level(level).boxed()));
            }
            let mut progressed = false;
            while let Poll::Ready(Some(())) = self.running.poll_next_unpin(context) {
                progressed = true;
            }
            // An operation that wakes itself waits for its turn like everybody else.
            if !progressed {
                return Poll::Pending;
            }
        }
    }
}

impl<F: Future> Future for Dispatched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        this.loads.drive(context, |context| this.operation.as_mut().poll(context))
    }
}

impl<S: Stream> Stream for Dispatched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = &mut *self;
        this.loads.drive(context, |context| this.operation.as_mut().poll_next(context))
    }
}
