//! An answer as a stream of events: progress as it comes, then the result. It ends when the reader goes, and with it what
//! was under way.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderValue, header};
use axum::response::Response;
use bytes::Bytes;
use futures_util::Stream;
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::{Interval, MissedTickBehavior, interval};

use crate::platform::mcp::Progress;

/// Progress that waits for its reader at most; what comes beyond is left out.
const MOST_WAITING: usize = 64;
/// A comment after so long keeps proxies from closing an idle connection.
const KEEP_ALIVE: Duration = Duration::from_secs(12);

/// Tells how far a call has come, to whoever gave this token.
#[derive(Debug)]
pub struct Progressing {
    token: Value,
    last: f64,
    sender: mpsc::Sender<Bytes>,
}

impl Progressing {
    /// Progress only ever grows; what does not is left out.
    pub fn tell(&mut self, progress: Progress) {
        let Progress { done, total, message } = progress;
        if done.partial_cmp(&self.last) != Some(std::cmp::Ordering::Greater) {
            return;
        }
        self.last = done;
        let mut params = json!({ "progressToken": self.token, "progress": done });
        if let Some(total) = total {
            params["total"] = json!(total);
        }
        if let Some(message) = message {
            params["message"] = message.into();
        }
        let notification = json!({ "jsonrpc": "2.0", "method": "notifications/progress", "params": params });
        // A reader that is slow hears of later progress instead.
        drop(self.sender.try_send(event(notification.to_string().as_bytes())));
    }
}

fn event(message: &[u8]) -> Bytes {
    [b"event: message\ndata: ".as_slice(), message, b"\n\n"].concat().into()
}

/// The answer of a call that tells of its progress: `call` gives the body of the last message.
pub fn stream<F>(token: Value, call: impl FnOnce(Progressing) -> F) -> Response
where
    F: Future<Output = Bytes> + Send + 'static,
{
    let (sender, progress) = mpsc::channel(MOST_WAITING);
    let call = call(Progressing { token, last: f64::NEG_INFINITY, sender });
    let mut keep_alive = interval(KEEP_ALIVE);
    keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let events = Events { call: Some(Box::pin(call)), progress, result: None, keep_alive };
    let mut response = Response::new(Body::from_stream(events));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

struct Events {
    call: Option<Pin<Box<dyn Future<Output = Bytes> + Send>>>,
    progress: mpsc::Receiver<Bytes>,
    result: Option<Bytes>,
    keep_alive: Interval,
}

impl Stream for Events {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        if let Some(call) = &mut this.call
            && let Poll::Ready(result) = call.as_mut().poll(context)
        {
            this.result = Some(event(&result));
            this.call = None;
        }
        // What was told before the result goes out before it.
        if let Poll::Ready(Some(told)) = this.progress.poll_recv(context) {
            return Poll::Ready(Some(Ok(told)));
        }
        if this.call.is_none() {
            return Poll::Ready(this.result.take().map(Ok));
        }
        match this.keep_alive.poll_tick(context) {
            Poll::Ready(_) => Poll::Ready(Some(Ok(Bytes::from_static(b":\n\n")))),
            Poll::Pending => Poll::Pending,
        }
    }
}
