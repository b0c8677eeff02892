//! The connection of an event stream, once its head is decided: written here and no longer by hyper, which would hold
//! two buffers of 8 KiB for it, and a task beside this one, for as long as it is open. The connection ends with it.

use std::future::{self, poll_fn};
use std::io;
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_graphql::ServerError;
use axum::body::{Body, Bytes};
use axum::http::{Response, Version, header};
use chrono::{DateTime, Utc};
use futures_util::StreamExt;
use futures_util::future::BoxFuture;
use futures_util::stream;
use serde_json::json;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep_until, timeout};

use super::answers::{Answer, Answers, json as to_json};
use super::connections::Place;
use super::engine::failed;
use crate::platform::errors::Error;

const KEEP_ALIVE: Duration = Duration::from_secs(12);
/// A comment: it keeps proxies from closing an idle connection, and shows whether the reader is still there.
const COMMENT: &[u8] = b":\n\n";
const COMPLETE: &[u8] = b"event: complete\ndata: \n\n";
/// What the reader must take of an event within its time.
const PIECE_BYTES: usize = 64 * 1024;
/// What is read, and thrown away, of a peer that says more than its request.
const UNASKED_BYTES: usize = 64 * 1024;
/// How long the peer may take to hang up once it has everything.
const FAREWELL: Duration = Duration::from_secs(3);

/// What ends a subscription before its time. Queries and mutations end by themselves.
#[derive(Default)]
pub struct EndsEarly {
    pub leaving: Option<BoxFuture<'static, ()>>,
    pub session_ends: Option<BoxFuture<'static, ()>>,
    pub token_ends: Option<Instant>,
}

/// The events of one operation.
pub struct EventStream {
    pub answers: Answers,
    pub ends: EndsEarly,
    pub patience: Duration,
    /// Its place among what stays open.
    pub place: Place,
}

/// An event stream on its way, as an extension of its response, from the handler to the connection.
#[derive(Clone)]
pub struct Underway(Arc<Mutex<Option<EventStream>>>);

impl Underway {
    /// A response whose body is the stream. Only the connection can send it.
    pub fn response(stream: EventStream) -> Response<Body> {
        let mut response = Response::new(Body::from_stream(stream::pending::<io::Result<Bytes>>()));
        response.extensions_mut().insert(Self(Arc::new(Mutex::new(Some(stream)))));
        response
    }

    /// The stream that the response stands for, if it does.
    pub fn of(response: &mut Response<Body>) -> Option<EventStream> {
        let Self(stream) = response.extensions_mut().remove::<Self>()?;
        stream.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// How a response begins, in bytes, and whether its body is sent in chunks, which HTTP/1.0 does not know.
#[derive(Debug)]
pub struct Head {
    bytes: Vec<u8>,
    chunked: bool,
}

impl Head {
    pub fn new<B>(response: &Response<B>, version: Version, now: DateTime<Utc>) -> Self {
        let chunked = version >= Version::HTTP_11;
        let mut bytes = format!("HTTP/1.1 {}\r\n", response.status()).into_bytes();
        let mut line = |name: &str, value: &[u8]| bytes.extend([name.as_bytes(), b": ", value, b"\r\n"].concat());
        for (name, value) in response.headers() {
            line(name.as_str(), value.as_bytes());
        }
        line(header::DATE.as_str(), now.format("%a, %d %b %Y %H:%M:%S GMT").to_string().as_bytes());
        line(header::CONNECTION.as_str(), b"close");
        if chunked {
            line(header::TRANSFER_ENCODING.as_str(), b"chunked");
        }
        bytes.extend(b"\r\n");
        Self { bytes, chunked }
    }
}

impl EventStream {
    /// Writes the answers until the last, or until nobody reads. Nothing runs on while the reader is slow, and nothing is
    /// held open for it but what the operation itself holds between two answers.
    pub async fn serve(self, connection: TcpStream, head: Head) {
        let Self { answers, ends, patience, place } = self;
        let mut reader = Reader { connection, chunked: head.chunked, patience };
        // An error means that the reader is gone or too slow: what it has was cut, which it sees.
        let _ = reader.tell(head.bytes, answers, ends).await;
        drop(place);
    }
}

/// Whoever reads the events.
struct Reader {
    connection: TcpStream,
    chunked: bool,
    patience: Duration,
}

impl Reader {
    async fn tell(&mut self, head: Vec<u8>, mut answers: Answers, ends: EndsEarly) -> io::Result<()> {
        // The first comment at once: some browsers show nothing of a response before its first bytes.
        let begin = [head, self.frame(&[COMMENT])].concat();
        self.write(&begin).await?;
        let mut leaving = ends.leaving.unwrap_or_else(|| Box::pin(future::pending()));
        let mut session_ends = ends.session_ends.unwrap_or_else(|| Box::pin(future::pending()));
        let token_ends = async {
            match ends.token_ends {
                Some(token_ends) => sleep_until(token_ends).await,
                None => future::pending().await,
            }
        };
        let mut token_ends = pin!(token_ends);
        let mut keep_alive = interval_at(Instant::now() + KEEP_ALIVE, KEEP_ALIVE);
        keep_alive.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let answer = tokio::select! {
                () = hung_up(&self.connection) => return Ok(()),
                () = &mut leaving => return Ok(()),
                () = &mut token_ends => Some(Answer::SessionOver),
                () = &mut session_ends => Some(Answer::SessionOver),
                answer = answers.next() => answer,
                _ = keep_alive.tick() => {
                    self.write(&self.frame(&[COMMENT])).await?;
                    continue;
                }
            };
            let last = match answer {
                Some(Answer::Result(result)) => {
                    // JSON as serde_json writes it has no line breaks, so it is one line of data.
                    self.write(&self.frame(&[b"event: next\ndata: ", &result, b"\n\n"])).await?;
                    continue;
                }
                Some(Answer::Refused(errors)) => self.refusal(&errors),
                Some(Answer::SessionOver) => self.refusal(&failed(Error::Unauthenticated).errors),
                None => self.frame(&[COMPLETE]),
            };
            drop(answers);
            return self.finish(last).await;
        }
    }

    fn refusal(&self, errors: &[ServerError]) -> Vec<u8> {
        let refusal = to_json(&json!({ "errors": errors }));
        self.frame(&[b"event: next\ndata: ", &refusal, b"\n\n", COMPLETE])
    }

    /// The parts as the body carries them.
    fn frame(&self, parts: &[&[u8]]) -> Vec<u8> {
        if !self.chunked {
            return parts.concat();
        }
        let length: usize = parts.iter().map(|part| part.len()).sum();
        let size = format!("{length:x}\r\n");
        let mut frame = Vec::with_capacity(size.len() + length + 2);
        for part in [&[size.as_bytes()], parts, &[b"\r\n"]].concat() {
            frame.extend_from_slice(part);
        }
        frame
    }

    async fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        for piece in bytes.chunks(PIECE_BYTES) {
            timeout(self.patience, self.connection.write_all(piece)).await??;
        }
        Ok(())
    }

    /// Writes what comes last, and waits a little for the peer to hang up first, so that it gets to read it.
    async fn finish(&mut self, mut last: Vec<u8>) -> io::Result<()> {
        if self.chunked {
            last.extend(b"0\r\n\r\n");
        }
        self.write(&last).await?;
        self.connection.shutdown().await?;
        Ok(timeout(FAREWELL, hung_up(&self.connection)).await?)
    }
}

/// Resolves once the peer is gone, or says more than is read of it.
async fn hung_up(connection: &TcpStream) {
    let mut unasked = 0;
    let mut bytes = [0; 64];
    // Polled, which takes the place of the waker that hyper left there: that would keep the memory of its task.
    while unasked < UNASKED_BYTES && poll_fn(|context| connection.poll_read_ready(context)).await.is_ok() {
        match connection.try_read(&mut bytes) {
            Ok(1..) => unasked += bytes.len(),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Ok(0) | Err(_) => return,
        }
    }
}

impl std::fmt::Debug for EventStream {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("EventStream").field("patience", &self.patience).finish_non_exhaustive()
    }
}
