//! A server that was reached, and what was agreed with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use http::HeaderMap;
use rmcp::model::ProtocolVersion;
use serde_json::{Map, Value, json};
use tokio::time::timeout;

use super::exchange::Listener;
use super::messages::{self, Answer};
use super::wire::Wire;
use super::{Bounds, Era, Failure, Transport};

pub struct Connection {
    wire: Wire,
    pub era: Era,
    pub version: ProtocolVersion,
    /// What each request says of us, in the era where it must.
    context: Map<String, Value>,
    next: AtomicU64,
}

impl Connection {
    /// Reaches the server, without a word.
    pub async fn open(
        transport: &Transport,
        era: Era,
        version: ProtocolVersion,
        bounds: &Bounds,
    ) -> Result<Self, Failure> {
        let wire = Wire::open(transport, bounds).await?;
        let context = match era {
            Era::Session => Map::new(),
            Era::Stateless => {
                wire.agree(era, version.as_str());
                messages::context(&version)
            }
        };
        Ok(Self { wire, era, version, context, next: AtomicU64::new(1) })
    }

    /// The version that a server of the session era has chosen.
    pub fn agree(&mut self, version: ProtocolVersion) {
        self.wire.agree(self.era, version.as_str());
        self.version = version;
    }

    /// Asks the server. Whoever drops this no longer waits, and the server is told so.
    pub async fn ask(
        &self,
        method: &'static str,
        params: Map<String, Value>,
        headers: HeaderMap,
        listener: Option<Listener<'_>>,
    ) -> Result<Answer, Failure> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let (params, headers) = self.complete(method, params, headers, listener.is_some().then_some(id));
        let message = messages::request(id, method, params);
        // In the session era, the first request may not be cancelled.
        let waiting = Waiting { wire: (method != "initialize").then_some(&self.wire), id };
        let mut nobody = |_| ();
        let answer = self.wire.ask(id, &message, headers, listener.unwrap_or(&mut nobody)).await;
        waiting.end();
        answer
    }

    /// Adds what the era wants with each request.
    fn complete(
        &self,
        method: &'static str,
        mut params: Map<String, Value>,
        mut headers: HeaderMap,
        progress: Option<u64>,
    ) -> (Map<String, Value>, HeaderMap) {
        let mut meta = self.context.clone();
        if let Some(token) = progress {
            meta.insert("progressToken".to_owned(), json!(token));
        }
        if !meta.is_empty() {
            params.insert("_meta".to_owned(), Value::Object(meta));
        }
        if self.era == Era::Stateless {
            headers.insert("mcp-method", http::HeaderValue::from_static(method));
        }
        (params, headers)
    }

    pub async fn tell(&self, method: &str) -> Result<(), Failure> {
        self.wire.tell(&messages::notification(method, json!({}))).await
    }

    /// Whether there is no use in asking any more.
    pub fn has_ended(&self) -> bool {
        self.wire.has_ended()
    }

    /// Whether the server has said that its tools are others now, since this was last asked.
    pub fn take_change(&self) -> bool {
        self.wire.take_change()
    }

    pub async fn close(self) {
        self.wire.close().await;
    }
}

/// A request that is under way. Dropped before it is over, it is cancelled.
struct Waiting<'a> {
    wire: Option<&'a Wire>,
    id: u64,
}

impl Waiting<'_> {
    fn end(mut self) {
        self.wire = None;
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        if let Some(wire) = self.wire {
            wire.cancel(self.id);
        }
    }
}

/// The outcome, unless it takes too long.
pub async fn within<T>(
    limit: Duration,
    doing: &'static str,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    timeout(limit, work).await.unwrap_or(Err(Failure::TimedOut { doing, limit }))
}
