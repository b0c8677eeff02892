//! Runs an operation's future, or a subscription's stream, together with the loads it asks for, in one task.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::stream::FuturesUnordered;
use futures_util::{Stream, StreamExt};

use super::Loaders;

type Running = FuturesUnordered<Pin<Box<dyn Future<Output = ()> + Send>>>;

/// The operation's future, with its loads dispatched whenever it can go no further without them.
pub struct Dispatched<F> {
    operation: Pin<Box<F>>,
    loaders: Loaders,
    running: Running,
}

impl<F> Dispatched<F> {
    pub fn new(loaders: Loaders, operation: F) -> Self {
        Self { operation: Box::pin(operation), loaders, running: FuturesUnordered::new() }
    }
}

/// Polls the operation, and its loads whenever it is pending, until it is ready or nothing moves.
fn drive<T>(
    context: &mut Context<'_>,
    loaders: &Loaders,
    running: &mut Running,
    mut operation: impl FnMut(&mut Context<'_>) -> Poll<T>,
) -> Poll<T> {
    loop {
        if let Poll::Ready(output) = operation(context) {
            return Poll::Ready(output);
        }
        // All sibling resolvers were polled, so the keys of this level are complete.
        running.extend(loaders.flush());
        let mut progressed = false;
        while let Poll::Ready(Some(())) = running.poll_next_unpin(context) {
            progressed = true;
        }
        if !progressed {
            return Poll::Pending;
        }
    }
}

impl<F: Future> Future for Dispatched<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        drive(context, &this.loaders, &mut this.running, |context| this.operation.as_mut().poll(context))
    }
}

impl<S: Stream> Stream for Dispatched<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = &mut *self;
        drive(context, &this.loaders, &mut this.running, |context| this.operation.as_mut().poll_next(context))
    }
}
