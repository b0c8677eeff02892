//! What a tool is called here. Clients and models take names of `[A-Za-z0-9_-]`, up to 64; servers and tools have longer and
//! freer ones. A name stands for the same tool always, whatever else there is: it comes of the tool alone.
//! Invariant: two tools never share a name.

use sha2::{Digest, Sha256};

/// The longest name that clients take.
const MOST: usize = 64;
const BETWEEN: &str = "__";
/// Hexadecimal digits of the hash of a name that had to be changed.
const DIGITS: usize = 16;

/// The name of a tool: `server__tool`, or where that would not do, as much of it as will and a hash of the whole.
pub fn exposed(server: &str, tool: &str) -> String {
    if is_plain(server, tool) {
        return format!("{server}{BETWEEN}{tool}");
    }
    let hash = Sha256::digest(format!("{server}\0{tool}").as_bytes());
    let digits: String = hash.iter().take(DIGITS / 2).map(|byte| format!("{byte:02x}")).collect();
    let fit = |sign: char| if fits(sign) { sign } else { '_' };
    let readable: String =
        format!("{server}{BETWEEN}{tool}").chars().map(fit).take(MOST - DIGITS - BETWEEN.len()).collect();
    format!("{readable}{BETWEEN}{digits}")
}

/// The server and the tool of a name that is no changed one. Of a changed one nothing is known without the tools.
pub fn plain(name: &str) -> Option<(&str, &str)> {
    name.split_once(BETWEEN).filter(|(server, tool)| is_plain(server, tool))
}

fn fits(sign: char) -> bool {
    sign.is_ascii_alphanumeric() || matches!(sign, '_' | '-')
}

/// Whether the name tells where the server ends, and cannot be taken for a changed one.
fn is_plain(server: &str, tool: &str) -> bool {
    let is_short = server.len() + BETWEEN.len() + tool.len() <= MOST;
    let is_whole = !server.is_empty() && !tool.is_empty() && server.chars().chain(tool.chars()).all(fits);
    is_short && is_whole && !server.contains(BETWEEN) && !server.ends_with('_') && !looks_changed(server, tool)
}

fn looks_changed(server: &str, tool: &str) -> bool {
    let whole = format!("{server}{BETWEEN}{tool}");
    // Of a long server nothing may be left that stands between.
    let Some((_, digits)) = whole.rsplit_once(BETWEEN) else { return false };
    digits.len() == DIGITS && digits.chars().all(|sign| sign.is_ascii_digit() || matches!(sign, 'a'..='f'))
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn a_plain_name_tells_server_and_tool() {
        assert_eq!(exposed("trellis", "document_read"), "trellis__document_read");
        assert_eq!(plain("trellis__document_read"), Some(("trellis", "document_read")));
        assert_eq!(plain("git___push"), Some(("git", "_push")));
        assert_eq!(plain("nothing"), None);
    }

    #[test]
    fn names_fit_clients_and_never_meet() {
        let long = "long".repeat(40);
        let servers = ["a", "a_", "a__b", "_", "io.github.x", "io_github_x", "a-b", &long, "é"];
        let mut tools = vec!["b", "_b", "b__c", "c", "get weather", "get/weather", "get_weather", &long, "ü", "__"];
        let changed: Vec<String> = servers.iter().map(|server| exposed(server, "get weather")).collect();
        let rests: Vec<&str> =
            changed.iter().filter_map(|name| name.split_once(BETWEEN)).map(|(_, rest)| rest).collect();
        tools.extend(rests);
        let mut seen: HashMap<String, (&str, &str)> = HashMap::new();
        for server in servers {
            for &tool in &tools {
                let name = exposed(server, tool);
                assert!(name.len() <= MOST && name.chars().all(fits), "{name}");
                if let Some(found) = plain(&name) {
                    assert_eq!(found, (server, tool), "{name}");
                }
                let other = seen.insert(name.clone(), (server, tool));
                assert!(other.is_none_or(|other| other == (server, tool)), "{name}: {other:?}, {server}/{tool}");
            }
        }
    }
}
