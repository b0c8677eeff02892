//! The look at the query text before the parser sees it: bytes, tokens and open brackets, in one pass, without
//! allocation. It follows the parser's own lexical grammar, because a bracket that only one of the two takes for part
//! of a string is a way past the guard.

use async_graphql::Pos;

use super::limits::{Limits, Refusal, RefusalCode};

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// What the text holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ScanReport {
    pub bytes: u64,
    pub tokens: u64,
    /// The most brackets that are open at one place, `(`, `[` and `{` together.
    pub bracket_depth: u64,
}

/// Reads the text once. Syntax errors are left to the parser, with one exception: a block string that is never
/// closed is refused here, because the parser then takes its opening quotes for an empty string and a new one, which
/// would show it brackets that the scan has skipped, and costs it a pass to the end of the text each time.
///
/// # Errors
/// When the text is too long, has too many tokens, opens too many brackets within each other, or has an
/// unterminated block string.
pub fn scan(text: &str, limits: &Limits) -> Result<ScanReport, Refusal> {
    let length = text.len() as u64;
    if length > limits.query_bytes {
        return Err(Refusal::over(
            RefusalCode::QueryTooLarge,
            format_args!("The query text is {length} bytes long"),
            None,
            limits.query_bytes,
            length,
        ));
    }
    let bytes = text.as_bytes();
    let mut report = ScanReport { bytes: length, tokens: 0, bracket_depth: 0 };
    let mut open_brackets = 0;
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let start = at;
        at = match byte {
            b' ' | b'\t' | b'\n' | b'\r' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at = end_of_comment(bytes, at);
                continue;
            }
            0xEF if bytes[at..].starts_with(BYTE_ORDER_MARK) => {
                at += BYTE_ORDER_MARK.len();
                continue;
            }
            b'(' | b'[' | b'{' => {
                open_brackets += 1;
                report.bracket_depth = report.bracket_depth.max(open_brackets);
                if open_brackets > limits.bracket_depth {
                    return Err(Refusal::over(
                        RefusalCode::BracketsTooDeep,
                        format_args!("The query opens at least {open_brackets} brackets within each other"),
                        Some(position_of(text, start)),
                        limits.bracket_depth,
                        open_brackets,
                    ));
                }
                at + 1
            }
            b')' | b']' | b'}' => {
                open_brackets = open_brackets.saturating_sub(1);
                at + 1
            }
            b'"' if bytes[at..].starts_with(b"\"\"\"") => match end_of_block_string(bytes, at) {
                Some(end) => end,
                None => return Err(unterminated(position_of(text, start))),
            },
            b'"' => end_of_string(bytes, at),
            b'.' if bytes[at..].starts_with(b"...") => at + 3,
            b'_' | b'A'..=b'Z' | b'a'..=b'z' => end_of_name(bytes, at),
            b'-' | b'0'..=b'9' => end_of_number(bytes, at),
            _ => end_of_character(bytes, at),
        };
        report.tokens += 1;
        if report.tokens > limits.tokens {
            return Err(Refusal::over(
                RefusalCode::TooManyTokens,
                format_args!("The query has at least {} tokens", report.tokens),
                Some(position_of(text, start)),
                limits.tokens,
                report.tokens,
            ));
        }
    }
    Ok(report)
}

fn unterminated(position: Pos) -> Refusal {
    Refusal {
        code: RefusalCode::UnterminatedString,
        message: format!(
            "The block string that opens at line {}, column {} is never closed.",
            position.line, position.column
        ),
        position: Some(position),
        limit: 0,
        actual: 1,
    }
}

/// Nothing that the grammar knows outside strings is longer than a byte, but a position must not split a character.
fn end_of_character(bytes: &[u8], start: usize) -> usize {
    let continues = |byte: &&u8| **byte & 0b1100_0000 == 0b1000_0000;
    start + 1 + bytes[start + 1..].iter().take_while(continues).count()
}

fn is_line_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn end_of_comment(bytes: &[u8], start: usize) -> usize {
    bytes[start..].iter().position(|byte| is_line_end(*byte)).map_or(bytes.len(), |length| start + length)
}

/// A string ends at its closing quote, or before the line does: the parser stops there with an error.
fn end_of_string(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => return at + 1,
            b'\\' if bytes.get(at + 1).is_some_and(|next| !is_line_end(*next)) => at += 2,
            _ if is_line_end(byte) => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// Within a block string only `\"""` is an escape; any other backslash is a backslash.
fn end_of_block_string(bytes: &[u8], start: usize) -> Option<usize> {
    let mut at = start + 3;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if bytes[at + 1..].starts_with(b"\"\"\"") => at += 4,
            b'"' if bytes[at..].starts_with(b"\"\"\"") => return Some(at + 3),
            _ => at += 1,
        }
    }
    None
}

fn end_of_name(bytes: &[u8], start: usize) -> usize {
    bytes[start..]
        .iter()
        .position(|byte| !(byte.is_ascii_alphanumeric() || *byte == b'_'))
        .map_or(bytes.len(), |length| start + length)
}

/// A number as the parser reads it: `00` is two numbers, and so is `1-1`.
fn end_of_number(bytes: &[u8], start: usize) -> usize {
    let digits = |from: usize| {
        bytes[from..].iter().position(|byte| !byte.is_ascii_digit()).map_or(bytes.len(), |length| from + length)
    };
    let mut at = start + usize::from(bytes[start] == b'-');
    at = if bytes.get(at) == Some(&b'0') { at + 1 } else { digits(at) };
    if bytes.get(at) == Some(&b'.') && bytes.get(at + 1).is_some_and(u8::is_ascii_digit) {
        at = digits(at + 1);
    }
    if matches!(bytes.get(at), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(at + 1), Some(b'+' | b'-')));
        let exponent = at + 1 + sign;
        if bytes.get(exponent).is_some_and(u8::is_ascii_digit) {
            at = digits(exponent);
        }
    }
    at
}

/// Line and column as the parser counts them: in characters, from one.
fn position_of(text: &str, offset: usize) -> Pos {
    let mut position = Pos { line: 1, column: 1 };
    for character in text[..offset].chars() {
        match character {
            '\n' => {
                position.line += 1;
                position.column = 1;
            }
            '\r' => position.column = 1,
            _ => position.column += 1,
        }
    }
    position
}
