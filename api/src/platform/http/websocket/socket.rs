//! Messages over the upgraded connection. Long messages leave as fragments of 16 KiB, each flushed before the next,
//! so the buffer for writing stays that small, and a slow peer can be told from a dead one.

use std::future::poll_fn;
use std::io::{self, Read, Write};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;
use tungstenite::error::{CapacityError, Error, ProtocolError};
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Message, Utf8Bytes};

use super::protocol::Close;

const FRAGMENT_BYTES: usize = 16 * 1024;
const READ_BYTES: usize = 2 * 1024;
/// What a stranger may send: room for a token.
const STRANGER_BYTES: usize = 16 * 1024;
/// How long the peer may take to hang up once it was told why.
const FAREWELL: Duration = Duration::from_secs(3);
/// How much is read, and thrown away, meanwhile.
const FAREWELL_BYTES: usize = 256 * 1024;

/// One end of a WebSocket. All of its polls belong to one task.
pub struct Socket {
    io: TokioIo<Upgraded>,
    frames: WebSocketContext,
    sending: Option<Sending>,
    ping_wanted: bool,
    /// Whether there may be bytes in the buffer that the connection did not take yet.
    unflushed: bool,
}

/// A message of which a part was sent.
struct Sending {
    rest: Bytes,
    begun: bool,
}

/// What came from the peer.
#[derive(Debug)]
pub enum Received {
    Text(Utf8Bytes),
    /// A ping or a pong of the transport: it lives.
    LifeSign,
    /// Something that a socket of this protocol must not carry.
    Refused(Close),
    /// The peer closed or lost the connection.
    Gone,
}

impl Socket {
    pub fn new(upgraded: Upgraded) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BYTES)
            .write_buffer_size(0)
            .max_write_buffer_size(2 * FRAGMENT_BYTES)
            .max_message_size(Some(STRANGER_BYTES))
            .max_frame_size(Some(STRANGER_BYTES));
        let frames = WebSocketContext::new(Role::Server, Some(config));
        Self { io: TokioIo::new(upgraded), frames, sending: None, ping_wanted: false, unflushed: false }
    }

    /// Lets the peer send longer messages, once it is known.
    pub fn accept_messages_of(&mut self, bytes: usize) {
        self.frames.set_config(|config| {
            config.max_message_size = Some(bytes);
            config.max_frame_size = Some(bytes);
        });
    }

    /// The next thing from the peer. The answer to a ping leaves with the next `poll_sent`.
    pub fn poll_receive(&mut self, context: &mut Context<'_>) -> Poll<Received> {
        let most = self.frames.get_config().max_message_size.unwrap_or(usize::MAX);
        let received = match self.frames.read(&mut Bridge { io: &mut self.io, context }) {
            Ok(Message::Text(text)) => Received::Text(text),
            Ok(Message::Ping(_)) => {
                self.unflushed = true;
                Received::LifeSign
            }
            Ok(Message::Pong(_)) => Received::LifeSign,
            Ok(Message::Binary(_)) => Received::Refused(Close::malformed("Invalid message: binary")),
            Ok(Message::Close(_) | Message::Frame(_)) => Received::Gone,
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
            Err(Error::Capacity(CapacityError::MessageTooLong { .. })) => Received::Refused(Close::too_big(most)),
            Err(Error::Utf8(_)) => Received::Refused(Close::not_utf8()),
            Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)) => Received::Gone,
            Err(Error::Protocol(error)) => Received::Refused(Close::broken_frames(error)),
            Err(_) => Received::Gone,
        };
        Poll::Ready(received)
    }

    /// Begins to send a text message. Only when `poll_sent` was ready: there is one at a time.
    pub fn send(&mut self, text: Vec<u8>) {
        debug_assert!(self.sending.is_none(), "Invariant: one message is sent at a time");
        self.sending = Some(Sending { rest: text.into(), begun: false });
    }

    /// Asks the peer for a sign of life.
    pub fn ping(&mut self) {
        self.ping_wanted = true;
    }

    /// Writes what waits. Ready once the connection has taken all of it; `progressed` when it took a frame of it.
    pub fn poll_sent(&mut self, context: &mut Context<'_>, progressed: &mut bool) -> Poll<io::Result<()>> {
        loop {
            ready!(self.poll_flush(context))?;
            let Some(frame) = self.next_frame() else {
                return Poll::Ready(Ok(()));
            };
            *progressed = true;
            self.write(context, frame)?;
        }
    }

    fn next_frame(&mut self) -> Option<Message> {
        if std::mem::take(&mut self.ping_wanted) {
            return Some(Message::Ping(Bytes::new()));
        }
        let sending = self.sending.as_mut()?;
        let opcode = if sending.begun { Data::Continue } else { Data::Text };
        let fragment = sending.rest.split_to(sending.rest.len().min(FRAGMENT_BYTES));
        sending.begun = true;
        let last = sending.rest.is_empty();
        if last {
            self.sending = None;
        }
        Some(Message::Frame(Frame::message(fragment, OpCode::Data(opcode), last)))
    }

    /// Puts a frame into the buffer, and as much of it as goes into the connection.
    fn write(&mut self, context: &mut Context<'_>, message: Message) -> io::Result<()> {
        self.unflushed = true;
        match self.frames.write(&mut Bridge { io: &mut self.io, context }, message) {
            Ok(()) => Ok(()),
            Err(error) => blocked_or_lost(error),
        }
    }

    fn poll_flush(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.unflushed {
            match self.frames.flush(&mut Bridge { io: &mut self.io, context }) {
                Ok(()) => self.unflushed = false,
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => return Poll::Pending,
                Err(error) => return Poll::Ready(Err(io::Error::other(error))),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Says why, and waits a little for the peer to hang up first, so that it gets to read it.
    pub async fn close(mut self, close: Close) {
        tracing::debug!(code = close.code, reason = %close.reason, "closing a socket");
        let frame = Message::Close(Some(close.frame()));
        let farewell = async {
            poll_fn(|context| Poll::Ready(self.write(context, frame.clone()))).await?;
            self.hang_up().await
        };
        // An error or a timeout ends the connection all the same.
        let _ = timeout(FAREWELL, farewell).await;
    }

    /// Sends the answer to the peer's own close, which waits in the buffer.
    pub async fn close_back(mut self) {
        self.unflushed = true;
        let _ = timeout(FAREWELL, self.hang_up()).await;
    }

    /// Ends the connection from this side and reads until the other side does: unread bytes would reset it,
    /// and what was said last would be lost.
    async fn hang_up(&mut self) -> io::Result<()> {
        poll_fn(|context| self.poll_flush(context)).await?;
        self.io.shutdown().await?;
        let mut thrown_away = 0;
        let mut bytes = [0; 512];
        while thrown_away < FAREWELL_BYTES {
            match self.io.read(&mut bytes).await? {
                0 => break,
                read => thrown_away += read,
            }
        }
        Ok(())
    }
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Socket").field("unflushed", &self.unflushed).finish_non_exhaustive()
    }
}

/// A frame that could not be written whole is in the buffer; anything else is the end.
fn blocked_or_lost(error: Error) -> io::Result<()> {
    match error {
        Error::Io(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
        error => Err(io::Error::other(error)),
    }
}

/// Lends the connection to the frame codec, which knows no tasks: pending becomes `WouldBlock`, with the task woken later.
struct Bridge<'socket, 'task, 'waker> {
    io: &'socket mut TokioIo<Upgraded>,
    context: &'task mut Context<'waker>,
}

fn or_would_block<T>(poll: Poll<io::Result<T>>) -> io::Result<T> {
    match poll {
        Poll::Ready(result) => result,
        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
    }
}

impl Read for Bridge<'_, '_, '_> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut buffer = ReadBuf::new(bytes);
        or_would_block(Pin::new(&mut *self.io).poll_read(self.context, &mut buffer))?;
        Ok(buffer.filled().len())
    }
}

impl Write for Bridge<'_, '_, '_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        or_would_block(Pin::new(&mut *self.io).poll_write(self.context, bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        or_would_block(Pin::new(&mut *self.io).poll_flush(self.context))
    }
}
