//! GraphQL over server-sent events: graphql-sse's distinct connections mode, for operations of every kind.
//! Each answer is a `next` event, also when the operation was refused; `complete` ends the stream. A stream that ends
//! without it was cut (the server leaves, or the reader is slow), and the client asks again.

use std::future;
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, ServerError};
use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, Stream, StreamExt};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep_until, timeout};

use super::answers::{Answer, Answers, Caller, answers, json as to_json, only};
use super::connections::{self, Place};
use super::engine::{Call, failed};
use super::graphql::NoCall;
use super::media::{EVENTS, accepted};
use super::router::Door;
use crate::platform::errors::Error;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
/// Tells nginx to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// A comment: it keeps proxies from closing an idle connection, and shows whether the reader is still there.
const COMMENT: Bytes = Bytes::from_static(b":\n\n");
const COMPLETE: Bytes = Bytes::from_static(b"event: complete\ndata: \n\n");

/// Whether the client wants events for this operation: it accepts nothing else, prefers them, or subscribes.
pub fn is_wanted<E: Executor>(headers: &HeaderMap, door: &Door<E>, call: &Result<Call, NoCall>) -> bool {
    let mut events = 0.0;
    let mut others = 0.0_f32;
    for (media, quality) in accepted(headers) {
        match media.as_str() {
            EVENTS => events = quality,
            "application/json" | "application/graphql-response+json" | "application/*" | "*/*" => {
                others = others.max(quality);
            }
            _ => {}
        }
    }
    let subscribes = || {
        let admitted = call.as_ref().ok().and_then(|call| door.engine.admit(call.clone()).ok());
        admitted.is_some_and(|admitted| admitted.operation_type() == OperationType::Subscription)
    };
    events > 0.0 && (events > others || subscribes())
}

/// Runs the operation and answers with its events.
pub fn stream<E: Executor>(
    door: Arc<Door<E>>,
    caller: Caller,
    method: &Method,
    call: Result<Call, NoCall>,
    idempotency_key: Option<String>,
) -> Response {
    let Some(place) = door.connections.enter(caller.origin.ip) else {
        return connections::full();
    };
    let mut status = StatusCode::OK;
    let mut ends = EndsEarly { leaving: None, token_ends: None };
    let answers =
        match call.map_err(NoCall::into_response).and_then(|call| door.admit(call).map_err(|response| *response)) {
            Err(response) => only(Answer::Refused(response.errors)),
            Ok(admitted) if admitted.operation_type() == OperationType::Mutation && method == Method::GET => {
                status = StatusCode::METHOD_NOT_ALLOWED;
                only(Answer::failed(Error::bad_input("query", "Mutations may not be sent by GET; use POST.")))
            }
            Ok(admitted) => {
                if admitted.operation_type() == OperationType::Subscription {
                    let token_ends = caller.expires_at(&*door.platform.clock);
                    ends = EndsEarly { leaving: Some(door.connections.leaving().boxed()), token_ends };
                }
                answers(Arc::clone(&door), caller, admitted, idempotency_key)
            }
        };
    let (events, receiver) = mpsc::channel(1);
    let patience = Duration::from_secs(door.platform.config.socket_send_seconds);
    tokio::spawn(write(answers, ends, events, patience));

    let mut response = Response::new(Body::from_stream(Events { receiver, complete: false, _place: place }));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}

/// What ends a subscription before its time. Queries and mutations end by themselves.
struct EndsEarly {
    leaving: Option<BoxFuture<'static, ()>>,
    token_ends: Option<Instant>,
}

enum Event {
    Some(Bytes),
    Last(Bytes),
}

/// Writes the answers until the last, or until nobody reads. In a task of its own, so that a slow reader
/// cannot hold a transaction or a database connection open.
async fn write(mut answers: Answers, ends: EndsEarly, events: mpsc::Sender<Event>, patience: Duration) {
    let mut leaving = ends.leaving.unwrap_or_else(|| future::pending().boxed());
    let token_ends = async {
        match ends.token_ends {
            Some(token_ends) => sleep_until(token_ends).await,
            None => future::pending().await,
        }
    };
    let mut token_ends = pin!(token_ends);
    // The first comment at once: some browsers show nothing of a response before its first bytes.
    let mut keep_alive = interval(KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let answer = tokio::select! {
            () = events.closed() => return,
            () = &mut leaving => return,
            () = &mut token_ends => Some(Answer::SessionOver),
            answer = answers.next() => answer,
            _ = keep_alive.tick() => {
                // When there is no room, something else is on its way.
                let _ = events.try_send(Event::Some(COMMENT));
                continue;
            }
        };
        let event = match answer {
            Some(Answer::Result(result)) => Event::Some(next(&result)),
            Some(Answer::Refused(errors)) => Event::Last(refusal(&errors)),
            Some(Answer::SessionOver) => Event::Last(refusal(&failed(Error::Unauthenticated).errors)),
            None => Event::Last(COMPLETE),
        };
        let last = matches!(event, Event::Last(_));
        if !matches!(timeout(patience, events.send(event)).await, Ok(Ok(()))) || last {
            return;
        }
    }
}

fn next(result: &[u8]) -> Bytes {
    // JSON as serde_json writes it has no line breaks, so it is one line of data.
    [b"event: next\ndata: ", result, b"\n\n"].concat().into()
}

fn refusal(errors: &[ServerError]) -> Bytes {
    [&*next(&to_json(&json!({ "errors": errors }))), &*COMPLETE].concat().into()
}

/// The body: what the writer wrote, for as long as somebody reads it.
struct Events {
    receiver: mpsc::Receiver<Event>,
    complete: bool,
    _place: Place,
}

impl Stream for Events {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.complete {
            return Poll::Ready(None);
        }
        self.receiver.poll_recv(context).map(|event| match event {
            Some(Event::Some(text)) => Some(Ok(text)),
            Some(Event::Last(text)) => {
                self.complete = true;
                Some(Ok(text))
            }
            None => {
                self.complete = true;
                Some(Err(io::Error::other("the stream was cut before it was complete")))
            }
        })
    }
}
