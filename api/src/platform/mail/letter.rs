//! What a letter says, and how it looks as plain text and as HTML. Nothing in it can become a header or markup.

use chrono::{DateTime, Utc};
use lettre::message::header::ContentType;
use lettre::message::{Mailbox, MultiPart, SinglePart};
use lettre::{Address, Message};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::platform::errors::{Error, Result};

/// A letter to one address.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Letter {
    to: String,
    subject: String,
    parts: Vec<Part>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
enum Part {
    Paragraph(String),
    Link { label: String, url: String },
}

impl Letter {
    pub fn new(to: impl Into<String>, subject: impl Into<String>) -> Self {
        Self { to: to.into(), subject: subject.into(), parts: Vec::new() }
    }

    #[must_use]
    pub fn paragraph(mut self, text: impl Into<String>) -> Self {
        self.parts.push(Part::Paragraph(text.into()));
        self
    }

    /// Something to follow. In plain text the address stands alone on its line.
    #[must_use]
    pub fn link(mut self, label: impl Into<String>, url: impl Into<String>) -> Self {
        self.parts.push(Part::Link { label: label.into(), url: url.into() });
        self
    }

    /// The message as it travels. The id of the letter is the id of the message, so that one which was sent twice
    /// after a crash can be told from two.
    pub(super) fn message(&self, id: Uuid, from: &Mailbox, now: DateTime<Utc>) -> Result<Message> {
        let to: Address = self.to.parse().map_err(Error::internal)?;
        Message::builder()
            .message_id(Some(format!("<{id}@{}>", from.email.domain())))
            .date(now.into())
            .from(from.clone())
            .to(Mailbox::new(None, to))
            .subject(one_line(&self.subject))
            // Nobody's holiday notice shall answer.
            .header(AutoSubmitted)
            .multipart(
                MultiPart::alternative()
                    .singlepart(SinglePart::builder().header(ContentType::TEXT_PLAIN).body(self.text()))
                    .singlepart(SinglePart::builder().header(ContentType::TEXT_HTML).body(self.html())),
            )
            .map_err(Error::internal)
    }

    pub(super) fn text(&self) -> String {
        let parts = self.parts.iter().map(|part| match part {
            Part::Paragraph(text) => format!("{text}\n"),
            Part::Link { label, url } => format!("{label}:\n{url}\n"),
        });
        parts.collect::<Vec<_>>().join("\n")
    }

    fn html(&self) -> String {
        let parts: String = self
            .parts
            .iter()
            .map(|part| match part {
                Part::Paragraph(text) => format!("<p>{}</p>\n", escaped(text)),
                Part::Link { label, url } => format!("<p><a href=\"{}\">{}</a></p>\n", escaped(url), escaped(label)),
            })
            .collect();
        let subject = escaped(&self.subject);
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>{subject}</title></head>\n\
             <body style=\"font-family: sans-serif; line-height: 1.5; max-width: 36em\">\n{parts}</body>\n</html>\n"
        )
    }
}

/// Characters of a name that a letter tells: enough for a name, and not for a letter of its own.
const NAME: usize = 60;
/// The same of what somebody gives as a reason.
const REASON: usize = 500;

/// A name without whatever a mail program could take for an address or a link.
#[must_use]
pub fn words(name: &str) -> String {
    plain(name, NAME)
}

/// A reason that somebody gives, in the same way.
#[must_use]
pub fn reason(text: &str) -> String {
    plain(text, REASON)
}

fn plain(text: &str, most: usize) -> String {
    let kept =
        |character: char| if character.is_alphanumeric() || "-'&,()".contains(character) { character } else { ' ' };
    let spaced: String = text.chars().map(kept).collect();
    let words = spaced.split_whitespace().collect::<Vec<_>>().join(" ");
    match words.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", words[..end].trim_end()),
        None => words,
    }
}

/// A header is one line, whatever a name in it holds.
fn one_line(text: &str) -> String {
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).collect()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

/// RFC 3834: this was written by a machine.
#[derive(Clone, Copy)]
struct AutoSubmitted;

impl lettre::message::header::Header for AutoSubmitted {
    fn name() -> lettre::message::header::HeaderName {
        lettre::message::header::HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> std::result::Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> lettre::message::header::HeaderValue {
        lettre::message::header::HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn travelling(letter: &Letter) -> String {
        let from = "Trellis <trellis@example.org>".parse().expect("an address");
        let message = letter.message(Uuid::nil(), &from, DateTime::UNIX_EPOCH).expect("a message");
        String::from_utf8(message.formatted()).expect("text")
    }

    #[test]
    fn nothing_in_a_subject_becomes_a_header() {
        for hostile in ["a\r\nBcc: eve@example.org", "a\nBcc: eve@example.org", "a\rBcc: x", "a\0b", "ü\r\nBcc: x"] {
            let letter = Letter::new("mia@example.org", hostile).paragraph("Hello.");
            let text = travelling(&letter);
            let head = text.split("\r\n\r\n").next().expect("headers");
            let starts_header = |line: &str| line.to_ascii_lowercase().starts_with("bcc");
            assert!(!head.split(['\r', '\n']).any(starts_header), "{head}");
        }
    }

    #[test]
    fn an_address_that_holds_a_header_is_no_address() {
        for hostile in ["mia@example.org\r\nBcc: eve@example.org", "mia@example.org, eve@example.org", "mia", ""] {
            let from = "trellis@example.org".parse().expect("an address");
            assert!(Letter::new(hostile, "Hello").message(Uuid::nil(), &from, DateTime::UNIX_EPOCH).is_err());
        }
    }

    #[test]
    fn nothing_in_a_text_becomes_markup() {
        let letter = Letter::new("mia@example.org", "</title><script>")
            .paragraph("<img src=x onerror=alert(1)> & \"co\"")
            .link("<b>Open</b>", "https://example.org/?a=1&b='2'\"><script>");
        let html = letter.html();
        assert!(!html.contains("<script") && !html.contains("<img") && !html.contains("<b>"), "{html}");
        assert!(html.contains("href=\"https://example.org/?a=1&amp;b=&#39;2&#39;&quot;&gt;&lt;script&gt;\""), "{html}");
    }
}
