//! Hard rules over what a model reads: hidden signs, payloads, orders, and the tools of other servers.

use std::sync::LazyLock;

use regex::Regex;

use super::{Finding, Rule, Subject, finding, for_each_text, patterns::fixed};

/// Whether a sign is not seen and still read: zero-width, direction, tag and filler characters.
#[must_use]
pub fn is_hidden(sign: char) -> bool {
    matches!(sign,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

pub(super) fn hidden_unicode(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for_each_text(subject, |place, text| {
        let mut previous = ' ';
        for (at, sign) in text.char_indices() {
            // A joiner between pictures makes one picture of them.
            let joins_pictures = sign == '\u{200d}' && previous >= '\u{2190}';
            let is_control = sign.is_control() && !matches!(sign, '\n' | '\r' | '\t');
            if (is_hidden(sign) && !joins_pictures) || is_control {
                let start = text[..at].char_indices().rev().nth(20).map_or(0, |(start, _)| start);
                findings.push(finding(Rule::HiddenUnicode, place, &text[start..]));
                return;
            }
            previous = sign;
        }
    });
}

static SHELL: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"(?i)\b(?:curl|wget)\b[^\n|]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|/dev/(?:tcp|udp)/|\brm\s+-(?:rf|fr)\b",
        r"|\b(?:ba|z|da)?sh\s+-i?c\b|\bnc\s+-e\b|\bpowershell(?:\.exe)?\s+-(?:e|enc|c)|\bos\.system\(|\bchild_process\b",
    ))
});
static IN_THE_OPEN: LazyLock<Regex> = LazyLock::new(|| {
    fixed(r"(?i)\b(?:curl|wget)\b[^\n|]{0,200}\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|/dev/(?:tcp|udp)/[^/\s]+/\d")
});
static BASE64: LazyLock<Regex> = LazyLock::new(|| fixed(r"[A-Za-z0-9+/_-]{16,}={0,2}"));
static HEXADECIMAL: LazyLock<Regex> = LazyLock::new(|| fixed(r"(?:\\x)?[0-9a-fA-F]{2}(?:(?:\\x)?[0-9a-fA-F]{2}){7,}"));

pub(super) fn shell_payload(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for_each_text(subject, |place, text| {
        if let Some(found) = IN_THE_OPEN.find(text) {
            findings.push(finding(Rule::ShellPayload, place, found.as_str()));
        }
        let encoded = BASE64.find_iter(text).map(|found| (found.as_str(), decode_base64(found.as_str())));
        let digits = HEXADECIMAL.find_iter(text).map(|found| (found.as_str(), decode_hexadecimal(found.as_str())));
        for (source, decoded) in encoded.chain(digits) {
            let decoded = String::from_utf8_lossy(&decoded);
            if SHELL.is_match(&decoded) {
                findings.push(finding(Rule::ShellPayload, place, &format!("{decoded} (from {source})")));
            }
        }
    });
}

fn decode_base64(text: &str) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    let (mut bits, mut count) = (0_u32, 0);
    for sign in text.bytes() {
        let value = match sign {
            b'A'..=b'Z' => sign - b'A',
            b'a'..=b'z' => sign - b'a' + 26,
            b'0'..=b'9' => sign - b'0' + 52,
            b'+' | b'-' => 62,
            b'/' | b'_' => 63,
            _ => break,
        };
        bits = (bits << 6 | u32::from(value)) & 0xffff;
        count += 6;
        if count >= 8 {
            count -= 8;
            decoded.push((bits >> count & 0xff) as u8);
        }
    }
    decoded
}

fn decode_hexadecimal(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.replace("\\x", "").bytes().collect();
    let value = |digit: u8| char::from(digit).to_digit(16).unwrap_or(0) as u8;
    digits.chunks_exact(2).map(|pair| value(pair[0]) << 4 | value(pair[1])).collect()
}

static ORDERS: LazyLock<Regex> = LazyLock::new(|| {
    fixed(concat!(
        r"(?i)\b(?:ignore|disregard|forget|override)\s+(?:\w+\s+){0,3}(?:previous\b",
        r"|(?:prior|preceding|earlier|above|system|other)\s+(?:instruction|prompt|message|rule|direction|guideline)s?\b",
        r"|(?:instruction|prompt|message|rule|direction|guideline)s?\s+(?:above|before)\b)",
        r"|\b(?:do\s+not|don['’]?t|never|without)\s+(?:\w+\s+){0,2}(?:tell|inform|mention|notify|alert|show|reveal)(?:ing)?",
        r"\s+(?:\w+\s+){0,4}users?\b",
        r"|<\s*/?\s*(?:important|system|secret|instructions?|hidden)\s*>",
        r"|\b(?:send|forward|upload|reveal|include)\b[^.\n]{0,60}\b(?:system prompt|(?:conversation|chat) history)\b",
    ))
});

pub(super) fn injected_orders(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    for_each_text(subject, |place, text| {
        if let Some(found) = ORDERS.find(text) {
            findings.push(finding(Rule::InjectedOrders, place, found.as_str()));
        }
    });
}

/// A name of one plain word, such as `search`, is no reference; `server/tool` and names of several words are.
pub(super) fn other_servers_tools(subject: &Subject<'_>, findings: &mut Vec<Finding>) {
    let own = |name: &str| subject.tools.iter().any(|tool| tool.name == name);
    for_each_text(subject, |place, text| {
        for (server, tool) in subject.others {
            let is_telling = tool.contains(['_', '-', '.']) || tool.chars().skip(1).any(char::is_uppercase);
            let whole = format!("{server}/{tool}");
            if holds_word(text, &whole) || (is_telling && !own(tool) && holds_word(text, tool)) {
                findings.push(finding(Rule::OtherServersTools, place, &whole));
            }
        }
    });
}

fn holds_word(text: &str, word: &str) -> bool {
    let is_part = |sign: char| sign.is_alphanumeric() || "_-".contains(sign);
    !word.is_empty()
        && text.match_indices(word).any(|(at, _)| {
            !text[..at].chars().next_back().is_some_and(is_part)
                && !text[at + word.len()..].chars().next().is_some_and(is_part)
        })
}
