//! GraphQL over HTTP: POST with JSON, GET for queries, batches. Never a mutation by GET, never another content type.
//! A client that wants events instead of one answer is handed on to `sse`.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde_json::json;

use super::answers::{Caller, body};
use super::engine::{Call, failed};
use super::media::Media;
use super::observed;
use super::parameters::{Content, Parameters};
use super::reading::read;
use super::report::is_unavailable;
use super::router::Door;
use super::sse;
use crate::platform::errors::Error;
use crate::platform::limits::requests::Allowance;
use crate::platform::request::Origin;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Everything of a request but its operation.
struct Envelope {
    media: Media,
    caller: Caller,
    idempotency_key: Option<String>,
    method: Method,
}

/// What an operation was answered.
struct Answered {
    status: StatusCode,
    body: Bytes,
    statements: u32,
    /// What it cost and what is left, where something limits it.
    allowance: Option<Allowance>,
}

impl Answered {
    /// It did not run, and cost nothing.
    fn refused(status: StatusCode, body: Bytes) -> Self {
        Self { status, body, statements: 0, allowance: None }
    }
}

/// Why a request holds no call.
pub enum NoCall {
    /// It is malformed, which shows in the status whatever the media type.
    Malformed(Error),
    /// Its document is not known, or not to be run.
    Refused(Box<Response>),
}

impl NoCall {
    fn status(&self, media: Media) -> StatusCode {
        match self {
            NoCall::Malformed(_) => StatusCode::BAD_REQUEST,
            NoCall::Refused(_) => media.status(false),
        }
    }

    pub fn into_response(self) -> Response {
        match self {
            NoCall::Malformed(error) => failed(error),
            NoCall::Refused(response) => *response,
        }
    }
}

impl<E: Executor> Door<E> {
    async fn envelope(
        &self,
        method: Method,
        headers: &HeaderMap,
        address: SocketAddr,
        media: Media,
    ) -> Result<Envelope, axum::response::Response> {
        let authorization = match headers.get(header::AUTHORIZATION).map(HeaderValue::to_str) {
            Some(Ok(value)) => Some(value),
            Some(Err(_)) => Some("unreadable"),
            None => None,
        };
        let bearer = match self.platform.bearer(authorization, Some(address.ip())).await {
            Ok(bearer) => bearer,
            Err(error) => {
                let status = match error {
                    Error::Unauthenticated => StatusCode::UNAUTHORIZED,
                    _ => StatusCode::SERVICE_UNAVAILABLE,
                };
                return Err(answer(status, media, &failed(error)));
            }
        };
        let idempotency_key = match headers.get(IDEMPOTENCY_KEY).map(HeaderValue::to_str) {
            Some(Ok(key)) if (1..=255).contains(&key.len()) => Some(key.to_owned()),
            Some(_) => {
                let error = Error::bad_input("Idempotency-Key", "The key must be 1 to 255 visible characters.");
                return Err(answer(StatusCode::BAD_REQUEST, media, &failed(error)));
            }
            None => None,
        };
        let caller = Caller::new(bearer, origin(headers, address));
        Ok(Envelope { media, caller, idempotency_key, method })
    }

    async fn call(&self, parameters: Result<Parameters, Error>) -> Result<Call, NoCall> {
        let asked = parameters.and_then(Parameters::into_asked).map_err(NoCall::Malformed)?;
        self.documents.find(asked).await.map_err(NoCall::Refused)
    }

    /// Runs one operation.
    async fn run(&self, envelope: &Envelope, call: Result<Call, NoCall>) -> Answered {
        let media = envelope.media;
        let refuse = |response: &Response| Answered::refused(media.status(false), body(response));
        let admitted = match call {
            Ok(call) => match self.admit(call, &envelope.caller) {
                Ok(admitted) => admitted,
                Err(response) => return refuse(&response),
            },
            Err(no_call) => {
                let status = no_call.status(media);
                let response = no_call.into_response();
                self.refused(&response, &envelope.caller);
                return Answered::refused(status, body(&response));
            }
        };
        let kind = admitted.operation_type();
        if kind == OperationType::Subscription {
            let error = Error::bad_input(
                "query",
                "A subscription needs a WebSocket at this address, or Accept: text/event-stream.",
            );
            return refuse(&failed(error));
        }
        if envelope.method == Method::GET && kind != OperationType::Query {
            let error = Error::bad_input("query", "Only queries may be sent by GET; use POST.");
            return Answered::refused(StatusCode::METHOD_NOT_ALLOWED, body(&failed(error)));
        }
        let key = envelope.idempotency_key.as_deref();
        let outcome = self.run_to_end(envelope.caller.clone(), admitted, key).await;
        let is_limited = outcome.allowance.is_some_and(|allowance| allowance.retry_after.is_some());
        let status = match is_unavailable(&outcome.response) {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false if is_limited => StatusCode::TOO_MANY_REQUESTS,
            false => media.status(outcome.ran),
        };
        Answered { status, body: outcome.body, statements: outcome.statements, allowance: outcome.allowance }
    }
}

/// POST: one operation or a batch.
pub async fn post<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    content: Body,
) -> axum::response::Response {
    let turned_away = |response| door.turned_away(response, address);
    let Some(media) = Media::negotiate(&headers) else {
        return turned_away(unacceptable());
    };
    let content = match read(&door.platform.config.http, &headers, content).await {
        Ok(content) => content,
        Err((status, message)) => {
            let mut refused = plain(status, media, &message);
            if status == StatusCode::UNSUPPORTED_MEDIA_TYPE {
                refused.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
            }
            return turned_away(refused);
        }
    };
    // Only now: a body may take its time, and who asks is confirmed as the operation begins.
    let mut envelope = match door.envelope(Method::POST, &headers, address, media).await {
        Ok(envelope) => envelope,
        Err(response) => return turned_away(response),
    };
    match Content::read(&content) {
        Ok(Content::Single(parameters)) => {
            let call = door.call(Ok(*parameters)).await;
            if sse::is_wanted(&headers, &door, &call) {
                return sse::stream(door, envelope.caller, &Method::POST, call, envelope.idempotency_key);
            }
            let answered = door.run(&envelope, call).await;
            door.respond(envelope.media, answered)
        }
        Ok(Content::Batch(batch)) => {
            let most = door.platform.config.batch;
            if batch.is_empty() || batch.len() > most {
                let message = format!("A batch holds 1 to {most} operations; this one holds {}.", batch.len());
                return turned_away(plain(StatusCode::BAD_REQUEST, envelope.media, &message));
            }
            if envelope.idempotency_key.is_some() {
                let message =
                    "An Idempotency-Key is for one operation: send this one alone, or the batch without a key.";
                return turned_away(plain(StatusCode::BAD_REQUEST, envelope.media, message));
            }
            let mut bytes = vec![b'['];
            let mut statements = 0;
            let mut nothing_ran = true;
            let mut allowance = None;
            for (index, parameters) in batch.into_iter().enumerate() {
                if index > 0 {
                    bytes.push(b',');
                    // The operations before may have taken long, or ended the session.
                    match envelope.caller.clone().confirmed(&door.platform.viewers).await {
                        Ok(caller) => envelope.caller = caller,
                        Err(error) => {
                            bytes.extend_from_slice(&body(&failed(error)));
                            continue;
                        }
                    }
                }
                let call = door.call(Ok(parameters)).await;
                let one = door.run(&envelope, call).await;
                nothing_ran &= one.status == StatusCode::SERVICE_UNAVAILABLE;
                bytes.extend_from_slice(&one.body);
                statements += one.statements;
                allowance = one.allowance.or(allowance);
            }
            bytes.push(b']');
            let status = if nothing_ran { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            door.respond(envelope.media, Answered { status, body: bytes.into(), statements, allowance })
        }
        Err(error) => {
            let message = format!("The body is not a GraphQL request: {error}.");
            turned_away(plain(StatusCode::BAD_REQUEST, envelope.media, &message))
        }
    }
}

/// GET: queries only.
pub async fn get<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> axum::response::Response {
    let turned_away = |response| door.turned_away(response, address);
    let Some(media) = Media::negotiate(&headers) else {
        return turned_away(unacceptable());
    };
    let envelope = match door.envelope(Method::GET, &headers, address, media).await {
        Ok(envelope) => envelope,
        Err(response) => return turned_away(response),
    };
    let call = door.call(Parameters::from_url(query.as_deref().unwrap_or_default())).await;
    if sse::is_wanted(&headers, &door, &call) {
        return sse::stream(door, envelope.caller, &Method::GET, call, None);
    }
    let answered = door.run(&envelope, call).await;
    door.respond(envelope.media, answered)
}

impl<E> Door<E> {
    /// Notes that there was no operation in a request of this address.
    fn turned_away(&self, response: axum::response::Response, address: SocketAddr) -> axum::response::Response {
        observed::turned_away(&self.platform.metrics, response.status(), address.ip());
        response
    }

    fn respond(&self, media: Media, answered: Answered) -> axum::response::Response {
        let Answered { status, body, statements, allowance } = answered;
        let mut response = axum::response::Response::new(Body::from(body));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
        if self.platform.config.is_development()
            && let Ok(value) = HeaderValue::try_from(format!("db;desc=\"{statements} statements\""))
        {
            response.headers_mut().insert("server-timing", value);
        }
        if let Some(allowance) = allowance {
            tell(response.headers_mut(), &allowance);
        }
        response
    }
}

/// Says in headers what is left.
pub fn tell(headers: &mut HeaderMap, allowance: &Allowance) {
    let retry_after = allowance.retry_after.map(|wait| ("retry-after", Allowance::seconds(wait).to_string()));
    for (name, text) in allowance.headers().into_iter().chain(retry_after) {
        if let Ok(value) = HeaderValue::try_from(text) {
            headers.insert(name, value);
        }
    }
}

/// Who calls: the address of the connection.
pub fn origin(headers: &HeaderMap, address: SocketAddr) -> Origin {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    let trace_parent = headers.get("traceparent").and_then(|value| value.to_str().ok());
    Origin {
        ip: Some(address.ip()),
        user_agent: user_agent.map(|text| text.chars().take(500).collect()),
        trace_parent: trace_parent.map(str::to_owned),
    }
}

fn answer(status: StatusCode, media: Media, response: &Response) -> axum::response::Response {
    let mut http = axum::response::Response::new(Body::from(body(response)));
    *http.status_mut() = status;
    http.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
    http
}

fn unacceptable() -> axum::response::Response {
    plain(StatusCode::NOT_ACCEPTABLE, Media::Json, "Accept application/graphql-response+json or application/json.")
}

/// A refusal before there is an operation, in the shape of a GraphQL response.
fn plain(status: StatusCode, media: Media, message: &str) -> axum::response::Response {
    let content = json!({ "errors": [{ "message": message, "extensions": { "code": "BAD_REQUEST" } }] });
    let mut http = axum::response::Response::new(Body::from(content.to_string()));
    *http.status_mut() = status;
    http.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
    http
}
