//! One socket's task: hears messages, runs operations, sends answers. Nothing is heard while something waits to be sent,
//! and each operation gives its next answer only after the one before left, so what waits is bounded by the number of
//! operations. Operations go on meanwhile: a slow reader must not hold a transaction or a database connection open.

use std::collections::VecDeque;
use std::future;
use std::ops::ControlFlow;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};
use tokio::time::{Instant, sleep_until};

use super::Limits;
use super::deadlines::{Deadlines, Due};
use super::operations::{Operation, Operations, too_many};
use super::protocol::{ClientMessage, Close, server_message};
use super::socket::{Received, Socket};
use crate::platform::errors::{Error, Result};
use crate::platform::http::answers::{Answer, Caller, answers, only};
use crate::platform::http::documents::Asked;
use crate::platform::http::router::Door;
use crate::platform::request::Origin;
use crate::platform::viewer::Bearer;

/// Goes on, or says how the conversation ends; nothing to say to a peer that is gone.
type Flow = ControlFlow<Option<Close>>;

pub struct Connection<E> {
    door: Arc<Door<E>>,
    limits: Limits,
    socket: Socket,
    stage: Stage,
    operations: Operations,
    outbox: VecDeque<Outgoing>,
    /// Set once no new message is heard; the socket closes when its queries and mutations are done.
    closing: Option<Close>,
    /// Whether operations are looked at before the peer: they take turns.
    operations_first: bool,
    deadlines: Deadlines,
    /// Resolves once the session or key of whoever introduced itself is over.
    session_ends: BoxFuture<'static, ()>,
}

enum Stage {
    /// Nobody has introduced itself yet.
    Stranger(Origin),
    /// The token is being checked.
    Introducing(Origin, BoxFuture<'static, Result<Bearer>>),
    Introduced(Caller),
}

/// A message for the peer, and the operation that may go on once it is taken.
struct Outgoing {
    text: Vec<u8>,
    operation: Option<Operation>,
}

enum Event {
    Received(Received),
    Answered(Option<Answer>, Operation),
    Introduced(Result<Bearer>),
    Due(Due),
    Leaving,
    SessionOver,
    Lost,
    Nothing,
    /// Everything was said that had to be said before closing.
    Done,
}

impl<E: Executor> Connection<E> {
    pub fn new(door: Arc<Door<E>>, origin: Origin, socket: Socket, limits: Limits) -> Self {
        Self {
            door,
            limits,
            socket,
            stage: Stage::Stranger(origin),
            operations: Operations::default(),
            outbox: VecDeque::new(),
            closing: None,
            operations_first: false,
            deadlines: Deadlines::new(limits, Instant::now()),
            session_ends: future::pending().boxed(),
        }
    }

    pub async fn run(mut self) {
        let close = self.converse().await;
        let Self { socket, operations, outbox, .. } = self;
        // Before the farewell, which takes time: nothing runs for a peer that no longer listens.
        drop((operations, outbox));
        // Boxed, so that an open socket does not carry the space for it.
        match close {
            Some(close) => Box::pin(socket.close(close)).await,
            None => Box::pin(socket.close_back()).await,
        }
    }

    async fn converse(&mut self) -> Option<Close> {
        let mut leaving = pin!(self.door.connections.leaving().fuse());
        let mut alarm = pin!(sleep_until(self.deadlines.earliest()));
        loop {
            // Messages may come faster than they are read; other tasks want their turn.
            tokio::task::coop::consume_budget().await;
            let event = future::poll_fn(|context| {
                // First what comes seldom: a busy socket always has something else to do.
                if leaving.as_mut().poll(context).is_ready() {
                    return Poll::Ready(Event::Leaving);
                }
                if self.session_ends.poll_unpin(context).is_ready() {
                    self.session_ends = future::pending().boxed();
                    return Poll::Ready(Event::SessionOver);
                }
                let earliest = self.deadlines.earliest();
                if alarm.deadline() != earliest {
                    alarm.as_mut().reset(earliest);
                }
                if alarm.as_mut().poll(context).is_ready() {
                    return Poll::Ready(self.deadlines.due(Instant::now()).map_or(Event::Nothing, Event::Due));
                }
                self.poll_event(context)
            });
            let flow = match event.await {
                Event::Received(received) => self.receive(received),
                Event::Answered(answer, operation) => self.answer(answer, operation),
                Event::Introduced(bearer) => self.introduce(bearer),
                Event::Due(due) => self.meet(due),
                Event::Leaving => self.close_after_answers(Close::leaving()),
                Event::SessionOver => self.close_after_answers(Close::session_over()),
                Event::Lost => ControlFlow::Break(None),
                Event::Done => ControlFlow::Break(self.closing.take()),
                Event::Nothing => ControlFlow::Continue(()),
            };
            if let ControlFlow::Break(close) = flow {
                return close;
            }
        }
    }

    fn poll_event(&mut self, context: &mut Context<'_>) -> Poll<Event> {
        let everything_sent = match self.poll_send(context) {
            Poll::Ready(Ok(())) => true,
            Poll::Ready(Err(_)) => return Poll::Ready(Event::Lost),
            Poll::Pending => false,
        };
        if everything_sent && self.closing.is_some() && !self.operations.any_ending() {
            return Poll::Ready(Event::Done);
        }
        self.operations_first = !self.operations_first;
        for operations in [self.operations_first, !self.operations_first] {
            if operations {
                if let Poll::Ready((answer, operation)) = self.operations.poll_answer(context) {
                    return Poll::Ready(Event::Answered(answer, operation));
                }
            } else if everything_sent
                && self.closing.is_none()
                && let Poll::Ready(received) = self.socket.poll_receive(context)
            {
                return Poll::Ready(Event::Received(received));
            }
        }
        if let Stage::Introducing(_, check) = &mut self.stage
            && let Poll::Ready(bearer) = check.poll_unpin(context)
        {
            return Poll::Ready(Event::Introduced(bearer));
        }
        Poll::Pending
    }

    /// Sends what waits; ready when nothing does any more.
    fn poll_send(&mut self, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        let mut progressed = false;
        loop {
            match self.socket.poll_sent(context, &mut progressed) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Pending => {
                    self.deadlines.sending(progressed);
                    return Poll::Pending;
                }
            }
            let Some(Outgoing { text, operation }) = self.outbox.pop_front() else {
                self.deadlines.sent();
                return Poll::Ready(Ok(()));
            };
            self.socket.send(text);
            if let Some(operation) = operation {
                self.operations.resume(operation);
            }
        }
    }

    fn meet(&mut self, due: Due) -> Flow {
        match due {
            Due::NotIntroduced => ControlFlow::Break(Some(Close::introduction_timeout())),
            Due::Slow => ControlFlow::Break(Some(Close::slow_consumer())),
            Due::Silent => ControlFlow::Break(Some(Close::silent())),
            Due::TokenExpired => self.close_after_answers(Close::token_expired()),
            Due::Ping => {
                self.socket.ping();
                ControlFlow::Continue(())
            }
        }
    }

    fn receive(&mut self, received: Received) -> Flow {
        self.deadlines.heard();
        match received {
            Received::LifeSign => ControlFlow::Continue(()),
            Received::Refused(close) => ControlFlow::Break(Some(close)),
            Received::Gone => ControlFlow::Break(None),
            Received::Text(text) => match ClientMessage::read(&text) {
                Ok(message) => self.obey(message),
                Err(close) => ControlFlow::Break(Some(close)),
            },
        }
    }

    fn obey(&mut self, message: ClientMessage) -> Flow {
        match message {
            ClientMessage::ConnectionInit { authorization } => return self.begin_introduction(authorization),
            ClientMessage::Subscribe { id, asked, idempotency_key } => {
                return self.subscribe(id, asked, idempotency_key);
            }
            ClientMessage::Complete { id } => {
                self.operations.end(&id);
                self.outbox.retain(|outgoing| outgoing.operation.as_ref().is_none_or(|held| **held.id() != *id));
            }
            ClientMessage::Ping { payload } => self.say(server_message::pong(payload.as_ref())),
            ClientMessage::Pong => {}
        }
        ControlFlow::Continue(())
    }

    fn begin_introduction(&mut self, authorization: Option<String>) -> Flow {
        let Stage::Stranger(origin) = &mut self.stage else {
            return ControlFlow::Break(Some(Close::too_many_introductions()));
        };
        let origin = std::mem::take(origin);
        let (door, ip) = (Arc::clone(&self.door), origin.ip);
        let check = async move { door.platform.bearer(authorization.as_deref(), ip).await };
        self.stage = Stage::Introducing(origin, check.boxed());
        ControlFlow::Continue(())
    }

    fn introduce(&mut self, bearer: Result<Bearer>) -> Flow {
        let Stage::Introducing(origin, _) = &mut self.stage else {
            return ControlFlow::Continue(());
        };
        let origin = std::mem::take(origin);
        match bearer {
            Ok(bearer) => {
                let caller = Caller::new(bearer, origin);
                self.deadlines.introduced(caller.expires_at(&*self.door.platform.clock));
                if let Some(ends) = caller.session_ends(&self.door.platform.viewers) {
                    self.session_ends = ends.boxed();
                }
                self.stage = Stage::Introduced(caller);
                self.socket.accept_messages_of(self.limits.message_bytes);
                self.say(server_message::connection_ack());
                ControlFlow::Continue(())
            }
            Err(Error::Unauthenticated) => ControlFlow::Break(Some(Close::forbidden())),
            Err(error) => {
                tracing::warn!(%error, "a socket's token could not be checked");
                ControlFlow::Break(Some(Close::unavailable()))
            }
        }
    }

    fn subscribe(&mut self, id: String, asked: Asked, idempotency_key: Option<String>) -> Flow {
        let Stage::Introduced(caller) = &self.stage else {
            return ControlFlow::Break(Some(Close::unauthorized()));
        };
        if self.operations.contains(&id) {
            return ControlFlow::Break(Some(Close::already_subscribed(&id)));
        }
        if self.operations.count() >= self.limits.streams {
            self.say(server_message::error(&id, &[too_many(self.limits.streams)]));
            return ControlFlow::Continue(());
        }
        match self.door.documents.known(asked).and_then(|call| self.door.admit(call, caller)) {
            Ok(admitted) => {
                let ends = admitted.operation_type() != OperationType::Subscription;
                let (door, caller) = (Arc::clone(&self.door), caller.anew());
                let begin = async move {
                    match caller.confirmed(&door.platform.viewers).await {
                        Ok(caller) => {
                            door.platform.count_use(&caller.viewer);
                            answers(door, caller, admitted, idempotency_key)
                        }
                        Err(Error::Unauthenticated) => only(Answer::SessionOver),
                        Err(error) => only(Answer::failed(error)),
                    }
                };
                // Boxed by itself, so that its space is free again once the operation runs.
                self.operations.start(id, ends, stream::once(begin.boxed()).flatten().boxed());
            }
            Err(response) => self.say(server_message::error(&id, &response.errors)),
        }
        ControlFlow::Continue(())
    }

    fn answer(&mut self, answer: Option<Answer>, operation: Operation) -> Flow {
        let id = Arc::clone(operation.id());
        match answer {
            Some(Answer::Result(result)) => {
                let text = server_message::next(&id, &result);
                self.outbox.push_back(Outgoing { text, operation: Some(operation) });
            }
            Some(Answer::Refused(errors)) => {
                self.operations.end(&id);
                self.say(server_message::error(&id, &errors));
            }
            Some(Answer::SessionOver) => return ControlFlow::Break(Some(Close::session_over())),
            None => {
                self.operations.end(&id);
                self.say(server_message::complete(&id));
            }
        }
        ControlFlow::Continue(())
    }

    fn say(&mut self, text: Vec<u8>) {
        self.outbox.push_back(Outgoing { text, operation: None });
    }

    fn close_after_answers(&mut self, close: Close) -> Flow {
        self.closing.get_or_insert(close);
        ControlFlow::Continue(())
    }
}
