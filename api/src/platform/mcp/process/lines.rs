//! Lines of a stream, each no longer than it may be.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};

pub enum Line {
    Whole,
    TooLong,
    End,
}

pub struct Lines<R> {
    reader: BufReader<R>,
    most_bytes: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    pub fn new(reader: R, most_bytes: usize) -> Self {
        Self { reader: BufReader::with_capacity(64 * 1024, reader), most_bytes }
    }

    /// Reads the next line into `line`, without its end.
    pub async fn read(&mut self, line: &mut Vec<u8>) -> io::Result<Line> {
        line.clear();
        loop {
            let read = self.reader.fill_buf().await?;
            if read.is_empty() {
                return Ok(if line.is_empty() { Line::End } else { Line::Whole });
            }
            let end = read.iter().position(|byte| *byte == b'\n');
            let part = &read[..end.unwrap_or(read.len())];
            if line.len() + part.len() > self.most_bytes {
                return Ok(Line::TooLong);
            }
            line.extend_from_slice(part);
            let used = part.len() + usize::from(end.is_some());
            self.reader.consume(used);
            if end.is_some() {
                return Ok(Line::Whole);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn lines(text: &[u8], most_bytes: usize) -> Vec<String> {
        let (mut lines, mut line, mut found) = (Lines::new(text, most_bytes), Vec::new(), Vec::new());
        loop {
            match lines.read(&mut line).await.unwrap() {
                Line::Whole => found.push(String::from_utf8_lossy(&line).into_owned()),
                Line::TooLong => return [found, vec!["too long".to_owned()]].concat(),
                Line::End => return found,
            }
        }
    }

    #[tokio::test]
    async fn lines_are_whole_and_bounded() {
        assert_eq!(lines(b"one\n\ntwo\nlast", 4).await, ["one", "", "two", "last"]);
        assert_eq!(lines(b"12345\n", 5).await, ["12345"]);
        assert_eq!(lines(b"ok\n123456\nok\n", 5).await, ["ok", "too long"]);
        assert!(lines(b"", 5).await.is_empty());
    }
}
