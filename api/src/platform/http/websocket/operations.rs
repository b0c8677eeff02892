//! The operations that run on one socket: started and cancelled by id, polled fairly, each giving its next answer only
//! after the one before was taken.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_graphql::{ErrorExtensionValues, ServerError};
use futures_util::future::{AbortHandle, Abortable};
use futures_util::stream::{FuturesUnordered, StreamFuture};
use futures_util::{Stream, StreamExt};

use crate::platform::http::answers::{Answer, Answers};

#[derive(Debug, Default)]
pub struct Operations {
    waiting: FuturesUnordered<Abortable<StreamFuture<Operation>>>,
    started: HashMap<Arc<str>, Started>,
    /// How many of them end by themselves: queries and mutations.
    ending: usize,
}

#[derive(Debug)]
struct Started {
    cancel: AbortHandle,
    ends: bool,
}

/// One operation between two of its answers.
#[must_use = "an operation that is not resumed gives no further answers"]
pub struct Operation {
    id: Arc<str>,
    answers: Answers,
}

impl Operation {
    pub fn id(&self) -> &Arc<str> {
        &self.id
    }
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Operation").field("id", &self.id).finish_non_exhaustive()
    }
}

impl Stream for Operation {
    type Item = Answer;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Answer>> {
        self.answers.poll_next_unpin(context)
    }
}

impl Operations {
    pub fn contains(&self, id: &str) -> bool {
        self.started.contains_key(id)
    }

    pub fn count(&self) -> usize {
        self.started.len()
    }

    /// Whether a query or a mutation is under way.
    pub fn any_ending(&self) -> bool {
        self.ending > 0
    }

    /// Starts an operation under an id that is free. `ends` says whether it ends by itself.
    pub fn start(&mut self, id: String, ends: bool, answers: Answers) {
        let operation = Operation { id: id.into(), answers };
        let id = Arc::clone(&operation.id);
        let cancel = self.wait(operation);
        self.ending += usize::from(ends);
        self.started.insert(id, Started { cancel, ends });
    }

    /// Lets the operation go on to its next answer. One that was ended meanwhile is dropped.
    pub fn resume(&mut self, operation: Operation) {
        let id = Arc::clone(&operation.id);
        if !self.contains(&id) {
            return;
        }
        let cancel = self.wait(operation);
        if let Some(started) = self.started.get_mut(&id) {
            started.cancel = cancel;
        }
    }

    fn wait(&mut self, operation: Operation) -> AbortHandle {
        let (cancel, registration) = AbortHandle::new_pair();
        self.waiting.push(Abortable::new(operation.into_future(), registration));
        cancel
    }

    /// Ends the operation, if it is there; its id is free again. One that waits for an answer is dropped.
    pub fn end(&mut self, id: &str) {
        if let Some(started) = self.started.remove(id) {
            self.ending -= usize::from(started.ends);
            started.cancel.abort();
        }
    }

    /// The next answer of any operation; no answer is the end of one.
    pub fn poll_answer(&mut self, context: &mut Context<'_>) -> Poll<(Option<Answer>, Operation)> {
        loop {
            match self.waiting.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(answered))) => return Poll::Ready(answered),
                // One that was cancelled; it is dropped here.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) | Poll::Pending => return Poll::Pending,
            }
        }
    }
}

/// The refusal of one operation more than a socket may run.
pub fn too_many(most: usize) -> ServerError {
    let message = format!("This socket runs {most} operations already. Complete one of them first.");
    let mut error = ServerError::new(message, None);
    let mut extensions = ErrorExtensionValues::default();
    extensions.set("code", "RATE_LIMITED");
    extensions.set("limit", most);
    extensions.set("actual", most + 1);
    error.extensions = Some(extensions);
    error
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use futures_util::stream;

    use super::*;

    #[test]
    fn operations_that_always_have_an_answer_take_turns() {
        let mut operations = Operations::default();
        for id in ["a", "b", "c"] {
            operations.start(id.to_owned(), false, stream::repeat_with(|| Answer::SessionOver).boxed());
        }
        let mut context = Context::from_waker(Waker::noop());
        let mut answered: HashMap<Arc<str>, usize> = HashMap::new();
        while answered.values().sum::<usize>() < 300 {
            if let Poll::Ready((Some(_), operation)) = operations.poll_answer(&mut context) {
                *answered.entry(Arc::clone(operation.id())).or_default() += 1;
                operations.resume(operation);
            }
        }
        assert_eq!(answered.values().copied().collect::<Vec<_>>(), [100; 3]);
    }
}
