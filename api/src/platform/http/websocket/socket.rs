//! Messages over the upgraded connection. What is sent goes out without a copy and in fragments, so that a socket that
//! sent much keeps no large buffer, and one that is too slow can still be told so, between two fragments.
//! Reading, and the frames of the transport itself (ping, pong, close), are the codec's.

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
use tungstenite::protocol::frame::coding::Data;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Message, Utf8Bytes};

use super::fragment::Fragment;
use super::protocol::Close;

/// The codec writes pings, pongs and closes only, at most 125 bytes each.
const CONTROL_BYTES: usize = 1024;
const READ_BYTES: usize = 1024;
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
    /// The message of which a part was sent, and the fragment of it that is under way.
    message: Option<Bytes>,
    fragment: Fragment,
    ping_wanted: bool,
    /// The text that was heard last. While it is held the codec cannot reclaim its buffer, and starts a small one.
    heard: Option<Utf8Bytes>,
    /// Whether the codec may hold bytes that the connection did not take yet.
    unflushed: bool,
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
            .max_write_buffer_size(CONTROL_BYTES)
            .max_message_size(Some(STRANGER_BYTES))
            .max_frame_size(Some(STRANGER_BYTES));
        let frames = WebSocketContext::new(Role::Server, Some(config));
        Self {
            io: TokioIo::new(upgraded),
            frames,
            message: None,
            fragment: Fragment::default(),
            ping_wanted: false,
            heard: None,
            unflushed: false,
        }
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
        let read = self.frames.read(&mut Bridge { io: &mut self.io, context });
        self.heard = None;
        let received = match read {
            Ok(Message::Text(text)) => {
                self.heard = Some(text.clone());
                Received::Text(text)
            }
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
        debug_assert!(self.message.is_none(), "Invariant: one message is sent at a time");
        let mut rest = Bytes::from(text);
        self.fragment = Fragment::next_of(&mut rest, Data::Text);
        self.message = Some(rest);
    }

    /// Asks the peer for a sign of life.
    pub fn ping(&mut self) {
        self.ping_wanted = true;
    }

    /// Writes what waits. Ready once the connection has taken all of it; `progressed` when it took a fragment.
    pub fn poll_sent(&mut self, context: &mut Context<'_>, progressed: &mut bool) -> Poll<io::Result<()>> {
        loop {
            // A fragment that was begun comes first: nothing may stand within it.
            ready!(self.fragment.poll_write(Pin::new(&mut self.io), context))?;
            ready!(self.poll_flush(context))?;
            if std::mem::take(&mut self.ping_wanted) {
                self.write(context, Message::Ping(Bytes::new()))?;
                continue;
            }
            match &mut self.message {
                None => return Poll::Ready(Ok(())),
                Some(rest) if rest.is_empty() => self.message = None,
                Some(rest) => self.fragment = Fragment::next_of(rest, Data::Continue),
            }
            *progressed = true;
        }
    }

    /// Puts a frame of the transport into the codec's buffer, and as much of it as goes into the connection.
    fn write(&mut self, context: &mut Context<'_>, message: Message) -> io::Result<()> {
        self.unflushed = true;
        match self.frames.write(&mut Bridge { io: &mut self.io, context }, message) {
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
            result => result.map_err(io::Error::other),
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
            poll_fn(|context| self.fragment.poll_write(Pin::new(&mut self.io), context)).await?;
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
