//! GraphQL over HTTP: POST with JSON, GET for queries, batches. Never a mutation by GET, never another content type.
//! A client that wants events instead of one answer is handed on to `sse`.

use std::net::SocketAddr;
use std::sync::Arc;

use async_graphql::parser::types::OperationType;
use async_graphql::{Executor, Response, Variables};
use axum::body::{Body, Bytes};
use axum::extract::{ConnectInfo, RawQuery, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use serde::Deserialize;
use serde_json::json;

use super::answers::{Caller, body};
use super::engine::{Call, failed};
use super::report::is_unavailable;
use super::router::Door;
use super::sse;
use crate::platform::errors::Error;
use crate::platform::request::Origin;

const RESPONSE_JSON: &str = "application/graphql-response+json";
const JSON: &str = "application/json";
/// Answered by `sse`; what is refused before that is told in JSON.
const EVENTS: &str = "text/event-stream";
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The parameters of one operation, as the specification names them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Parameters {
    query: Option<String>,
    operation_name: Option<String>,
    variables: Option<serde_json::Value>,
    /// Accepted and ignored: no extension of the request is known.
    #[expect(dead_code, reason = "its shape is checked")]
    extensions: Option<serde_json::Map<String, serde_json::Value>>,
}

/// A request body.
#[derive(Debug)]
enum Content {
    Single(Box<Parameters>),
    Batch(Vec<Parameters>),
}

impl Content {
    /// Reads JSON. Looks at its beginning first, so that an error says what is wrong with what was meant.
    fn read(bytes: &[u8]) -> Result<Self, String> {
        let says = |error: serde_json::Error| error.to_string();
        match bytes.trim_ascii_start().first() {
            Some(b'{') => serde_json::from_slice(bytes).map(Content::Single).map_err(says),
            Some(b'[') => serde_json::from_slice(bytes).map(Content::Batch).map_err(says),
            _ => Err("it must be a JSON object, or a list of them".to_owned()),
        }
    }
}

impl Parameters {
    fn into_call(self) -> Result<Call, Error> {
        let query = self.query.filter(|query| !query.trim().is_empty());
        let query = query.ok_or_else(|| Error::bad_input("query", "The request has no query."))?;
        let variables = match self.variables {
            None | Some(serde_json::Value::Null) => Variables::default(),
            Some(serde_json::Value::Object(map)) => Variables::from_json(serde_json::Value::Object(map)),
            Some(_) => return Err(Error::bad_input("variables", "Variables must be an object.")),
        };
        Ok(Call { query, operation_name: self.operation_name, variables })
    }
}

/// The media type to answer with, and whether request errors show in the status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Media {
    /// `application/graphql-response+json`: a request error is a 400.
    Response,
    /// `application/json`: a well-formed request is always a 200.
    Json,
}

impl Media {
    /// Chooses by `Accept`: the newer type unless only the older is accepted; none when neither is.
    fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let mut accepted = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).peekable();
        if accepted.peek().is_none() {
            return Some(Media::Response);
        }
        let mut best: Option<(Media, f32)> = None;
        for range in accepted.flat_map(|value| value.split(',')) {
            let mut parts = range.split(';').map(str::trim);
            let media = match parts.next().map(str::to_ascii_lowercase).as_deref() {
                Some(RESPONSE_JSON) => Media::Response,
                Some(JSON | EVENTS | "application/*" | "*/*" | "") => Media::Json,
                _ => continue,
            };
            let quality = parts
                .find_map(|parameter| parameter.strip_prefix("q="))
                .map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
            let better = match best {
                None => quality > 0.0,
                Some((held, best_quality)) => {
                    quality > best_quality || (quality == best_quality && held == Media::Json)
                }
            };
            if better {
                best = Some((media, quality));
            }
        }
        best.map(|(media, _)| media)
    }

    fn content_type(self) -> HeaderValue {
        match self {
            Media::Response => HeaderValue::from_static("application/graphql-response+json; charset=utf-8"),
            Media::Json => HeaderValue::from_static("application/json; charset=utf-8"),
        }
    }

    /// The status of a response, by whether the operation ran.
    fn status(self, ran: bool) -> StatusCode {
        match self {
            Media::Response if !ran => StatusCode::BAD_REQUEST,
            Media::Response | Media::Json => StatusCode::OK,
        }
    }
}

/// Everything of a request but its operation.
struct Envelope {
    media: Media,
    caller: Caller,
    idempotency_key: Option<String>,
    method: Method,
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
        let bearer = match self.platform.tokens.bearer(authorization, &self.platform.viewers).await {
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

    /// Runs one operation; gives the status, the body, and how many statements it took.
    async fn run(&self, envelope: &Envelope, call: Result<Call, Error>) -> (StatusCode, Bytes, u32) {
        let media = envelope.media;
        let refuse = |response: &Response| (media.status(false), body(response), 0);
        let admitted = match call {
            Ok(call) => match self.engine.admit(call) {
                Ok(admitted) => admitted,
                Err(response) => return refuse(&response),
            },
            // The request itself is malformed, which shows in the status whatever the media type.
            Err(error) => return (StatusCode::BAD_REQUEST, body(&failed(error)), 0),
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
            return (StatusCode::METHOD_NOT_ALLOWED, body(&failed(error)), 0);
        }
        let key = envelope.idempotency_key.as_deref();
        let outcome = self.run_to_end(envelope.caller.clone(), admitted, key).await;
        let status = match is_unavailable(&outcome.response) {
            true => StatusCode::SERVICE_UNAVAILABLE,
            false => media.status(outcome.ran),
        };
        (status, outcome.body, outcome.statements)
    }
}

/// POST: one operation or a batch.
pub async fn post<E: Executor>(
    State(door): State<Arc<Door<E>>>,
    ConnectInfo(address): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    content: Body,
) -> axum::response::Response {
    let Some(media) = Media::negotiate(&headers) else {
        return unacceptable();
    };
    if !is_json(&headers) {
        return plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, media, "Send the operation as application/json in UTF-8.");
    }
    let limit = door.platform.config.body_bytes;
    let Ok(content) = axum::body::to_bytes(content, limit).await else {
        let message = format!("The body is over {limit} bytes, or was not sent whole.");
        return plain(StatusCode::PAYLOAD_TOO_LARGE, media, &message);
    };
    // Only now: a body may take its time, and who asks is confirmed as the operation begins.
    let mut envelope = match door.envelope(Method::POST, &headers, address, media).await {
        Ok(envelope) => envelope,
        Err(response) => return response,
    };
    match Content::read(&content) {
        Ok(Content::Single(parameters)) => {
            let call = parameters.into_call();
            if sse::is_wanted(&headers, &door.engine, &call) {
                return sse::stream(door, envelope.caller, &Method::POST, call, envelope.idempotency_key);
            }
            let (status, bytes, statements) = door.run(&envelope, call).await;
            door.respond(status, envelope.media, bytes, statements)
        }
        Ok(Content::Batch(batch)) => {
            let most = door.platform.config.batch;
            if batch.is_empty() || batch.len() > most {
                let message = format!("A batch holds 1 to {most} operations; this one holds {}.", batch.len());
                return plain(StatusCode::BAD_REQUEST, envelope.media, &message);
            }
            if envelope.idempotency_key.is_some() {
                let message =
                    "An Idempotency-Key is for one operation: send this one alone, or the batch without a key.";
                return plain(StatusCode::BAD_REQUEST, envelope.media, message);
            }
            let mut bytes = vec![b'['];
            let mut statements = 0;
            let mut nothing_ran = true;
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
                let (status, one, sent) = door.run(&envelope, parameters.into_call()).await;
                nothing_ran &= status == StatusCode::SERVICE_UNAVAILABLE;
                bytes.extend_from_slice(&one);
                statements += sent;
            }
            bytes.push(b']');
            let status = if nothing_ran { StatusCode::SERVICE_UNAVAILABLE } else { StatusCode::OK };
            door.respond(status, envelope.media, bytes.into(), statements)
        }
        Err(error) => {
            let message = format!("The body is not a GraphQL request: {error}.");
            plain(StatusCode::BAD_REQUEST, envelope.media, &message)
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
    let Some(media) = Media::negotiate(&headers) else {
        return unacceptable();
    };
    let envelope = match door.envelope(Method::GET, &headers, address, media).await {
        Ok(envelope) => envelope,
        Err(response) => return response,
    };
    let call = from_url(query.as_deref().unwrap_or_default()).and_then(Parameters::into_call);
    if sse::is_wanted(&headers, &door.engine, &call) {
        return sse::stream(door, envelope.caller, &Method::GET, call, None);
    }
    let (status, bytes, statements) = door.run(&envelope, call).await;
    door.respond(status, envelope.media, bytes, statements)
}

impl<E> Door<E> {
    fn respond(&self, status: StatusCode, media: Media, bytes: Bytes, statements: u32) -> axum::response::Response {
        let mut response = axum::response::Response::new(Body::from(bytes));
        *response.status_mut() = status;
        response.headers_mut().insert(header::CONTENT_TYPE, media.content_type());
        if self.platform.config.is_development()
            && let Ok(value) = HeaderValue::try_from(format!("db;desc=\"{statements} statements\""))
        {
            response.headers_mut().insert("server-timing", value);
        }
        response
    }
}

fn from_url(query: &str) -> Result<Parameters, Error> {
    let pairs: std::collections::HashMap<String, String> = serde_urlencoded::from_str(query)
        .map_err(|error| Error::bad_input("query", format!("The address is malformed: {error}.")))?;
    let json = |name: &str| {
        pairs
            .get(name)
            .map(|text| {
                serde_json::from_str(text).map_err(|error| Error::bad_input(name, format!("Not JSON: {error}.")))
            })
            .transpose()
    };
    Ok(Parameters {
        query: pairs.get("query").cloned(),
        operation_name: pairs.get("operationName").filter(|name| !name.is_empty()).cloned(),
        variables: json("variables")?,
        extensions: None,
    })
}

/// Who calls: the address of the connection.
pub fn origin(headers: &HeaderMap, address: SocketAddr) -> Origin {
    let user_agent = headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok());
    Origin { ip: Some(address.ip()), user_agent: user_agent.map(|text| text.chars().take(500).collect()) }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(Ok(content_type)) = headers.get(header::CONTENT_TYPE).map(HeaderValue::to_str) else {
        return false;
    };
    let mut parts = content_type.split(';').map(str::trim);
    let is_json = parts.next().is_some_and(|media| media.eq_ignore_ascii_case(JSON));
    is_json
        && parts.all(|parameter| {
            parameter.split_once('=').is_none_or(|(name, value)| {
                !name.eq_ignore_ascii_case("charset") || value.trim_matches('"').eq_ignore_ascii_case("utf-8")
            })
        })
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
