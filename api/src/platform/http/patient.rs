//! The connection that hyper writes answers to. It is given up when its peer does not take them: until then an answer is
//! held in memory, and with it the place of its connection.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{Sleep, sleep};

/// What the peer must take of an answer within its time.
const PART_BYTES: usize = 64 * 1024;

/// Set once a connection is no longer hyper's: a WebSocket has a patience of its own, and says so to its peer.
pub type HandedOver = Arc<AtomicBool>;

pub struct Patient {
    connection: TokioIo<TcpStream>,
    patience: Duration,
    handed_over: HandedOver,
    /// Until when the next part must be taken; none while nothing waits.
    due: Option<Pin<Box<Sleep>>>,
    /// What was taken of it.
    taken: usize,
}

impl Patient {
    pub fn new(connection: TcpStream, patience: Duration, handed_over: HandedOver) -> Self {
        Self { connection: TokioIo::new(connection), patience, handed_over, due: None, taken: 0 }
    }

    pub fn into_inner(self) -> TcpStream {
        self.connection.into_inner()
    }

    /// Looks at what came of a write, and at the time when nothing did.
    fn watch(&mut self, context: &mut Context<'_>, written: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        match written {
            Poll::Ready(Ok(bytes)) => {
                self.taken += bytes;
                if self.taken >= PART_BYTES {
                    self.begin_part();
                }
                written
            }
            Poll::Pending if !self.handed_over.load(Ordering::Relaxed) => {
                let due = self.due.get_or_insert_with(|| Box::pin(sleep(self.patience)));
                due.as_mut().poll(context).map(|()| Err(io::ErrorKind::TimedOut.into()))
            }
            written => written,
        }
    }

    fn begin_part(&mut self) {
        (self.due, self.taken) = (None, 0);
    }
}

impl std::fmt::Debug for Patient {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Patient").field("patience", &self.patience).finish_non_exhaustive()
    }
}

impl Read for Patient {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_read(context, buffer)
    }
}

impl Write for Patient {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write(context, bytes);
        self.watch(context, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.connection).poll_write_vectored(context, slices);
        self.watch(context, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.connection.is_write_vectored()
    }

    /// Asked for once everything was written.
    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.begin_part();
        Pin::new(&mut self.connection).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.connection).poll_shutdown(context)
    }
}
