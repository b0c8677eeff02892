//! Case-sensitive patterns over the names of models, servers and tools. `*` stands for any run of characters, and
//! nothing else is special. A pattern for tools is `server/tool`; without a slash it means that tool of any server.

/// A compiled pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Glob {
    Any,
    Exact(Box<str>),
    Prefix(Box<str>),
    Suffix(Box<str>),
    /// The first and last piece are anchored, the others follow in order.
    Pieces(Box<[Box<str>]>),
}

impl Glob {
    /// # Errors
    /// When the pattern is empty or uses a sign that other systems give a meaning to and this one does not.
    pub fn new(pattern: &str) -> Result<Self, String> {
        if pattern.is_empty() {
            return Err("A pattern is not empty.".to_owned());
        }
        if let Some(sign) = pattern.chars().find(|sign| "?[]{}\\!".contains(*sign) || sign.is_control()) {
            return Err(format!("`{}` has no meaning in a pattern; only `*` does.", sign.escape_default()));
        }
        let pieces: Vec<&str> = pattern.split('*').collect();
        Ok(match pieces.as_slice() {
            [exact] => Self::Exact((*exact).into()),
            _ if pieces.iter().all(|piece| piece.is_empty()) => Self::Any,
            [start, ""] => Self::Prefix((*start).into()),
            ["", end] => Self::Suffix((*end).into()),
            _ => Self::Pieces(pieces.into_iter().map(Into::into).collect()),
        })
    }

    /// Whether the pattern describes the whole name.
    #[must_use]
    pub fn matches(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(exact) => **exact == *name,
            Self::Prefix(start) => name.starts_with(&**start),
            Self::Suffix(end) => name.ends_with(&**end),
            Self::Pieces(pieces) => matches_pieces(pieces, name),
        }
    }
}

fn matches_pieces(pieces: &[Box<str>], name: &str) -> bool {
    let [start, middle @ .., end] = pieces else { return false };
    let Some(rest) = name.strip_prefix(&**start) else { return false };
    let Some(mut rest) = rest.strip_suffix(&**end) else { return false };
    // The leftmost place of each piece leaves the most for those that follow.
    for piece in middle {
        let Some(at) = rest.find(&**piece) else { return false };
        rest = &rest[at + piece.len()..];
    }
    true
}

/// A compiled pattern over `server/tool`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ToolGlob {
    server: Glob,
    tool: Glob,
}

impl ToolGlob {
    /// A server's name holds no slash, so the first one parts the two. A tool whose own name holds one is written with
    /// its server, as in `*/admin/delete`.
    ///
    /// # Errors
    /// When either part is no pattern.
    pub fn new(pattern: &str) -> Result<Self, String> {
        let (server, tool) = pattern.split_once('/').unwrap_or(("*", pattern));
        Ok(Self { server: Glob::new(server)?, tool: Glob::new(tool)? })
    }

    /// Whether the pattern describes this tool of this server.
    #[must_use]
    pub fn matches(&self, server: &str, tool: &str) -> bool {
        self.server.matches(server) && self.tool.matches(tool)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn matches(pattern: &str, name: &str) -> bool {
        Glob::new(pattern).unwrap().matches(name)
    }

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, name) in
            [("*", ""), ("**", "x"), ("a*", "a"), ("*a", "ba"), ("a*c", "abc"), ("a*b*c", "axbxbc"), ("*ab*", "xaby")]
        {
            assert!(matches(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("a", "A"), ("a*", "ba"), ("ab*ba", "aba"), ("a*b*c", "acb"), ("Get*", "get_env")] {
            assert!(!matches(pattern, name), "{pattern} {name}");
        }
    }

    #[test]
    fn a_pattern_without_a_slash_means_the_tool_of_any_server() {
        assert!(ToolGlob::new("delete_*").unwrap().matches("github", "delete_branch"));
        assert!(ToolGlob::new("github/*").unwrap().matches("github", "a/b"));
        assert!(!ToolGlob::new("github/*").unwrap().matches("GitHub", "search"));
        assert!(!ToolGlob::new("git*/search").unwrap().matches("files", "search"));
    }

    #[test]
    fn what_other_systems_give_a_meaning_to_is_refused() {
        for pattern in ["", "a?", "[ab]", "{a,b}", "!a", "a\\*", "/x", "x/"] {
            assert!(ToolGlob::new(pattern).is_err(), "{pattern}");
        }
    }
}
