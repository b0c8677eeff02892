//! Who waits for which answer, where all messages of a server come in over one stream.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use tokio::sync::{mpsc, oneshot};

use super::messages::{Answer, Incoming};
use super::{Failure, Progress};

/// Steps of progress that wait for their reader. A server that tells more at once is not heard out.
const PROGRESS_WAITING: usize = 64;

/// Takes each step of progress of one request.
pub type Listener<'a> = &'a mut (dyn FnMut(Progress) + Send);

struct Waiter {
    answer: oneshot::Sender<Answer>,
    progress: mpsc::Sender<Progress>,
}

enum State {
    Open(HashMap<u64, Waiter>),
    /// Why no answer will come any more.
    Ended(Failure),
}

#[derive(Clone)]
pub struct Exchange(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    /// The server says that its list of tools is another one now.
    has_changed: AtomicBool,
}

impl Exchange {
    pub fn new() -> Self {
        let state = Mutex::new(State::Open(HashMap::new()));
        Self(Arc::new(Shared { state, has_changed: AtomicBool::new(false) }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change of the state is whole by itself.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// To be called before the request is sent.
    pub fn expecting(&self, id: u64) -> Result<Expected, Failure> {
        let (answer, answered) = oneshot::channel();
        let (progress, told) = mpsc::channel(PROGRESS_WAITING);
        match &mut *self.state() {
            State::Open(waiting) => waiting.insert(id, Waiter { answer, progress }),
            State::Ended(failure) => return Err(failure.clone()),
        };
        Ok(Expected { exchange: self.clone(), id, answered, told })
    }

    /// Hands a message to whoever waits for it. What comes back is to be sent to the server.
    pub fn receive(&self, bytes: &[u8]) -> Option<Value> {
        match (Incoming::read(bytes)?, &mut *self.state()) {
            (Incoming::Asks(answer), _) => return Some(answer),
            (Incoming::ToolsChanged, _) => self.0.has_changed.store(true, Ordering::Relaxed),
            (Incoming::Answer { id, answer }, State::Open(waiting)) => {
                if let Some(waiter) = waiting.remove(&id) {
                    // Whoever waited may be gone by now.
                    waiter.answer.send(answer).ok();
                }
            }
            (Incoming::Progress { id, progress }, State::Open(waiting)) => {
                if let Some(waiter) = waiting.get(&id) {
                    waiter.progress.try_send(progress).ok();
                }
            }
            (_, State::Ended(_)) => {}
        }
        None
    }

    /// Tells all who wait that nothing comes. The first reason is the one that counts.
    pub fn end(&self, failure: Failure) {
        let mut state = self.state();
        if matches!(*state, State::Open(_)) {
            *state = State::Ended(failure);
        }
    }

    /// Whether the server has said that its tools are others now, since this was last asked.
    pub fn take_change(&self) -> bool {
        self.0.has_changed.swap(false, Ordering::Relaxed)
    }

    pub fn has_ended(&self) -> bool {
        matches!(*self.state(), State::Ended(_))
    }
}

/// One request that is not answered yet.
pub struct Expected {
    exchange: Exchange,
    id: u64,
    answered: oneshot::Receiver<Answer>,
    told: mpsc::Receiver<Progress>,
}

impl Expected {
    pub async fn answer(mut self, listener: Listener<'_>) -> Result<Answer, Failure> {
        let answer = loop {
            tokio::select! {
                biased;
                Some(progress) = self.told.recv() => listener(progress),
                answer = &mut self.answered => break answer,
            }
        };
        while let Ok(progress) = self.told.try_recv() {
            listener(progress);
        }
        answer.map_err(|_| match &*self.exchange.state() {
            State::Ended(failure) => failure.clone(),
            State::Open(_) => Failure::protocol("it gives two requests the same answer"),
        })
    }
}

impl Drop for Expected {
    fn drop(&mut self) {
        if let State::Open(waiting) = &mut *self.exchange.state() {
            waiting.remove(&self.id);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn message(value: Value) -> Vec<u8> {
        value.to_string().into_bytes()
    }

    #[tokio::test]
    async fn answers_find_their_request_in_any_order() {
        let exchange = Exchange::new();
        let (one, two) = (exchange.expecting(1).unwrap(), exchange.expecting(2).unwrap());
        exchange.receive(&message(json!({ "id": 2, "result": "two" })));
        exchange.receive(&message(json!({ "id": 9, "result": "nobody's" })));
        exchange.receive(&message(json!({ "id": 1, "result": "one" })));
        assert_eq!(one.answer(&mut |_| ()).await.unwrap().result, Ok(json!("one")));
        assert_eq!(two.answer(&mut |_| ()).await.unwrap().result, Ok(json!("two")));
    }

    #[tokio::test]
    async fn progress_comes_before_the_answer_and_a_flood_of_it_is_not_kept() {
        let exchange = Exchange::new();
        let expected = exchange.expecting(1).unwrap();
        let told = json!({ "method": "notifications/progress", "params": { "progressToken": 1, "progress": 0.5 } });
        for _ in 0..10_000 {
            exchange.receive(&message(told.clone()));
        }
        exchange.receive(&message(json!({ "id": 1, "result": {} })));
        let mut steps = 0;
        assert!(expected.answer(&mut |_| steps += 1).await.is_ok());
        assert_eq!(steps, PROGRESS_WAITING);
    }

    #[tokio::test]
    async fn the_end_is_told_to_all_who_wait_and_to_all_who_come_later() {
        let exchange = Exchange::new();
        let expected = exchange.expecting(1).unwrap();
        exchange.end(Failure::RepeatedCursor);
        exchange.end(Failure::SessionEnded);
        assert_eq!(expected.answer(&mut |_| ()).await.unwrap_err(), Failure::RepeatedCursor);
        assert_eq!(exchange.expecting(2).err(), Some(Failure::RepeatedCursor));
    }

    #[tokio::test]
    async fn whoever_stops_waiting_leaves_nothing_behind() {
        let exchange = Exchange::new();
        drop(exchange.expecting(1).unwrap());
        assert!(matches!(&*exchange.state(), State::Open(waiting) if waiting.is_empty()));
    }
}
