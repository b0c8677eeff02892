//! The first heading of a Markdown text, as plain words: what a file is called when it does not say so otherwise.
//! A scan of lines, not a Markdown parser: a title that comes out a little rough can be changed.

/// Bytes of a heading that are looked at.
const LONGEST: usize = 2_000;
/// Characters of a title.
const TITLE: usize = 500;

/// The first heading that has words in it: `# …`, underlined, or `<h1>`.
pub fn first(text: &str) -> Option<String> {
    let mut fence: Option<&str> = None;
    let mut comment = false;
    let mut paragraph = String::new();
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        let trimmed = line.trim();
        if comment {
            comment = !trimmed.contains("-->");
            continue;
        }
        if let Some(open) = fence {
            if trimmed.starts_with(open) && trimmed.trim_start_matches(&open[..1]).is_empty() {
                fence = None;
            }
            continue;
        }
        if let Some(open) = fence_of(trimmed) {
            fence = Some(open);
            paragraph.clear();
        } else if trimmed.starts_with("<!--") {
            comment = !trimmed.contains("-->");
            paragraph.clear();
        } else if let Some(words) = hashed(line).or_else(|| tagged(trimmed, &mut lines)) {
            if let Some(title) = words {
                return Some(title);
            }
            paragraph.clear();
        } else if !paragraph.is_empty() && is_underline(trimmed) {
            if let Some(title) = plain(&paragraph) {
                return Some(title);
            }
            paragraph.clear();
        } else if trimmed.is_empty() || line.starts_with("    ") || trimmed.starts_with(['>', '|', '-', '*', '+']) {
            paragraph.clear();
        } else if paragraph.len() < LONGEST {
            paragraph.push_str(trimmed);
            paragraph.push(' ');
        }
    }
    None
}

/// The run of backticks or tildes that opens a code block.
fn fence_of(trimmed: &str) -> Option<&str> {
    let mark = trimmed.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = trimmed.len() - trimmed.trim_start_matches(mark).len();
    (length >= 3).then(|| &trimmed[..length])
}

fn is_underline(trimmed: &str) -> bool {
    trimmed.len() >= 2 && (trimmed.bytes().all(|byte| byte == b'=') || trimmed.bytes().all(|byte| byte == b'-'))
}

/// A heading of one to six `#`: its words, if it has any.
fn hashed(line: &str) -> Option<Option<String>> {
    let rest = line.trim_start_matches(' ');
    if line.len() - rest.len() > 3 {
        return None;
    }
    let words = rest.trim_start_matches('#');
    let level = rest.len() - words.len();
    if !(1..=6).contains(&level) || !(words.is_empty() || words.starts_with([' ', '\t'])) {
        return None;
    }
    Some(plain(words.trim_end().trim_end_matches('#')))
}

/// A heading as an HTML element, which may go over several lines.
fn tagged(trimmed: &str, lines: &mut std::str::Lines<'_>) -> Option<Option<String>> {
    let start = trimmed.get(..3)?.to_ascii_lowercase();
    if (start != "<h1" && start != "<h2") || !trimmed[3..].starts_with(['>', ' ']) {
        return None;
    }
    let end = format!("</{}", &start[1..]);
    let mut element = trimmed.to_owned();
    while !element.to_ascii_lowercase().contains(&end) && element.len() < LONGEST {
        let Some(line) = lines.next() else { break };
        element.push(' ');
        element.push_str(line.trim());
    }
    let length = element.to_ascii_lowercase().find(&end).unwrap_or(element.len());
    Some(plain(&element[..length]))
}

/// The words of a line, without the marks, images and addresses around them.
fn plain(line: &str) -> Option<String> {
    let mut end = line.len().min(LONGEST);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let mut words = String::new();
    write_plain(&line[..end], &mut words);
    for (entity, character) in
        [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&nbsp;", " "), ("&emsp;", " "), ("&amp;", "&")]
    {
        words = words.replace(entity, character);
    }
    let words: Vec<&str> =
        words.split_whitespace().map(|word| word.trim_matches('_')).filter(|word| !word.is_empty()).collect();
    let title: String = words.join(" ").chars().filter(|character| !character.is_control()).take(TITLE).collect();
    let title = title.trim();
    title.contains(char::is_alphanumeric).then(|| title.to_owned())
}

fn write_plain(mut rest: &str, words: &mut String) {
    while let Some(character) = rest.chars().next() {
        let after = &rest[character.len_utf8()..];
        rest = match character {
            '\\' if after.starts_with(|next: char| next.is_ascii_punctuation()) => {
                words.push_str(&after[..1]);
                &after[1..]
            }
            '`' | '*' => after,
            '!' if after.starts_with('[') => match link(&after[1..]) {
                Some((_, after)) => after,
                None => after,
            },
            '[' => match link(after) {
                Some((text, after)) => {
                    write_plain(text, words);
                    after
                }
                None => after,
            },
            '<' => match after.find('>') {
                Some(end) if after.starts_with(|next: char| next.is_ascii_alphabetic() || next == '/') => {
                    words.push(' ');
                    &after[end + 1..]
                }
                _ => {
                    words.push('<');
                    after
                }
            },
            other => {
                words.push(other);
                after
            }
        };
    }
}

/// The text of a link whose bracket has just been opened, and what follows its address.
fn link(rest: &str) -> Option<(&str, &str)> {
    let close = closing(rest, '[', ']')?;
    let (text, after) = (&rest[..close], &rest[close + 1..]);
    let address = match after.chars().next() {
        Some('(') => closing(&after[1..], '(', ')').map(|end| end + 2),
        Some('[') => closing(&after[1..], '[', ']').map(|end| end + 2),
        _ => None,
    };
    Some((text, &after[address.unwrap_or(0)..]))
}

/// Where the bracket that is open at the beginning is closed.
fn closing(text: &str, open: char, close: char) -> Option<usize> {
    let mut depth = 1;
    for (index, character) in text.char_indices() {
        if character == open {
            depth += 1;
        } else if character == close {
            depth -= 1;
            if depth == 0 {
                return Some(index);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::first;

    #[test]
    fn the_first_heading_with_words_is_found() {
        for (text, title) in [
            ("# Rivers", "Rivers"),
            ("intro\n\n## The *cold* `pump`, [part 2](x.md) ##\n# Later", "The cold pump, part 2"),
            ("# [![Build](b.svg)](ci)\n\n# anyhow &amp; more", "anyhow & more"),
            ("# [serde] &emsp; [![Build]][status] [![Crate]][crate]", "serde"),
            ("<!-- # hidden\n# hidden -->\nReal title\n==========", "Real title"),
            ("```sh\n# a comment\n```\n\n# After code", "After code"),
            ("<h1 align=\"center\">\n  <img src=\"x\">\n  <a href=\"y\">Larkspur</a>\n</h1>", "Larkspur"),
            ("# snake\\_case __bold__", "snake_case bold"),
            ("[a](b(c)) text\n---", "a text"),
        ] {
            assert_eq!(first(text).as_deref(), Some(title), "{text}");
        }
    }

    #[test]
    fn without_a_heading_there_is_none() {
        for text in
            ["", "text\n\n---\n", "#hashtag", "- item\n---\n", "    # code", "~~~\n# never closed", "# ![](x)", "#"]
        {
            assert_eq!(first(text), None, "{text}");
        }
    }

    #[test]
    fn hostile_headings_take_no_time() {
        for text in
            ["[".repeat(100_000), format!("# {}", "[".repeat(100_000)), "![".repeat(50_000), "<h1 ".repeat(50_000)]
        {
            first(&text);
        }
    }
}
