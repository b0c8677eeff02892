//! Cursors: opaque text for a place in the feed, or for an event of a write whose place is not known yet.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::platform::errors::{Error, Result};
use crate::platform::outbox::EventNumber;

/// A place in the feed. Positions grow in commit order; they may skip numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub i64);

impl Position {
    /// The text that a client gives back as `after`.
    pub fn encode(self) -> String {
        encode('p', self.0)
    }
}

impl EventNumber {
    /// The text that a client gives back as `after`, to follow what came after its write.
    pub fn encode(self) -> String {
        encode('e', self.0)
    }
}

/// What a cursor's text stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cursor {
    Position(Position),
    Event(EventNumber),
}

impl Cursor {
    pub(super) fn decode(text: &str) -> Result<Self> {
        Self::parse(text).ok_or_else(|| Error::bad_input("after", "This is not a cursor of this feed."))
    }

    fn parse(text: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(text).ok()?;
        let plain = std::str::from_utf8(&bytes).ok()?;
        let number: i64 = plain.get(1..)?.parse().ok()?;
        let cursor = match plain.as_bytes().first()? {
            b'p' => Self::Position(Position(number)),
            b'e' => Self::Event(EventNumber(number)),
            _ => return None,
        };
        // One place has one spelling: signs and leading zeros are nonsense.
        (number >= 0 && cursor.encode() == text).then_some(cursor)
    }

    fn encode(self) -> String {
        match self {
            Self::Position(position) => position.encode(),
            Self::Event(number) => number.encode(),
        }
    }
}

fn encode(kind: char, number: i64) -> String {
    URL_SAFE_NO_PAD.encode(format!("{kind}{number}"))
}
