//! A fragment of a message (RFC 6455, section 5.4) on its way out: its header and its bytes, as they are.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Data, OpCode};

const MOST_BYTES: usize = 64 * 1024;

/// What is left to write of it; nothing by default.
#[derive(Debug, Default)]
pub struct Fragment {
    header: Bytes,
    payload: Bytes,
}

impl Fragment {
    /// Takes the next fragment off the front of a message. The last one leaves the message empty.
    pub fn next_of(message: &mut Bytes, kind: Data) -> Self {
        let payload = message.split_to(message.len().min(MOST_BYTES));
        let header = FrameHeader { is_final: message.is_empty(), opcode: OpCode::Data(kind), ..FrameHeader::default() };
        let length = payload.len() as u64;
        let mut written = Vec::with_capacity(header.len(length));
        header.format(length, &mut written).expect("Invariant: a vector takes every write");
        Self { header: written.into(), payload }
    }

    /// Ready once all of it is written.
    pub fn poll_write(&mut self, mut io: Pin<&mut impl AsyncWrite>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.header.has_remaining() || self.payload.has_remaining() {
            let slices = [IoSlice::new(&self.header), IoSlice::new(&self.payload)];
            let written = ready!(io.as_mut().poll_write_vectored(context, &slices))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_header = written.min(self.header.len());
            self.header.advance(of_header);
            self.payload.advance(written - of_header);
        }
        Poll::Ready(Ok(()))
    }
}
