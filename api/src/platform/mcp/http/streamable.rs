//! Streamable HTTP: each message is a request of its own, answered with JSON or with a stream of events.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode};
use hyper::body::Incoming as Body;
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::events::Events;
use super::{EVENTS, Http, JSON, is_kind, message_headers, read_body};
use crate::platform::mcp::exchange::Listener;
use crate::platform::mcp::messages::{self, Answer, Incoming};
use crate::platform::mcp::{Bounds, Era, Failure};

const SESSION: HeaderName = HeaderName::from_static("mcp-session-id");
const VERSION: HeaderName = HeaderName::from_static("mcp-protocol-version");
const LAST_EVENT: HeaderName = HeaderName::from_static("last-event-id");

/// How long telling a server something may take that nobody waits for.
const FAREWELL: Duration = Duration::from_secs(5);
/// How long to wait before a broken stream is asked for again, if the server says nothing, and at most.
const RETRY: Duration = Duration::from_secs(1);
const MOST_RETRY: Duration = Duration::from_secs(10);

pub struct Streamable {
    http: Http,
    session: Arc<Session>,
    most_bytes: usize,
}

/// What each later request repeats.
#[derive(Default)]
struct Session {
    id: OnceLock<HeaderValue>,
    agreed: OnceLock<(Era, HeaderValue)>,
    /// The server has said that its tools are others now.
    has_changed: AtomicBool,
}

impl Session {
    fn headers(&self) -> HeaderMap {
        let mut headers = message_headers();
        if let Some(id) = self.id.get() {
            headers.insert(SESSION, id.clone());
        }
        if let Some((_, version)) = self.agreed.get() {
            headers.insert(VERSION, version.clone());
        }
        headers
    }
}

impl Streamable {
    pub fn new(http: Http, bounds: &Bounds) -> Self {
        Self { http, session: Arc::default(), most_bytes: bounds.message_bytes() }
    }

    /// From now on each request names this version.
    pub fn agree(&self, era: Era, version: &str) {
        if let Ok(version) = HeaderValue::from_str(version) {
            self.session.agreed.set((era, version)).ok();
        }
    }

    pub fn take_change(&self) -> bool {
        self.session.has_changed.swap(false, Ordering::Relaxed)
    }

    async fn post(&self, message: &Value, more: HeaderMap) -> Result<Response<Body>, Failure> {
        let mut headers = self.session.headers();
        headers.extend(more);
        let body = Bytes::from(message.to_string());
        let response = self.http.send(Method::POST, &self.http.url, &headers, body).await?;
        if response.status() == StatusCode::NOT_FOUND && self.session.id.get().is_some() {
            return Err(Failure::SessionEnded);
        }
        Ok(response)
    }

    pub async fn ask(
        &self,
        id: u64,
        message: &Value,
        headers: HeaderMap,
        listener: Listener<'_>,
    ) -> Result<Answer, Failure> {
        let response = self.post(message, headers).await?;
        let status = response.status();
        if let Some(session) = response.headers().get(SESSION)
            && message["method"] == "initialize"
        {
            self.session.id.set(session.clone()).ok();
        }
        if is_kind(&response, &EVENTS) && status.is_success() {
            return self.follow(id, Events::new(response.into_body(), self.most_bytes), listener).await;
        }
        if is_kind(&response, &JSON) {
            let body = read_body(response.into_body(), "one message", self.most_bytes).await?;
            return match Incoming::read(&body) {
                Some(Incoming::Answer { id: answered, answer }) if answered == id => Ok(answer),
                // An error that names no request answers the one that it came for.
                _ => refusal(&body).ok_or_else(|| unfit(status)),
            };
        }
        Err(unfit(status))
    }

    /// Reads events until the answer is among them. A stream that breaks off is asked for again where it can be.
    async fn follow(&self, id: u64, mut events: Events, listener: Listener<'_>) -> Result<Answer, Failure> {
        loop {
            match events.next().await {
                Ok(Some(event)) if event.name.is_empty() || event.name == "message" => {
                    match Incoming::read(&event.data) {
                        Some(Incoming::Answer { id: answered, answer }) if answered == id => return Ok(answer),
                        Some(Incoming::Progress { id: of, progress }) if of == id => listener(progress),
                        Some(Incoming::ToolsChanged) => self.session.has_changed.store(true, Ordering::Relaxed),
                        Some(Incoming::Asks(reply)) => drop(self.post(&reply, HeaderMap::new()).await?),
                        _ => {}
                    }
                }
                Ok(Some(_)) => {}
                Ok(None) | Err(Failure::Unreachable(_))
                    if events.decoder.last_id.as_ref().is_some_and(|id| !id.is_empty()) =>
                {
                    events = self.resume(events).await?;
                }
                Ok(None) => return Err(Failure::protocol("it ended its answer before it was whole")),
                Err(failure) => return Err(failure),
            }
        }
    }

    async fn resume(&self, broken: Events) -> Result<Events, Failure> {
        let last = broken.decoder.last_id.unwrap_or_default();
        sleep(broken.decoder.retry.unwrap_or(RETRY).min(MOST_RETRY)).await;
        let mut headers = self.session.headers();
        headers.insert(http::header::ACCEPT, EVENTS);
        let last = HeaderValue::from_str(&last).map_err(|_| Failure::protocol("the id of an event is no header"))?;
        headers.insert(LAST_EVENT, last.clone());
        let response = self.http.send(Method::GET, &self.http.url, &headers, Bytes::new()).await?;
        if !response.status().is_success() || !is_kind(&response, &EVENTS) {
            return Err(Failure::protocol("it ended its answer before it was whole"));
        }
        let mut events = Events::new(response.into_body(), self.most_bytes);
        events.decoder.last_id = last.to_str().ok().map(str::to_owned);
        Ok(events)
    }

    pub async fn tell(&self, message: &Value) -> Result<(), Failure> {
        let response = self.post(message, HeaderMap::new()).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status => Err(unfit(status)),
        }
    }

    /// In the older era the server is told; in the newer, that nobody reads the answer any more says it.
    pub fn cancel(&self, id: u64) {
        let is_told = self.session.agreed.get().is_some_and(|(era, _)| *era == Era::Session);
        if let (true, Ok(runtime)) = (is_told, Handle::try_current()) {
            let (http, headers) = (self.http.clone(), self.session.headers());
            let body = Bytes::from(messages::cancellation(id).to_string());
            runtime.spawn(async move {
                let sending = http.send(Method::POST, &http.url, &headers, body);
                timeout(FAREWELL, sending).await.ok();
            });
        }
    }
}

impl Drop for Streamable {
    fn drop(&mut self) {
        if let (Some(_), Ok(runtime)) = (self.session.id.get(), Handle::try_current()) {
            let (http, headers) = (self.http.clone(), self.session.headers());
            runtime.spawn(async move {
                let sending = http.send(Method::DELETE, &http.url, &headers, Bytes::new());
                timeout(FAREWELL, sending).await.ok();
            });
        }
    }
}

fn refusal(body: &[u8]) -> Option<Answer> {
    let body: Value = serde_json::from_slice(body).ok()?;
    if body.get("id").is_some_and(|id| !id.is_null()) {
        return None;
    }
    let refusal = serde_json::from_value(body.get("error")?.clone()).ok()?;
    Some(Answer { result: Err(refusal), size_bytes: 0 })
}

fn unfit(status: StatusCode) -> Failure {
    match status {
        _ if status.is_server_error() => Failure::Unreachable(format!("it answered HTTP {}", status.as_u16())),
        _ => Failure::protocol(format!("it answered HTTP {} without a message", status.as_u16())),
    }
}
