//! The stream of server-sent events, as the HTML standard parses it, with a bound on each event.

use std::collections::VecDeque;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::unreachable;
use crate::platform::mcp::Failure;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// Empty, unless it was named.
    pub name: String,
    pub data: Vec<u8>,
}

/// Reads events out of pieces of a stream.
#[derive(Debug, Default)]
pub struct Decoder {
    line: Vec<u8>,
    was_return: bool,
    is_started: bool,
    event: Event,
    ready: VecDeque<Event>,
    /// The id of the last event that had one.
    pub last_id: Option<String>,
    /// What the server wants to be waited for before it is asked again.
    pub retry: Option<Duration>,
}

impl Decoder {
    /// Takes a piece. It is refused if an event has more bytes than it may.
    pub fn take(&mut self, piece: &[u8], most_bytes: usize) -> Result<(), Failure> {
        for &byte in piece {
            let was_return = std::mem::replace(&mut self.was_return, byte == b'\r');
            match byte {
                b'\n' if was_return => {}
                b'\n' | b'\r' => self.end_line(),
                _ => self.line.push(byte),
            }
            if self.line.len() + self.event.data.len() > most_bytes {
                return Err(Failure::TooLarge { what: "one message", most_bytes });
            }
        }
        Ok(())
    }

    pub fn next(&mut self) -> Option<Event> {
        self.ready.pop_front()
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = match std::mem::replace(&mut self.is_started, true) {
            true => line.as_slice(),
            false => line.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&line),
        };
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            if !event.data.is_empty() {
                self.ready.push_back(event);
            }
            return;
        }
        let (name, value) = match line.iter().position(|byte| *byte == b':') {
            Some(at) => (&line[..at], &line[at + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        let text = || String::from_utf8_lossy(value).into_owned();
        match name {
            b"data" => {
                if !self.event.data.is_empty() {
                    self.event.data.push(b'\n');
                }
                self.event.data.extend_from_slice(value);
            }
            b"event" => self.event.name = text(),
            b"id" if !value.contains(&0) => self.last_id = Some(text()),
            b"retry" => self.retry = text().parse().ok().map(Duration::from_millis).or(self.retry),
            _ => {}
        }
    }
}

/// The events of an answer.
pub struct Events {
    body: Incoming,
    pub decoder: Decoder,
    most_bytes: usize,
}

impl Events {
    pub fn new(body: Incoming, most_bytes: usize) -> Self {
        Self { body, decoder: Decoder::default(), most_bytes }
    }

    /// The next event that is a message or names itself; nothing, at the end of the stream.
    pub async fn next(&mut self) -> Result<Option<Event>, Failure> {
        loop {
            if let Some(event) = self.decoder.next() {
                return Ok(Some(event));
            }
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Ok(piece) = frame.into_data() {
                        self.decoder.take(&piece, self.most_bytes)?;
                    }
                }
                Some(Err(error)) => return Err(unreachable(&error)),
                None => return Ok(None),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decode(pieces: &[&[u8]]) -> (Vec<(String, String)>, Decoder) {
        let (mut decoder, mut events) = (Decoder::default(), Vec::new());
        for piece in pieces {
            decoder.take(piece, 64).unwrap();
            while let Some(event) = decoder.next() {
                events.push((event.name, String::from_utf8(event.data).unwrap()));
            }
        }
        (events, decoder)
    }

    fn event(name: &str, data: &str) -> (String, String) {
        (name.to_owned(), data.to_owned())
    }

    #[test]
    fn events_are_read_whatever_the_pieces_and_the_ends_of_lines() {
        let text =
            b"\xef\xbb\xbf: hello\r\nid: 7\rretry: 20\nevent: message\r\ndata: {\"a\":\ndata:1}\n\nid\ndata: two\r\r\n";
        let expected = [event("message", "{\"a\":\n1}"), event("", "two")];
        let (events, decoder) = decode(&[text]);
        assert_eq!(events, expected);
        assert_eq!((decoder.last_id.as_deref(), decoder.retry), (Some(""), Some(Duration::from_millis(20))));
        let single: Vec<&[u8]> = text.chunks(1).collect();
        assert_eq!(decode(&single).0, expected);
    }

    #[test]
    fn an_event_that_does_not_end_is_refused() {
        let mut decoder = Decoder::default();
        let refused = Err(Failure::TooLarge { what: "one message", most_bytes: 64 });
        assert_eq!(decoder.take(&b"data: 0123456789\n".repeat(10), 64), refused);
        assert_eq!(Decoder::default().take(&[b'x'; 65], 64), refused);
    }
}
