//! HTTP with SSE, as it was until 2024-11-05: one stream of events brings all messages, and its first event says where
//! ours go.

use bytes::Bytes;
use http::header::ACCEPT;
use http::{HeaderMap, Method};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;
use tokio::time::timeout;
use url::Url;

use super::events::Events;
use super::{EVENTS, Http, is_kind, message_headers};
use crate::platform::mcp::exchange::{Exchange, Listener};
use crate::platform::mcp::messages::{self, Answer};
use crate::platform::mcp::{Bounds, Failure};

pub struct Legacy {
    http: Http,
    endpoint: Url,
    exchange: Exchange,
    reader: AbortHandle,
}

impl Legacy {
    pub async fn open(http: Http, bounds: &Bounds) -> Result<Self, Failure> {
        let headers = HeaderMap::from_iter([(ACCEPT, EVENTS)]);
        let response = http.send(Method::GET, &http.url, &headers, Bytes::new()).await?;
        let status = response.status();
        if !status.is_success() || !is_kind(&response, &EVENTS) {
            return Err(Failure::protocol(format!("it answered HTTP {} without a stream of events", status.as_u16())));
        }
        let mut events = Events::new(response.into_body(), bounds.message_bytes());
        let endpoint = find_endpoint(&http.url, &mut events).await?;
        let exchange = Exchange::new();
        let reader = tokio::spawn(read(events, exchange.clone(), http.clone(), endpoint.clone())).abort_handle();
        Ok(Self { http, endpoint, exchange, reader })
    }

    pub async fn ask(&self, id: u64, message: &Value, listener: Listener<'_>) -> Result<Answer, Failure> {
        let expected = self.exchange.expecting(id)?;
        self.tell(message).await?;
        expected.answer(listener).await
    }

    pub async fn tell(&self, message: &Value) -> Result<(), Failure> {
        post(&self.http, &self.endpoint, message).await
    }

    pub fn cancel(&self, id: u64) {
        if let Ok(runtime) = Handle::try_current() {
            let (http, endpoint) = (self.http.clone(), self.endpoint.clone());
            runtime.spawn(async move {
                let message = messages::cancellation(id);
                timeout(std::time::Duration::from_secs(5), post(&http, &endpoint, &message)).await.ok();
            });
        }
    }

    pub fn has_ended(&self) -> bool {
        self.exchange.has_ended()
    }

    pub fn take_change(&self) -> bool {
        self.exchange.take_change()
    }
}

impl Drop for Legacy {
    fn drop(&mut self) {
        self.reader.abort();
    }
}

async fn find_endpoint(url: &Url, events: &mut Events) -> Result<Url, Failure> {
    while let Some(event) = events.next().await? {
        if event.name != "endpoint" {
            continue;
        }
        let endpoint = std::str::from_utf8(&event.data).ok().and_then(|endpoint| url.join(endpoint).ok());
        let endpoint = endpoint.ok_or_else(|| Failure::protocol("where it takes messages is no address"))?;
        if endpoint.origin() == url.origin() {
            return Ok(endpoint);
        }
        let host = endpoint.host_str().unwrap_or_default();
        return Err(Failure::NotAllowed(format!(
            "The server takes messages at another one ({host}), which is not followed."
        )));
    }
    Err(Failure::protocol("it does not say where it takes messages"))
}

async fn read(mut events: Events, exchange: Exchange, http: Http, endpoint: Url) {
    let failure = loop {
        match events.next().await {
            Ok(Some(event)) if event.name.is_empty() || event.name == "message" => {
                if let Some(reply) = exchange.receive(&event.data)
                    && let Err(failure) = post(&http, &endpoint, &reply).await
                {
                    break failure;
                }
            }
            Ok(Some(_)) => {}
            Ok(None) => break Failure::protocol("it ended its stream of events"),
            Err(failure) => break failure,
        }
    };
    exchange.end(failure);
}

async fn post(http: &Http, endpoint: &Url, message: &Value) -> Result<(), Failure> {
    let body = Bytes::from(message.to_string());
    let response = http.send(Method::POST, endpoint, &message_headers(), body).await?;
    match response.status() {
        status if status.is_success() => Ok(()),
        status if status.as_u16() == 404 => Err(Failure::SessionEnded),
        status => Err(Failure::protocol(format!("it answered a message with HTTP {}", status.as_u16()))),
    }
}
