//! Cursors: opaque text for a place in the feed, or for an event of a write whose place is not known yet.
//! Both are counters of the whole server, from which anybody could read how much others write, so a client sees one
//! encrypted block of AES: the same place is always the same text, and what this server did not write is not taken.

use std::fmt;

use aes::Aes128;
use aes::cipher::{Block, BlockCipherDecrypt, BlockCipherEncrypt, KeyInit};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use crate::platform::errors::{Error, Result};
use crate::platform::outbox::EventNumber;

/// A place in the feed. Positions grow in commit order; they may skip numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub i64);

/// What a cursor's text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cursor {
    Position(Position),
    Event(EventNumber),
}

impl From<Position> for Cursor {
    fn from(position: Position) -> Self {
        Self::Position(position)
    }
}

impl From<EventNumber> for Cursor {
    fn from(number: EventNumber) -> Self {
        Self::Event(number)
    }
}

/// The key of a server's cursors. Servers of one cluster share the secret it comes from, and so their cursors.
#[derive(Clone)]
pub struct CursorKey(Aes128);

impl fmt::Debug for CursorKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("CursorKey")
    }
}

/// A block: which kind, seven zeros by which a forgery is known, and the number.
const ZEROS: [u8; 7] = [0; 7];
const POSITION: u8 = b'p';
const EVENT: u8 = b'e';

impl CursorKey {
    pub fn new(secret: &str) -> Self {
        let digest = Sha256::new().chain_update("trellis cursors\0").chain_update(secret).finalize();
        let (key, _) = digest.split_at(16);
        Self(Aes128::new_from_slice(key).expect("Invariant: a key of AES-128 has 16 bytes"))
    }

    /// The text that a client gives back as `after`.
    pub(super) fn seal(&self, cursor: Cursor) -> String {
        let (kind, number) = match cursor {
            Cursor::Position(Position(number)) => (POSITION, number),
            Cursor::Event(EventNumber(number)) => (EVENT, number),
        };
        let mut block = Block::<Aes128>::default();
        block[0] = kind;
        block[8..].copy_from_slice(&number.to_be_bytes());
        self.0.encrypt_block(&mut block);
        URL_SAFE_NO_PAD.encode(block)
    }

    pub(super) fn open(&self, text: &str) -> Result<Cursor> {
        self.decrypt(text).ok_or_else(|| Error::bad_input("after", "This is not a cursor of this feed."))
    }

    fn decrypt(&self, text: &str) -> Option<Cursor> {
        let sealed: [u8; 16] = URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok()?;
        let mut block = Block::<Aes128>::from(sealed);
        self.0.decrypt_block(&mut block);
        let (head, number) = block.split_at(8);
        let number = i64::from_be_bytes(number.try_into().ok()?);
        if head[1..] != ZEROS || number < 0 {
            return None;
        }
        match head[0] {
            POSITION => Some(Cursor::Position(Position(number))),
            EVENT => Some(Cursor::Event(EventNumber(number))),
            _ => None,
        }
    }
}
