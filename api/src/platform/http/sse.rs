//! GraphQL over server-sent events: graphql-sse's distinct connections mode, for operations of every kind.
//! Each answer is a `next` event, also when the operation was refused; `complete` ends the stream. A stream that ends
//! without it was cut (the server leaves, or the reader is slow), and the client asks again.

use std::sync::Arc;
use std::time::Duration;

use async_graphql::Executor;
use async_graphql::parser::types::OperationType;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::response::Response;
use futures_util::FutureExt;

use super::answers::{Answer, Caller, answers, only};
use super::connections;
use super::engine::Call;
use super::event_stream::{EndsEarly, EventStream, Underway};
use super::graphql::NoCall;
use super::media::{EVENTS, accepted};
use super::router::Door;
use crate::platform::errors::Error;

const CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/event-stream; charset=utf-8");
/// Tells nginx to pass events on as they come.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");

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
    let mut ends = EndsEarly::default();
    let admit = |call| door.admit(call, &caller).map_err(|response| *response);
    let answers = match call.map_err(NoCall::into_response).and_then(admit) {
        Err(response) => only(Answer::Refused(response.errors)),
        Ok(admitted) if admitted.operation_type() == OperationType::Mutation && method == Method::GET => {
            status = StatusCode::METHOD_NOT_ALLOWED;
            only(Answer::failed(Error::bad_input("query", "Mutations may not be sent by GET; use POST.")))
        }
        Ok(admitted) => {
            if admitted.operation_type() == OperationType::Subscription {
                ends = EndsEarly {
                    leaving: Some(door.connections.leaving().boxed()),
                    session_ends: caller.session_ends(&door.platform.viewers).map(FutureExt::boxed),
                    token_ends: caller.expires_at(&*door.platform.clock),
                };
            }
            answers(Arc::clone(&door), caller, admitted, idempotency_key)
        }
    };
    let patience = Duration::from_secs(door.platform.config.socket_send_seconds);
    let mut response = Underway::response(EventStream { answers, ends, patience, place });
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, CONTENT_TYPE);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    headers.insert(ACCEL_BUFFERING, HeaderValue::from_static("no"));
    response
}
